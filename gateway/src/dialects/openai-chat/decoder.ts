/** A stream of chat-completion chunks becomes events, whoever sent it and however the network cut it. */
import { replay } from '../../chat/collect.ts';
import { fault, type Fault } from '../../chat/fault.ts';
import type { Citation } from '../../chat/part.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import {
  asArray,
  asCount,
  asRecord,
  compact,
  isArray,
  isRecord,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { withoutNan } from '../../lib/nan.ts';
import { SSE_EVENT_MAX_BYTES, sseSplitter, type SseEvent, type SseSplitter } from '../../lib/sse.ts';
import type { StreamDecoder } from '../dialect.ts';
import { restOf, SAID } from './assistant.ts';
import {
  closeCalls,
  holdsContent,
  newChoice,
  readDelta,
  readProbabilities,
  type ChoiceState,
  type Emit,
} from './delta.ts';
import { decodeInnerError, errorIn } from './errors.ts';
import {
  CHOICE_READ,
  CHOICES_MAX,
  createdAt,
  decodeResponse,
  impliedFinish,
  messageExtras,
  misread,
  nonEmpty,
  readFinish,
  REPLY_READ,
  sourcesOf,
  usageOf,
} from './response.ts';

/** How much of the first piece is looked at to tell a stream from a whole body; more white space than this begins neither. */
const SNIFF_BYTES = 64;

/** One decoder a stream. `provider` is for texts. */
export function decoder(provider: string, splitter: SseSplitter = sseSplitter()): StreamDecoder {
  return decoderOf(provider, splitter, (body) => body);
}

/** A reply or chunk of a kindred wire, in the form of this one. */
export type AsChat = (body: JsonRecord) => JsonRecord;

/** The same for a wire whose replies and chunks are those of a chat in another form. */
export function decoderOf(provider: string, splitter: SseSplitter, asChat: AsChat): StreamDecoder {
  const chunks = chunkReader(provider, asChat);
  const whole = wholeReader(provider, asChat);

  function read(sse: readonly SseEvent[]): readonly ChatEvent[] {
    const events: ChatEvent[] = [];
    for (const event of sse) events.push(...chunks.read(event.name, event.data));
    return events;
  }

  return {
    push: (bytes) => {
      if (whole.takes(bytes)) return [];
      const events = read(splitter.push(bytes));
      return splitter.isTooBig()
        ? [...events, ...chunks.fail(fault('upstream-too-big', { provider, max: SSE_EVENT_MAX_BYTES }))]
        : events;
    },
    isOver: () => chunks.isOver(),
    end: () => {
      if (whole.isActive()) return whole.end();
      return [...read(splitter.end()), ...chunks.end()];
    },
  };
}

/** A JSON body, or a page, where a stream was asked for (faults.md F10, F38): it is gathered and read as a whole. */
function wholeReader(
  provider: string,
  asChat: AsChat,
): {
  takes(bytes: Uint8Array): boolean;
  isActive(): boolean;
  end(): readonly ChatEvent[];
} {
  let state: 'unknown' | 'whole' | 'stream' = 'unknown';
  const pieces: Uint8Array[] = [];
  let size = 0;

  function takes(bytes: Uint8Array): boolean {
    if (state === 'unknown') {
      const first = Buffer.from(bytes.subarray(0, SNIFF_BYTES)).toString('latin1').trimStart()[0];
      if (first === undefined) return false;
      // No line of a stream begins with these: a field's name does, or a colon.
      state = first === '{' || first === '[' || first === '<' ? 'whole' : 'stream';
    }
    if (state === 'stream') return false;
    size += bytes.length;
    if (size <= SSE_EVENT_MAX_BYTES) pieces.push(bytes.slice());
    return true;
  }

  function end(): readonly ChatEvent[] {
    if (size > SSE_EVENT_MAX_BYTES)
      return [errorEvent(fault('upstream-too-big', { provider, max: SSE_EVENT_MAX_BYTES }))];
    const body = parseJson(Buffer.concat(pieces).toString('utf8'));
    const found = isArray(body) ? body[0] : body;
    if (!isRecord(found))
      return [errorEvent(fault('upstream-invalid', { provider, reason: 'it is neither a stream nor JSON' }))];
    const reply = decodeResponse(asChat(found), provider);
    return reply.ok ? replay(reply.value) : [errorEvent(reply.error)];
  }

  return { takes, isActive: () => state === 'whole', end };
}

