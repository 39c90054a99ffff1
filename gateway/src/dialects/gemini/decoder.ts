/** A Gemini stream as events. It has no end mark: a finish reason, or a blocked prompt, makes it complete. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { Part, ReasoningPart, TextPart, ToolCallPart } from '../../chat/part.ts';
import type { ChatEvent, Finish } from '../../chat/reply.ts';
import {
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
import { SSE_EVENT_MAX_BYTES } from '../../lib/sse.ts';
import type { StreamDecoder } from '../dialect.ts';
import { isMedia } from '../messages.ts';
import { citationsAtEnd, visibleText, type VisibleText } from './citations.ts';
import { faultInside } from './errors.ts';
import { frames } from './frames.ts';
import { applyPartialArgs } from './partial-args.ts';
import { readPart, type CallIds } from './parts.ts';
import {
  blockOf,
  CANDIDATES_MAX,
  candidateExtra,
  finishOf,
  logprobsOf,
  partsOf,
  replyIds,
  secondsOf,
  topExtra,
} from './response.ts';
import { decodeUsage } from './usage.ts';
import { recordsOf } from './wire.ts';

/** What is known of one candidate between two pieces. Mutable by design: it lives inside one decoder. */
interface Draft {
  readonly index: number;
  calls: number;
  readonly text: VisibleText;
  isInText: boolean;
  /** Arguments of a call that is still being written (Vertex `streamFunctionCallArguments`). */
  open?: { readonly call: number; args: Record<string, Json> };
  /** A finish that a later piece may take back. */
  held?: Finish;
  isFinished: boolean;
  readonly cited: Set<string>;
  readonly attributed: JsonRecord[];
}

interface State {
  readonly provider: string;
  readonly drafts: Map<number, Draft>;
  ids: CallIds | undefined;
  isBlocked: boolean;
  isOver: boolean;
  out: ChatEvent[];
}

export function streamDecoder(provider: string): StreamDecoder {
  const input = frames();
  const state: State = { provider, drafts: new Map(), ids: undefined, isBlocked: false, isOver: false, out: [] };

  function drain(texts: readonly Buffer[]): readonly ChatEvent[] {
    state.out = [];
    for (const text of texts) if (!state.isOver) readFrame(state, text);
    if (input.isTooBig() && !state.isOver)
      stop(state, fault('upstream-too-big', { provider, max: SSE_EVENT_MAX_BYTES }));
    return state.out;
  }

  return {
    push: (bytes) => (state.isOver ? [] : drain(input.push(bytes))),
    isOver: () => state.isOver,
    end: () => {
      if (state.isOver) return [];
      const events = [...drain(input.end())];
      if (state.isOver) return events;
      state.out = [];
      finishAll(state);
      return [...events, ...state.out];
    },
  };
}

function stop(state: State, of: Fault): void {
  state.isOver = true;
  state.out.push({ type: 'error', fault: of });
}

function readFrame(state: State, bytes: Buffer): void {
  const text = bytes.toString('utf8').trim();
  if (text === '' || text === '[DONE]') return;
  const value = parseJson(text);
  const chunks = isArray(value) ? value : [value];
  for (const chunk of chunks) {
    if (state.isOver) return;
    if (isRecord(chunk)) readChunk(state, chunk);
    else
      stop(
        state,
        fault('upstream-invalid', { provider: state.provider, reason: 'a piece of the stream is not a JSON object' }),
      );
  }
}

function readChunk(state: State, chunk: JsonRecord): void {
  const inside = faultInside(chunk, state.provider);
  if (inside !== undefined) return stop(state, inside);
  const ids = start(state, chunk);
  const usage = decodeUsage(asRecord(chunk['usageMetadata']));
  const candidates = chunk['candidates'];
  for (const [position, candidate] of (isArray(candidates) ? candidates : []).slice(0, CANDIDATES_MAX).entries()) {
    if (!isRecord(candidate)) continue;
    const draft = draftOf(state, asCount(candidate['index']) ?? position);
    readParts(state, draft, { candidate, ids });
    readRest(state, draft, candidate);
    readFinish(state, draft, { candidate, isFinal: usage !== undefined });
  }
  const extra = topExtra(chunk);
  if (extra !== undefined) state.out.push({ type: 'extra', extra });
  const block = state.drafts.size === 0 ? blockOf(chunk) : undefined;
  if (block !== undefined && !state.isBlocked) {
    state.isBlocked = true;
    state.out.push({ type: 'finish', choice: 0, finish: block });
  }
  if (usage !== undefined) state.out.push({ type: 'usage', usage });
}

