/** The request's way, top to bottom: accept, understand, plan, admit, attempt … attempt, relay, account. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Invalid, Outcome } from '../chat/outcome.ts';
import { OUTSIDE } from '../lib/crowd.ts';
import type { Wishes } from '../output/way.ts';
import { next, type Failure } from '../routing/next.ts';
import { mayKeepText } from '../routing/residency.ts';
import type { Target } from '../routing/target.ts';
import { admit } from './admit.ts';
import { attempt } from './attempt.ts';
import { authorized } from './authorize.ts';
import { opened, settle } from './booking.ts';
import type { Arrival } from './call.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import { planCall } from './planning.ts';
import { answerFault, finalFault, refuse } from './refusal.ts';
import { remember } from './remember.ts';
import { repeatsOf } from './repeats.ts';
import { baseHeaders, streamHeaders } from './reply-headers.ts';
import type { Ending } from './reply.ts';
import type { Caller, Run } from './run.ts';
import { healthNow, noteBegun, noteEnded, noteHead, type Begun } from './standing.ts';
import type { World } from './world.ts';

/** Handles one request from its parsed body to its booked end. Never throws for anything a caller or provider does. */
export async function handle(arrival: Arrival, caller: Caller, world: World): Promise<Ending> {
  const { key, reply } = caller;
  const snapshot = world.snapshot();
  const accepted = arrival.accept({ keyId: key.id, turns: world.turns });
  if (!accepted.ok) return refuse({ arrival, caller, world }, accepted.error);
  const call = accepted.value;
  const planned = planCall(call, { snapshot, key, world, address: caller.address });
  const known = { arrival, caller, world, facts: call.facts, tags: call.extension.tags };
  if (!planned.ok) return refuse(known, planned.error);
  const planning = planned.value;
  const { facts } = planning;
  const admission = await admit({ key, facts, plan: planning.plan, requestId: call.requestId, store: world.store });
  if ('code' in admission) return refuse({ ...known, facts, planning }, admission);
  const run: Run = { call, key, facts, planning, admission, snapshot, reply, world, attempts: [], keptTurns: [] };
  const end = await tryTargets(run);
  world.store.ledger.release(admission.hold);
  return close(run, end);
}

/** `undefined`: answered. */
type End = { readonly fault: Fault | undefined };

async function tryTargets(run: Run): Promise<End> {
  const { call, planning, world, reply, snapshot } = run;
  const outlet = outletOf(run);
  const deadlineMs =
    call.startedMs + Math.min(snapshot.timeouts.totalMs, call.extension.deadlineMs ?? Number.POSITIVE_INFINITY);
  const failures: Failure[] = [];
  const repeats = repeatsOf(run);
  let repair: Repair | undefined;
  for (;;) {
    const leftMs = deadlineMs - world.clock.monotonicMs();
    const mayRepeat = repeats.mayRepeat();
    const step = next(planning.plan, failures, { leftMs, health: healthNow(world), random: world.random, mayRepeat });
    if (step.do === 'stop') {
      outlet.stop();
      return { fault: finalFault(run, failures, step) };
    }
    if (step.isRepeat === true) repeats.spend();
    const cutShort = step.afterMs > 0 ? await waited(step.afterMs, reply.signal, world) : undefined;
    if (cutShort !== undefined) {
      outlet.stop();
      return { fault: cutShort };
    }
    const target = call.over(step.target);
    const mending = repair?.targetId === step.target.id ? repair.invalid : undefined;
    // In the same breath as the choice: of all that choose at once, one probes a doubted target.
    const begun = noteBegun(world, target, planning.route);
    const failed = await tryOne(run, { target, outlet, deadlineMs, repair: mending, begun });
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
  readonly begun: Begun;
}

async function tryOne(run: Run, { target, outlet, deadlineMs, repair, begun }: Try): Promise<Tried> {
  const { call, world, reply, snapshot, admission } = run;
  const built = await call.outgoing(target, {
    instanceId: world.instanceId,
    followed: run.planning.followed,
    output: { ...wishesOf(run), repair },
    ...(admission.outputTokensMax === undefined ? {} : { outputTokensMax: admission.outputTokensMax }),
  });
  if (!built.ok) {
    noteEnded(world, begun, { kind: 'unsent' });
    return { fault: built.error, isFinal: false };
  }
  const { identity } = target;
  const proven = identity === undefined ? built : await authorized(built.value, identity, world);
  if (!proven.ok) {
    noteEnded(world, begun, { kind: 'unsent', fault: proven.error });
    return { fault: proven.error, isFinal: false };
  }
  const attemptId = world.newId('att');
  const refused = await opened(run, { target, attemptId, repair });
  if (refused !== undefined) {
    noteEnded(world, begun, { kind: 'unsent' });
    return { fault: refused, isFinal: true };
  }
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
    heard: (headers) => noteHead(world, target, headers),
  });
  noteEnded(world, begun, outcome);
  switch (outcome.kind) {
    case 'answered':
      return 'answered';
    case 'refused':
      return { fault: outcome.fault, isFinal: false };
    case 'broke':
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

/** Keeps the turn for those who go on from it, where the caller's protocol has that, and nobody has forbidden it: what is required of providers binds us too. */
function keeper(run: Run, target: Target): ((answer: string | Buffer) => void) | undefined {
  const { call, key, snapshot, world, planning } = run;
  const { turnOf } = call;
  if (turnOf === undefined || !snapshot.keepsTurns || !mayKeepText(planning.input, target)) return undefined;
  return (answer) => {
    const turn = turnOf(target, answer.toString());
    if (turn === undefined) return;
    world.turns.put({ ...turn, keyId: key.id });
    run.keptTurns.push(turn.id);
  };
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

function close(run: Run, end: End): Ending {
  const { call, key, world, facts, planning, attempts } = run;
  if (end.fault !== undefined) answerFault(run, end.fault);
  const { requestId, startedMs, operation, protocol, extension } = call;
  const { tags } = extension;
  const isTurnKept = run.keptTurns.length > 0;
  const ended = { requestId, startedMs, operation, protocol, keyId: key.id, fault: end.fault, isTurnKept };
  return remember({ ...ended, facts, planning, tags, attempts }, world, run.snapshot);
}