function errorEvent(of: Fault): ChatEvent {
  return { type: 'error', fault: of };
}

/** What a stream has said so far. Mutable by design: it lives inside one decoder. */
interface Reading {
  readonly provider: string;
  readonly choices: Map<number, ChoiceState>;
  /** Last values of the fields beside the choices. */
  readonly seen: Map<string, Json>;
  hasBegun: boolean;
  /** Fields beside the reply that came before it began. */
  held: JsonRecord;
  sources: readonly Citation[];
  /** Nothing counts any more: an error came, or the end mark. */
  isOver: boolean;
}

/** Reads chunk after chunk. */
function chunkReader(
  provider: string,
  asChat: AsChat,
): {
  read(name: string, data: Buffer): readonly ChatEvent[];
  fail(of: Fault): readonly ChatEvent[];
  end(): readonly ChatEvent[];
  isOver(): boolean;
} {
  const reading: Reading = {
    provider,
    choices: new Map(),
    seen: new Map(),
    hasBegun: false,
    held: {},
    sources: [],
    isOver: false,
  };

  function read(name: string, data: Buffer): readonly ChatEvent[] {
    if (reading.isOver || data.length === 0) return [];
    const text = data.toString('utf8').trim();
    if (text === '') return [];
    if (text === '[DONE]') return readDone(reading);
    const parsed = parseJson(text) ?? parseJson(withoutNan(text) ?? '');
    // Google's endpoint wraps its errors into a list.
    const chunk = isArray(parsed) ? parsed[0] : parsed;
    if (!isRecord(chunk)) return fail(reading, fault('upstream-invalid', { provider, reason: 'a chunk is not JSON' }));
    const error = name === 'error' && chunk['error'] === undefined ? chunk : errorIn(chunk);
    if (error !== undefined) return fail(reading, decodeInnerError(error, provider, nonEmpty(chunk['model'])));
    return readChunk(asChat(chunk), reading);
  }

  function end(): readonly ChatEvent[] {
    if (reading.isOver) return [];
    const events: ChatEvent[] = [];
    settle([], reading, (event) => void events.push(event));
    const isWhole = reading.choices.size > 0 && [...reading.choices.values()].every((state) => state.isFinished);
    return isWhole ? events : [...events, ...fail(reading, fault('upstream-cut', { provider }))];
  }

  return { read, fail: (of) => fail(reading, of), end, isOver: () => reading.isOver };
}

function fail(reading: Reading, of: Fault): readonly ChatEvent[] {
  if (reading.isOver) return [];
  reading.isOver = true;
  return [errorEvent(of)];
}

function readChunk(chunk: JsonRecord, reading: Reading): readonly ChatEvent[] {
  const events: ChatEvent[] = [];
  const emit: Emit = (event) => void events.push(event);
  const choices = (asArray(chunk['choices']) ?? []).filter(isRecord);
  settle(choices, reading, emit);
  readHead(chunk, reading, emit);
  const sources = sourcesOf(chunk);
  if (sources.length > 0) reading.sources = sources;
  for (const [position, choice] of choices.entries()) {
    const state = stateOf(asCount(choice['index']) ?? position, reading);
    if (state !== undefined) readChoice(choice, { state, sources: reading.sources }, emit);
  }
  reading.held = { ...reading.held, ...changed(restOf(chunk, REPLY_READ), reading.seen) };
  if (reading.hasBegun && Object.keys(reading.held).length > 0) {
    emit({ type: 'extra', extra: reading.held });
    reading.held = {};
  }
  const usage = usageOf(chunk);
  if (usage !== undefined) emit({ type: 'usage', usage });
  return events;
}

/** Finishes that were pending come true, unless these choices go on with the reply. */
function settle(choices: readonly JsonRecord[], reading: Reading, emit: Emit): void {
  const open = new Set<number>();
  for (const [position, choice] of choices.entries()) {
    if (holdsContent(choice)) open.add(asCount(choice['index']) ?? position);
  }
  for (const state of reading.choices.values()) {
    if (open.has(state.index)) {
      state.pending = undefined;
      state.isFinished = false;
    } else if (state.pending !== undefined) finishChoice({ state, sources: reading.sources }, emit, state.pending);
  }
}

