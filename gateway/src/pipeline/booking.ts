/** The books of an attempt: a line in the journal before its first byte goes out, and one before the caller's last. */
import type { Fault } from '../chat/fault.ts';
import type { Outcome } from '../chat/outcome.ts';
import type { Loss } from '../chat/request.ts';
import { formatUsd } from '../money/usd.ts';
import type { Facts } from '../understand/facts.ts';
import type { Target } from '../routing/target.ts';
import { billOf, type Bill } from './account.ts';
import { leastAt, worstAt } from './admit.ts';
import type { Outgoing } from './call.ts';
import { streamHeaders } from './reply-headers.ts';
import type { Headers } from './reply.ts';
import type { Run } from './run.ts';

/** Leaves a trace in the journal before the first byte goes out. A hold that earlier attempts have eaten into is filled up first. */
export async function opened(run: Run, { target, attemptId, addedLength }: Opening): Promise<Fault | undefined> {
  const { admission, world } = run;
  const facts = withMore(run.facts, addedLength);
  const { ledger } = world.store;
  const worst = worstAt(target, withMore(admission.facts, addedLength));
  const estimate = leastAt(target, facts);
  const opening = {
    attemptId,
    provider: target.providerId,
    model: target.model,
    target: target.id,
    atMs: world.clock.unixMs(),
    inputTokensEstimate: facts.inputTokensEstimate,
    ...(estimate === undefined ? {} : { estimateNanoUsd: estimate }),
    ...(worst === undefined ? {} : { worstNanoUsd: worst }),
  };
  const refused = ledger.open(admission.hold, opening);
  if (refused?.code !== 'budget-exceeded') return refused;
  return (await ledger.extend(admission.hold, opening)) ?? ledger.open(admission.hold, opening);
}

interface Opening {
  readonly target: Target;
  readonly attemptId: string;
  /** Characters that are sent beside the request itself: an answer to mend, or to go on with. */
  readonly addedLength: number;
}

/** The same with so many characters more of input. */
function withMore(facts: Facts, length: number): Facts {
  if (length === 0) return facts;
  return {
    ...facts,
    inputTokensEstimate: facts.inputTokensEstimate + Math.ceil(length / 4),
    inputTokensMax: facts.inputTokensMax + length * 3,
  };
}

/** An attempt that has begun. */
export interface Book {
  readonly target: Target;
  readonly attemptId: string;
  readonly startedMs: number;
  readonly startedUnixMs: number;
  readonly outgoing: Outgoing;
  /** As of its opening. */
  readonly addedLength: number;
}

interface Ended {
  readonly outcome: Outcome;
  /** Of the reply's translation. */
  readonly losses: readonly Loss[];
}

/** account: one line in the journal for what the attempt cost, and its row in the record. Gives the headers of a good end. */
export function settle(run: Run, book: Book, { outcome, losses }: Ended): Headers {
  const { world } = run;
  const { target, attemptId, addedLength } = book;
  const facts = withMore(run.facts, addedLength);
  const { choices = 1 } = book.outgoing;
  const bill = billOf(outcome, { ...facts, inputTokensEstimate: facts.inputTokensEstimate * choices }, target);
  bookBill(run, book, { outcome, bill });
  const allLosses = [...book.outgoing.losses, ...losses];
  run.attempts.push({
    target,
    attemptId,
    outcome,
    bill,
    startedUnixMs: book.startedUnixMs,
    durationMs: world.clock.monotonicMs() - book.startedMs,
    losses: allLosses,
  });
  const { conversation } = run.planning;
  if (conversation !== undefined && outcome.kind === 'answered' && bill !== undefined) {
    const answered = { targetId: target.id, price: target.price, usage: bill.usage };
    world.conversations.answered(conversation, answered, world.clock.monotonicMs());
  }
  const labels = { provider: target.providerId, outcome: outcome.kind };
  world.meters.attempts.add(labels);
  const ttftMs = outcome.kind === 'refused' ? undefined : outcome.spent.ttftMs;
  if (ttftMs !== undefined) world.meters.ttftS.observe({ provider: target.providerId }, ttftMs / 1000);
  return {
    ...streamHeaders(run, target, { losses: allLosses }),
    'x-turnout-overhead-ms': overheadMs(run, book),
    ...(bill?.costNanoUsd === undefined ? {} : { 'x-turnout-cost-usd': formatUsd(bill.costNanoUsd) }),
  };
}

/** The time until the attempt began in which no other was under way: those may run beside each other, and beside this one. */
function overheadMs({ call, attempts }: Run, { startedMs, startedUnixMs }: Book): string {
  let coveredMs = call.startedMs;
  let ownMs = 0;
  for (const past of attempts.slice(0, -1).toSorted((a, b) => a.startedUnixMs - b.startedUnixMs)) {
    const pastMs = startedMs + past.startedUnixMs - startedUnixMs;
    ownMs += Math.max(0, Math.min(pastMs, startedMs) - coveredMs);
    coveredMs = Math.max(coveredMs, pastMs + past.durationMs);
  }
  return (ownMs + Math.max(0, startedMs - coveredMs)).toFixed(2);
}

function bookBill(
  run: Run,
  book: Book,
  { outcome, bill }: { readonly outcome: Outcome; readonly bill: Bill | undefined },
): void {
  const { world, admission, key, call } = run;
  const { target, attemptId } = book;
  const { ledger } = world.store;
  if (bill === undefined) {
    ledger.discard(admission.hold, attemptId);
    return;
  }
  ledger.settle(admission.hold, {
    attemptId,
    requestId: call.requestId,
    keyId: key.id,
    provider: target.providerId,
    model: target.model,
    target: target.id,
    outcome: outcome.kind,
    isEstimated: bill.isEstimated,
    usage: bill.usage,
    ...(bill.costNanoUsd === undefined ? {} : { costNanoUsd: bill.costNanoUsd }),
    atMs: world.clock.unixMs(),
    ...(outcome.kind === 'answered' && outcome.finish !== undefined ? { finish: outcome.finish } : {}),
  });
  const provider = target.providerId;
  world.meters.tokens.add({ provider, class: 'input' }, bill.usage.inputTokens ?? 0);
  world.meters.tokens.add({ provider, class: 'output' }, bill.usage.outputTokens ?? 0);
  if (bill.costNanoUsd !== undefined) world.meters.costNanoUsd.add({ provider }, Number(bill.costNanoUsd));
}
