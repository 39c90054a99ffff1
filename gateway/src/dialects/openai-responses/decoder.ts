/** A stream of response events becomes events of the one language, whoever sent it and however the network cut it. */
import { isCarried } from '../../chat/carried.ts';
import { replay } from '../../chat/collect.ts';
import { fault, type Fault } from '../../chat/fault.ts';
import type { Signature } from '../../chat/part.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import { unpackSignature } from '../../chat/signature.ts';
import { asArray, asCount, asRecord, asString, compact, isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { withoutNan } from '../../lib/nan.ts';
import { sseSplitter, type SseEvent } from '../../lib/sse.ts';
import type { StreamDecoder } from '../dialect.ts';
import { eventDecoder, type Reading } from '../event-decoder.ts';
import { argumentsText } from '../openai-chat/assistant.ts';
import { decodeInnerError } from '../openai-chat/errors.ts';
import { nonEmpty, readLogprobs } from '../openai-chat/response.ts';
import { faultOfResponse } from './errors.ts';
import { callExtra, HOME, itemOf, opaque, readAnnotation, textExtra, typeOf } from './items.ts';
import { decodeResponse, isCall, readFinish, readHead } from './response.ts';
import { readUsage } from './usage.ts';

/** More items in one reply than any model makes; further ones are dropped, so that a mad stream cannot fill memory. */
const ITEMS_MAX = 4096;

type Emit = (event: ChatEvent) => void;

/** An item under way. Mutable by design, as all state of one decoder. */
interface ItemState {
  readonly index: number;
  type: string;
  /** Number among the calls. */
  call: number;
  /** Code units that came as deltas, by part (`text 0`, `summary 1`): what the last event of a part says beyond them is new. */
  readonly lengths: Map<string, number>;
  readonly cited: Map<number, number>;
  /** Tokens whose probabilities were told, by part. */
  readonly probabilities: Map<number, number>;
  isDone: boolean;
}

interface ItemReading extends Reading {
  readonly items: Map<number, ItemState>;
  hasBegun: boolean;
  calls: number;
  hasCall: boolean;
  /** What is open: a change of it begins a new part. */
  open: string | undefined;
  /** A signature of Gemini's that waits for the call or text it belongs to. */
  carried: Signature | undefined;
  lastKind: 'text' | 'other' | undefined;
}

/** One decoder a stream. `provider` is for texts. */
export function decoder(provider: string): StreamDecoder {
  const splitter = sseSplitter();
  const reading: ItemReading = {
    provider,
    items: new Map(),
    hasBegun: false,
    isOver: false,
    calls: 0,
    hasCall: false,
    open: undefined,
    carried: undefined,
    lastKind: undefined,
  };

  function read(event: SseEvent): readonly ChatEvent[] {
    const events: ChatEvent[] = [];
    readSse(event, reading, (made) => void events.push(made));
    return events;
  }

  return eventDecoder(splitter, reading, { read, close: () => undefined });
}

function fail(reading: ItemReading, of: Fault): ChatEvent {
  reading.isOver = true;
  return { type: 'error', fault: of };
}

function readSse({ data, isComment, name }: SseEvent, reading: ItemReading, emit: Emit): void {
  if (isComment || data.length === 0) return emit({ type: 'ping' });
  const text = data.toString('utf8');
  if (text.trim() === '[DONE]') return undefined;
  const plain = parseJson(text) ?? parseJson(withoutNan(text) ?? '');
  if (isRecord(plain)) return readEvent(asString(plain['type']) ?? name, plain, { reading, emit });
  const { provider } = reading;
  return emit(fail(reading, fault('upstream-invalid', { provider, reason: 'an event is not JSON' })));
}

interface Into {
  readonly reading: ItemReading;
  readonly emit: Emit;
}

function readEvent(type: string, event: JsonRecord, into: Into): void {
  const { reading, emit } = into;
  const response = asRecord(event['response']) ?? {};
  switch (type) {
    case 'response.created':
    case 'response.in_progress':
    case 'response.queued':
      return begin(response, into);
    case 'response.completed':
    case 'response.incomplete':
      return complete(response, into);
    case 'response.failed':
      return emit(fail(reading, faultOfResponse(response, reading.provider)));
    case 'error':
      return emit(fail(reading, decodeInnerError(event['error'] ?? event, reading.provider)));
    case 'keepalive':
    case 'ping':
      return emit({ type: 'ping' });
    default:
      return readPiece(type, event, into);
  }
}

function begin(response: JsonRecord, { reading, emit }: Into): void {
  if (reading.hasBegun) return;
  reading.hasBegun = true;
  emit({ type: 'start', ...readHead(response) });
}

/** The last event repeats the whole reply: what never came before comes out of it. */
function complete(response: JsonRecord, into: Into): void {
  const { reading, emit } = into;
  begin(response, into);
  const output = asArray(response['output']) ?? [];
  if (reading.items.size === 0 && output.length > 0) {
    const whole = decodeResponse({ ...response, usage: null }, reading.provider);
    if (!whole.ok) return emit(fail(reading, whole.error));
    for (const event of replay(whole.value)) if (event.type !== 'start' && event.type !== 'finish') emit(event);
  }
  settleCarried(into);
  const usage = readUsage(response['usage']);
  if (usage !== undefined) emit({ type: 'usage', usage });
  reading.isOver = true;
  return emit({
    type: 'finish',
    choice: 0,
    finish: readFinish(response, reading.hasCall || output.some(isCall)),
  });
}

function stateOf(event: JsonRecord, { reading }: Into): ItemState | undefined {
  const index = asCount(event['output_index']) ?? 0;
  const known = reading.items.get(index);
  if (known !== undefined || reading.items.size >= ITEMS_MAX) return known;
  const made: ItemState = {
    index: reading.items.size,
    type: '',
    call: 0,
    lengths: new Map(),
    cited: new Map(),
    probabilities: new Map(),
    isDone: false,
  };
  reading.items.set(index, made);
  return made;
}

function readPiece(type: string, event: JsonRecord, into: Into): void {
  const state = stateOf(event, into);
  if (state === undefined || state.isDone) return;
  const item = asRecord(event['item']);
  if (type === 'response.output_item.added' && item !== undefined) startItem(item, state, into);
  else if (type === 'response.output_item.done' && item !== undefined) endItem(item, state, into);
  else if (type === 'response.output_text.annotation.added') cite(event, state, into);
  else readDelta(type, event, { state, into });
}

/** The kind of text that an event adds to or ends, and the field in which its end repeats it. */
const TEXTS: Readonly<Record<string, readonly [kind: Said['kind'], field: string] | undefined>> = {
  'response.output_text': ['text', 'text'],
  'response.refusal': ['refusal', 'refusal'],
  'response.reasoning_summary_text': ['summary', 'text'],
  'response.reasoning_text': ['reasoning', 'text'],
  'response.function_call_arguments': ['arguments', 'arguments'],
};

interface Said {
  readonly kind: 'text' | 'refusal' | 'summary' | 'reasoning' | 'arguments';
  /** Position of the part within its item. */
  readonly part: number;
  readonly text: string;
}

interface At {
  readonly state: ItemState;
  readonly into: Into;
}

function readDelta(type: string, event: JsonRecord, { state, into }: At): void {
  const [kind, field] = TEXTS[type.replace(/\.(?:delta|done)$/, '')] ?? [];
  if (kind === undefined || field === undefined) return;
  const part = asCount(event['content_index']) ?? asCount(event['summary_index']) ?? 0;
  if (type.endsWith('.delta')) {
    say({ kind, part, text: asString(event['delta']) ?? '' }, { state, into });
  } else sayRest({ kind, part, text: asString(event[field]) ?? '' }, { state, into });
  if (kind === 'text') addProbabilities(event, { part, isWhole: type.endsWith('.done') }, { state, into });
}

/** The end of a text repeats the probabilities that came with its pieces, or tells them for the first time. */
function addProbabilities(
  event: JsonRecord,
  { part, isWhole }: { readonly part: number; readonly isWhole: boolean },
  { state, into }: At,
): void {
  const told = readLogprobs(event['logprobs']);
  const had = state.probabilities.get(part) ?? 0;
  const tokens = isWhole ? told.slice(had) : told;
  if (tokens.length === 0) return;
  state.probabilities.set(part, had + tokens.length);
  into.emit({ type: 'logprobs', choice: 0, tokens });
}

/** The rest of a part, where not all of it came in pieces. */
function sayRest(whole: Said, at: At): void {
  const had = at.state.lengths.get(`${whole.kind} ${whole.part}`) ?? 0;
  if (whole.text.length > had) say({ ...whole, text: whole.text.slice(had) }, at);
}

function say({ kind, part, text }: Said, { state, into }: At): void {
  if (text === '') return;
  const { emit } = into;
  const key = `${kind} ${part}`;
  state.lengths.set(key, (state.lengths.get(key) ?? 0) + text.length);
  if (kind === 'arguments') return emit({ type: 'tool-call-delta', choice: 0, call: state.call, arguments: text });
  openPart(key, { state, into });
  if (kind === 'text') return emit({ type: 'text-delta', choice: 0, text });
  if (kind === 'refusal') return emit({ type: 'refusal-delta', choice: 0, text });
  return emit(
    compact({ type: 'reasoning-delta' as const, choice: 0, text, isSummary: kind === 'summary' || undefined }),
  );
}

/** Another part than the last begins with a break. */
function openPart(key: string, { state, into }: At): void {
  const { reading, emit } = into;
  const place = `${state.index} ${key}`;
  if (reading.open === place) return;
  settleCarried(into);
  if (reading.open?.startsWith(`${state.index} `) === true) emit({ type: 'part-break', choice: 0 });
  reading.open = place;
  reading.lastKind = key.startsWith('text') ? 'text' : 'other';
}

function startItem(item: JsonRecord, state: ItemState, into: Into): void {
  const { reading, emit } = into;
  if (state.type !== '') return;
  state.type = typeOf(item);
  reading.open = undefined;
  if (state.type === 'message' || state.type === 'reasoning') {
    emit({ type: 'part-break', choice: 0, item: withoutStatus(item) });
    return;
  }
  if (state.type !== 'function_call') return;
  state.call = reading.calls;
  reading.calls += 1;
  reading.hasCall = true;
  startCall(item, state, into);
}

function startCall(item: JsonRecord, state: ItemState, into: Into): void {
  const { reading, emit } = into;
  const name = asString(item['name']) ?? '';
  const id = nonEmpty(item['call_id']) ?? nonEmpty(item['id']) ?? `call_${state.call}_${name}`;
  emit({ type: 'part-break', choice: 0, item: withoutStatus(item) });
  const signature = reading.carried;
  reading.carried = undefined;
  reading.lastKind = 'other';
  emit(
    compact({
      type: 'tool-call-start' as const,
      choice: 0,
      call: state.call,
      id,
      name,
      signature,
      extra: callExtra(item),
    }),
  );
  say({ kind: 'arguments', part: 0, text: argumentsText(item['arguments']) ?? '' }, { state, into });
}

/** An item begins `in_progress`; how it ended is told by the whole reply. */
function withoutStatus(item: JsonRecord): JsonRecord {
  return itemOf({ ...item, status: null });
}

function endItem(item: JsonRecord, state: ItemState, into: Into): void {
  const { reading, emit } = into;
  startItem(item, state, into);
  state.isDone = true;
  switch (state.type) {
    case 'message':
      return endMessage(item, { state, into });
    case 'reasoning':
      return endReasoning(item, { state, into });
    case 'function_call':
      return sayRest({ kind: 'arguments', part: 0, text: argumentsText(item['arguments']) ?? '' }, { state, into });
    default:
      settleCarried(into);
      reading.hasCall ||= isCall(item);
      reading.lastKind = 'other';
      return emit({ type: 'opaque', choice: 0, part: opaque(item) });
  }
}

function endMessage(item: JsonRecord, at: At): void {
  const { state, into } = at;
  for (const [index, part] of (asArray(item['content']) ?? []).entries()) {
    if (!isRecord(part)) continue;
    const kind = part['type'] === 'refusal' ? 'refusal' : 'text';
    sayRest({ kind, part: index, text: asString(part[kind]) ?? '' }, at);
    const annotations = (asArray(part['annotations']) ?? []).filter(isRecord);
    for (const raw of annotations.slice(state.cited.get(index) ?? 0))
      into.emit({ type: 'citation', choice: 0, citation: readAnnotation(raw) });
    const extra = kind === 'text' ? textExtra(part) : undefined;
    if (extra !== undefined) into.emit({ type: 'extra', choice: 0, of: 'part', extra });
  }
}

function endReasoning(item: JsonRecord, at: At): void {
  for (const [field, kind] of [['summary', 'summary'] as const, ['content', 'reasoning'] as const]) {
    for (const [part, said] of (asArray(item[field]) ?? []).entries())
      sayRest({ kind, part, text: asString(asRecord(said)?.['text']) ?? '' }, at);
  }
  const sealed = nonEmpty(item['encrypted_content']);
  if (sealed !== undefined) seal(unpackSignature(sealed, HOME), at);
}

function seal(signature: Signature, { state, into }: At): void {
  const { reading, emit } = into;
  if (!isCarried(signature)) return emit({ type: 'signature', choice: 0, of: 'reasoning', signature });
  // In an empty item, it belongs to the text before it, or to the call that follows.
  if (state.lengths.size === 0 && reading.lastKind === 'text') {
    reading.lastKind = 'other';
    return emit({ type: 'signature', choice: 0, of: 'text', signature });
  }
  reading.carried = signature;
  return undefined;
}

/** A signature that no call followed is that of the reasoning it stood in. */
function settleCarried({ reading, emit }: Into): void {
  const signature = reading.carried;
  reading.carried = undefined;
  if (signature !== undefined) emit({ type: 'signature', choice: 0, of: 'reasoning', signature });
}

function cite(event: JsonRecord, state: ItemState, into: Into): void {
  const annotation = asRecord(event['annotation']);
  if (annotation === undefined) return;
  const part = asCount(event['content_index']) ?? 0;
  state.cited.set(part, (state.cited.get(part) ?? 0) + 1);
  into.emit({ type: 'citation', choice: 0, citation: readAnnotation(annotation) });
}
