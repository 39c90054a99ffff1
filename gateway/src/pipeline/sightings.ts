/** What is known of the candidates at this moment, put together for one plan. */
import type { Health } from '../routing/next.ts';
import { compact } from '../lib/json.ts';
import type { Length, Rating, Sighting, Sightings } from '../routing/observation.ts';
import type { WeightedTarget } from '../routing/policy.ts';
import type { Target } from '../routing/target.ts';

interface Known {
  readonly health: Health;
  /** How long its answers are on this route. Absent: nobody wants to know. */
  readonly lengthOf?: ((target: Target) => Length | undefined) | undefined;
  /** What users say of the target at the request's task. */
  readonly ratingOf?: ((target: Target) => Rating | undefined) | undefined;
  /** Tokens of this conversation in the target's prompt cache. Absent: nobody wants to know. */
  readonly cachedAt?: ((target: Target) => number) | undefined;
}

export function sightingsOf(
  items: readonly WeightedTarget[],
  { health, lengthOf, ratingOf, cachedAt }: Known,
): Sightings {
  const seen = new Map<string, Sighting>();
  for (const { target } of items) {
    const observed = health.observe(target);
    const length = lengthOf?.(target);
    const rating = ratingOf?.(target);
    const cachedTokens = cachedAt?.(target) || undefined;
    seen.set(
      target.id,
      length === undefined && rating === undefined && cachedTokens === undefined
        ? observed
        : { ...observed, ...compact({ length, rating, cachedTokens }) },
    );
  }
  return seen;
}
