/** Pages of rows that are numbered as they come: after one of them, or before one. */
import type { Page, PageQuery } from '../batch-ports.ts';

/** Rows of one page, whatever is asked for. */
const PAGE_MAX = 1000;

interface Place {
  readonly above?: bigint;
  readonly below?: bigint;
  readonly direction: 'asc' | 'desc';
  /** The rows are read from the far end: a page before a row is the nearest one to it. */
  readonly isBackward: boolean;
  readonly limit: number;
}

/** Where a page lies. `seqOf` finds the number of a row; undefined where the query names a row that is not there. */
export async function placeOf(
  { after, before, isOldestFirst = false, limitMax }: PageQuery,
  seqOf: (id: string) => Promise<bigint | undefined>,
): Promise<Place | undefined> {
  const limit = Math.max(1, Math.min(limitMax, PAGE_MAX));
  const direction = isOldestFirst ? 'asc' : 'desc';
  const mark = after ?? before;
  if (mark === undefined) return { direction, isBackward: false, limit };
  const seq = await seqOf(mark);
  if (seq === undefined) return undefined;
  const isUpward = isOldestFirst === (after !== undefined);
  const bound = isUpward ? { above: seq } : { below: seq };
  return { ...bound, direction: isUpward ? 'asc' : 'desc', isBackward: after === undefined, limit };
}

/** The page of rows that were read for a place, one more than it holds. */
export function pageOf<Row, T>(read: readonly Row[], { limit, isBackward }: Place, valueOf: (row: Row) => T): Page<T> {
  const rows = read.slice(0, limit).map(valueOf);
  return { rows: isBackward ? rows.toReversed() : rows, hasMore: read.length > limit };
}
