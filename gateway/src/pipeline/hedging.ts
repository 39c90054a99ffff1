/** What is done about a try that is slow: another one begins beside it, within the route's means, or it is given up. */
import { fault } from '../chat/fault.ts';
import { hasBetter, secondTarget } from '../routing/hedge.ts';
import type { Failure } from '../routing/next.ts';
import type { Plan } from '../routing/plan.ts';
import type { Target } from '../routing/target.ts';
import { leastAt } from './admit.ts';
import type { Slow } from './attempt.ts';
import { createRace, type Race } from './race.ts';
import type { HedgeNote } from './record.ts';
import type { Repeats } from './repeats.ts';
import type { Run } from './run.ts';
import { healthNow, noteBegun } from './standing.ts';
import { tryOne, type Tried, type Try } from './try-one.ts';

export interface Hedging {
  /** One try, and a second one beside it where it is slow. Both have ended. Where both have failed, one stands among `failures` then. */
  tryTwo(first: Try, failures: Failure[]): Promise<Tried>;
  /** Books what was spent. Gives what is to be told; undefined where no try was slow. */
  close(): HedgeNote | undefined;
}

/** At most one second try a request. */
export function createHedging(
  run: Run,
  { afterMs, budget: share }: NonNullable<Plan['hedge']>,
  repeats: Repeats,
): Hedging {
  const { world, planning, facts } = run;
  const route = planning.route ?? facts.model;
  let note: HedgeNote | undefined;
  let taken: Taken | undefined;
  world.hedges.asked(route, share);

  function withhold(why: HedgeNote['why'] & string): undefined {
    note = { afterMs, result: 'withheld', why };
  }

  function begun(first: Try, failures: readonly Failure[], race: Race): Promise<Tried> | undefined {
    const target = secondTarget(planning.plan, { first: first.target, failures, health: healthNow(world) });
    if (typeof target === 'string') return withhold(target);
    if (!repeats.mayRepeat()) return withhold('repeats');
    const estimateNanoUsd = leastAt(target, facts) ?? 0n;
    const refused = world.hedges.take(route, estimateNanoUsd);
    if (refused !== undefined) return withhold(refused);
    repeats.spend();
    taken = { target, estimateNanoUsd };
    return tryOne(run, trial(run, target, { first, failures, race }));
  }

  async function tryTwo(first: Try, failures: Failure[]): Promise<Tried> {
    if (note !== undefined) return tryOne(run, first);
    const race = createRace();
    let beside: Promise<readonly PromiseSettledResult<Tried>[]> | undefined;
    const cancel = world.timers.after(afterMs, () => {
      if (race.isTaken() || race.running().some((racer) => racer.hasContent())) return;
      const second = begun(first, failures, race);
      // Kept from being an unhandled rejection while the first one is waited for.
      if (second !== undefined) beside = Promise.allSettled([second]);
    });
    const slow = slowOf(run, first.targetId, { failures, deadlineMs: first.deadlineMs, race });
    const [one] = await Promise.allSettled([tryOne(run, { ...first, slow, race })]);
    cancel();
    // A bug in the one must not leave the other writing into a reply that is over.
    if (one.status === 'rejected') race.claim(NOBODY);
    const [two] = (await beside) ?? [];
    if (one.status === 'rejected') throw one.reason;
    if (two === undefined || taken === undefined) return one.value;
    if (two.status === 'rejected') throw two.reason;
    note = { afterMs, target: taken.target.id, ...resultOf(one.value, two.value) };
    const targets = [first.target, taken.target] as const;
    return merged(one.value, two.value, { failures, plan: planning.plan, targets });
  }

  return {
    tryTwo,
    close() {
      bookHedge(run, route, { share, taken });
      if (note === undefined) return undefined;
      const { result, why } = note;
      world.meters.hedges.add({ route, result: why === undefined ? result : `${result}_${why}` });
      return note;
    },
  };
}

const NOBODY = { callOff: () => undefined, hasContent: () => false };

interface Beside {
  readonly first: Try;
  readonly failures: readonly Failure[];
  readonly race: Race;
}

