/** As listed. */
import { sortedBy, type Strategy } from './strategy.ts';

/** As listed. */
export const ordered: Strategy = {
  name: 'ordered',
  rank: ({ items }) => sortedBy(items, () => ({ key: 0, scores: {} })),
};
