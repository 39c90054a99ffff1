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

const ORDER: readonly Fitness[] = ['sound', 'full', 'doubted', 'resting'];
/** Error rates nearer to each other are the same: they change with each answer, and a tier is to mean something. */
const ERROR_STEPS = 10;

/**
 * How far a target comes behind a sound one, the first number that differs deciding: its fitness; then, of the doubted, how
 * much fails, and of the resting, how long they must be waited for.
 */
export function lagOf(seen: Observation): readonly [fitness: number, within: number] {
  const fitness = fitnessOf(seen);
  const rank = ORDER.indexOf(fitness);
  if (fitness === 'resting') return [rank, seen.restMs];
  return [rank, fitness === 'doubted' ? Math.round((seen.errorRate ?? 0) * ERROR_STEPS) : 0];
}

/** Whether it answers, be it late. */
export function answers(seen: Observation): boolean {
  const fitness = fitnessOf(seen);
  return fitness === 'sound' || fitness === 'full';
}
