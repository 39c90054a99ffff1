/**
 * What a search among requests finds: id, model, route, outcome and the error's text, and nothing else. They stand in one
 * narrow column, in an index with what lists filter by: looking through a million of them takes a third of a second, and
 * needs no index of words that each database has in another form.
 */
import { asRecord, asString } from '../lib/json.ts';
import type { RequestRecord } from './ports.ts';

/** Characters kept of one request: rows of the index must stay narrow, and PostgreSQL takes none above 2,704 bytes. */
const WORDS_MAX = 400;

/** In lower case, as a search is. */
export function searchWords({ id, model, route, outcome, body }: RequestRecord): string {
  const message = asString(asRecord(body['error'])?.['message']);
  const words = [id, model, route, outcome, message].filter((word) => word !== undefined);
  return words.join(' ').toLowerCase().slice(0, WORDS_MAX);
}

/** The pattern of `like … escape '\\'` for a text as it stands; undefined: it is too long to be found. */
export function searchPattern(text: string): string | undefined {
  if (text.length > WORDS_MAX) return undefined;
  return `%${text.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
