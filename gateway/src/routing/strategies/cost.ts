/** Cheapest first. */
import { expectedCost } from '../expected.ts';
import type { Target } from '../target.ts';
import { atBest, sortedBy, withTrial, type Strategy } from './strategy.ts';

const NANO = 1e9;

/** By the price of this very request. What has no price comes last: unknown is not zero. */
export const cost: Strategy = {
  name: 'cost',
  rank({ items, facts, seen, dice, mayTry }) {
    const priceOf = (target: Target): bigint | undefined => expectedCost(target, facts, seen(target));
    const order = sortedBy(items, (target) => {
      const nanoUsd = priceOf(target);
      return { key: keyOf(nanoUsd), scores: nanoUsd === undefined ? {} : { cost_usd: Number(nanoUsd) / NANO } };
    });
    const [first] = order;
    if (first === undefined || mayTry !== true) return order;
    const hoped = (target: Target): number => {
      const sighting = seen(target);
      return keyOf(expectedCost(target, facts, { ...sighting, outputShare: atBest(sighting.length?.count) }));
    };
    const known = seen(first.target).length?.count;
    return withTrial(order, { known, key: keyOf(priceOf(first.target)), atBest: hoped }, dice);
  },
};

function keyOf(nanoUsd: bigint | undefined): number {
  return nanoUsd === undefined ? Number.POSITIVE_INFINITY : Number(nanoUsd);
}
