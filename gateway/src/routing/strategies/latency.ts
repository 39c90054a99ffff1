/** Soonest first. */
import { distanceMs } from '../../policy/regions.ts';
import { expectedTime, speedPrior } from '../expected.ts';
import type { Target } from '../target.ts';
import { atBest, sortedBy, tried, type Field, type Ranked, type Strategy } from './strategy.ts';

/** By the wait to be expected: of a stream its beginning above all, else the whole answer. */
export const latency: Strategy = {
  name: 'latency',
  rank(field) {
    const times = waits(field);
    const order = sortedBy(field.items, (target) => {
      const { firstMs, waitMs } = times(target);
      return { key: waitMs, scores: { first_ms: Math.round(firstMs), wait_ms: Math.round(waitMs) } };
    });
    return field.mayTry === true ? tried(order, hopeful(order, field, times), field.dice) : order;
  },
};

/** Who might be sooner than the first, for all that is known. */
function hopeful(order: readonly Ranked[], { seen }: Field, times: ReturnType<typeof waits>): Target | undefined {
  const [first, ...others] = order;
  let soonestMs = first === undefined ? 0 : times(first.target).waitMs;
  let found: Target | undefined;
  for (const { target } of others) {
    const ms = atBest(times(target).waitMs, seen(target));
    if (ms < soonestMs) [found, soonestMs] = [target, ms];
  }
  return found;
}

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
