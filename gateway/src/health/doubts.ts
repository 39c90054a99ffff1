/**
 * Which targets and which keys have lately said no, in a way that others need not find out for themselves: they are tried
 * last. After a pause one request probes; the rest stay away until it is known how that went. A book: time and dice are given.
 */

/** The first pause. It doubles with each failure in a row: a moment is enough for a burst, and a provider that is down is not asked often. */
const PAUSE_MS = 500;
const PAUSE_MAX_MS = 30_000;
/** More targets and keys than any configuration has; the oldest entry goes first. */
const ENTRIES_MAX = 20_000;

export interface Failed {
  /** Monotonic. */
  readonly nowMs: number;
  /** 0 <= x < 1. */
  readonly random: () => number;
  /** The shortest pause, where a moment cannot help (a wrong key). */
  readonly leastMs?: number;
}

export interface Doubts {
  /** It failed: it is tried last for a while. Says whether it was trusted until now. */
  doubt(id: string, failed: Failed): boolean;
  isDoubted(id: string, nowMs: number): boolean;
  /** An attempt begins. Where a pause is over, this attempt is the probe, and the others stay away for another pause. */
  begin(id: string, nowMs: number): void;
  /** It answered. */
  trust(id: string): void;
}

interface Entry {
  readonly failures: number;
  readonly pauseMs: number;
  readonly untilMs: number;
  readonly isProbed: boolean;
}

export function doubts(): Doubts {
  const entries = new Map<string, Entry>();

  function keep(id: string, entry: Entry): void {
    entries.delete(id);
    entries.set(id, entry);
    const oldest = entries.keys().next();
    if (entries.size > ENTRIES_MAX && oldest.done !== true) entries.delete(oldest.value);
  }

  return {
    doubt(id, { nowMs, random, leastMs = 0 }) {
      const known = entries.get(id);
      // Those that were under way when the first one failed say nothing new.
      if (known !== undefined && !known.isProbed && nowMs < known.untilMs) return false;
      // What failed long ago and was not asked since begins anew.
      const before = known === undefined || nowMs > known.untilMs + PAUSE_MAX_MS ? 0 : known.failures;
      const most = Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** before);
      // Half of it by lot, so that the probes of several processes do not come together.
      const pauseMs = Math.max(leastMs, most / 2 + (random() * most) / 2);
      keep(id, { failures: before + 1, pauseMs, untilMs: nowMs + pauseMs, isProbed: false });
      return before === 0;
    },
    isDoubted: (id, nowMs) => nowMs < (entries.get(id)?.untilMs ?? 0),
    begin(id, nowMs) {
      const known = entries.get(id);
      if (known === undefined || nowMs < known.untilMs) return;
      entries.set(id, { ...known, untilMs: nowMs + known.pauseMs, isProbed: true });
    },
    trust: (id) => void entries.delete(id),
  };
}
