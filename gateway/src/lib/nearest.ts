/** Finds the known name that somebody most likely meant: for "did you mean" in errors. */

/** Longer names are not compared: the work grows with the product of both lengths. */
const NAME_LENGTH_MAX = 100;
/** One slip in three letters is a typing error; more is another word. */
const LETTERS_PER_SLIP = 3;

/**
 * The known name nearest to `name`, or undefined where none is near. Case, `-` and `_` do not count, so that `baseUrl`
 * finds `base_url`; of equally near names the first one listed wins.
 */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > NAME_LENGTH_MAX) return undefined;
  const wanted = bare(name);
  let best: string | undefined;
  let bestSlips = Math.floor(wanted.length / LETTERS_PER_SLIP) + 1;
  for (const candidate of known) {
    if (candidate.length > NAME_LENGTH_MAX || candidate === name) continue;
    const other = bare(candidate);
    if (Math.abs(other.length - wanted.length) >= bestSlips) continue;
    const slips = distance(wanted, other);
    if (slips < bestSlips) {
      best = candidate;
      bestSlips = slips;
    }
  }
  return best;
}

function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment). */
function distance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const now = [row];
    for (let column = 1; column <= b.length; column++) {
      const [lost = 0, replaced = 0, added = 0] = [last[column], last[column - 1], now[column - 1]];
      const isSame = a[row - 1] === b[column - 1];
      const swapped = isSwap(a.slice(Math.max(0, row - 2), row), b.slice(Math.max(0, column - 2), column))
        ? (beforeLast[column - 2] ?? 0)
        : Infinity;
      now.push(Math.min(lost + 1, added + 1, replaced + (isSame ? 0 : 1), swapped + 1));
    }
    beforeLast = last;
    last = now;
  }
  return last[b.length] ?? 0;
}

function isSwap(a: string, b: string): boolean {
  return a.length === 2 && a[0] === b[1] && a[1] === b[0];
}
