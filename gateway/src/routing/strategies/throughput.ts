/** Fastest writer first. */
import { sortedBy, type Strategy } from './strategy.ts';

/** By tokens a second, most first; what was not measured yet comes after what was. */
export const throughput: Strategy = {
  name: 'throughput',
  rank: ({ items, seen }) =>
    sortedBy(items, (target) => {
      const { tokensPerS } = seen(target);
      return tokensPerS === undefined
        ? { key: 0, scores: {} }
        : { key: -tokensPerS, scores: { tokens_per_s: Math.round(tokensPerS * 10) / 10 } };
    }),
};
