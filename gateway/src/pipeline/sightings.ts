/** What is known of the candidates at this moment, put together for one plan. */
import type { Health } from '../routing/next.ts';
import { compact } from '../lib/json.ts';
import type { Rating, Sighting, Sightings } from '../routing/observation.ts';
import type { WeightedTarget } from '../routing/policy.ts';
import type { Target } from '../routing/target.ts';

interface Known {
  readonly health: Health;
  /** What users say of the target at the request's task. */
  readonly ratingOf?: ((target: Target) => Rating | undefined) | undefined;
  /** Tokens of this conversation in the target's prompt cache. Absent: nobody wants to know. */
  readonly cachedAt?: ((target: Target) => number) | undefined;
}

export function sightingsOf(items: readonly WeightedTarget[], { health, ratingOf, cachedAt }: Known): Sightings {
  const seen = new Map<string, Sighting>();
  for (const { target } of items) {
    const observed = health.observe(target);
    const rating = ratingOf?.(target);
    const cachedTokens = cachedAt?.(target) ?? 0;
    seen.set(
      target.id,
      rating === undefined && cachedTokens === 0
        ? observed
        : { ...observed, ...compact({ rating, cachedTokens: cachedTokens === 0 ? undefined : cachedTokens }) },
    );
  }
  return seen;
}
