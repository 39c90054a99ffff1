/** Soonest first. */
import { distanceMs } from '../../policy/regions.ts';
import { expectedTime, speedPrior } from '../expected.ts';
import type { Target } from '../target.ts';
import { atBest, sortedBy, withTrial, type Field, type Strategy } from './strategy.ts';

/** By the wait to be expected: of a stream its beginning above all, else the whole answer. */
export const latency: Strategy = {
  name: 'latency',
  rank(field) {
    const times = waits(field);
    const order = sortedBy(field.items, (target) => {
      const { firstMs, waitMs } = times(target);
      return { key: waitMs, scores: { first_ms: Math.round(firstMs), wait_ms: Math.round(waitMs) } };
    });
    const [first] = order;
    if (first === undefined || field.mayTry !== true) return order;
    const countOf = (target: Target): number | undefined => field.seen(target).ttftMs?.count;
    const hoped = (target: Target): number => times(target).waitMs * atBest(countOf(target));
    const hope = { known: countOf(first.target), key: times(first.target).waitMs, atBest: hoped };
    return withTrial(order, hope, field.dice);
  },
};

/** What each target of the field is expected to take. */
export function waits({
  items,
  facts,
  seen,
  gatewayRegion,
}: Field): (target: Target) => ReturnType<typeof expectedTime> {
  const prior = speedPrior(items.map(({ target }) => seen(target)));
  const from = facts.callerRegion ?? gatewayRegion;
  return (target) => {
    const distance = from === undefined || target.region === undefined ? 0 : (distanceMs(from, target.region) ?? 0);
    return expectedTime({ target, facts, seen: seen(target) }, prior, distance);
  };
}
