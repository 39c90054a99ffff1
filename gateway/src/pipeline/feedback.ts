/** `POST /v1/feedback`: what a caller says of the answer to one of its requests. Numbers and names only; no text is kept. */
import { fault, type Fault } from '../chat/fault.ts';
import { asArray, asNumber, asRecord, asString, type Json, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { TASKS } from '../policy/vocabulary.ts';
import { GENERAL } from '../catalog/quality.ts';
import type { KeyRow } from '../store/ports.ts';
import type { Task } from '../understand/task.ts';
import { feedbackRecord } from './decision.ts';
import type { World } from './world.ts';

const FIELDS: ReadonlySet<string> = new Set(['id', 'score', 'good', 'task']);
const ID = /^[\w-]{1,100}$/;
interface Said {
  readonly id: string;
  readonly score: number;
  readonly task: Task | undefined;
}

/** A key speaks of its own requests only, root too. Its last word on a request counts. */
export async function giveFeedback(
  body: JsonRecord,
  key: KeyRow,
  { store, clock }: Pick<World, 'store' | 'clock'>,
): Promise<Result<JsonRecord, Fault>> {
  const read = readSaid(body);
  if (!read.ok) return read;
  const { id, score, task } = read.value;
  const record = await store.requests.get(id, { id: key.id, isRoot: false });
  if (!record.ok) return record;
  if (record.value === undefined) return err(fault('record-unknown', { id }));
  const target = whoAnswered(record.value);
  if (target === undefined) return invalid('id', 'that request was not answered');
  const row = { requestId: id, keyId: key.id, atMs: clock.unixMs(), target, task: task ?? taskOf(record.value), score };
  const given = await store.feedback.give(row);
  return given.ok ? ok({ id, ...feedbackRecord(row) }) : given;
}

function readSaid(body: JsonRecord): Result<Said, Fault> {
  const stranger = Object.keys(body).find((field) => !FIELDS.has(field));
  if (stranger !== undefined) return invalid(stranger.slice(0, 80), `there are ${[...FIELDS].join(', ')}`);
  const id = body['id'];
  if (id === undefined) return missing('id', 'it is the `x-turnout-decision` of the reply');
  if (typeof id !== 'string' || !ID.test(id)) return invalid('id', 'it must be the `x-turnout-decision` of a reply');
  const score = scoreOf(body);
  if (!score.ok) return score;
  const task = TASKS.find((one) => one === body['task']);
  if (task === undefined && body['task'] !== undefined) return invalid('task', `it must be one of ${TASKS.join(', ')}`);
  return ok({ id, score: score.value, task });
}

function scoreOf({ score, good }: JsonRecord): Result<number, Fault> {
  if (score !== undefined && good !== undefined) return invalid('good', '`score` says it already');
  if (score === undefined) return good === undefined ? missing('score', 'or `good`') : goodOf(good);
  const number = asNumber(score);
  return number !== undefined && number >= 0 && number <= 1 ? ok(number) : invalid('score', 'it must be 0 to 1');
}

function goodOf(good: Json): Result<number, Fault> {
  return typeof good === 'boolean' ? ok(good ? 1 : 0) : invalid('good', 'it must be true or false');
}

/** The last that did: one that goes on where another broke off has the last word. */
function whoAnswered(record: JsonRecord): string | undefined {
  const attempts = (asArray(record['attempts']) ?? []).map(asRecord);
  return asString(attempts.findLast((attempt) => attempt?.['outcome'] === 'answered')?.['target']);
}

/** What was found out about a chat when it came; what it was, where it was none. */
function taskOf(record: JsonRecord): string {
  const content = asRecord(asRecord(record['facts'])?.['content']);
  const operation = asString(record['operation']);
  return asString(content?.['task']) ?? (operation === undefined || operation === 'chat' ? GENERAL : operation);
}

function invalid(param: string, reason: string): Result<never, Fault> {
  return err(fault('field-invalid', { reason }, { param }));
}

function missing(param: string, reason: string): Result<never, Fault> {
  return err(fault('field-missing', { reason }, { param }));
}
