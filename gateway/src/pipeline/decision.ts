/** `GET /v1/decisions/{id}`: the record of a request, and what its caller said of the answer. */
import type { Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import { ok, type Result } from '../lib/result.ts';
import type { FeedbackRow, KeyRow, Store } from '../store/ports.ts';
import { withUsual } from './record.ts';

/** `undefined` where there is none, or it is another key's. */
export async function decisionOf(
  id: string,
  key: KeyRow,
  { requests, feedback }: Pick<Store, 'requests' | 'feedback'>,
): Promise<Result<JsonRecord | undefined, Fault>> {
  const found = await requests.get(id, key);
  if (!found.ok || found.value === undefined) return found;
  const record = shownTo(key, withUsual(found.value));
  const said = await feedback.of(id);
  if (!said.ok) return said;
  return ok(said.value === undefined ? record : { ...record, feedback: feedbackRecord(said.value) });
}

/** What is known of providers is their operator's; a caller sees what was made of it. */
function shownTo({ isRoot }: KeyRow, record: JsonRecord): JsonRecord {
  return isRoot ? record : { ...record, inputs: undefined };
}

export function feedbackRecord({ score, task, target, atMs }: FeedbackRow): JsonRecord {
  return { score, task, target, at: new Date(atMs).toISOString() };
}
