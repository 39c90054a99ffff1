/**
 * Files and batches as OpenAI has them, and Anthropic's message batches: kept in memory, answered like single requests.
 * A batch is under way until it has been looked at so many times; then all of its answers are there.
 */
import type { JsonRecord } from '../lib/json.ts';
import { asArray, asRecord, asString, isRecord, parseJson } from '../lib/json.ts';
import { boundaryOf, multipartReader } from '../lib/multipart.ts';
import type { Answer } from './answer.ts';
import { wholeAnswer } from './answer.ts';

const JSON_TYPE = 'application/json';
const FORM = { partsMax: 16, headerMaxBytes: 4096, fieldMaxBytes: 4096 };

export interface StoredRequest {
  readonly method: string;
  /** Without the simulator's own prefix. */
  readonly path: string;
  readonly query: string;
  readonly contentType: string;
  readonly body: Buffer;
}

/** One line, answered as if it had come alone. */
export type AnswerLine = (path: string, body: JsonRecord) => { readonly status: number; readonly body: string };

export interface StoredOptions {
  readonly answerLine: AnswerLine;
  /** Looks at a batch until it has ended. */
  readonly looks: number;
  /** Seconds since 1970. */
  readonly createdS: number;
}

export interface Stored {
  /** Undefined where the path is none of these. */
  answer(request: StoredRequest): Answer | undefined;
}

interface Batch {
  readonly id: string;
  readonly form: 'openai' | 'anthropic';
  readonly lines: readonly JsonRecord[];
  readonly endpoint: string;
  readonly inputFileId: string;
  readonly metadata: JsonRecord | undefined;
  looks: number;
  isCancelled: boolean;
  output?: { readonly good: string; readonly bad: string };
}

const ROUTE = /^\/v1\/(files|batches|messages\/batches)(?:\/([\w-]+))?(?:\/(content|cancel|results))?$/;

export function createStored(options: StoredOptions): Stored {
  return new Shelf(options);
}

class Shelf implements Stored {
  readonly #options: StoredOptions;
  readonly #files = new Map<string, Buffer>();
  readonly #batches = new Map<string, Batch>();
  #made = 0;

  constructor(options: StoredOptions) {
    this.#options = options;
  }

