/** What one choice's delta says, as events; keeps what a choice must remember from chunk to chunk. */
import type { Part, Signature } from '../../chat/part.ts';
import type { ChatEvent, Finish } from '../../chat/reply.ts';
import {
  asArray,
  asCount,
  asRecord,
  asString,
  compact,
  isArray,
  isRecord,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import {
  argumentsText,
  callExtra,
  googleSignature,
  HOME,
  MALFORMED_CALL,
  readAnnotations,
  readContentPart,
  readDetails,
  readImage,
  saysSomething,
} from './assistant.ts';
import { nonEmpty, readLogprobs } from './response.ts';

/** More calls in one reply than any model makes; further ones are dropped, so that a mad stream cannot fill memory. */
const CALLS_MAX = 1024;

/** A tool call under way. Mutable by design, as all state of one decoder. */
interface Call {
  readonly number: number;
  id: string;
  name: string;
  isCustom: boolean;
  isStarted: boolean;
  signature: Signature | undefined;
  /** Fields without a word here. */
  extra: JsonRecord | undefined;
  /** Arguments that came before the name did; all input of a custom call. */
  held: string;
}

/** A choice under way. */
export interface ChoiceState {
  readonly index: number;
  readonly calls: Call[];
  readonly byIndex: Map<number, Call>;
  /** Which of the two ways of showing reasoning this stream fills: most fill both. */
  reasoningForm: 'plain' | 'details' | undefined;
  /** Number of the reasoning block that is open. */
  block: Json | undefined;
  readonly signatures: Map<string, Signature>;
  readonly seen: Map<string, Json>;
  /** Log probabilities that are not of the content (DeepSeek's reasoning), kept until the finish. */
  readonly otherLogprobs: Map<string, Json[]>;
  isFinished: boolean;
  /** A finish that the next chunk may take back: Together ends a reply after each of its calls. */
  pending: Finish | undefined;
  /** Sources are named once, though a reply be opened again. */
  hasSources: boolean;
}

export type Emit = (event: ChatEvent) => void;

/** A choice of which nothing came yet. */
export function newChoice(index: number): ChoiceState {
  return {
    index,
    calls: [],
    byIndex: new Map(),
    reasoningForm: undefined,
    block: undefined,
    signatures: new Map(),
    seen: new Map(),
    otherLogprobs: new Map(),
    isFinished: false,
    pending: undefined,
    hasSources: false,
  };
}

const CONTENT_FIELDS = [
  'content',
  'reasoning_content',
  'reasoning',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'images',
  'reasoning_details',
  'annotations',
] as const;

/** Whether a chunk's choice holds something generated, rather than a role or a finish. */
export function holdsContent(choice: JsonRecord): boolean {
  const delta = asRecord(choice['delta']);
  return delta !== undefined && CONTENT_FIELDS.some((field) => saysSomething(contentOf(delta[field])));
}

/** Numbers and types are no content: only text in them is. */
function contentOf(value: Json | undefined): Json | undefined {
  if (isArray(value)) return value.map((item) => contentOf(item) ?? null);
  if (!isRecord(value)) return value;
  const { index: _, type: __, id: ___, format: ____, closed: _____, ...rest } = value;
  return Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, contentOf(item)]));
}

/** The events of one delta. */
export function readDelta(delta: JsonRecord, state: ChoiceState, emit: Emit): void {
  readReasoning(delta, state, emit);
  readContent(delta['content'], state, emit);
  const refusal = asString(delta['refusal']);
  if (refusal !== undefined && refusal !== '') emit({ type: 'refusal-delta', choice: state.index, text: refusal });
  readAudio(delta, state, emit);
  for (const image of asArray(delta['images']) ?? []) {
    for (const part of readImage(image)) emit({ type: 'media', choice: state.index, part });
  }
  for (const citation of readAnnotations(delta['annotations']))
    emit({ type: 'citation', choice: state.index, citation });
  readCalls(delta, state, emit);
  const signature = googleSignature(delta);
  if (signature !== undefined) emit({ type: 'signature', choice: state.index, of: 'text', signature });
}

function readContent(given: Json | undefined, state: ChoiceState, emit: Emit): void {
  const choice = state.index;
  const content = isRecord(given) ? [given] : given;
  if (typeof content === 'string') {
    if (content !== '') emit({ type: 'text-delta', choice, text: content });
    return;
  }
  // Mistral's reasoning models send lists of parts.
  for (const part of (asArray(content) ?? []).flatMap((item) => readContentPart(item, {})))
    readPart(part, choice, emit);
}

