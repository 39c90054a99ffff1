/** Who asks in the chaos suites: a raw socket and the official SDKs, whole and streamed. What each saw is told in the same words. */
import { connect, type Socket } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../src/lib/json.ts';

/** No row takes longer than this to end; what does is told as such and does not hang the suite. */
const EXCHANGE_MAX_MS = 20_000;
const OUTPUT_TOKENS_MAX = 64;

/** Where a caller sends to, and as whom. */
export interface Door {
  readonly port: number;
  readonly key: string;
}

export interface Asking {
  readonly model: string;
  /** `hi` where nothing is said. */
  readonly prompt?: string;
  /** How often an SDK may repeat by itself. Its own default (2) where nothing is said, so that `x-should-retry` is put to use. */
  readonly retries?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a caller saw, in words of no protocol. */
export interface Seen {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What the model said. */
  readonly text: string;
  /** The error: of the reply, or of the event that ended a stream. */
  readonly error?: { readonly message: string; readonly code: string };
  /** `x-request-id`. */
  readonly id: string;
  readonly tookMs: number;
}

export interface Caller {
  readonly name: string;
  readonly isStreaming: boolean;
  ask(door: Door, asking: Asking): Promise<Seen>;
}

export const rawWhole: Caller = {
  name: 'a raw socket',
  isStreaming: false,
  ask: (door, asking) => askRaw(door, asking, false),
};
export const rawStream: Caller = {
  name: 'a raw socket, streamed',
  isStreaming: true,
  ask: (door, asking) => askRaw(door, asking, true),
};

/** One of each kind. */
export const CALLERS: readonly Caller[] = [
  rawWhole,
  rawStream,
  { name: 'the OpenAI SDK', isStreaming: false, ask: (door, asking) => askOpenai(door, asking, false) },
  { name: 'the OpenAI SDK, streamed', isStreaming: true, ask: (door, asking) => askOpenai(door, asking, true) },
  { name: 'the Anthropic SDK', isStreaming: false, ask: (door, asking) => askAnthropic(door, asking, false) },
  { name: 'the Anthropic SDK, streamed', isStreaming: true, ask: (door, asking) => askAnthropic(door, asking, true) },
];

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body has the end that its framing promised. */
  readonly isWhole: boolean;
}

/** A request on a bare socket, from its first byte to the socket's end. */
export interface RawCall {
  readonly socket: Socket;
  /** All bytes that have come so far, as Latin-1 text. */
  received(): string;
  /** Resolves as soon as what has come fulfils the condition; rejects where the socket ends first. */
  until(isThere: (received: string) => boolean): Promise<void>;
  /** Resolves when the socket is closed by either side. */
  readonly closed: Promise<void>;
  /** What came, read as HTTP. */
  answer(): RawAnswer;
}

export function chatBody(asking: Asking, isStreaming: boolean, more: JsonRecord = {}): JsonRecord {
  const messages = [{ role: 'user', content: asking.prompt ?? 'hi' }];
  return {
    model: asking.model,
    max_tokens: OUTPUT_TOKENS_MAX,
    messages,
    ...(isStreaming ? { stream: true } : {}),
    ...more,
  };
}

