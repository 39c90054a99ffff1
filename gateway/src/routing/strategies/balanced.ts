/** The best of quality, cost and latency together. */
import { expectedCost } from '../expected.ts';
import type { Weigh } from '../policy.ts';
import { qualityAt } from '../quality.ts';
import type { Target } from '../target.ts';
import { waits } from './latency.ts';
import { atBest, sortedBy, withTrial, type Field, type Scores, type Strategy } from './strategy.ts';

/** Where nothing is said: quality first, then money, then time. */
export const USUAL_WEIGH: Weigh = { quality: 0.5, cost: 0.3, latency: 0.2 };
/** The score of a target of which nobody knows how good it is. */
const QUALITY_UNKNOWN = 0.5;

/**
 * By one utility, `q·quality + c·(1 - cost / dearest) + l·(1 - wait / slowest)`, each part between 0 and 1. Money and time
 * count as they are paid, in proportion: what is saved against the worst of the field. Measured against the best of it, one
 * very cheap model would make the prices of all others equally bad, and be chosen whatever it is worth. An unknown price
 * earns nothing.
 */
export const balanced: Strategy = {
  name: 'balanced',
  rank(field) {
    const utility = utilities(field);
    const order = sortedBy(field.items, (target) => {
      const scores = utility(target);
      return { key: -(scores['utility'] ?? 0), scores };
    });
    const [first] = order;
    if (first === undefined || field.mayTry !== true) return order;
    const key = (scores: Scores): number => -(scores['utility'] ?? 0);
    const known = field.seen(first.target).ttftMs?.count;
    const hope = { known, key: key(first.scores), atBest: (target: Target) => key(utility(target, true)) };
    return withTrial(order, hope, field.dice);
  },
};

/** `isHoped`: with the time that the target might take. */
function utilities(field: Field): (target: Target, isHoped?: boolean) => Scores {
  const { items, facts, seen, weigh = USUAL_WEIGH } = field;
  const targets = items.map(({ target }) => target);
  const times = waits(field);
  const costs = new Map(targets.map((target) => [target.id, costOf(expectedCost(target, facts, seen(target)))]));
  const dearest = Math.max(...[...costs.values()].filter((cost) => cost !== undefined));
  const slowest = Math.max(...targets.map((target) => times(target).waitMs));
  const total = weigh.quality + weigh.cost + weigh.latency;
  return (target, isHoped = false) => {
    const cost = costs.get(target.id);
    const { waitMs } = times(target);
    const quality = qualityAt(target, facts.content?.task, seen(target)) ?? QUALITY_UNKNOWN;
    const price = cost === undefined ? 0 : 1 - cost / dearest;
    const time = 1 - (waitMs * (isHoped ? atBest(seen(target).ttftMs?.count) : 1)) / slowest;
    const utility = (weigh.quality * quality + weigh.cost * price + weigh.latency * time) / total;
    return { utility: rounded(utility), quality: rounded(quality), cost: rounded(price), latency: rounded(time) };
  };
}

/** Above zero, so that what is free can be divided by. */
function costOf(nanoUsd: bigint | undefined): number | undefined {
  return nanoUsd === undefined ? undefined : Math.max(1, Number(nanoUsd));
}

function rounded(part: number): number {
  return Math.round(part * 1e6) / 1e6;
}
