/** Keeps a conversation where its prompt cache is, as long as what that saves outweighs what the strategy would win elsewhere. */
import type { Facts } from '../understand/facts.ts';
import { expectedCost } from './expected.ts';
import type { Sighting } from './observation.ts';
import { qualityAt } from './quality.ts';
import type { StrategyName } from './policy.ts';
import type { Ranked } from './strategies/strategy.ts';
import type { Target } from './target.ts';

/** As much better must another be at the task that the cache is given up for it. */
const QUALITY_WORTH = 0.05;

interface Keeping {
  readonly facts: Facts;
  readonly seen: (target: Target) => Sighting;
  readonly strategy: StrategyName;
}

/**
 * `cost`, `latency` and `balanced` price the cache themselves: what is cached is cheaper and read faster. Under the others,
 * the holder comes first, unless another is cheaper in spite of the cache (or, under `quality`, clearly better).
 */
export function keptWhereCached(order: readonly Ranked[], { facts, seen, strategy }: Keeping): readonly Ranked[] {
  if (strategy === 'cost' || strategy === 'latency' || strategy === 'balanced') return order;
  const [first] = order;
  const holder = holderOf(order, seen);
  if (first === undefined || holder === undefined) return order;
  const known = { facts, seen };
  const wins = (one: Ranked): boolean =>
    one !== holder &&
    ((strategy === 'quality' && isClearlyBetter(one, holder, known)) || costs(one, known) < costs(holder, known));
  // The holder stands first whichever of those was drawn that do not win against it.
  const left = order.filter((one) => !wins(one)).reduce((sum, { share }) => sum + share, 0);
  const shared = order.map((one) => ({ ...one, share: wins(one) ? one.share : one === holder ? left : 0 }));
  if (wins(first)) return shared;
  const at = order.indexOf(holder);
  return [...shared.slice(at, at + 1), ...shared.slice(0, at), ...shared.slice(at + 1)];
}

/** Who holds most of it; of equals always the same one, whatever was drawn. */
function holderOf(order: readonly Ranked[], seen: Keeping['seen']): Ranked | undefined {
  let holder: Ranked | undefined;
  let most = 0;
  for (const one of order) {
    const cached = seen(one.target).cachedTokens ?? 0;
    const isFirst = holder !== undefined && cached === most && one.target.id < holder.target.id;
    if (cached > most || isFirst) [holder, most] = [one, cached];
  }
  return holder;
}

function isClearlyBetter(first: Ranked, holder: Ranked, { facts, seen }: Omit<Keeping, 'strategy'>): boolean {
  const [best, own] = [first, holder].map(({ target }) => qualityAt(target, facts.content?.task, seen(target)) ?? 0);
  return (best ?? 0) - (own ?? 0) > QUALITY_WORTH;
}

function costs({ target }: Ranked, { facts, seen }: Omit<Keeping, 'strategy'>): number {
  const nanoUsd = expectedCost(target, facts, seen(target));
  return nanoUsd === undefined ? Number.POSITIVE_INFINITY : Number(nanoUsd);
}
