/** A line's result from a provider's batch: read as if the provider had answered it alone, booked, and put into its caller's words. */
import { fault, specOf, type Fault } from '../../chat/fault.ts';
import type { Outcome, Spent } from '../../chat/outcome.ts';
import type { Loss } from '../../chat/request.ts';
import { billOf, type Bill } from '../../pipeline/account.ts';
import type { Planning } from '../../pipeline/planning.ts';
import type { Receiving } from '../../pipeline/receiver.ts';
import { remember } from '../../pipeline/remember.ts';
import { faultWithoutSecrets } from '../../pipeline/secrets.ts';
import type { World } from '../../pipeline/world.ts';
import type { Hold } from '../../store/ports.ts';
import type { LineAnswer } from '../ask.ts';
import type { LineOutcome } from './protocol.ts';
import type { Prepared } from './prepare.ts';

export interface TakingIn {
  readonly world: World;
  readonly hold: Hold;
  readonly batchId: string;
  readonly line: number;
  readonly requestId: string;
}

/** A line that was sent. */
interface Sent extends Prepared {
  /** Why it went there; absent where the configuration of now does not say so any more. */
  readonly planning: Planning | undefined;
}

type Answered = Extract<LineOutcome['result'], { kind: 'answered' }>;

/** Books it under an id made of batch and line: taken in twice, it is booked once. */
export function takenIn(answered: Answered, line: Sent, at: TakingIn): LineAnswer {
  const { world, requestId } = at;
  const got = answered.status < 400 ? received(answered.body, line, world) : refused(answered, line, world);
  const outcome = outcomeOf(got, answered.status);
  const bill = billOf(outcome, line.call.facts, line.target);
  if (bill !== undefined) book(outcome, bill, { ...at, sent: line });
  if ('body' in got) {
    record({ outcome, bill, told: undefined, losses: got.losses }, line, at);
    return { requestId, fault: undefined, status: 200, body: got.body };
  }
  const of = got.fault;
  record({ outcome, bill, told: of, losses: [] }, line, at);
  return { requestId, fault: of, status: specOf(of).status, body: JSON.stringify(line.call.encodeFault(of)) };
}

interface Got {
  readonly body: string;
  readonly finish: string | undefined;
  readonly losses: readonly Loss[];
  readonly spent: Spent;
}

/** `spent` where the provider says that it answered, and its answer cannot be read: it bills it. */
interface Lost {
  readonly fault: Fault;
  readonly spent?: Spent;
}

function received(body: string, { call, target }: Prepared, world: World): Got | Lost {
  let whole: Omit<Got, 'spent'> | undefined;
  let failed: Fault | undefined;
  const to: Receiving = {
    send: () => undefined,
    finish: (last, finish, losses) => {
      whole ??= { body: last.toString(), finish, losses };
    },
    whole: (text, finish, losses) => {
      whole ??= { body: text.toString(), finish, losses };
    },
    fail: (of) => {
      failed ??= of;
    },
    // What would have to be reshaped is not sent in a batch (`packed`).
    invalid: () => undefined,
    enough: () => undefined,
  };
  const receiver = call.receiver(call.over(target), {
    headers: { 'content-type': 'application/json' },
    nowS: Math.floor(world.clock.unixMs() / 1000),
    now: () => world.clock.monotonicMs(),
    startedMs: world.clock.monotonicMs(),
    to,
  });
  receiver.data(Buffer.from(body));
  receiver.end();
  const spent = receiver.spent();
  if (whole !== undefined) return { ...whole, spent };
  const reason = 'it is not complete';
  return { fault: failed ?? fault('upstream-invalid', { provider: target.providerId, reason }), spent };
}

function refused({ status, body }: Answered, { call, target }: Prepared, world: World): Lost {
  const over = call.over(target);
  const of = call.decodeError(over, {
    status,
    headers: {},
    body,
    provider: target.providerId,
    model: target.upstreamModel,
    nowMs: world.clock.unixMs(),
  });
  return { fault: faultWithoutSecrets(of, target) };
}

function outcomeOf(got: Got | Lost, status: number): Outcome {
  if ('fault' in got) {
    const { fault: of, spent: lost } = got;
    return lost === undefined
      ? { kind: 'refused', status, fault: of }
      : { kind: 'broke', when: 'before-content', fault: of, detail: 'not_read', spent: lost };
  }
  const { finish, spent } = got;
  return { kind: 'answered', status, spent, ...(finish === undefined ? {} : { finish }) };
}

function book(outcome: Outcome, bill: Bill, at: TakingIn & { readonly sent: Sent }): void {
  const { world, hold, requestId } = at;
  const { target, call, planning } = at.sent;
  const { ledger } = world.store;
  const attemptId = attemptIdOf(at);
  const atMs = world.clock.unixMs();
  const where = { attemptId, provider: target.providerId, model: target.model, target: target.id, atMs };
  const { costNanoUsd } = bill;
  // It has been sent and held long ago: what it costs is booked whether it is covered or not.
  const { inputTokensEstimate } = call.facts;
  const unopened = ledger.open(hold, { ...where, requestId, inputTokensEstimate });
  if (unopened !== undefined) throw new Error(unopened.message);
  ledger.settle(hold, {
    ...where,
    requestId,
    keyId: hold.keyId,
    outcome: outcome.kind,
    isEstimated: bill.isEstimated,
    usage: bill.usage,
    ...(planning === undefined ? {} : { labels: planning.payer.labels }),
    ...(costNanoUsd === undefined ? {} : { costNanoUsd }),
    ...(outcome.kind === 'answered' && outcome.finish !== undefined ? { finish: outcome.finish } : {}),
  });
  const provider = target.providerId;
  world.meters.tokens.add({ provider, class: 'input' }, bill.usage.inputTokens ?? 0);
  world.meters.tokens.add({ provider, class: 'output' }, bill.usage.outputTokens ?? 0);
  if (costNanoUsd !== undefined) world.meters.costNanoUsd.add({ provider }, Number(costNanoUsd));
}

function attemptIdOf({ batchId, line }: Pick<TakingIn, 'batchId' | 'line'>): string {
  return `att_${batchId}_${line}`;
}

interface Ended {
  readonly outcome: Outcome;
  readonly bill: Bill | undefined;
  readonly told: Fault | undefined;
  readonly losses: readonly Loss[];
}

function record({ outcome, bill, told, losses }: Ended, { call, target, planning }: Sent, at: TakingIn): void {
  const { world, hold, batchId, requestId } = at;
  const { operation, protocol, facts, extension } = call;
  const startedMs = world.clock.monotonicMs();
  const startedUnixMs = world.clock.unixMs();
  const attempt = { target, attemptId: attemptIdOf(at), outcome, bill, startedUnixMs, durationMs: 0, losses };
  const tags = [...extension.tags, batchId];
  const known = { requestId, operation, protocol, keyId: hold.keyId, startedMs, fault: told, tags };
  world.meters.attempts.add({ provider: target.providerId, outcome: outcome.kind });
  const planned = planning === undefined ? { facts } : { facts: planning.facts, planning };
  remember({ ...known, ...planned, attempts: [attempt] }, world);
}
