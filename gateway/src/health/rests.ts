/** Which targets asked to be left alone, and until when (`retry-after`). A book: the time is given by the caller. */

/** A provider's wish is honoured up to this long; a longer one is a mistake or an attack (faults.md F20). */
const REST_MAX_MS = 60_000;
/** More targets than any configuration has; the oldest entry goes first. */
const ENTRIES_MAX = 20_000;

export interface Rests {
  /** Leaves the target alone for that long from `nowMs` on (monotonic). */
  rest(targetId: string, forMs: number, nowMs: number): void;
  /** Milliseconds until it may be used again; 0 if now. */
  restMs(targetId: string, nowMs: number): number;
}

export function rests(): Rests {
  const until = new Map<string, number>();
  return {
    rest(targetId, forMs, nowMs) {
      if (forMs <= 0) return;
      until.delete(targetId);
      until.set(targetId, nowMs + Math.min(forMs, REST_MAX_MS));
      const oldest = until.keys().next();
      if (until.size > ENTRIES_MAX && oldest.done !== true) until.delete(oldest.value);
    },
    restMs(targetId, nowMs) {
      const at = until.get(targetId);
      if (at === undefined) return 0;
      if (at > nowMs) return at - nowMs;
      until.delete(targetId);
      return 0;
    },
  };
}