/** Sends a chat on a socket of its own, which the gateway is asked to close after the reply. */
export function rawCall(door: Door, body: JsonRecord, headers: Readonly<Record<string, string>> = {}): RawCall {
  const bytes = Buffer.from(JSON.stringify(body));
  const all = {
    host: 'gateway',
    authorization: `Bearer ${door.key}`,
    'content-type': 'application/json',
    'content-length': String(bytes.length),
    connection: 'close',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n`;
  return rawExchange(door.port, Buffer.concat([Buffer.from(head), bytes]));
}

/** Writes bytes as they are and gathers what comes back. */
export function rawExchange(port: number, bytes: Buffer): RawCall {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const pieces: Buffer[] = [];
  const waiters = new Set<() => void>();
  let isClosed = false;
  const received = (): string => Buffer.concat(pieces).toString('latin1');
  const wake = (): void => {
    for (const waiter of waiters) waiter();
  };
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      wake();
      resolve();
    });
  });
  const limit = setTimeout(() => socket.destroy(), EXCHANGE_MAX_MS);
  void closed.then(() => clearTimeout(limit));
  // A reset is told by `close`, which follows.
  socket.on('error', () => undefined);
  socket.on('data', (piece) => {
    pieces.push(piece);
    wake();
  });
  socket.write(bytes);
  return {
    socket,
    received,
    closed,
    answer: () => parseAnswer(Buffer.concat(pieces)),
    until: (isThere) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const text = received();
          const isOver = isThere(text);
          if (!isOver && !isClosed) return;
          waiters.delete(look);
          if (isOver) resolve();
          else reject(new Error(`the socket closed before it came; there was: ${text}`));
        };
        waiters.add(look);
        look();
      }),
  };
}

function parseAnswer(bytes: Buffer): RawAnswer {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return { status: 0, headers: {}, body: '', isWhole: false };
  const [line = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1] ?? 0);
  const headers = Object.fromEntries(
    lines.map((text) => [text.slice(0, text.indexOf(':')).toLowerCase(), text.slice(text.indexOf(':') + 1).trim()]),
  );
  const rest = bytes.subarray(headEnd + 4);
  if (headers['transfer-encoding'] === 'chunked') return { status, headers, ...dechunked(rest) };
  const length = Number(headers['content-length'] ?? 0);
  return { status, headers, body: rest.toString('utf8'), isWhole: rest.length === length };
}

function dechunked(bytes: Buffer): { readonly body: string; readonly isWhole: boolean } {
  const pieces: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return { body: Buffer.concat(pieces).toString('utf8'), isWhole: false };
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (size === 0) return { body: Buffer.concat(pieces).toString('utf8'), isWhole: true };
    const start = lineEnd + 2;
    pieces.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}

async function askRaw(door: Door, asking: Asking, isStreaming: boolean): Promise<Seen> {
  const startedMs = performance.now();
  const call = rawCall(door, chatBody(asking, isStreaming), asking.headers);
  await call.closed;
  return seenIn(call.answer(), performance.now() - startedMs);
}

/** What stands in an answer of the OpenAI protocol. A body that merely stops is no reply, and is told as an error of its own. */
export function seenIn(answer: RawAnswer, tookMs: number): Seen {
  const { status, headers, body, isWhole } = answer;
  const isStream = headers['content-type']?.startsWith('text/event-stream') === true;
  const read = isStream ? readStream(body) : readWhole(body);
  const cut = isWhole && (!isStream || read.isEnded) ? undefined : { message: 'the reply was cut', code: 'test_cut' };
  const error = read.error ?? cut;
  return {
    status,
    headers,
    text: read.text,
    ...(error === undefined ? {} : { error }),
    id: headers['x-request-id'] ?? '',
    tookMs,
  };
}

interface Read {
  readonly text: string;
  readonly error?: { readonly message: string; readonly code: string };
  readonly isEnded: boolean;
}

function readWhole(body: string): Read {
  const record = asRecord(parseJson(body));
  const error = errorOf(record);
  return { text: textOf(record, 'message'), ...(error === undefined ? {} : { error }), isEnded: record !== undefined };
}

/** Strictly: plain events, `[DONE]` last, nothing after an error event. */
function readStream(body: string): Read {
  const blocks = body.split('\n\n').filter((block) => block !== '' && !block.startsWith(':'));
  let text = '';
  for (const [index, block] of blocks.entries()) {
    const isLast = index === blocks.length - 1;
    if (!block.startsWith('data: '))
      return { text, error: { message: `not an event: ${block}`, code: 'test_not_an_event' }, isEnded: false };
    const data = block.slice('data: '.length);
    if (data === '[DONE]') return { text, isEnded: isLast };
    const record = asRecord(parseJson(data));
    if (record === undefined)
      return { text, error: { message: `not JSON: ${data}`, code: 'test_not_json' }, isEnded: false };
    const error = errorOf(record);
    if (error !== undefined) return { text, error, isEnded: isLast };
    text += textOf(record, 'delta');
  }
  return { text, isEnded: false };
}

function errorOf(record: JsonRecord | undefined): Seen['error'] {
  const error = asRecord(record?.['error']);
  if (error === undefined) return undefined;
  return { message: asString(error['message']) ?? '', code: asString(error['code']) ?? '' };
}

function textOf(record: JsonRecord | undefined, field: 'message' | 'delta'): string {
  const choice = asArray(record?.['choices'])?.[0];
  return (isRecord(choice) ? asString(asRecord(choice[field])?.['content']) : undefined) ?? '';
}

interface Begun {
  readonly startedMs: number;
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
}

function ended(begun: Begun, error?: Seen['error']): Seen {
  const { status, headers, text, startedMs } = begun;
  const id = headers['x-request-id'] ?? '';
  return {
    status,
    headers,
    text,
    ...(error === undefined ? {} : { error }),
    id,
    tookMs: performance.now() - startedMs,
  };
}

async function askOpenai(door: Door, asking: Asking, isStreaming: boolean): Promise<Seen> {
  const openai = new OpenAI({
    apiKey: door.key,
    baseURL: `http://127.0.0.1:${door.port}/v1`,
    ...(asking.retries === undefined ? {} : { maxRetries: asking.retries }),
  });
  const begun: Begun = { startedMs: performance.now(), status: 0, headers: {}, text: '' };
  const body = {
    model: asking.model,
    max_tokens: OUTPUT_TOKENS_MAX,
    messages: [{ role: 'user' as const, content: asking.prompt ?? 'hi' }],
  };
  const options = { headers: { ...asking.headers } };
  try {
    if (isStreaming) {
      const { data, response } = await openai.chat.completions
        .create({ ...body, stream: true }, options)
        .withResponse();
      begin(begun, response);
      for await (const chunk of data) begun.text += chunk.choices[0]?.delta.content ?? '';
    } else {
      const { data, response } = await openai.chat.completions.create(body, options).withResponse();
      begin(begun, response);
      begun.text = data.choices[0]?.message.content ?? '';
    }
    return ended(begun);
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    take(begun, error.status, error.headers);
    return ended(begun, { message: error.message, code: error.code ?? '' });
  }
}

