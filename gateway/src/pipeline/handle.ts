/** The request's way, top to bottom: accept, understand, plan, admit, attempt … attempt, relay, account. */
import { fault, specOf, type Fault } from '../chat/fault.ts';
import type { Invalid, Outcome } from '../chat/outcome.ts';
import type { Loss } from '../chat/request.ts';
import { OUTSIDE } from '../lib/crowd.ts';
import { formatUsd } from '../money/usd.ts';
import { repairLength, type Wishes } from '../output/way.ts';
import type { Facts } from '../routing/facts.ts';
import { next, type Failure } from '../routing/plan.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import type { Target } from '../routing/target.ts';
import type { KeyRow } from '../store/ports.ts';
import { billOf, type Bill } from './account.ts';
import { admit, worstAt, type Admission } from './admit.ts';
import { attempt } from './attempt.ts';
import { authorized } from './authorize.ts';
import type { Arrival, Call, Outgoing, Voice } from './call.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import { dayOf, planCall, retired, type Planning } from './planning.ts';
import type { AttemptRecord } from './record.ts';
import { remember, type Remembered } from './remember.ts';
import type { Ending, Headers, Reply } from './reply.ts';
import { healthNow, noteAnswered, noteBegun, noteFailed } from './standing.ts';
import type { World } from './world.ts';

/** `x-turnout-adapted` names this many fields; the record has them all. */
const ADAPTED_MAX = 20;

/** No connection came about. Where it is so with every target, waiting is all that is left. */
const UNREACHABLE: ReadonlySet<Fault['code']> = new Set(['upstream-unreachable', 'upstream-unresolved']);

/** Faults after which a repeat can help although we have tried already. */
const WORTH_REPEATING: ReadonlySet<Fault['code']> = new Set(['upstream-rate-limited', 'shutting-down']);

/** Who asks, and where the answer goes. */
export interface Caller {
  readonly key: KeyRow;
  readonly reply: Reply;
}

/** Handles one request from its parsed body to its booked end. Never throws for anything a caller or provider does. */
export async function handle(arrival: Arrival, caller: Caller, world: World): Promise<Ending> {
  const { key, reply } = caller;
  const snapshot = world.snapshot();
  const accepted = arrival.accept({ keyId: key.id, turns: world.turns });
  if (!accepted.ok) return refuse({ arrival, caller, world }, accepted.error);
  const call = accepted.value;
  const { facts } = call;
  const health = healthNow(world);
  const planned = planCall(call, { snapshot, key, facts, health, random: world.random, unixMs: world.clock.unixMs() });
  const known = { arrival, caller, world, facts, tags: call.extension.tags };
  if (!planned.ok) return refuse(known, planned.error);
  const planning = planned.value;
  const admission = await admit({ key, facts, plan: planning.plan, requestId: call.requestId, store: world.store });
  if ('code' in admission) return refuse({ ...known, planning }, admission);
  const run: Run = { call, key, facts, planning, admission, snapshot, reply, world, attempts: [] };
  const end = await tryTargets(run);
  world.store.ledger.release(admission.hold);
  return close(run, end);
}

/** What the attempts of one request share. Only `attempts` grows. */
interface Run {
  readonly call: Call;
  readonly key: KeyRow;
  readonly facts: Facts;
  readonly planning: Planning;
  readonly admission: Admission;
  readonly snapshot: Snapshot;
  readonly reply: Reply;
  readonly world: World;
  readonly attempts: AttemptRecord[];
}

/** `undefined`: answered. */
type End = { readonly fault: Fault | undefined };

async function tryTargets(run: Run): Promise<End> {
  const { call, planning, world, reply, snapshot } = run;
  const outlet = outletOf(run);
  const deadlineMs =
    call.startedMs + Math.min(snapshot.timeouts.totalMs, call.extension.deadlineMs ?? Number.POSITIVE_INFINITY);
  const failures: Failure[] = [];
  let repair: Repair | undefined;
  for (;;) {
    const leftMs = deadlineMs - world.clock.monotonicMs();
    const step = next(planning.plan, failures, { leftMs, health: healthNow(world), random: world.random });
    if (step.do === 'stop') {
      outlet.stop();
      return { fault: finalFault(run, failures, step.retryAfterMs) };
    }
    const cutShort = step.afterMs > 0 ? await waited(step.afterMs, reply.signal, world) : undefined;
    if (cutShort !== undefined) {
      outlet.stop();
      return { fault: cutShort };
    }
    const target = call.over(step.target);
    const mending = repair?.targetId === step.target.id ? repair.invalid : undefined;
    // In the same breath as the choice: of all that choose at once, one probes a doubted target.
    noteBegun(world, target);
    const failed = await tryOne(run, { target, outlet, deadlineMs, repair: mending });
    if (failed === 'answered') return { fault: undefined };
    if (failed.isFinal) {
      outlet.stop();
      return { fault: failed.fault };
    }
    failures.push({ targetId: step.target.id, fault: failed.fault });
    repair = failed.invalid === undefined ? undefined : { targetId: step.target.id, invalid: failed.invalid };
  }
}