/** Azure's first chunk holds only filter results, with empty names: the reply begins with the one that has some. */
function readHead(chunk: JsonRecord, reading: Reading, emit: Emit): void {
  const id = nonEmpty(chunk['id']);
  if (reading.hasBegun || (id === undefined && (asArray(chunk['choices']) ?? []).length === 0)) return;
  reading.hasBegun = true;
  emit({ type: 'start', ...compact({ id, model: nonEmpty(chunk['model']), createdAt: createdAt(chunk) }) });
}

function stateOf(index: number, { choices }: Reading): ChoiceState | undefined {
  const known = choices.get(index);
  if (known !== undefined || choices.size >= CHOICES_MAX) return known;
  const made = newChoice(index);
  choices.set(index, made);
  return made;
}

interface ChoiceReading {
  readonly state: ChoiceState;
  readonly sources: readonly Citation[];
}

function readChoice(choice: JsonRecord, reading: ChoiceReading, emit: Emit): void {
  const { state } = reading;
  // Perplexity and Writer repeat the whole message so far beside the delta.
  const delta = deltaOf(choice);
  readDelta(delta, state, emit);
  readProbabilities(asRecord(choice['logprobs']), state, emit);
  const fields = {
    ...misread(choice, 'delta'),
    ...misread(delta, 'content'),
    ...restOf(choice, CHOICE_READ),
    ...messageExtras(restOf(delta, SAID)),
  };
  const extra = changed(fields, state.seen);
  if (extra !== undefined) emit({ type: 'extra', choice: state.index, extra });
  const finish = readFinish(choice['finish_reason']);
  if (finish === undefined || state.isFinished) return;
  if (finish.reason === 'tool-calls') state.pending = finish;
  else finishChoice(reading, emit, finish);
}

/** A server of completions streams plain text where the delta should be. */
function deltaOf(choice: JsonRecord): JsonRecord {
  const delta = asRecord(choice['delta']);
  if (delta !== undefined) return delta;
  return typeof choice['text'] === 'string' ? { content: choice['text'] } : {};
}

function finishChoice(
  { state, sources }: ChoiceReading,
  emit: Emit,
  finish = impliedFinish(state.calls.length > 0),
): void {
  state.isFinished = true;
  state.pending = undefined;
  closeCalls(state, emit);
  if (!state.hasSources) for (const citation of sources) emit({ type: 'citation', choice: state.index, citation });
  state.hasSources = true;
  if (state.otherLogprobs.size > 0) {
    const lists = [...state.otherLogprobs].map(([field, list]): [string, Json] => [`logprobs.${field}`, list]);
    emit({ type: 'extra', choice: state.index, extra: Object.fromEntries(lists) });
  }
  emit({ type: 'finish', choice: state.index, finish });
}

/** `[DONE]` is the protocol's own success ending: a reply that never named a reason is complete with it (Snowflake). */
function readDone(reading: Reading): readonly ChatEvent[] {
  const { provider, sources } = reading;
  if (reading.choices.size === 0)
    return fail(reading, fault('upstream-invalid', { provider, reason: 'it holds no choice' }));
  reading.isOver = true;
  const events: ChatEvent[] = [];
  for (const state of reading.choices.values()) {
    if (!state.isFinished) finishChoice({ state, sources }, (event) => void events.push(event), state.pending);
  }
  return events;
}

/** The fields that differ from the last time they came: providers repeat them in every chunk. */
function changed(fields: JsonRecord | undefined, seen: Map<string, Json>): JsonRecord | undefined {
  const news: Record<string, Json> = {};
  for (const [key, value] of Object.entries(fields ?? {})) {
    if (value === undefined) continue;
    const text = typeof value === 'object' ? JSON.stringify(value) : value;
    if (seen.get(key) === text) continue;
    seen.set(key, text);
    news[key] = value;
  }
  return Object.keys(news).length === 0 ? undefined : news;
}
