/** `GET /v1/decisions/{id}`: the record of a request, and what its caller said of the answer. */
import type { Fault } from '../chat/fault.ts';
import { asRecord, asString, type JsonRecord } from '../lib/json.ts';
import { ok, type Result } from '../lib/result.ts';
import type { FeedbackRow, KeyRow, Store } from '../store/ports.ts';
import { isLimited } from './key-reach.ts';
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

/** What is known of providers is their operator's: others see what was made of it. */
export function withoutInputs(record: JsonRecord): JsonRecord {
  return { ...record, inputs: undefined };
}

/** A key for some models or places is told of no other. */
function shownTo(key: KeyRow, record: JsonRecord): JsonRecord {
  if (key.isRoot) return record;
  const shown = withoutInputs(record);
  const classifier = asRecord(record['classifier']);
  return !isLimited(key) || classifier === undefined ? shown : withoutClassifier(shown, classifier);
}

/** The classifier is the operator's choice, whatever models the key may name: its name is left out, with what a provider's fault says of it. */
function withoutClassifier(record: JsonRecord, classifier: JsonRecord): JsonRecord {
  const { target, result, why } = classifier;
  const nameless = { ...classifier, target: undefined, why: result === 'silent' ? undefined : why };
  const facts = asRecord(record['facts']);
  const content = asRecord(facts?.['content']);
  const origins = asRecord(content?.['origins']);
  if (origins === undefined) return { ...record, classifier: nameless };
  const prefix = `${asString(target) ?? ''}, `;
  const shown = Object.entries(origins).map(([fact, origin]) => [
    fact,
    typeof origin === 'string' && origin.startsWith(prefix) ? origin.slice(prefix.length) : origin,
  ]);
  const nowhere = { ...facts, content: { ...content, origins: Object.fromEntries(shown) } };
  return { ...record, classifier: nameless, facts: nowhere };
}

export function feedbackRecord({ score, task, target, atMs }: FeedbackRow): JsonRecord {
  return { score, task, target, at: new Date(atMs).toISOString() };
}