async function askAnthropic(door: Door, asking: Asking, isStreaming: boolean): Promise<Seen> {
  const anthropic = new Anthropic({
    apiKey: door.key,
    baseURL: `http://127.0.0.1:${door.port}`,
    ...(asking.retries === undefined ? {} : { maxRetries: asking.retries }),
  });
  const begun: Begun = { startedMs: performance.now(), status: 0, headers: {}, text: '' };
  const body = {
    model: asking.model,
    max_tokens: OUTPUT_TOKENS_MAX,
    messages: [{ role: 'user' as const, content: asking.prompt ?? 'hi' }],
  };
  const options = { headers: { ...asking.headers } };
  try {
    if (isStreaming) {
      const { data, response } = await anthropic.messages.create({ ...body, stream: true }, options).withResponse();
      begin(begun, response);
      for await (const event of data)
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') begun.text += event.delta.text;
    } else {
      const { data, response } = await anthropic.messages.create(body, options).withResponse();
      begin(begun, response);
      begun.text = data.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    }
    return ended(begun);
  } catch (error) {
    if (!(error instanceof Anthropic.APIError)) throw error;
    take(begun, error.status, error.headers);
    return ended(begun, { message: error.message, code: anthropicCode(error.error) });
  }
}

/** Our code stands in `error.details.error_code`, with hyphens. */
function anthropicCode(body: unknown): string {
  const error = isRecord(body) ? asRecord(body['error']) : undefined;
  return (asString(asRecord(error?.['details'])?.['error_code']) ?? '').replaceAll('-', '_');
}

function begin(begun: Begun, response: Response): void {
  begun.status = response.status;
  begun.headers = Object.fromEntries(response.headers);
}

/** An error before the reply has a status of its own; one inside a stream has none, and the head is known already. */
function take(begun: Begun, status: number | undefined, headers: Headers | undefined): void {
  if (begun.status !== 0) return;
  begun.status = status ?? 0;
  begun.headers = headers === undefined ? {} : Object.fromEntries(headers);
}