  answer(request: StoredRequest): Answer | undefined {
    const [, room, id, verb] = ROUTE.exec(request.path) ?? [];
    if (room === undefined) return undefined;
    if (room === 'files') return this.#filesAnswer(request, id, verb);
    const form = room === 'batches' ? 'openai' : 'anthropic';
    if (id !== undefined) return this.#batchAnswer(form, id, verb);
    if (request.method === 'POST') return this.#create(form, request.body);
    const all = [...this.#batches.values()].filter((batch) => batch.form === form).toReversed();
    return json(200, { object: 'list', data: all.map((batch) => this.#shape(batch)), has_more: false });
  }

  #id(prefix: string): string {
    this.#made += 1;
    return `${prefix}_sim${this.#made}`;
  }

  #filesAnswer({ method, contentType, body }: StoredRequest, id?: string, verb?: string): Answer {
    if (id !== undefined) {
      const bytes = this.#files.get(id);
      if (bytes === undefined) return refused(404, `No such File object: ${id}`);
      return verb === 'content' ? wholeAnswer(200, 'application/octet-stream', bytes) : json(200, fileShape(id, bytes));
    }
    if (method !== 'POST') return refused(405, 'Use POST here.');
    const boundary = boundaryOf(contentType);
    const pieces: Buffer[] = [];
    const fields = new Map<string, string>();
    const reader = multipartReader(boundary.ok ? boundary.value : '', FORM, ({ name, filename }, piece) => {
      if (filename === undefined) fields.set(name, piece.toString('utf8'));
      else pieces.push(piece);
    });
    const wrong = boundary.ok ? (reader.push(body) ?? (reader.end().ok ? undefined : 'it is cut')) : boundary.error;
    if (wrong !== undefined) return refused(400, `Invalid form: ${wrong}`);
    if (fields.get('purpose') !== 'batch') return refused(400, `Invalid value for 'purpose'.`);
    const made = this.#id('file');
    this.#files.set(made, Buffer.concat(pieces));
    return json(200, fileShape(made, Buffer.concat(pieces)));
  }

  #create(form: Batch['form'], body: Buffer): Answer {
    const record = asRecord(parseJson(body.toString('utf8')));
    if (record === undefined) return refused(400, 'The body is not a JSON object.');
    const inputFileId = asString(record['input_file_id']) ?? '';
    const lines =
      form === 'openai' ? linesIn(this.#files.get(inputFileId)) : asArray(record['requests'])?.filter(isRecord);
    if (lines === undefined) return refused(400, 'There is nothing to do.');
    const id = this.#id(form === 'openai' ? 'batch' : 'msgbatch');
    const endpoint = asString(record['endpoint']) ?? '/v1/messages';
    const metadata = asRecord(record['metadata']);
    const batch = { id, form, lines, endpoint, inputFileId, metadata, looks: 0, isCancelled: false };
    this.#batches.set(id, batch);
    return json(200, this.#shape(batch));
  }

  #batchAnswer(form: Batch['form'], id: string, verb?: string): Answer {
    const batch = this.#batches.get(id);
    if (batch === undefined || batch.form !== form) return refused(404, `No batch ${id}`);
    if (verb === 'cancel') {
      batch.isCancelled = true;
      this.#finish(batch, 0);
    } else batch.looks += 1;
    if (batch.looks >= this.#options.looks) this.#finish(batch, batch.lines.length);
    if (verb !== 'results') return json(200, this.#shape(batch));
    return batch.output === undefined
      ? refused(400, 'The batch has no results yet.')
      : wholeAnswer(200, 'application/x-jsonl', batch.output.good);
  }

  /** Answers the first `count` lines; the rest ends with the batch. */
  #finish(batch: Batch, count: number): void {
    if (batch.output !== undefined) return;
    const good: string[] = [];
    const bad: string[] = [];
    for (const [index, line] of batch.lines.entries()) {
      const answered = index < count ? this.#options.answerLine(batch.endpoint, asked(line, batch.form)) : undefined;
      if (batch.form === 'anthropic') good.push(messageLine(line, answered));
      else if (answered !== undefined) (answered.status < 400 ? good : bad).push(openaiLine(line, answered, index));
    }
    batch.output = { good: text(good), bad: text(bad) };
    if (batch.form !== 'openai') return;
    this.#files.set(`${batch.id}_output`, Buffer.from(batch.output.good));
    this.#files.set(`${batch.id}_error`, Buffer.from(batch.output.bad));
  }

  #shape(batch: Batch): JsonRecord {
    const { id, lines, output, isCancelled } = batch;
    const createdS = this.#options.createdS;
    if (batch.form === 'anthropic')
      return {
        id,
        type: 'message_batch',
        processing_status: output === undefined ? 'in_progress' : 'ended',
        request_counts: { processing: lines.length, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
        created_at: new Date(createdS * 1000).toISOString(),
        results_url: output === undefined ? null : `/v1/messages/batches/${id}/results`,
      };
    return {
      id,
      object: 'batch',
      endpoint: batch.endpoint,
      input_file_id: batch.inputFileId,
      status: output === undefined ? 'in_progress' : isCancelled ? 'cancelled' : 'completed',
      output_file_id: output === undefined || output.good === '' ? null : `${id}_output`,
      error_file_id: output === undefined || output.bad === '' ? null : `${id}_error`,
      created_at: createdS,
      metadata: batch.metadata ?? null,
    };
  }
}

function linesIn(bytes: Buffer | undefined): readonly JsonRecord[] | undefined {
  return bytes
    ?.toString('utf8')
    .split('\n')
    .map((line) => parseJson(line))
    .filter(isRecord);
}

function asked(line: JsonRecord, form: Batch['form']): JsonRecord {
  return asRecord(line[form === 'openai' ? 'body' : 'params']) ?? {};
}

type Answered = ReturnType<AnswerLine>;

function openaiLine(line: JsonRecord, { status, body }: Answered, index: number): string {
  const response = { status_code: status, request_id: `req_sim_${index}`, body: parseJson(body) ?? null };
  return JSON.stringify({ id: `batch_req_${index}`, custom_id: line['custom_id'], response, error: null });
}

function messageLine(line: JsonRecord, answered: Answered | undefined): string {
  const body = parseJson(answered?.body ?? '') ?? null;
  const result =
    answered === undefined
      ? { type: 'canceled' }
      : answered.status < 400
        ? { type: 'succeeded', message: body }
        : { type: 'errored', error: body };
  return JSON.stringify({ custom_id: line['custom_id'], result });
}

function fileShape(id: string, bytes: Buffer): JsonRecord {
  return { id, object: 'file', bytes: bytes.length, purpose: 'batch', filename: 'file.jsonl', status: 'processed' };
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function json(status: number, body: JsonRecord): Answer {
  return wholeAnswer(status, JSON_TYPE, JSON.stringify(body));
}

function refused(status: number, message: string): Answer {
  return json(status, { type: 'error', error: { type: 'invalid_request_error', message, param: null, code: null } });
}
