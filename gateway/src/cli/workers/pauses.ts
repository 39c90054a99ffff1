/** How long a worker that ended stays away: at once the first time, then longer and longer while it ends soon again. */

const FIRST_MS = 100;
const LONGEST_MS = 30_000;
/** A worker that served for so long has not failed at its start. */
const STEADY_MS = 60_000;

/** Ends in a row that came soon after their starts, the newest one included. */
export function failuresAfter(failures: number, livedMs: number): number {
  return livedMs >= STEADY_MS ? 1 : failures + 1;
}

/** Milliseconds until the next start, after so many of them. */
export function pauseMs(failures: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
}
