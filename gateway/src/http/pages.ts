/** Pages of lists, as OpenAI's and Anthropic's queries ask for them. */
import { fault, type Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Page, PageQuery } from '../store/batch-ports.ts';

interface PageWords {
  readonly limit: number;
  readonly limitMax: number;
  readonly after: string;
  readonly before?: string;
}

/** OpenAI's `after` and `limit`. */
export const OPENAI_PAGE: PageWords = { limit: 20, limitMax: 100, after: 'after' };
export const FILES_PAGE: PageWords = { limit: 1000, limitMax: 10_000, after: 'after' };
/** Anthropic's `after_id`, `before_id` and `limit`. */
export const ANTHROPIC_PAGE: PageWords = { limit: 20, limitMax: 1000, after: 'after_id', before: 'before_id' };

export function pageQuery(query: URLSearchParams, words: PageWords): Result<PageQuery, Fault> {
  const limitMax = Number(query.get('limit') ?? words.limit);
  if (!Number.isInteger(limitMax) || limitMax < 1 || limitMax > words.limitMax)
    return err(fault('field-invalid', { reason: `it must be 1 to ${words.limitMax}` }, { param: 'limit' }));
  const after = query.get(words.after);
  const before = words.before === undefined ? null : query.get(words.before);
  return ok({ limitMax, ...(after === null ? {} : { after }), ...(before === null ? {} : { before }) });
}

/** A page of rows that have ids, in the form that both protocols share. */
export function listShape<T extends { readonly id: string }>(
  { rows, hasMore }: Page<T>,
  shape: (row: T) => JsonRecord,
): JsonRecord {
  const ends = { first_id: rows[0]?.id ?? null, last_id: rows.at(-1)?.id ?? null };
  return { object: 'list', data: rows.map(shape), ...ends, has_more: hasMore };
}
