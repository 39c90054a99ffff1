/** What every strategy is: it orders targets that are all fit to take the request. */
import type { Facts } from '../../understand/facts.ts';
import type { Dice } from '../dice.ts';
import type { Sighting } from '../observation.ts';
import type { StrategyName, Weigh, WeightedTarget } from '../policy.ts';
import type { Target } from '../target.ts';

/** The targets of one tier that are equally fit, and what may be looked at. */
export interface Field {
  readonly items: readonly WeightedTarget[];
  readonly facts: Facts;
  readonly seen: (target: Target) => Sighting;
  readonly dice: Dice;
  /** Counts the requests of the route: what takes turns reads it. */
  readonly turn: number;
  readonly weigh?: Weigh | undefined;
  /** Where this gateway computes, for distances where the caller's region is not known. */
  readonly gatewayRegion?: string | undefined;
}

/** Parts of a score, each under a name that tells its unit (`cost_usd`, `first_ms`). */
export type Scores = Readonly<Record<string, number>>;

export interface Ranked {
  readonly target: Target;
  readonly scores: Scores;
  /** Chance of standing first before anything was drawn; 0..1, all together 1. */
  readonly share: number;
}

export interface Strategy {
  readonly name: StrategyName;
  /** Best first. */
  rank(field: Field): readonly Ranked[];
}

/** A ranking without chance: `keyOf` gives what sorts, least first; equals stay as listed. */
export function sortedBy(
  items: readonly WeightedTarget[],
  score: (target: Target) => { readonly key: number; readonly scores: Scores },
): readonly Ranked[] {
  return items
    .map(({ target }) => ({ target, ...score(target) }))
    .toSorted((a, b) => compared(a.key, b.key))
    .map(({ target, scores }, index) => ({ target, scores, share: index === 0 ? 1 : 0 }));
}

/** Two infinities are equals: their difference is not a number. */
function compared(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
