/** Cheapest first. */
import { expectedCost } from '../expected.ts';
import { sortedBy, type Strategy } from './strategy.ts';

const NANO = 1e9;

/** By the price of this very request. What has no price comes last: unknown is not zero. */
export const cost: Strategy = {
  name: 'cost',
  rank: ({ items, facts, seen }) =>
    sortedBy(items, (target) => {
      const nanoUsd = expectedCost(target, facts, seen(target));
      return nanoUsd === undefined
        ? { key: Number.POSITIVE_INFINITY, scores: {} }
        : { key: Number(nanoUsd), scores: { cost_usd: Number(nanoUsd) / NANO } };
    }),
};
