/** The budget of tries after the first. */
import type { Run } from './run.ts';

/** Tries after the first, which the requests of a route, or for a model, share. */
export interface Repeats {
  mayRepeat(): boolean;
  spend(): void;
}

/** A request begins its tries. */
export function repeatsOf({ world, planning, facts }: Pick<Run, 'world' | 'planning' | 'facts'>): Repeats {
  const { health, clock } = world;
  const name = planning.route ?? facts.model;
  health.retries.request(name, clock.monotonicMs());
  return {
    mayRepeat: () => health.retries.has(name, clock.monotonicMs()),
    spend: () => health.retries.spend(name, clock.monotonicMs()),
  };
}
