/** Answers from recordings: a folder of exchanges with real providers, one a file, found again by what was asked. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json, JsonRecord } from '../lib/json.ts';
import { asArray, asNumber, asRecord, asString, isArray, parseJson } from '../lib/json.ts';
import type { Answer, Header } from './answer.ts';
import { streamAnswer, wholeAnswer } from './answer.ts';
import type { ModelSpelling } from './recording-keys.ts';
import {
  alikeKey,
  calledBy,
  equalKey,
  isStreamed,
  modelOf,
  operationOfWire,
  pathOf,
  readBody,
} from './recording-keys.ts';
import { cutStream, encodeEvents, formOf } from './wire-events.ts';

/** Files read at the same time while a folder is loaded. */
const READS_MAX = 32;
/** Answers kept ready; a folder of thousands holds too many to keep all. */
const ANSWERS_MAX = 512;

export interface RecordingsOptions {
  readonly dir: string;
  /** `bare` (default): a model counts as the same with and without the part before its last slash. `exact`: as written. */
  readonly models?: ModelSpelling;
  /** Whether a request without its equal gets a recording of the same operation and model. Default true. */
  readonly isLoose?: boolean;
}

export interface Recording {
  readonly id: string;
  readonly provider: string;
  readonly wire: string;
  readonly status: number;
  readonly file: string;
}

export interface RecordingQuery {
  readonly method: string;
  readonly path: string;
  /** From `/p/<provider>/`: only its recordings are looked at. */
  readonly provider: string | undefined;
  /** From `/openai/…` and the like: its recordings are preferred. */
  readonly family: string | undefined;
  readonly body: Buffer;
}

export interface Recordings {
  readonly size: number;
  /** The recording for a request: an equal one, else one of the same operation and model, else nothing. */
  find(query: RecordingQuery): { readonly recording: Recording; readonly isExact: boolean } | undefined;
  byId(id: string): Recording | undefined;
  /** Reads a recording's response. Rejects only if its file has gone or is broken since it was loaded. */
  answer(recording: Recording): Promise<Answer>;
}

interface Index {
  readonly byId: Map<string, Recording>;
  readonly equal: Map<string, Recording[]>;
  readonly alike: Map<string, Recording[]>;
}

/** Loads a folder in the format of `data/providers`: the files that its `index.json` names, or else all files below it. */
export async function loadRecordings(options: RecordingsOptions): Promise<Recordings> {
  const files = await listFiles(options.dir);
  const index: Index = { byId: new Map(), equal: new Map(), alike: new Map() };
  const models = options.models ?? 'bare';
  const loaded: (Summary | undefined)[] = [];
  let at = 0;
  const worker = async (): Promise<void> => {
    while (at < files.length) {
      const mine = at;
      at += 1;
      const file = files[mine] ?? '';
      const exchange = await readExchange(join(options.dir, file));
      loaded[mine] = exchange === undefined ? undefined : summaryOf(exchange, file, models);
    }
  };
  await Promise.all(Array.from({ length: READS_MAX }, worker));
  // Put in only now, in the order of the list: which of several equal recordings answers must not depend on the disk.
  for (const summary of loaded) if (summary !== undefined) addTo(index, summary);
  return createRecordings(index, options);
}

async function listFiles(dir: string): Promise<readonly string[]> {
  const listed = await readFile(join(dir, 'index.json'), 'utf8').catch(() => undefined);
  const rows = listed === undefined ? undefined : asArray(parseJson(listed));
  const named = rows?.flatMap((row) => asString(asRecord(row)?.['file']) ?? []);
  if (named !== undefined && named.length > 0) return named;
  const all = await readdir(dir, { recursive: true });
  return all.filter((name) => name.endsWith('.json') && name !== 'index.json').toSorted();
}

async function readExchange(path: string): Promise<JsonRecord | undefined> {
  return asRecord(parseJson(await readFile(path, 'utf8')));
}

/** What is kept of an exchange: its name, and the keys under which it is found. Bodies stay on disk. */
interface Summary {
  readonly recording: Recording;
  readonly equal: string | undefined;
  readonly alike: string;
}

function summaryOf(exchange: JsonRecord, file: string, models: ModelSpelling): Summary | undefined {
  const id = asString(exchange['id']);
  const response = asRecord(exchange['response']);
  if (id === undefined || response === undefined) return undefined;
  const wire = asString(exchange['wire']) ?? '';
  const recording: Recording = {
    id,
    file,
    wire,
    provider: asString(exchange['provider']) ?? '',
    status: asNumber(response['status']) ?? 200,
  };
  const model = asString(exchange['model']) ?? '';
  const request = asRecord(exchange['request']);
  if (request !== undefined) return { recording, ...keysOf(request, model, models) };
  const name = operationOfWire(wire, asString(exchange['operation']) ?? '');
  return { recording, equal: undefined, alike: alikeKey({ name, model, isStreaming: 'stream' in response }) };
}

