/** What is known of the candidates at this moment, put together for one plan. */
import type { Health } from '../routing/next.ts';
import type { Sighting, Sightings } from '../routing/observation.ts';
import type { WeightedTarget } from '../routing/policy.ts';

export function sightingsOf(items: readonly WeightedTarget[], health: Health): Sightings {
  const seen = new Map<string, Sighting>();
  for (const { target } of items) seen.set(target.id, health.observe(target));
  return seen;
}
