/** The tries of a request, one after another or two beside each other, until one has answered or nothing may follow. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Invalid } from '../chat/outcome.ts';
import { OUTSIDE } from '../lib/crowd.ts';
import { next, type Failure } from '../routing/next.ts';
import type { Target } from '../routing/target.ts';
import { createHedging, slowOf, type Hedging } from './hedging.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import type { HedgeNote } from './record.ts';
import { finalFault } from './refusal.ts';
import { repeatsOf } from './repeats.ts';
import { baseHeaders } from './reply-headers.ts';
import type { Run } from './run.ts';
import { healthNow, noteBegun } from './standing.ts';
import { tryOne, type Failed, type LeftOff, type Try } from './try-one.ts';
import type { World } from './world.ts';

export interface End {
  /** `undefined`: answered. */
  readonly fault: Fault | undefined;
  /** Where the plan has a hedge, and it was time for it. */
  readonly hedge?: HedgeNote | undefined;
}

/** What the tries so far have come to. */
interface Progress {
  readonly outlet: Outlet;
  /** Monotonic. */
  readonly deadlineMs: number;
  readonly failures: Failure[];
  /** The answer that the last target is asked to mend. */
  repair: { readonly targetId: string; readonly invalid: Invalid } | undefined;
  /** The answer that others are asked to go on with. */
  unfinished: LeftOff | undefined;
}

export async function tryTargets(run: Run): Promise<End> {
  const { hedge } = run.planning.plan;
  const repeats = repeatsOf(run);
  const hedging = hedge === undefined ? undefined : createHedging(run, hedge, repeats);
  const progress = progressOf(run);
  const { failures } = progress;
  const end = (of: Fault | undefined): End => endOf(of, progress.outlet, hedging);
  for (;;) {
    const leftMs = progress.deadlineMs - run.world.clock.monotonicMs();
    const { random } = run.world;
    const mayRepeat = repeats.mayRepeat();
    const step = next(run.planning.plan, failures, { leftMs, health: healthNow(run.world), random, mayRepeat });
    if (step.do === 'stop') return end(finalFault(run, failures, step));
    if (step.isRepeat === true) repeats.spend();
    const cutShort = step.afterMs > 0 ? await waited(step.afterMs, run.reply.signal, run.world) : undefined;
    if (cutShort !== undefined) return end(cutShort);
    const one = tryAt(run, step.target, progress);
    const isAlone = hedging === undefined || one.unfinished !== undefined;
    const tried = await (isAlone ? tryOne(run, one) : hedging.tryTwo(one, failures));
    if (tried === 'answered') return end(undefined);
    if (tried === 'called-off') throw new Error('a try that was alone was called off');
    if (tried.isFinal) return end(tried.fault);
    note(progress, tried);
  }
}

function note(progress: Progress, { targetId, fault: of, unfinished, invalid }: Failed): void {
  progress.failures.push({ targetId, fault: of });
  progress.unfinished = unfinished ?? progress.unfinished;
  progress.repair = invalid === undefined ? undefined : { targetId, invalid };
}

function progressOf(run: Run): Progress {
  const { extension, startedMs } = run.call;
  const mostMs = Math.min(run.snapshot.timeouts.totalMs, extension.deadlineMs ?? Number.POSITIVE_INFINITY);
  return {
    outlet: outletOf(run),
    deadlineMs: startedMs + mostMs,
    failures: [],
    repair: undefined,
    unfinished: undefined,
  };
}

function endOf(of: Fault | undefined, outlet: Outlet, hedging: Hedging | undefined): End {
  if (of !== undefined) outlet.stop();
  return hedging === undefined ? { fault: of } : { fault: of, hedge: hedging.close() };
}

function tryAt(run: Run, planned: Target, progress: Progress): Try {
  const { outlet, deadlineMs, failures, repair, unfinished } = progress;
  const targetId = planned.id;
  const target = run.call.over(planned);
  // In the same breath as the choice: of all that choose at once, one probes a doubted target.
  const begun = noteBegun(run.world, target, run.planning.route);
  const slow = slowOf(run, targetId, { failures, deadlineMs });
  const mending = repair?.targetId === targetId ? repair.invalid : undefined;
  return { targetId, target, outlet, deadlineMs, repair: mending, begun, slow, unfinished };
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
      ...run.limitHeaders,
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
