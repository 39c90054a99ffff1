/** The request record (`GET /v1/decisions/{id}`): enough to understand the request from the record alone (rule R11). No prompt, no reply. */
import type { Fault, RequestOutcome } from '../chat/fault.ts';
import type { Outcome } from '../chat/outcome.ts';
import type { Loss } from '../chat/request.ts';
import type { Usage } from '../chat/usage.ts';
import { isArray, type JsonRecord } from '../lib/json.ts';
import type { Withheld } from '../health/hedges.ts';
import type { NanoUsd } from '../money/price.ts';
import type { NoSecond } from '../routing/hedge.ts';
import type { Facts } from '../understand/facts.ts';
import { isUndecided, ONLY_TARGET, whyOf } from '../routing/explain.ts';
import type { Target } from '../routing/target.ts';
import type { Bill } from './account.ts';
import type { Classified } from './classified.ts';
import type { SeamMark } from './unfinished.ts';
import { factsRecord } from './facts-record.ts';
import { inputsRecord } from './inputs.ts';
import { planRecord, type PlanRecord } from './plan-record.ts';
import type { Planning } from './planning.ts';
import { residencyRecord } from './residency-record.ts';

/** What is left out of the record of a request for which nothing was to be decided: most requests name a model. */
const USUAL: JsonRecord = { strategy: 'ordered', propensity: 1, why: ONLY_TARGET };

/** A stored record as it is answered. */
export function withUsual(record: JsonRecord): JsonRecord {
  const isPlanned = isArray(record['plan']) && record['plan'].length > 0;
  return isPlanned && record['strategy'] === undefined ? { ...record, ...USUAL } : record;
}

export interface AttemptRecord {
  readonly target: Target;
  readonly attemptId: string;
  readonly outcome: Outcome;
  readonly bill: Bill | undefined;
  readonly startedUnixMs: number;
  readonly durationMs: number;
  readonly losses: readonly Loss[];
}

/** What became of the plan's hedge, for the record. */
export interface HedgeNote {
  readonly afterMs: number;
  /** Absent where it was withheld before one was chosen. */
  readonly target?: string;
  /** Of the second try: `failed` where it gave no answer and the first one was not called off for it either. */
  readonly result: 'won' | 'lost' | 'failed' | 'withheld';
  /** Why it was withheld: by the route's means, by the plan, by the key's budget, or because it could not be asked. */
  readonly why?: Withheld | NoSecond | 'repeats' | 'budget' | 'request';
}

export interface RecordInput {
  readonly id: string;
  readonly snapshotId: string;
  readonly operation: string;
  readonly protocol: string;
  /** Absent where the request was refused before so much of it was understood. */
  readonly facts?: Facts | undefined;
  readonly planning?: Planning | undefined;
  /** Where there is no plan that knows it. */
  readonly classified?: Classified | undefined;
  readonly attempts: readonly AttemptRecord[];
  readonly hedge?: HedgeNote | undefined;
  readonly seams?: readonly SeamMark[] | undefined;
  readonly outcome: RequestOutcome;
  readonly status: number;
  readonly fault: Fault | undefined;
  readonly atUnixMs: number;
  readonly durationMs: number;
  readonly tags: readonly string[];
  readonly endUser?: string | undefined;
  /** The conversation's text was kept for whoever goes on from it. */
  readonly isTurnKept: boolean;
}

/**
 * The record as it is stored and answered. Costs are whole nano-dollars: exact up to 2^53, nine million dollars a request.
 * What is `undefined` in it is left out by `JSON.stringify`, which is all that is ever done with it.
 */
