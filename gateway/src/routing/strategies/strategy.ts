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
/** How far below what is thought a time may lie of which nothing was measured. */
const DOUBT = 0.7;

/** The time that a target might take, if all goes well: the less was measured of it lately, the less. */
export function atBest(ms: number, { ttftMs }: Sighting): number {
  return ms * (1 - DOUBT / Math.sqrt(1 + (ttftMs?.count ?? 0)));
}

/**
 * Puts a target first for a small share of the requests (optimism in the face of uncertainty: Auer, Cesa-Bianchi and Fischer,
 * 2002). Whoever was slow once would never be asked again otherwise, however fast it became.
 */
export function tried(order: readonly Ranked[], trial: Target | undefined, dice: Dice): readonly Ranked[] {
  const [first] = order;
  const chosen = order.find(({ target }) => target === trial);
  if (first === undefined || chosen === undefined || chosen === first) return order;
  const known = { ...first, share: 1 - TRIAL_SHARE };
  const rest = order.filter((one) => one !== first && one !== chosen);
  const other = { ...chosen, share: TRIAL_SHARE };
  if (dice() < TRIAL_SHARE) return [other, known, ...rest];
  return [known, ...order.slice(1).map((one) => (one === chosen ? other : one))];
}

/** Two infinities are equals: their difference is not a number. */
function compared(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