/** `isFinal`: nothing may follow, because the caller has content already, or is gone. */
type Tried = 'answered' | { readonly fault: Fault; readonly isFinal: boolean; readonly invalid?: Invalid | undefined };

/** An answer that its target is asked to mend. */
interface Repair {
  readonly targetId: string;
  readonly invalid: Invalid;
}

interface Try {
  readonly target: Target;
  readonly outlet: Outlet;
  readonly deadlineMs: number;
  readonly repair: Invalid | undefined;
}

async function tryOne(run: Run, { target, outlet, deadlineMs, repair }: Try): Promise<Tried> {
  const { call, world, reply, snapshot, admission } = run;
  const built = await call.outgoing(target, {
    instanceId: world.instanceId,
    followed: run.planning.followed,
    output: { ...wishesOf(run), repair },
    ...(admission.outputTokensMax === undefined ? {} : { outputTokensMax: admission.outputTokensMax }),
  });
  if (!built.ok) return { fault: built.error, isFinal: false };
  const { identity } = target;
  const proven = identity === undefined ? built : await authorized(built.value, identity, world);
  if (!proven.ok) {
    noteFailed(world, target, proven.error);
    return { fault: proven.error, isFinal: false };
  }
  const attemptId = world.newId('att');
  const refused = await opened(run, { target, attemptId, repair });
  if (refused !== undefined) return { fault: refused, isFinal: true };
  const startedMs = world.clock.monotonicMs();
  const book = { target, attemptId, startedMs, startedUnixMs: world.clock.unixMs(), outgoing: proven.value };
  if (run.attempts.length === 0) world.meters.overheadS.observe({}, (startedMs - call.startedMs) / 1000);
  const outcome = await attempt({
    call,
    target,
    outgoing: proven.value,
    reply,
    outlet,
    world,
    responseMaxBytes: snapshot.responseMaxBytes,
    deadlineMs,
    settle: (ended, losses) => settle(run, book, { outcome: ended, losses }),
    streamHeaders: (losses, type) => streamHeaders(run, target, { losses, type }),
    keep: keeper(run, target),
  });
  switch (outcome.kind) {
    case 'answered':
      noteAnswered(world, target);
      return 'answered';
    case 'refused':
      noteFailed(world, target, outcome.fault);
      return { fault: outcome.fault, isFinal: false };
    case 'broke':
      noteFailed(world, target, outcome.fault);
      return { fault: outcome.fault, isFinal: isFinal(run, outcome), invalid: outcome.invalid };
    case 'left':
      return { fault: fault('client-closed'), isFinal: true };
  }
}

/** What the caller wishes of answers in a form, where it says so, and else what the operator's file says. */
function wishesOf({ call, snapshot }: Run): Wishes {
  const { hold, validate } = call.extension.output ?? {};
  return { validate: validate ?? snapshot.output.validate, isHeld: hold === true };
}

/** Nothing may follow: content is out, or the answer is not valid and is to be refused. */
function isFinal({ call, snapshot }: Run, { when, invalid }: Extract<Outcome, { kind: 'broke' }>): boolean {
  const policy = call.extension.output?.invalid ?? snapshot.output.invalid;
  return when === 'mid-stream' || (invalid !== undefined && policy === 'refuse');
}

/** Keeps the turn for those who go on from it, where the caller's protocol has that, and neither side has forbidden it. */
function keeper({ call, key, snapshot, world }: Run, target: Target): ((answer: string | Buffer) => void) | undefined {
  const { turnOf } = call;
  if (turnOf === undefined || !snapshot.keepsTurns) return undefined;
  return (answer) => {
    const turn = turnOf(target, answer.toString());
    if (turn !== undefined) world.turns.put({ ...turn, keyId: key.id });
  };
}

/** Leaves a trace in the journal before the first byte goes out. A hold that earlier attempts have eaten into is filled up first. */
async function opened(run: Run, { target, attemptId, repair }: Opening): Promise<Fault | undefined> {
  const { admission, world } = run;
  const facts = withRepair(run.facts, repair);
  const { ledger } = world.store;
  const worst = worstAt(target, withRepair(admission.facts, repair));
  const estimate = worstAt(target, { ...facts, inputTokensMax: facts.inputTokensEstimate, outputTokensLimit: 0 });
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
  if (refused?.code !== 'budget-exceeded' || worst === undefined) return refused;
  return (await ledger.extend(admission.hold, worst)) ?? ledger.open(admission.hold, opening);
}