export function requestRecord(input: RecordInput): JsonRecord {
  const { facts, planning } = input;
  const planned = planning === undefined ? UNPLANNED : plannedRecord(planning);
  const paid = paidFor(input);
  const record = {
    id: input.id,
    snapshot: input.snapshotId,
    at: new Date(input.atUnixMs).toISOString(),
    operation: input.operation,
    protocol: input.protocol,
    model: facts?.model,
    route: planning?.route,
    tags: input.tags.length === 0 ? undefined : input.tags,
    end_user: input.endUser,
    facts: facts === undefined ? undefined : factsRecord(facts),
    candidates: planned.candidates,
    plan: planned.plan,
    attempts: input.attempts.map(attemptRecord),
    outcome: input.outcome,
    status: input.status,
    fault: input.fault?.code,
    message: input.fault?.message,
    usage: totalUsage(paid),
    cost_nano_usd: totalCost(paid),
    duration_ms: round(input.durationMs),
  };
  const residency = planning === undefined ? undefined : residencyOf(input, planning);
  // Most have none of the rest, and each empty field costs its share of the text.
  if (isPlainRecord(planned, input) && residency === undefined) return record;
  return { ...record, ...planned, ...attemptsRecord(input), residency };
}

/** Nothing was decided, and one attempt was made after the other. */
function isPlainRecord({ why }: Planned, input: RecordInput): boolean {
  const { hedge, seams = [] } = input;
  return why === undefined && hedge === undefined && seams.length === 0 && classifiedOf(input) === undefined;
}

/** What stands beside the attempts. */
function attemptsRecord(input: RecordInput): JsonRecord {
  const { hedge, seams } = input;
  return {
    classifier: classifierRecord(classifiedOf(input)),
    hedged: hedgeRecord(hedge),
    continued: seamRecords(seams),
  };
}

function classifiedOf({ planning, classified }: RecordInput): Classified | undefined {
  return planning?.classified ?? classified;
}

function classifierRecord(of: Classified | undefined): JsonRecord | undefined {
  if (of === undefined) return undefined;
  const { target, open, verdict, result, why, attempts } = of;
  const [attempt] = attempts;
  const cost = attempt?.bill === undefined ? {} : billRecord(attempt.bill);
  return { target, asked: open, told: { ...verdict }, result, why, duration_ms: rounded(attempt?.durationMs), ...cost };
}

function hedgeRecord(note: HedgeNote | undefined): JsonRecord | undefined {
  if (note === undefined) return undefined;
  const { afterMs, target, result, why } = note;
  return { after_ms: round(afterMs), target, result, why };
}

function seamRecords(seams: readonly SeamMark[] = []): readonly JsonRecord[] | undefined {
  return seams.length === 0 ? undefined : seams.map((seam) => ({ ...seam }));
}

/** What was spent on the request: on its answer, and on what a small model was asked of it. */
function paidFor(input: RecordInput): readonly Pick<AttemptRecord, 'bill'>[] {
  const asked = classifiedOf(input)?.attempts ?? [];
  return asked.length === 0 ? input.attempts : [...asked, ...input.attempts];
}

interface Planned extends Partial<PlanRecord> {
  readonly why?: string;
  readonly inputs?: JsonRecord;
}

const UNPLANNED: Planned = { candidates: [], plan: [] };

/** Where a model was named that stands at one target, there was nothing to decide, and nothing more is written of it (`withUsual`). */
export function plannedRecord({ plan, input, names }: Pick<Planning, 'plan' | 'input' | 'names'>): Planned {
  const [first] = plan.targets;
  if (first !== undefined && isUndecided(plan, input))
    return { candidates: [{ target: first.id, eligible: true }], plan: [first.id] };
  return { ...planRecord(plan), why: whyOf(plan, input), inputs: inputsRecord(input, names) };
}

function residencyOf({ attempts, isTurnKept }: RecordInput, { input }: Planning): JsonRecord | undefined {
  const answered = attempts.findLast((attempt) => attempt.outcome.kind === 'answered');
  return residencyRecord({ input, target: answered?.target, isTurnKept });
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
      return { reason: outcome.why, ttft_ms: rounded(outcome.spent.ttftMs) };
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
function totalUsage(attempts: readonly Pick<AttemptRecord, 'bill'>[]): JsonRecord | undefined {
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

function totalCost(attempts: readonly Pick<AttemptRecord, 'bill'>[]): number | undefined {
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
