/** Pages of rows that are in memory: searched, sorted and cut. Pure. */
import type { Json, JsonRecord } from '../lib/json.ts';

/** Where a page ended: the value that the list is sorted by, and the id that tells rows of one value apart. */
export type Mark = readonly [value: string | number, id: string];

export interface PageAsk {
  readonly limit: number;
  readonly sort: string;
  readonly isDescending: boolean;
  /** Plain text; no sign in it means anything. */
  readonly q?: string;
  /** Goes on after it. */
  readonly after?: Mark;
}

interface Listed<Row> {
  readonly idOf: (row: Row) => string;
  /** By the name of the sort. */
  readonly columns: Readonly<Record<string, (row: Row) => string | number>>;
  readonly searched: (row: Row) => readonly string[];
}

/** The rows of one page, and where it ended if there are more. */
export function pageOf<Row>(
  rows: readonly Row[],
  page: PageAsk,
  { idOf, columns, searched }: Listed<Row>,
): { readonly rows: readonly Row[]; readonly next?: Mark } {
  const column = columns[page.sort];
  if (column === undefined) throw new Error(`a list without the column ${page.sort}`);
  const markOf = (row: Row): Mark => [column(row), idOf(row)];
  const sign = page.isDescending ? -1 : 1;
  const { after, limit } = page;
  const found = rows
    .filter((row) => has(searched(row), page.q))
    .map((row) => ({ row, mark: markOf(row) }))
    .filter(({ mark }) => after === undefined || sign * compare(mark, after) > 0)
    .toSorted((a, b) => sign * compare(a.mark, b.mark));
  const last = found[limit - 1];
  const cut = found.slice(0, limit).map(({ row }) => row);
  return found.length > limit && last !== undefined ? { rows: cut, next: last.mark } : { rows: cut };
}

/** Whether a text stands in any of the words, whatever the case of its letters. */
export function has(words: readonly string[], q: string | undefined): boolean {
  if (q === undefined) return true;
  const wanted = q.toLowerCase();
  return words.some((word) => word.toLowerCase().includes(wanted));
}

/** Numbers before texts; within each as people count them, and by code unit. */
function compare([a, idA]: Mark, [b, idB]: Mark): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  if (a !== b) return a < b ? -1 : 1;
  return idA === idB ? 0 : idA < idB ? -1 : 1;
}

/** A mark out of what was sealed. */
export function asMark(value: Json | undefined): Mark | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [at, id]: readonly unknown[] = value;
  return (typeof at === 'string' || typeof at === 'number') && typeof id === 'string' ? [at, id] : undefined;
}

/** Fields of the rows as they are, where the answer has them in its own words already. */
export function textsOf(row: JsonRecord, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const value = row[name];
    return typeof value === 'string' ? [value] : [];
  });
}