interface Opening {
  readonly target: Target;
  readonly attemptId: string;
  readonly repair: Invalid | undefined;
}

/** The input of a repair is longer: by the answer that was not valid, and by what is wrong with it. */
function withRepair(facts: Facts, repair: Invalid | undefined): Facts {
  if (repair === undefined) return facts;
  const length = repairLength(repair);
  return {
    ...facts,
    inputTokensEstimate: facts.inputTokensEstimate + Math.ceil(length / 4),
    inputTokensMax: facts.inputTokensMax + length * 3,
  };
}

interface Book {
  readonly target: Target;
  readonly attemptId: string;
  readonly startedMs: number;
  readonly startedUnixMs: number;
  readonly outgoing: Outgoing;
}

interface Ended {
  readonly outcome: Outcome;
  /** Of the reply's translation. */
  readonly losses: readonly Loss[];
}

/** account: one line in the journal for what the attempt cost, and its row in the record. Gives the headers of a good end. */
function settle(run: Run, book: Book, { outcome, losses }: Ended): Headers {
  const { world, facts, call } = run;
  const { target, attemptId } = book;
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
  const labels = { provider: target.providerId, outcome: outcome.kind };
  world.meters.attempts.add(labels);
  const ttftMs = outcome.kind === 'refused' ? undefined : outcome.spent.ttftMs;
  if (ttftMs !== undefined) world.meters.ttftS.observe({ provider: target.providerId }, ttftMs / 1000);
  return {
    ...streamHeaders(run, target, { losses: allLosses }),
    'x-turnout-overhead-ms': overheadMs(run, book.startedMs, call.startedMs),
    ...(bill?.costNanoUsd === undefined ? {} : { 'x-turnout-cost-usd': formatUsd(bill.costNanoUsd) }),
  };
}

