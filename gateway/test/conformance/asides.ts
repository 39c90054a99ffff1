/** Recorded exchanges beside chats and operations: counts of tokens, replies that a provider keeps, predictions. */
import type { IndexRow } from './recordings.ts';

/** Whether a row is replayed by `asides-replay.test.ts`. */
export function isAside(row: IndexRow): boolean {
  return row.operation === 'count-tokens' || row.operation === 'responses-get' || isPrediction(row);
}

/** Replicate's other recordings are pages about models. */
export function isPrediction({ provider, status }: IndexRow): boolean {
  return provider === 'replicate' && status === 201;
}