function readPart(part: Part, choice: number, emit: Emit): void {
  if (part.kind === 'opaque') return emit({ type: 'opaque', choice, part });
  if (part.extra !== undefined) emit({ type: 'extra', choice, extra: part.extra });
  if (part.kind === 'text') emit({ type: 'text-delta', choice, text: part.text });
  else if (part.kind === 'refusal') emit({ type: 'refusal-delta', choice, text: part.text });
  else if (part.kind === 'reasoning') {
    if (part.text !== '') emit({ type: 'reasoning-delta', choice, text: part.text });
    if (part.signature !== undefined) emit({ type: 'signature', choice, of: 'reasoning', signature: part.signature });
  }
}

function readReasoning(delta: JsonRecord, state: ChoiceState, emit: Emit): void {
  const plain = [delta['reasoning_content'], delta['reasoning']].find(
    (text) => typeof text === 'string' && text !== '',
  );
  const details = asArray(delta['reasoning_details']) ?? [];
  const isDetailed = details.some(
    (entry) => isRecord(entry) && (saysSomething(entry['text']) || saysSomething(entry['summary'])),
  );
  if (state.reasoningForm === undefined && (isDetailed || plain !== undefined)) {
    state.reasoningForm = isDetailed ? 'details' : 'plain';
  }
  if (state.reasoningForm === 'plain' && typeof plain === 'string') {
    emit({ type: 'reasoning-delta', choice: state.index, text: plain });
  }
  for (const entry of details) if (isRecord(entry)) readDetail(entry, state, emit);
}

function readDetail(entry: JsonRecord, state: ChoiceState, emit: Emit): void {
  const choice = state.index;
  const [part] = readDetails([entry], undefined);
  if (part?.kind === 'opaque') emit({ type: 'opaque', choice, part });
  if (part?.kind !== 'reasoning') return;
  if (part.encrypted !== undefined) return readEncrypted(part.encrypted, { id: asString(entry['id']), state }, emit);
  if (part.text !== '' && state.reasoningForm === 'details') {
    if (state.block !== undefined && state.block !== entry['index']) emit({ type: 'part-break', choice });
    state.block = entry['index'];
    emit({ type: 'reasoning-delta', choice, text: part.text, ...(part.isSummary === true ? { isSummary: true } : {}) });
  }
  if (part.signature === undefined) return;
  emit({ type: 'signature', choice, of: 'reasoning', signature: part.signature });
  state.block = undefined;
}

/** Gemini's signature of a call comes just before the call, and waits for it. */
function readEncrypted(
  encrypted: Signature,
  { id, state }: { readonly id: string | undefined; readonly state: ChoiceState },
  emit: Emit,
): void {
  const call = id === undefined ? undefined : state.calls.find((candidate) => candidate.id === id);
  if (encrypted.origin === 'gemini' && id !== undefined && call?.isStarted !== true)
    state.signatures.set(id, encrypted);
  else if (call?.signature === undefined) emit({ type: 'reasoning-encrypted', choice: state.index, encrypted });
}

function readAudio(delta: JsonRecord, state: ChoiceState, emit: Emit): void {
  const audio = asRecord(delta['audio']);
  if (audio === undefined) return;
  const piece = compact({
    id: nonEmpty(audio['id']),
    data: nonEmpty(audio['data']),
    transcript: nonEmpty(audio['transcript']),
  });
  if (Object.keys(piece).length > 0) emit({ type: 'audio-delta', choice: state.index, ...piece });
}

/** Log probabilities of the content as events; those of reasoning and refusals are kept for the finish. */
export function readProbabilities(logprobs: JsonRecord | undefined, state: ChoiceState, emit: Emit): void {
  if (logprobs === undefined) return;
  const tokens = readLogprobs(logprobs['content']);
  if (tokens.length > 0) emit({ type: 'logprobs', choice: state.index, tokens });
  for (const [field, list] of Object.entries(logprobs)) {
    if (field === 'content' || !isArray(list) || list.length === 0) continue;
    state.otherLogprobs.set(field, [...(state.otherLogprobs.get(field) ?? []), ...list]);
  }
}

function readCalls(delta: JsonRecord, state: ChoiceState, emit: Emit): void {
  for (const piece of asArray(delta['tool_calls']) ?? []) if (isRecord(piece)) readCallPiece(piece, state, emit);
  const legacy = asRecord(delta['function_call']);
  if (legacy !== undefined && saysSomething(legacy)) readCallPiece({ index: 0, function: legacy }, state, emit);
}

/** One piece of a call, in the words of both kinds of calls. */
interface CallPiece {
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly text: string;
  readonly isCustom: boolean;
  readonly signature: Signature | undefined;
  readonly extra: JsonRecord | undefined;
}

