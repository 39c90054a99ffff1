/** `GET /v1/decisions/{id}`: the record of a request, and what its caller said of the answer. */
import type { Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import { ok, type Result } from '../lib/result.ts';
import type { FeedbackRow, KeyRow, Store } from '../store/ports.ts';

/** `undefined` where there is none, or it is another key's. */
export async function decisionOf(
  id: string,
  key: KeyRow,
  { requests, feedback }: Pick<Store, 'requests' | 'feedback'>,
): Promise<Result<JsonRecord | undefined, Fault>> {
  const record = await requests.get(id, key);
  if (!record.ok || record.value === undefined) return record;
  const said = await feedback.of(id);
  if (!said.ok || said.value === undefined) return said.ok ? record : said;
  return ok({ ...record.value, feedback: feedbackRecord(said.value) });
}

export function feedbackRecord({ score, task, target, atMs }: FeedbackRow): JsonRecord {
  return { score, task, target, at: new Date(atMs).toISOString() };
}