function trial(run: Run, planned: Target, { first, failures, race }: Beside): Try {
  const { outlet, deadlineMs } = first;
  const target = run.call.over(planned);
  const begun = noteBegun(run.world, target, run.planning.route);
  const slow = slowOf(run, planned.id, { failures, deadlineMs, race });
  return { targetId: planned.id, target, outlet, deadlineMs, repair: undefined, begun, slow, race };
}

function resultOf(one: Tried, two: Tried): Pick<HedgeNote, 'result' | 'why'> {
  if (two === 'called-off') return { result: 'lost' };
  if (one === 'called-off' || two === 'answered') return { result: 'won' };
  if (two.isUnsent === true) return { result: 'withheld', why: two.isFinal ? 'budget' : 'request' };
  return { result: 'failed' };
}

interface Merging {
  readonly failures: Failure[];
  readonly plan: Plan;
  /** Targets of the first try and the second. */
  readonly targets: readonly [Target, Target];
}

/** What two tries came to. Of two failures the one counts after which nothing may follow, else the second. */
function merged(one: Tried, two: Tried, { failures, plan, targets }: Merging): Tried {
  if (one === 'answered' || two === 'answered') return 'answered';
  // Who was called off was an attempt, should others follow: what it was called off for may break, and be gone on with.
  if (one === 'called-off') {
    failures.push(calledOff(targets[0], plan));
    return two;
  }
  if (two === 'called-off') {
    failures.push(calledOff(targets[1], plan));
    return one;
  }
  // Money for the first one alone is no reason to end.
  if (two.isUnsent === true && two.isFinal) return one;
  const isEnd = one.isFinal || !plan.replaceable.has(one.fault.code);
  const [before, last] = isEnd ? [two, one] : [one, two];
  failures.push({ targetId: before.targetId, fault: before.fault });
  return last;
}

function calledOff({ id: targetId, providerId: provider }: Target, { hedge }: Plan): Failure {
  return { targetId, fault: fault('upstream-slow', { provider, ms: hedge?.afterMs ?? 0 }) };
}

/** A hedge that was taken out of the route's means. */
interface Taken {
  readonly target: Target;
  readonly estimateNanoUsd: bigint;
}

interface Booked {
  readonly share: number;
  readonly taken: Taken | undefined;
}

/** The cost of whoever was called off goes out of the route's means for hedges; all else earns new ones. */
function bookHedge({ attempts, world }: Run, route: string, { share, taken }: Booked): void {
  let lostNanoUsd = 0n;
  for (const { outcome, bill, target } of attempts) {
    const costNanoUsd = bill?.costNanoUsd ?? 0n;
    if (outcome.kind !== 'left' || outcome.why !== 'hedged') world.hedges.paid(route, share, costNanoUsd);
    else {
      lostNanoUsd += costNanoUsd;
      world.meters.hedgeCostNanoUsd.add({ provider: target.providerId }, Number(costNanoUsd));
    }
  }
  if (taken === undefined) return;
  const { target: second, estimateNanoUsd } = taken;
  if (attempts.some(({ target }) => target.id === second.id))
    world.hedges.settle(route, { estimateNanoUsd, costNanoUsd: lostNanoUsd });
  else world.hedges.giveBack(route, estimateNanoUsd);
}

export interface SoFar {
  readonly failures: readonly Failure[];
  /** Monotonic. */
  readonly deadlineMs: number;
  readonly race?: Race;
}

/** When the try at a target is given up for its slowness; undefined where the route does not say. */
export function slowOf(run: Run, targetId: string, { failures, deadlineMs, race }: SoFar): Slow | undefined {
  const { world, planning } = run;
  const { firstTokenMs } = planning.plan;
  if (firstTokenMs === undefined) return undefined;
  return {
    afterMs: firstTokenMs,
    verdict(of) {
      if (race !== undefined && race.running().length > 1) return 'later';
      const leftMs = deadlineMs - world.clock.monotonicMs();
      const options = { leftMs, health: healthNow(world), random: world.random };
      return hasBetter(planning.plan, [...failures, { targetId, fault: of }], options) ? 'give-up' : 'stay';
    },
  };
}