function start(state: State, chunk: JsonRecord): CallIds {
  if (state.ids !== undefined) return state.ids;
  const id = asString(chunk['responseId']);
  state.out.push(
    compact({
      type: 'start' as const,
      id,
      model: asString(chunk['modelVersion']),
      createdAt: secondsOf(chunk['createTime']),
    }),
  );
  const ids = replyIds(id);
  state.ids = ids;
  return ids;
}

function draftOf(state: State, index: number): Draft {
  const known = state.drafts.get(index);
  if (known !== undefined) return known;
  const made: Draft = {
    index,
    calls: 0,
    text: visibleText(),
    isInText: false,
    isFinished: false,
    cited: new Set(),
    attributed: [],
  };
  state.drafts.set(index, made);
  return made;
}

interface Piece {
  readonly candidate: JsonRecord;
  readonly ids: CallIds;
}

function readParts(state: State, draft: Draft, piece: Piece): void {
  for (const raw of partsOf(piece.candidate)) {
    const call = asRecord(raw['functionCall']);
    if (call !== undefined && isPartial(call, draft)) readPartialCall(state, draft, { raw, call, ids: piece.ids });
    else {
      const part = readPart(raw, undefined, piece.ids);
      if (part !== undefined) addPart(state, draft, { part, raw });
    }
  }
}

function addPart(state: State, draft: Draft, of: { readonly part: Part; readonly raw: JsonRecord }): void {
  const { part } = of;
  const isText = part.kind === 'text';
  if (isText && !draft.isInText) draft.text.startPart();
  draft.isInText = isText;
  if (part.kind === 'text' || part.kind === 'reasoning') addWords(state, draft, part);
  else if (part.kind === 'tool-call') addCall(state, draft, part);
  else state.out.push(wholeEvent(draft.index, part, of.raw));
}

function addWords(state: State, draft: Draft, part: TextPart | ReasoningPart): void {
  const choice = draft.index;
  if (part.extra !== undefined) state.out.push({ type: 'extra', choice, extra: part.extra });
  if (part.kind === 'text') {
    if (part.text !== '') state.out.push({ type: 'text-delta', choice, text: part.text });
    draft.text.add(part.text);
  } else {
    if (part.text !== '') state.out.push({ type: 'reasoning-delta', choice, text: part.text, isSummary: true });
    if (part.encrypted !== undefined)
      state.out.push({ type: 'reasoning-encrypted', choice, encrypted: part.encrypted });
  }
  const { kind, signature } = part;
  if (signature !== undefined) state.out.push({ type: 'signature', choice, of: kind, signature });
}

function addCall(state: State, draft: Draft, part: ToolCallPart): void {
  closeCall(state, draft);
  const { id, name, signature, extra } = part;
  const place = { choice: draft.index, call: draft.calls };
  state.out.push(compact({ type: 'tool-call-start' as const, ...place, id, name, signature, extra }));
  state.out.push({ type: 'tool-call-delta', ...place, arguments: part.arguments });
  draft.calls += 1;
}

/** A part that comes whole. A reply does not answer its own calls: what looks so was run by the provider. */
function wholeEvent(choice: number, part: Part, raw: JsonRecord): ChatEvent {
  if (isMedia(part)) return { type: 'media', choice, part };
  if (part.kind === 'opaque') return { type: 'opaque', choice, part };
  return { type: 'opaque', choice, part: { kind: 'opaque', origin: 'gemini', name: 'functionResponse', value: raw } };
}

/** A call whose arguments come in pieces: it says so, or it has no name because it goes on with the last one. */
function isPartial(call: JsonRecord, draft: Draft): boolean {
  return (
    call['willContinue'] === true ||
    call['partialArgs'] !== undefined ||
    (call['name'] === undefined && draft.open !== undefined)
  );
}

