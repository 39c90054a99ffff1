/** Each in its turn. */
import type { Strategy } from './strategy.ts';

/** In turn. Each stands first as often as the others, whatever it weighs. */
export const roundRobin: Strategy = {
  name: 'round-robin',
  rank({ items, turn }) {
    const first = items.length === 0 ? 0 : turn % items.length;
    const turned = [...items.slice(first), ...items.slice(0, first)];
    return turned.map(({ target }) => ({ target, scores: {}, share: 1 / items.length }));
  },
};