function overheadMs(run: Run, attemptStartedMs: number, startedMs: number): string {
  const waitedMs = run.attempts.slice(0, -1).reduce((sum, past) => sum + past.durationMs, 0);
  return Math.max(0, attemptStartedMs - startedMs - waitedMs).toFixed(2);
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

function baseHeaders(requestId: string): Headers {
  return { 'x-request-id': requestId, 'x-turnout-decision': requestId };
}

interface Head {
  readonly losses: readonly Loss[];
  /** Content type of a streamed answer, where it is not the usual one of the call. */
  readonly type?: string | undefined;
}

function streamHeaders(run: Run, target: Target, { losses, type }: Head): Headers {
  const { call, attempts } = run;
  return {
    ...baseHeaders(call.requestId),
    'content-type': type ?? call.delivery.type,
    'cache-control': 'no-store',
    'x-turnout-provider': target.providerId,
    'x-turnout-model': headerSafe(target.model),
    'x-turnout-attempts': String(Math.max(1, attempts.length + (attempts.at(-1)?.target === target ? 0 : 1))),
    ...adapted([...losses.map((loss) => loss.field), ...run.planning.ignored]),
  };
}

function adapted(fields: readonly string[]): Headers {
  if (fields.length === 0) return {};
  return { 'x-turnout-adapted': [...new Set(fields.map(headerSafe))].slice(0, ADAPTED_MAX).join(', ') };
}

/** Header values are printable ASCII (RFC 9110, section 5.5); anything else of a name is percent-encoded. */
function headerSafe(text: string): string {
  return text.replaceAll(/[^\u0021-\u007e]/g, (character) => encodeURIComponent(character)).slice(0, 256);
}

function outletOf(run: Run): Outlet {
  const { call, reply, world, snapshot } = run;
  const options = {
    timers: world.timers,
    heartbeatMs: call.delivery.isStreaming ? snapshot.heartbeatMs : Number.POSITIVE_INFINITY,
    writeIdleMs: snapshot.writeIdleMs,
    canPing: call.delivery.canPing,
    earlyHeaders: () => ({
      ...baseHeaders(call.requestId),
      'content-type': call.delivery.type,
      'cache-control': 'no-store',
    }),
  };
  return createOutlet(reply, options);
}

/** Waits. Where the caller leaves first, or the process goes down, gives the fault to end with: no further attempt is made. */
function waited(delayMs: number, signal: AbortSignal, world: World): Promise<Fault | undefined> {
  if (signal.aborted) return Promise.resolve(fault('client-closed'));
  return new Promise((resolve) => {
    const leave = (): void => over(fault('client-closed'));
    const wait = { place: OUTSIDE, stop: (why: Fault) => over(why) };
    const cancel = world.timers.after(delayMs, () => over(undefined));
    function over(cutShort: Fault | undefined): void {
      cancel();
      signal.removeEventListener('abort', leave);
      world.underWay.leave(wait);
      resolve(cutShort);
    }
    signal.addEventListener('abort', leave, { once: true });
    world.underWay.enter(wait);
  });
}

/** The fault to answer with when no attempt is left. */
function finalFault(run: Run, failures: readonly Failure[], retryAfterMs: number | undefined): Fault {
  const last = failures.at(-1)?.fault;
  if (last === undefined) {
    const reasons = 'every target asked us to wait';
    return fault('no-target', { reasons }, { retryAfterMs: retryAfterMs ?? 1000 });
  }
  const targets = new Set(failures.map((failure) => failure.targetId));
  if (targets.size > 1 && failures.every((failure) => UNREACHABLE.has(failure.fault.code))) {
    return fault(
      'no-target',
      { reasons: failures.map((failure) => failure.fault.message).join(' ') },
      { retryAfterMs: 1000 },
    );
  }
  const target = run.planning.plan.targets[0];
  const gone =
    last.code === 'upstream-not-found' && targets.size === 1 && target !== undefined
      ? goneFault(run, target, last)
      : undefined;
  if (gone !== undefined) return gone;
  return retryAfterMs === undefined ? last : { ...last, retryAfterMs };
}

/** The provider does not know the model: what the caller should know of that, where the catalog has something to say. */
function goneFault({ facts, snapshot, world }: Run, target: Target, last: Fault): Fault | undefined {
  const today = dayOf(world.clock.unixMs());
  if (target.retiresOn !== undefined && target.retiresOn <= today)
    return retired(facts.model, target, { snapshot, today });
  if (target.isKnown) return undefined;
  return fault('model-unknown', { model: JSON.stringify(facts.model), hint: last.message }, { param: 'model' });
}

function close(run: Run, end: End): Ending {
  const { call, key, world, facts, planning, attempts } = run;
  if (end.fault !== undefined) answerFault(run, end.fault);
  const { requestId, startedMs, operation, protocol, extension } = call;
  const { tags } = extension;
  const ended = { requestId, startedMs, operation, protocol, keyId: key.id, fault: end.fault };
  return remember({ ...ended, facts, planning, tags, attempts }, world, run.snapshot);
}

/** A fault after the attempts: as a reply where none has begun, as the protocol's error event where one has. */
function answerFault(run: Run, of: Fault): void {
  const { call, reply, attempts } = run;
  if (of.code === 'client-closed' || reply.signal.aborted) return;
  if (reply.hasStarted) {
    const ending = call.brokenEnding(of);
    if (ending === undefined) reply.destroy();
    else reply.end(ending);
    return;
  }
  // Our attempts are used up: a repeat right now meets the same providers. Only a stated wait is worth it, or another process.
  const last = attempts.at(-1);
  const canRepeat = specOf(of).retry && (attempts.length === 0 || WORTH_REPEATING.has(of.code));
  sendFault({ voice: call, reply }, of, {
    'x-should-retry': String(canRepeat),
    'x-turnout-attempts': String(attempts.length),
    ...(last === undefined
      ? {}
      : { 'x-turnout-provider': last.target.providerId, 'x-turnout-model': headerSafe(last.target.model) }),
  });
}

interface Refused extends Pick<Remembered, 'facts' | 'planning' | 'tags'> {
  readonly arrival: Arrival;
  readonly caller: Caller;
  readonly world: World;
}

/** Answers before any attempt was made. */
function refuse({ arrival, caller, world, ...known }: Refused, of: Fault): Ending {
  const { requestId, startedMs, operation, protocol } = arrival;
  sendFault({ voice: arrival, reply: caller.reply }, of, { 'x-should-retry': String(specOf(of).retry) });
  const ended = { requestId, startedMs, operation, protocol, keyId: caller.key.id, fault: of };
  return remember({ ...ended, ...known }, world);
}

function sendFault(
  { voice, reply }: { readonly voice: Voice; readonly reply: Reply },
  of: Fault,
  headers: Headers,
): void {
  const body = JSON.stringify(voice.encodeFault(of));
  reply.whole(
    specOf(of).status,
    { ...baseHeaders(voice.requestId), 'content-type': 'application/json', ...retryHeaders(of), ...headers },
    body,
  );
}

/** `retry-after` in whole seconds for every client, and in milliseconds for OpenAI's. */
export function retryHeaders(of: Fault): Headers {
  // 429 and 503 always say when (rule R4); what no provider has said is a second.
  const afterMs = of.retryAfterMs ?? ([429, 503].includes(specOf(of).status) ? 1000 : undefined);
  if (afterMs === undefined) return {};
  return {
    'retry-after': String(Math.max(1, Math.ceil(afterMs / 1000))),
    'retry-after-ms': String(Math.ceil(afterMs)),
  };
}
