/** Each in proportion to its weight. */
import type { WeightedTarget } from '../policy.ts';
import type { Dice } from '../../lib/dice.ts';
import type { Ranked, Strategy } from './strategy.ts';

/** 1/φ: its multiples fill the interval more evenly than those of any other number (three-distance theorem; Knuth 6.4). */
const GOLDEN = 0.6180339887498949;

/**
 * Smooth: request by request, first places are spread over the targets as evenly as their weights allow. The turn is put on
 * the unit interval by multiples of the golden ratio, so that it needs no state but a counter. What comes after is drawn.
 */
export const weighted: Strategy = {
  name: 'weighted',
  rank({ items, dice, turn }) {
    const total = items.reduce((sum, { weight }) => sum + Math.max(0, weight), 0);
    if (total === 0) return items.map(({ target }, index) => ranked(target, index === 0 ? 1 : 0));
    const first = at(items, (((turn + 1) * GOLDEN) % 1) * total);
    const rest = drawn(
      items.filter((item) => item !== first),
      dice,
    );
    return [...(first === undefined ? [] : [first]), ...rest].map(({ target, weight }) =>
      ranked(target, Math.max(0, weight) / total),
    );
  },
};

function ranked(target: Ranked['target'], share: number): Ranked {
  return { target, share, scores: { share: Math.round(share * 1e4) / 1e4 } };
}

/** The item on whose stretch of the line the point falls. */
function at(items: readonly WeightedTarget[], point: number): WeightedTarget | undefined {
  let end = 0;
  for (const item of items) {
    end += Math.max(0, item.weight);
    if (point < end) return item;
  }
  return items.findLast(({ weight }) => weight > 0);
}

/** Draws without putting back, each by its share of the weight that is left (Efraimidis and Spirakis, 2006). */
function drawn(items: readonly WeightedTarget[], dice: Dice): readonly WeightedTarget[] {
  const keyed = items.map((item) => ({ item, key: item.weight <= 0 ? -1 : dice() ** (1 / item.weight) }));
  return keyed.toSorted((a, b) => b.key - a.key).map(({ item }) => item);
}
