/** The tries of a request, one after another or two beside each other, until one has answered or nothing may follow. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Invalid } from '../chat/outcome.ts';
import { OUTSIDE } from '../lib/crowd.ts';
import { next, type Failure } from '../routing/next.ts';
import { createHedging, slowOf, type Hedging } from './hedging.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import type { HedgeNote } from './record.ts';
import { finalFault } from './refusal.ts';
import { baseHeaders } from './reply-headers.ts';
import type { Run } from './run.ts';
import { healthNow, noteBegun } from './standing.ts';
import { tryOne, type Try } from './try-one.ts';
import type { World } from './world.ts';

export interface End {
  /** `undefined`: answered. */
  readonly fault: Fault | undefined;
  /** Where the plan has a hedge, and it was time for it. */
  readonly hedge?: HedgeNote | undefined;
}

export async function tryTargets(run: Run): Promise<End> {
  const outlet = outletOf(run);
  const hedging = run.planning.plan.hedge === undefined ? undefined : createHedging(run, run.planning.plan.hedge);
  const of = await triedInTurn(run, outlet, hedging);
  if (of !== undefined) outlet.stop();
  return hedging === undefined ? { fault: of } : { fault: of, hedge: hedging.close() };
}

/** Gives the fault to end with; undefined where the caller has an answer. */
async function triedInTurn(run: Run, outlet: Outlet, hedging: Hedging | undefined): Promise<Fault | undefined> {
  const { call, planning, world, reply } = run;
  const deadlineMs = deadlineOf(run);
  const failures: Failure[] = [];
  let repair: Repair | undefined;
  for (;;) {
    const leftMs = deadlineMs - world.clock.monotonicMs();
    const step = next(planning.plan, failures, { leftMs, health: healthNow(world), random: world.random });
    if (step.do === 'stop') return finalFault(run, failures, step.retryAfterMs);
    const cutShort = step.afterMs > 0 ? await waited(step.afterMs, reply.signal, world) : undefined;
    if (cutShort !== undefined) return cutShort;
    const targetId = step.target.id;
    const target = call.over(step.target);
    const mending = repair?.targetId === targetId ? repair.invalid : undefined;
    // In the same breath as the choice: of all that choose at once, one probes a doubted target.
    noteBegun(world, target);
    const slow = slowOf(run, targetId, { failures, deadlineMs });
    const one: Try = { targetId, target, outlet, deadlineMs, repair: mending, slow };
    const tried = await (hedging === undefined ? tryOne(run, one) : hedging.tryTwo(one, failures));
    if (tried === 'answered') return undefined;
    if (tried === 'called-off') throw new Error('a try that was alone was called off');
    if (tried.isFinal) return tried.fault;
    failures.push({ targetId: tried.targetId, fault: tried.fault });
    repair = tried.invalid === undefined ? undefined : { targetId: tried.targetId, invalid: tried.invalid };
  }
}

/** An answer that its target is asked to mend. */
interface Repair {
  readonly targetId: string;
  readonly invalid: Invalid;
}

function deadlineOf({ call, snapshot }: Run): number {
  const { deadlineMs = Number.POSITIVE_INFINITY } = call.extension;
  return call.startedMs + Math.min(snapshot.timeouts.totalMs, deadlineMs);
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