function keysOf(request: JsonRecord, model: string, models: ModelSpelling): Pick<Summary, 'equal' | 'alike'> {
  const called = calledBy(asString(request['method']) ?? 'POST', pathOf(asString(request['url']) ?? ''));
  const body = request['body'] ?? null;
  return {
    equal: equalKey({ called, body, models }),
    alike: alikeKey({
      name: called.name,
      model: called.model ?? modelOf(body) ?? model,
      isStreaming: isStreamed(body),
    }),
  };
}

function addTo(index: Index, { recording, equal, alike }: Summary): void {
  index.byId.set(recording.id, recording);
  push(index.equal, equal, recording);
  push(index.alike, alike, recording);
}

function push(map: Map<string, Recording[]>, key: string | undefined, recording: Recording): void {
  if (key === undefined) return;
  const list = map.get(key);
  if (list === undefined) map.set(key, [recording]);
  else list.push(recording);
}

function createRecordings(index: Index, options: RecordingsOptions): Recordings {
  const answers = new Map<string, Answer>();
  return {
    size: index.byId.size,
    byId: (id) => index.byId.get(id),
    find(query) {
      const called = calledBy(query.method, query.path);
      const body = readBody(query.body);
      const key = equalKey({ called, body, models: options.models ?? 'bare' });
      const exact = choose(key === undefined ? [] : (index.equal.get(key) ?? []), query);
      if (exact !== undefined) return { recording: exact, isExact: true };
      if (options.isLoose === false) return undefined;
      const model = called.model ?? modelOf(body) ?? '';
      const alike = index.alike.get(alikeKey({ name: called.name, model, isStreaming: isStreamed(body) })) ?? [];
      const loose =
        choose(
          alike.filter((recording) => recording.status < 300),
          query,
        ) ?? choose(alike, query);
      return loose === undefined ? undefined : { recording: loose, isExact: false };
    },
    async answer(recording) {
      const ready = answers.get(recording.id);
      if (ready !== undefined) return ready;
      const exchange = await readExchange(join(options.dir, recording.file));
      const answer = answerOf(recording.wire, asRecord(exchange?.['response']) ?? {});
      if (answers.size >= ANSWERS_MAX) answers.clear();
      answers.set(recording.id, answer);
      return answer;
    },
  };
}

/** The first that fits, always: the same request, the same recording. */
function choose(list: readonly Recording[], query: RecordingQuery): Recording | undefined {
  if (query.provider !== undefined) return list.find((recording) => recording.provider === query.provider);
  return list.find((recording) => recording.provider === query.family) ?? list[0];
}

/** Said anew for the reply that is sent now. */
const OWN_HEADERS = new Set(['transfer-encoding', 'content-length', 'content-encoding', 'connection', 'keep-alive']);

function answerOf(wire: string, response: JsonRecord): Answer {
  const status = asNumber(response['status']) ?? 200;
  const headers = headersOf(response);
  const type = headers.find(([name]) => name === 'content-type')?.[1];
  const others = headers.filter(([name]) => name !== 'content-type');
  const stream = asRecord(response['stream']);
  const answer =
    stream === undefined ? wholeOf(status, type, response['body']) : streamOf({ wire, status, type, stream });
  return { ...answer, headers: [...answer.headers, ...others] };
}

function headersOf(response: JsonRecord): Header[] {
  return Object.entries(asRecord(response['headers']) ?? {}).flatMap(([name, value]): Header[] => {
    const text = asString(value);
    return text === undefined || OWN_HEADERS.has(name.toLowerCase()) ? [] : [[name.toLowerCase(), text]];
  });
}

function wholeOf(status: number, type: string | undefined, body: Json | undefined): Answer {
  const record = asRecord(body);
  const text = asString(record?.['$text']);
  const base64 = asString(record?.['$base64']);
  if (text !== undefined) return wholeAnswer(status, type ?? 'text/plain', text);
  if (base64 !== undefined)
    return wholeAnswer(status, type ?? 'application/octet-stream', Buffer.from(base64, 'base64'));
  if (body === undefined || body === null) return wholeAnswer(status, type ?? 'application/json', '');
  return wholeAnswer(status, type ?? 'application/json', JSON.stringify(body));
}

interface RecordedStream {
  readonly wire: string;
  readonly status: number;
  readonly type: string | undefined;
  readonly stream: JsonRecord;
}

function streamOf({ wire, status, type, stream }: RecordedStream): Answer {
  const data = stream['data'];
  const form = formOf(wire);
  // Events were taken out of their wire by the recorder, and with them the content type went.
  if (isArray(data))
    return streamAnswer(
      status,
      form.cutting === 'sse' ? (type ?? form.contentType) : form.contentType,
      encodeEvents(wire, data),
    );
  const encoding = stream['encoding'] === 'base64' ? 'base64' : 'utf8';
  const bytes = Buffer.from(asString(data) ?? '', encoding);
  return streamAnswer(status, type ?? form.contentType, cutStream(wire, bytes));
}
