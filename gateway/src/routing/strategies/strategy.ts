/** What every strategy is: it orders targets that are all fit to take the request. */
import type { Facts } from '../../understand/facts.ts';
import type { Dice } from '../../lib/dice.ts';
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
  /** Whether a target of which little is known may be tried in the place of the best. Absent: not. */
  readonly mayTry?: boolean;
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

/** One request in so many finds out about a target that might be better. More cost the others, fewer learn too late. */
const TRIAL_SHARE = 0.03;
/** So much must be known of the first before another is tried against it: a route that is hardly used has nothing to compare. */
const KNOWN_MIN = 30;
/** How far below what is thought a time or a length may lie of which nothing was measured. */
const DOUBT = 0.7;

/** What a quantity might be if all goes well, as a share of what is thought: the fewer measurements it rests on, the less. */
export function atBest(count: number | undefined): number {
  return 1 - DOUBT / Math.sqrt(1 + (count ?? 0));
}

export interface Hope {
  /** How many measurements there are of what the first is first for. */
  readonly known: number | undefined;
  /** What sorts, least first: of the first, as it is thought; of another, as it might be. */
  readonly key: number;
  readonly atBest: (target: Target) => number;
}

/**
 * Puts the target that might be better than the first in its place, for a small share of the requests (optimism in the face
 * of uncertainty: Auer, Cesa-Bianchi and Fischer, 2002). Whoever was slow once, or thought to be dear, would never be asked
 * again otherwise, however good it became.
 */
export function withTrial(
  order: readonly Ranked[],
  { known = 0, key, atBest: hoped }: Hope,
  dice: Dice,
): readonly Ranked[] {
  const [first, ...others] = order;
  if (first === undefined || known < KNOWN_MIN) return order;
  let chosen: Ranked | undefined;
  let least = key;
  for (const one of others) {
    const might = hoped(one.target);
    if (might < least) [chosen, least] = [one, might];
  }
  if (chosen === undefined) return order;
  const trial = { ...chosen, share: TRIAL_SHARE };
  const usual = { ...first, share: 1 - TRIAL_SHARE };
  if (dice() < TRIAL_SHARE) return [trial, usual, ...others.filter((one) => one !== chosen)];
  return [usual, ...others.map((one) => (one === chosen ? trial : one))];
}

/** Two infinities are equals: their difference is not a number. */
function compared(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
