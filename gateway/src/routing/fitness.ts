/** How fit a target is to take one more request now. */
import type { Observation } from './observation.ts';

/** `full`: as many are under way as it answers well, or its rate limits are used up. `resting`: it asked to be left alone. */
export type Fitness = 'sound' | 'full' | 'doubted' | 'resting';

/** Less of a rate limit than this is as good as nothing: the requests under way use it up. */
const HEADROOM_MIN = 0.02;

export function fitnessOf({ restMs, isDoubted, inFlight, inFlightMax, headroom }: Observation): Fitness {
  if (restMs > 0) return 'resting';
  if (isDoubted) return 'doubted';
  const isCrowded = inFlightMax !== undefined && inFlight >= inFlightMax;
  return isCrowded || (headroom !== undefined && headroom < HEADROOM_MIN) ? 'full' : 'sound';
}