function readPartialCall(
  state: State,
  draft: Draft,
  of: { readonly raw: JsonRecord; readonly call: JsonRecord; readonly ids: CallIds },
): void {
  const { partialArgs, willContinue, ...call } = of.call;
  if (asString(call['name']) !== undefined) {
    closeCall(state, draft);
    const part = readPart({ ...of.raw, functionCall: call }, undefined, of.ids);
    if (part?.kind !== 'tool-call') return;
    state.out.push(
      compact({
        type: 'tool-call-start' as const,
        choice: draft.index,
        call: draft.calls,
        id: part.id,
        name: part.name,
        signature: part.signature,
      }),
    );
    draft.open = { call: draft.calls, args: ownArgs(call['args']) };
    draft.calls += 1;
    draft.isInText = false;
  }
  if (draft.open !== undefined && isArray(partialArgs)) applyPartialArgs(draft.open.args, partialArgs);
  if (willContinue !== true) closeCall(state, draft);
}

function ownArgs(args: Json | undefined): Record<string, Json> {
  const copy: Record<string, Json> = {};
  for (const [key, value] of Object.entries(asRecord(args) ?? {})) if (value !== undefined) copy[key] = value;
  return copy;
}

/** Gives the arguments of the open call, which no more pieces will change. */
function closeCall(state: State, draft: Draft): void {
  if (draft.open === undefined) return;
  state.out.push({
    type: 'tool-call-delta',
    choice: draft.index,
    call: draft.open.call,
    arguments: JSON.stringify(draft.open.args),
  });
  delete draft.open;
}

function readRest(state: State, draft: Draft, candidate: JsonRecord): void {
  const choice = draft.index;
  for (const citation of citationsAtEnd(candidate, draft.text)) {
    // Some servers repeat all grounding in every later piece.
    const key = JSON.stringify([citation.url, citation.title, citation.start, citation.end, citation.citedText]);
    if (draft.cited.has(key)) continue;
    draft.cited.add(key);
    state.out.push({ type: 'citation', choice, citation });
  }
  const tokens = logprobsOf(candidate);
  if (tokens !== undefined) state.out.push({ type: 'logprobs', choice, tokens });
  const extra = candidateExtra(candidate);
  if (extra !== undefined) state.out.push({ type: 'extra', choice, extra: withAttributions(draft, extra) });
}

/** Each piece names the sources of its own text only; all of them together belong to the reply. */
function withAttributions(draft: Draft, extra: JsonRecord): JsonRecord {
  const attribution = asRecord(extra['citationMetadata']);
  if (attribution === undefined) return extra;
  draft.attributed.push(...recordsOf(attribution['citations']));
  return { ...extra, citationMetadata: { ...attribution, citations: [...draft.attributed] } };
}

/**
 * A finish in a piece that counts tokens is final. Older servers put STOP on every piece, without counts:
 * such a finish waits until the stream ends, and content after it takes it back.
 */
function readFinish(
  state: State,
  draft: Draft,
  piece: { readonly candidate: JsonRecord; readonly isFinal: boolean },
): void {
  const finish = finishOf(piece.candidate, draft.calls > 0);
  if (finish === undefined) {
    if (partsOf(piece.candidate).length > 0) delete draft.held;
    return;
  }
  if (draft.isFinished) return;
  closeCall(state, draft);
  if (piece.isFinal) emitFinish(state, draft, finish);
  else draft.held = finish;
}

function emitFinish(state: State, draft: Draft, finish: Finish): void {
  draft.isFinished = true;
  delete draft.held;
  state.out.push({ type: 'finish', choice: draft.index, finish });
}

function finishAll(state: State): void {
  for (const draft of state.drafts.values()) if (draft.held !== undefined) emitFinish(state, draft, draft.held);
  const drafts = [...state.drafts.values()];
  const isComplete = drafts.length === 0 ? state.isBlocked : drafts.every((draft) => draft.isFinished);
  if (!isComplete) stop(state, fault('upstream-cut', { provider: state.provider }));
}
