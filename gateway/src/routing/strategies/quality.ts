/** Best first. */
import { expectedCost } from '../expected.ts';
import { qualityAt } from '../quality.ts';
import { sortedBy, type Strategy } from './strategy.ts';

/** By the score at the request's task; the cheaper of equals first, what has no score last. */
export const quality: Strategy = {
  name: 'quality',
  rank({ items, facts, seen }) {
    const cheapestFirst = sortedBy(items, (target) => {
      const nanoUsd = expectedCost(target, facts, seen(target));
      return { key: nanoUsd === undefined ? Number.POSITIVE_INFINITY : Number(nanoUsd), scores: {} };
    });
    return sortedBy(
      cheapestFirst.map(({ target }) => ({ target, weight: 1 })),
      (target) => {
        const score = qualityAt(target, facts.content?.task, seen(target));
        return score === undefined
          ? { key: Number.POSITIVE_INFINITY, scores: {} }
          : { key: -score, scores: { quality: Math.round(score * 1000) / 1000 } };
      },
    );
  },
};
