/** Names that look like one that is not known: trigrams find candidates, edit distance orders them. Bounded for any input. */

/** Longer names are compared by their beginning: no model is called that, and the work grows with the square. */
const COMPARED_LENGTH_MAX = 128;
/** Candidates whose edit distance is measured. */
const CANDIDATES_MAX = 24;
/** Likeness from 0 to 1 below which a name is no help (`passwd` for `phi-3-small`). */
const LIKENESS_MIN = 0.45;

export interface NearIndex {
  /** Positions in the list that was indexed, best first, at most `countMax`, of those that `isWanted`. */
  near(text: string, countMax: number, isWanted: (position: number) => boolean): readonly number[];
}

/** Indexes words. They and the texts asked for are compared as they stand: bring both into the same case before. */
export function indexNear(words: readonly string[]): NearIndex {
  const sizes: number[] = [];
  const positions = new Map<number, number[]>();
  for (const [position, word] of words.entries()) {
    const grams = trigrams(word);
    sizes.push(grams.size);
    for (const gram of grams) {
      const list = positions.get(gram);
      if (list === undefined) positions.set(gram, [position]);
      else list.push(position);
    }
  }
  return {
    near(text, countMax, isWanted) {
      const asked = text.slice(0, COMPARED_LENGTH_MAX);
      const grams = trigrams(asked);
      const shared = new Map<number, number>();
      for (const gram of grams) {
        for (const position of positions.get(gram) ?? []) shared.set(position, (shared.get(position) ?? 0) + 1);
      }
      return [...shared]
        .filter(([position]) => isWanted(position))
        .map(([position, common]) => ({ position, overlap: (2 * common) / (grams.size + (sizes[position] ?? 0)) }))
        .toSorted((a, b) => b.overlap - a.overlap || a.position - b.position)
        .slice(0, CANDIDATES_MAX)
        .map(({ position, overlap }) => ({
          position,
          likeness: (overlap + closeness(asked, words[position] ?? '')) / 2,
        }))
        .filter(({ likeness }) => likeness >= LIKENESS_MIN)
        .toSorted((a, b) => b.likeness - a.likeness || a.position - b.position)
        .slice(0, countMax)
        .map(({ position }) => position);
    },
  };
}

/** Distinct threes of neighbours as numbers, the beginning and the end included. Characters count by their low byte. */
function trigrams(word: string): ReadonlySet<number> {
  const grams = new Set<number>();
  let gram = 0x0101;
  for (const character of `${word.slice(0, COMPARED_LENGTH_MAX)}\u0002`) {
    gram = ((gram << 8) | (character.charCodeAt(0) & 0xff)) & 0xffffff;
    grams.add(gram);
  }
  return grams;
}

function closeness(a: string, b: string): number {
  const cut = b.slice(0, COMPARED_LENGTH_MAX);
  return 1 - editDistance(a, cut) / Math.max(a.length, cut.length, 1);
}

/** Edits that make `b` of `a`: inserted, deleted, changed and swapped neighbouring characters (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let older: readonly number[] = [];
  let old: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const now = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const change = a[row - 1] === b[column - 1] ? 0 : 1;
      const edits = Math.min(at(old, column) + 1, at(now, column - 1) + 1, at(old, column - 1) + change);
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      now.push(isSwap ? Math.min(edits, at(older, column - 2) + 1) : edits);
    }
    older = old;
    old = now;
  }
  return at(old, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? 0;
}
