/** What is known of a target when a plan is made. Plain data: it goes into the record, so that the plan can be made again. */

/** What serving has taught of a target; `health` fills it. */
export interface Observation {
  /** Milliseconds until the target may be used again, as it asked; 0 if now. */
  readonly restMs: number;
  /** It, or its key, has failed lately, or far worse than its peers: used where nothing better is left. */
  readonly isDoubted: boolean;
  /** Milliseconds until somebody finds out whether it is well, where all its latest attempts failed: one more would help nobody. */
  readonly shutMs?: number;
  /** Share of failures, lately counting more; 0..1. */
  readonly errorRate?: number;
  /** Time to first content; `count` is what the quantiles rest on, and decays. */
  readonly ttftMs?: { readonly p50: number; readonly p95: number; readonly count: number };
  readonly tokensPerS?: number;
  readonly inFlight: number;
  /** As many at the same time as it answers well. Absent: not known. */
  readonly inFlightMax?: number;
  /** What is left of its rate limits, the least of requests and tokens; 0..1. Absent: it has never said. */
  readonly headroom?: number;
}

/** Output tokens of earlier answers on this route. */
export interface Length {
  readonly mean: number;
  readonly p90: number;
  readonly count: number;
}

/** Scores from feedback, 0..1, of the target at the request's task. */
export interface Rating {
  readonly mean: number;
  readonly count: number;
}

/** All that is known of a target, for one request. */
export interface Sighting extends Observation {
  /** Absent: nothing was learned on this route yet. */
  readonly length?: Length;
  readonly rating?: Rating;
  /** Tokens of this very conversation that stand in the target's prompt cache, as far as we can tell. */
  readonly cachedTokens?: number;
}

/** A target of which nothing is known. */
export const UNSEEN: Sighting = { restMs: 0, isDoubted: false, inFlight: 0 };

/** By target. What is absent is `UNSEEN`. */
export type Sightings = ReadonlyMap<string, Sighting>;
