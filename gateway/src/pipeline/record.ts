/** The request record (`GET /v1/decisions/{id}`): enough to understand the request from the record alone (rule R11). No prompt, no reply. */
import type { Fault, RequestOutcome } from '../chat/fault.ts';
import type { Outcome } from '../chat/outcome.ts';
import type { Loss } from '../chat/request.ts';
import type { Usage } from '../chat/usage.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { NanoUsd } from '../money/price.ts';
import type { Facts } from '../understand/facts.ts';
import type { Plan } from '../routing/plan.ts';
import type { Target } from '../routing/target.ts';
import type { Bill } from './account.ts';

export interface AttemptRecord {
  readonly target: Target;
  readonly attemptId: string;
  readonly outcome: Outcome;
  readonly bill: Bill | undefined;
  readonly startedUnixMs: number;
  readonly durationMs: number;
  readonly losses: readonly Loss[];
}

export interface RecordInput {
  readonly id: string;
  readonly snapshotId: string;
  readonly operation: string;
  readonly protocol: string;
  /** Absent where the request was refused before so much of it was understood. */
  readonly route?: string | undefined;
  readonly facts?: Facts | undefined;
  readonly plan?: Plan | undefined;
  readonly attempts: readonly AttemptRecord[];
  readonly outcome: RequestOutcome;
  readonly status: number;
  readonly fault: Fault | undefined;
  readonly atUnixMs: number;
  readonly durationMs: number;
  readonly tags: readonly string[];
}

/**
 * The record as it is stored and answered. Costs are whole nano-dollars: exact up to 2^53, nine million dollars a request.
 * What is `undefined` in it is left out by `JSON.stringify`, which is all that is ever done with it.
 */
export function requestRecord(input: RecordInput): JsonRecord {
  const { facts, plan } = input;
  return {
    id: input.id,
    snapshot: input.snapshotId,
    at: new Date(input.atUnixMs).toISOString(),
    operation: input.operation,
    protocol: input.protocol,
    model: facts?.model,
    route: input.route,
    tags: input.tags.length === 0 ? undefined : input.tags,
    facts: facts === undefined ? undefined : factsRecord(facts),
    candidates: plan === undefined ? [] : candidateRecords(plan),
    plan: plan?.targets.map((target) => target.id) ?? [],
    attempts: input.attempts.map(attemptRecord),
    outcome: input.outcome,
    status: input.status,
    fault: input.fault?.code,
    message: input.fault?.message,
    usage: totalUsage(input.attempts),
    cost_nano_usd: totalCost(input.attempts),
    duration_ms: round(input.durationMs),
  };
}

export function factsRecord(facts: Facts): JsonRecord {
  return {
    stream: facts.isStreaming,
    needs: facts.needs,
    input_tokens_estimate: facts.inputTokensEstimate,
    input_tokens_max: facts.inputTokensMax,
    output_tokens_limit: facts.outputTokensLimit,
    choices: facts.choices,
    units_max: facts.unitsMax === undefined ? undefined : { ...facts.unitsMax },
  };
}

export function candidateRecords(plan: Plan): readonly JsonRecord[] {
  return [
    ...plan.targets.map((target) => ({ target: target.id, eligible: true })),
    ...plan.rejected.map((rejection) => ({ target: rejection.target, eligible: false, reason: rejection.reason })),
  ];
}

function attemptRecord(record: AttemptRecord): JsonRecord {
  const { outcome, bill, losses } = record;
  return {
    id: record.attemptId,
    target: record.target.id,
    outcome: outcome.kind,
    ...endRecord(outcome),
    started_at: new Date(record.startedUnixMs).toISOString(),
    duration_ms: round(record.durationMs),
    ...(bill === undefined ? {} : billRecord(bill)),
    adapted:
      losses.length === 0 ? undefined : losses.map((loss) => ({ field: loss.field, code: loss.code, why: loss.why })),
  };
}

/** What only some ends have: status, finish, fault, time to first token. */
function endRecord(outcome: Outcome): JsonRecord {
  switch (outcome.kind) {
    case 'answered':
      return { status: outcome.status, finish: outcome.finish, ttft_ms: rounded(outcome.spent.ttftMs) };
    case 'refused':
      return { status: outcome.status, fault: outcome.fault.code, message: outcome.fault.message };
    case 'broke':
      return {
        when: outcome.when,
        reason: outcome.detail,
        fault: outcome.fault.code,
        message: outcome.fault.message,
        ttft_ms: rounded(outcome.spent.ttftMs),
      };
    case 'left':
      return { ttft_ms: rounded(outcome.spent.ttftMs) };
  }
}

function billRecord(bill: Bill): JsonRecord {
  return { usage: usageRecord(bill.usage), estimated: bill.isEstimated, cost_nano_usd: wholeNumber(bill.costNanoUsd) };
}

function usageRecord(usage: Usage): JsonRecord {
  return {
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
    ...usage.units,
  };
}

/** What all attempts used together. Most requests have one, whose usage it is. */
function totalUsage(attempts: readonly AttemptRecord[]): JsonRecord | undefined {
  let total: JsonRecord | undefined;
  for (const { bill } of attempts) {
    if (bill === undefined) continue;
    const usage = usageRecord(bill.usage);
    total = total === undefined ? usage : added(total, usage);
  }
  return total;
}

function added(one: JsonRecord, other: JsonRecord): JsonRecord {
  const sum: Record<string, number> = {};
  for (const usage of [one, other])
    for (const [name, count] of Object.entries(usage))
      if (typeof count === 'number') sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function totalCost(attempts: readonly AttemptRecord[]): number | undefined {
  const costs = attempts.flatMap((attempt) =>
    attempt.bill?.costNanoUsd === undefined ? [] : [attempt.bill.costNanoUsd],
  );
  return costs.length === 0 ? undefined : wholeNumber(costs.reduce((sum, cost) => sum + cost, 0n));
}

function wholeNumber(nanoUsd: NanoUsd | undefined): number | undefined {
  return nanoUsd === undefined ? undefined : Number(nanoUsd);
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : round(ms);
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