function pieceOf(raw: JsonRecord): CallPiece {
  const custom = asRecord(raw['custom']);
  const isCustom = raw['type'] === 'custom' && custom !== undefined;
  const target = custom !== undefined && raw['function'] === undefined ? custom : (asRecord(raw['function']) ?? {});
  const text = asString(target['input']) ?? argumentsText(target['arguments']) ?? '';
  return {
    index: asCount(raw['index']),
    id: nonEmpty(raw['id']),
    name: nonEmpty(target['name']),
    text,
    isCustom,
    signature: googleSignature(raw),
    extra: isCustom ? undefined : callExtra(raw, target),
  };
}

function readCallPiece(raw: JsonRecord, state: ChoiceState, emit: Emit): void {
  const piece = pieceOf(raw);
  const call = callOf(state, piece);
  if (call === undefined) return;
  learn(call, piece, state);
  if (call.isStarted) {
    if (piece.text !== '')
      emit({ type: 'tool-call-delta', choice: state.index, call: call.number, arguments: piece.text });
    return;
  }
  call.held += piece.text;
  if (!call.isCustom && call.name !== '' && call.id !== '') start(call, state, emit);
}

/** Names and ids count once: some servers repeat them in every piece. */
function learn(call: Call, piece: CallPiece, state: ChoiceState): void {
  if (piece.isCustom) call.isCustom = true;
  if (call.id === '') call.id = piece.id ?? '';
  if (call.name === '') call.name = piece.name ?? '';
  if (piece.extra !== undefined) call.extra = { ...call.extra, ...piece.extra };
  call.signature ??= piece.signature ?? state.signatures.get(call.id);
  if (piece.extra !== undefined) call.extra = { ...call.extra, ...piece.extra };
}

/** The call that a piece belongs to: by its number, but a new id under an old number is a new call (servers that number all 0). */
function callOf(state: ChoiceState, piece: CallPiece): Call | undefined {
  const { index, id, name } = piece;
  const same = id === undefined ? undefined : state.calls.find((call) => call.id === id);
  const known = index === undefined ? (same ?? lastOf(state, piece)) : state.byIndex.get(index);
  const isOther = id !== undefined && name !== undefined && known?.id !== '' && known?.id !== id;
  if (known !== undefined && !isOther) return known;
  return same ?? newCall(state, index, id);
}

/** The call that a piece without a number goes on with; a name without an id begins a new one after arguments that are whole. */
function lastOf({ calls }: ChoiceState, { id, name }: CallPiece): Call | undefined {
  const last = calls.at(-1);
  const isNext = last?.name !== '' && id === undefined && name !== undefined && isRecord(parseJson(last?.held ?? ''));
  return isNext ? undefined : last;
}

function newCall(state: ChoiceState, index: number | undefined, id: string | undefined): Call | undefined {
  if (state.calls.length >= CALLS_MAX) return undefined;
  const made: Call = {
    number: state.calls.length,
    id: id ?? '',
    name: '',
    isCustom: false,
    isStarted: false,
    signature: undefined,
    extra: undefined,
    held: '',
  };
  state.calls.push(made);
  if (index !== undefined) state.byIndex.set(index, made);
  return made;
}

function start(call: Call, state: ChoiceState, emit: Emit): void {
  const choice = state.index;
  call.isStarted = true;
  if (call.signature !== undefined) state.signatures.delete(call.id);
  const { number, id, name, signature, extra } = call;
  emit(compact({ type: 'tool-call-start' as const, choice, call: number, id, name, signature, extra }));
  if (call.held !== '') emit({ type: 'tool-call-delta', choice, call: call.number, arguments: call.held });
  call.held = '';
}

/** A call that never got a name cannot be made, but must not vanish. */
function closeNameless(call: Call, state: ChoiceState, emit: Emit): void {
  call.isStarted = true;
  if (call.held === '' && call.id === '') return;
  const value = { id: call.id, type: 'function', function: { arguments: call.held } };
  emit({
    type: 'opaque',
    choice: state.index,
    part: { kind: 'opaque', origin: HOME, name: MALFORMED_CALL, value },
  });
}

/** What had to wait for the end: calls that never got an id, custom calls, and signatures whose call never came. */
export function closeCalls(state: ChoiceState, emit: Emit): void {
  for (const call of state.calls) {
    if (call.isStarted) continue;
    if (call.name === '') closeNameless(call, state, emit);
    else if (call.isCustom) {
      const value = { id: call.id, type: 'custom', custom: { name: call.name, input: call.held } };
      emit({
        type: 'opaque',
        choice: state.index,
        part: { kind: 'opaque', origin: HOME, name: 'custom_tool_call', value },
      });
      call.isStarted = true;
    } else {
      if (call.id === '') call.id = `call_${call.number}_${call.name}`;
      start(call, state, emit);
    }
  }
  for (const encrypted of state.signatures.values())
    emit({ type: 'reasoning-encrypted', choice: state.index, encrypted });
  state.signatures.clear();
}
