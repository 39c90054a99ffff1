/** The front door of batches: made, shown, cancelled, removed, by key. The work is the runner's. */
import type { FileHandle } from 'node:fs/promises';
import { fault, type Fault } from '../chat/fault.ts';
import { asRecord, asString, compact, isRecord, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import {
  RUNNING,
  type BatchForm,
  type BatchQuery,
  type NewBatch,
  type Page,
  type StoredBatch,
} from '../store/batch-ports.ts';
import type { CallerRegion } from '../understand/facts.ts';
import { dropFile, findFile, invalid, keepOf, openFile } from './files.ts';
import { MESSAGES, takeMessages, type MessageBatch } from './messages.ts';
import { createRunner, type Runner, type RunnerPorts } from './runner.ts';

/** Both protocols know one window. */
const WINDOW_MS = 24 * 3_600_000;
/** Of one key, not ended. All that run are looked at once a second. */
const RUNNING_MAX = 200;
/** OpenAI's bounds of `metadata`. */
const METADATA = { pairsMax: 16, keyMax: 64, valueMax: 512 } as const;
/** OpenAI's endpoints of batches; which of them there are, the rim knows. */
const ENDPOINTS: readonly string[] = [
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
  '/v1/images/generations',
];
/** Headers of an Anthropic batch that mean each of its messages. */
const MESSAGE_HEADERS = ['anthropic-version', 'anthropic-beta'] as const;

/** Everything about batches that the rim needs, and the runner's life. */
export interface Batches extends Runner {
  create(record: JsonRecord, by: Sender): Promise<Result<StoredBatch, Fault>>;
  createMessages(messages: MessageBatch): Promise<Result<StoredBatch, Fault>>;
  find(id: string, asked: Whose): Promise<Result<StoredBatch, Fault>>;
  list(query: BatchQuery): Promise<Result<Page<StoredBatch>, Fault>>;
  cancel(id: string, asked: Whose): Promise<Result<StoredBatch, Fault>>;
  remove(id: string, asked: Whose): Promise<Result<StoredBatch, Fault>>;
  /** The results of an Anthropic batch that has ended. */
  results(id: string, asked: Whose): Promise<Result<{ readonly file: FileHandle; readonly bytes: number }, Fault>>;
  /** For files. */
  readonly desk: RunnerPorts;
}

export interface Sender {
  readonly keyId: string;
  /** Where it is, if anybody knows. */
  readonly seen: CallerRegion | undefined;
}

export interface Whose {
  readonly keyId: string;
  readonly form: BatchForm;
}

export function createBatches(desk: RunnerPorts): Batches {
  const runner = createRunner(desk);
  const woken = <T>(made: T): T => {
    runner.wake();
    return made;
  };
  return {
    ...runner,
    desk,
    create: async (record, by) => woken(await create(record, by, desk)),
    createMessages: async (messages) => woken(await createMessages(messages, desk)),
    find: async (id, asked) => find(id, asked, desk),
    list: async (query) => desk.world.store.batches(async (books) => books.listBatches(query)),
    cancel: async (id, asked) => woken(await cancel(id, asked, desk)),
    remove: async (id, asked) => remove(id, asked, desk),
    results: async (id, asked) => results(id, asked, desk),
  };
}

async function create(record: JsonRecord, by: Sender, desk: RunnerPorts): Promise<Result<StoredBatch, Fault>> {
  const wrong = whyNotCreate(record, desk);
  if (wrong !== undefined) return err(wrong);
  const metadata = metadataOf(record['metadata']);
  if (!metadata.ok) return metadata;
  const after = asRecord(record['output_expires_after']);
  const seconds = after?.['seconds'];
  const keep = keepOf(typeof seconds === 'number' ? seconds : after && 'none', 'output_expires_after.seconds');
  if (!keep.ok) return keep;
  const inputFileId = asString(record['input_file_id']) ?? '';
  const file = await findFile(inputFileId, by.keyId, desk);
  if (!file.ok)
    return file.error.code === 'file-unknown' ? err(invalid('input_file_id', 'this key has no such file')) : file;
  if (file.value.purpose !== 'batch') return err(invalid('input_file_id', 'its purpose must be `batch`'));
  const endpoint = asString(record['endpoint']) ?? '';
  const written = { form: 'openai', endpoint, inputFileId, keepMs: keep.value, metadata: metadata.value } as const;
  return put({ ...by, ...written }, desk);
}

function whyNotCreate(record: JsonRecord, { door }: RunnerPorts): Fault | undefined {
  const { input_file_id: file, endpoint, completion_window: window } = record;
  if (file === undefined || file === null)
    return fault('field-missing', { reason: 'upload a file of purpose `batch` first' }, { param: 'input_file_id' });
  if (typeof file !== 'string') return invalid('input_file_id', 'it must be the id of a file');
  if (endpoint === undefined || endpoint === null)
    return fault('field-missing', { reason: `it is one of ${ENDPOINTS.join(', ')}` }, { param: 'endpoint' });
  const known = ENDPOINTS.filter((path) => door(path) !== undefined);
  if (typeof endpoint !== 'string' || !known.includes(endpoint))
    return invalid('endpoint', `it must be one of ${known.join(', ')}`);
  return window === '24h' ? wrongExpiry(record) : invalid('completion_window', 'it must be `24h`');
}

function wrongExpiry({ output_expires_after: after }: JsonRecord): Fault | undefined {
  if (after === undefined || after === null) return undefined;
  if (!isRecord(after)) return invalid('output_expires_after', 'it must be an object');
  return after['anchor'] === 'created_at'
    ? undefined
    : invalid('output_expires_after.anchor', 'it must be `created_at`');
}

function metadataOf(value: JsonRecord[string]): Result<JsonRecord | undefined, Fault> {
  if (value === undefined || value === null) return ok(undefined);
  if (!isRecord(value)) return err(invalid('metadata', 'it must be an object of texts'));
  const { pairsMax, keyMax, valueMax } = METADATA;
  const pairs = Object.entries(value);
  if (pairs.length > pairsMax) return err(invalid('metadata', `it may have ${pairsMax} pairs`));
  for (const [key, text] of pairs) {
    if (key.length > keyMax) return err(invalid('metadata', `a key may have ${keyMax} characters`));
    if (typeof text !== 'string' || text.length > valueMax)
      return err(invalid(`metadata.${key}`, `it must be a text of at most ${valueMax} characters`));
  }
  return ok(value);
}

type Draughted = Pick<NewBatch, 'keyId' | 'form' | 'endpoint' | 'inputFileId'> & {
  readonly id?: string;
  readonly keepMs?: number | undefined;
  readonly seen: CallerRegion | undefined;
  readonly metadata: JsonRecord | undefined;
};

/** Headers are kept as the metadata, of which Anthropic's protocol has none. */
async function createMessages(messages: MessageBatch, desk: RunnerPorts): Promise<Result<StoredBatch, Fault>> {
  const taken = await takeMessages(messages, desk);
  if (!taken.ok) return taken;
  const { keyId, seen, headers } = messages;
  const inputFileId = taken.value;
  const metadata = compact(Object.fromEntries(MESSAGE_HEADERS.map((name) => [name, headers[name]])));
  const id = desk.world.newId('msgbatch');
  const made = await put({ id, keyId, seen, form: 'anthropic', endpoint: MESSAGES, inputFileId, metadata }, desk);
  if (!made.ok) await dropFile(inputFileId, desk);
  return made;
}

async function put(drafted: Draughted, { world }: RunnerPorts): Promise<Result<StoredBatch, Fault>> {
  const nowMs = world.clock.unixMs();
  const batch: NewBatch = compact({
    ...drafted,
    id: drafted.id ?? world.newId('batch'),
    keepMs: drafted.keepMs ?? world.snapshot().batches.keepMs,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + WINDOW_MS,
  });
  const stored = await world.store.batches(async (books) => books.putBatch(batch, RUNNING_MAX));
  if (!stored.ok) return stored;
  if (stored.value !== undefined) return ok(stored.value);
  return err(fault('rate-limited', { reason: `${RUNNING_MAX} batches of this key have not ended` }));
}

async function find(id: string, { keyId, form }: Whose, { world }: RunnerPorts): Promise<Result<StoredBatch, Fault>> {
  const found = await world.store.batches(async (books) => books.getBatch(id));
  if (!found.ok) return found;
  const batch = found.value;
  return batch !== undefined && batch.keyId === keyId && batch.form === form
    ? ok(batch)
    : err(fault('batch-unknown', { id: JSON.stringify(id.slice(0, 80)) }));
}

/** Lines under way end as they will; no other is begun. Who cancels twice is told the same twice. */
async function cancel(id: string, asked: Whose, desk: RunnerPorts): Promise<Result<StoredBatch, Fault>> {
  const found = await find(id, asked, desk);
  if (!found.ok) return found;
  const { world } = desk;
  const change = { status: 'cancelling', cancellingAtMs: world.clock.unixMs() } as const;
  const changed = await world.store.batches(async (books) =>
    books.changeBatch(id, change, ['validating', 'in_progress']),
  );
  if (!changed.ok) return changed;
  const batch = changed.value ?? found.value;
  if (RUNNING.includes(batch.status)) return ok(batch);
  return err(fault('batch-state', { id, status: batch.status, reason: 'it cannot be cancelled any more' }));
}

async function remove(id: string, asked: Whose, desk: RunnerPorts): Promise<Result<StoredBatch, Fault>> {
  const found = await find(id, asked, desk);
  if (!found.ok) return found;
  const removed = await desk.world.store.batches(async (books) => books.removeBatch(id));
  if (!removed.ok) return removed;
  const { status, inputFileId, outputFileId } = found.value;
  if (!removed.value) return err(fault('batch-state', { id, status, reason: 'cancel it, or wait for its end' }));
  for (const file of [inputFileId, outputFileId]) if (file !== undefined) await dropFile(file, desk);
  return found;
}

async function results(
  id: string,
  asked: Whose,
  desk: RunnerPorts,
): Promise<Result<{ readonly file: FileHandle; readonly bytes: number }, Fault>> {
  const found = await find(id, asked, desk);
  if (!found.ok) return found;
  const { status, endedAtMs, outputFileId } = found.value;
  if (endedAtMs === undefined || outputFileId === undefined)
    return err(fault('batch-state', { id, status, reason: 'it has no results yet' }));
  const file = await openFile(outputFileId, desk);
  return file.ok ? ok({ file: file.value, bytes: (await file.value.stat()).size }) : file;
}
