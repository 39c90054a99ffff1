/** What is done about a target that is slow: which one is asked beside it, and whether it is given up for another. Pure. */
import { fitnessOf } from './fitness.ts';
import { next, type Failure, type Health, type NextOptions } from './next.ts';
import type { Plan } from './plan.ts';
import type { Target } from './target.ts';

export interface Running {
  /** The target that is being waited for. */
  readonly first: Target;
  readonly failures: readonly Failure[];
  readonly health: Health;
}

/** Why none is asked: all others have failed, are not sound or have no price; or no attempt is left. */
export type NoSecond = 'target' | 'attempts';

/** The next target of the plan that is sound and was not asked yet. What it costs must be known where the first one's price is. */
export function secondTarget(of: Plan, { first, failures, health }: Running): Target | NoSecond {
  if (failures.length + 2 > of.attemptsMax) return 'attempts';
  const isNew = ({ id }: Target): boolean => id !== first.id && !failures.some(({ targetId }) => targetId === id);
  const isPriced = ({ price }: Target): boolean => price !== undefined || first.price === undefined;
  return of.targets.find((target) => isNew(target) && isPriced(target) && isSound(target, health)) ?? 'target';
}

/** Whether a sound target would be asked at once after `failures`, the last of which is that of a target that was too slow. */
export function hasBetter(of: Plan, failures: readonly Failure[], options: NextOptions): boolean {
  const step = next(of, failures, options);
  if (step.do === 'stop' || step.afterMs > 0 || !isSound(step.target, options.health)) return false;
  return step.target.id !== failures.at(-1)?.targetId;
}

function isSound(target: Target, health: Health): boolean {
  return fitnessOf(health.observe(target)) === 'sound';
}
