/** The least loaded first. */
import type { WeightedTarget } from '../policy.ts';
import type { Sighting } from '../observation.ts';
import type { Field, Strategy } from './strategy.ts';

/** A target with nothing left of its limit is not infinitely busy, so that two of them can still be told apart. */
const HEADROOM_MIN = 0.02;

/**
 * The less busy of two drawn at random comes first (power of two choices: Mitzenmacher, 2001): nearly as even as asking all,
 * and many gateways that know each other's load late do not run to the same target. Behind it the others, least busy first.
 */
export const leastBusy: Strategy = {
  name: 'least-busy',
  rank(field) {
    const loads = loadsOf(field);
    const sorted = field.items
      .map((item) => ({ item, load: loads(item) }))
      .toSorted((a, b) => a.load - b.load)
      .map(({ item, load }, place) => ({ target: item.target, scores: { load: rounded(load) }, place }));
    const count = sorted.length;
    const [one, other] = twoOf(count, field.dice);
    const first = Math.min(one, other);
    const inOrder = sorted.toSorted((a, b) => Number(b.place === first) - Number(a.place === first));
    return inOrder.map(({ target, scores, place }) => ({ target, scores, share: shareOf(place, count) }));
  },
};

/** How full a target is: its requests under way against what it answers well, and what is left of its rate limits. */
function loadsOf({ items, seen }: Field): (item: WeightedTarget) => number {
  const known = items.flatMap(({ target }) => seen(target).inFlightMax ?? []);
  const usual = known.length === 0 ? 1 : known.reduce((sum, most) => sum + most, 0) / known.length;
  return ({ target, weight }) => {
    const { inFlight, inFlightMax, headroom }: Sighting = seen(target);
    const room = (inFlightMax ?? usual) * Math.max(weight, Number.MIN_VALUE) * Math.max(headroom ?? 1, HEADROOM_MIN);
    return (inFlight + 1) / room;
  };
}

/** Two different places; the same where there is but one. */
function twoOf(count: number, dice: () => number): readonly [number, number] {
  const one = Math.floor(dice() * count);
  const other = Math.floor(dice() * (count - 1));
  return [one, count === 1 ? one : other >= one ? other + 1 : other];
}

/** Chance that the least busy of a random pair is the one at this place. */
function shareOf(place: number, count: number): number {
  return count === 1 ? 1 : (2 * (count - 1 - place)) / (count * (count - 1));
}

function rounded(load: number): number {
  return Math.round(load * 1e4) / 1e4;
}
