/** The best of quality, cost and latency together. */
import { expectedCost } from '../expected.ts';
import type { Weigh } from '../policy.ts';
import { qualityAt } from '../quality.ts';
import type { Target } from '../target.ts';
import { waits } from './latency.ts';
import { sortedBy, type Field, type Scores, type Strategy } from './strategy.ts';

/** Where nothing is said: quality first, then money, then time. */
export const USUAL_WEIGH: Weigh = { quality: 0.5, cost: 0.3, latency: 0.2 };
/** The score of a target of which nobody knows how good it is. */
const QUALITY_UNKNOWN = 0.5;

/**
 * By one utility, `q·quality + c·(cheapest / cost) + l·(fastest / wait)`, each part between 0 and 1 and relative to the best
 * of the field. The ratio makes ten times the price as bad for dear models as for cheap ones. An unknown price earns nothing.
 */
export const balanced: Strategy = {
  name: 'balanced',
  rank(field) {
    const utility = utilities(field);
    return sortedBy(field.items, (target) => {
      const scores = utility(target);
      return { key: -(scores['utility'] ?? 0), scores };
    });
  },
};

function utilities(field: Field): (target: Target) => Scores {
  const { items, facts, seen, weigh = USUAL_WEIGH } = field;
  const targets = items.map(({ target }) => target);
  const times = waits(field);
  const costs = new Map(targets.map((target) => [target.id, costOf(expectedCost(target, facts, seen(target)))]));
  const cheapest = Math.min(...[...costs.values()].filter((cost) => cost !== undefined));
  const fastest = Math.min(...targets.map((target) => times(target).waitMs));
  const total = weigh.quality + weigh.cost + weigh.latency;
  return (target) => {
    const cost = costs.get(target.id);
    const quality = qualityAt(target, facts.content?.task, seen(target)) ?? QUALITY_UNKNOWN;
    const price = cost === undefined ? 0 : cheapest / cost;
    const time = fastest / times(target).waitMs;
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
