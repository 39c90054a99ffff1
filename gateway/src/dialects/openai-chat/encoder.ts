/** Events become chat-completion chunks as OpenAI writes them, so that its own SDKs read them. */
import type { Finish, ChatEvent } from '../../chat/reply.ts';
import type { Loss } from '../../chat/request.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import { asRecord, compact, type Json, type JsonRecord } from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { HOME } from './assistant.ts';
import {
  callFields,
  citationLoss,
  encryptedEntry,
  googleContent,
  isCustomCall,
  signatureFields,
  writeCitation,
  writeImage,
} from './assistant-writing.ts';
import { encodeStreamFault } from './errors.ts';
import { loseFinish, splitExtras, writeFinish, writeLogprobs } from './response.ts';
import { lostUsage, writeUsage } from './usage.ts';

export const DONE = formatSse('[DONE]');

/** What must be remembered of a choice. Mutable by design: it lives inside one encoder. */
interface ChoiceState {
  hasRole: boolean;
  /** Number of the open entry of `reasoning_details`; clients put pieces of equal numbers together. */
  entry: number;
  isEntryOpen: boolean;
  isSummary: boolean;
  calls: number;
  /** Calls by their number in the events. */
  readonly callIndex: Map<number, number>;
  /** Code units of text so far: places of citations count from the beginning of the reply. */
  textLength: number;
  /** Where the open text part began. */
  partStart: number;
  isTextOpen: boolean;
  /** Fields to go out with the next chunk of this choice. */
  extra: JsonRecord;
}

type ChoiceEvent = Exclude<ChatEvent, { type: 'start' | 'usage' | 'error' | 'ping' }>;

/** What was said so far. Mutable by design: it lives inside one encoder. */
interface Writing {
  readonly choices: Map<number, ChoiceState>;
  readonly losses: LossList;
  head: { readonly id: string; readonly model: string; readonly created: number };
  /** Fields beside the choices, to go out with the next chunk. */
  extra: JsonRecord;
  usage: Usage | undefined;
  isBroken: boolean;
}

/** One encoder a stream. */
export function encoder(context: EncodeContext): StreamEncoder<string> {
  const writing: Writing = {
    choices: new Map(),
    losses: lossList(),
    head: { id: `chatcmpl-${context.requestId}`, model: context.model, created: context.nowS },
    extra: {},
    usage: undefined,
    isBroken: false,
  };
  return {
    push: (event) => (writing.isBroken ? '' : push(event, writing)),
    end: () => (writing.isBroken ? '' : end(writing, context.wantsStreamUsage)),
    losses: () => [...writing.losses.all(), ...lostUsage(writing.usage)],
  };
}

function push(event: ChatEvent, writing: Writing): string {
  if (event.type === 'start') {
    const { id, model, created } = writing.head;
    writing.head = { id: event.id ?? id, model: event.model ?? model, created: event.createdAt ?? created };
    return '';
  }
  if (event.type === 'usage') writing.usage = mergeUsage(writing.usage, event.usage);
  if (event.type === 'usage') return '';
  if (event.type === 'ping') return ': ping\n\n';
  if (event.type !== 'error') return pushToChoice(event, writing);
  writing.isBroken = true;
  return encodeStreamFault(event.fault);
}

function pushToChoice(event: ChoiceEvent, writing: Writing): string {
  if (event.type !== 'extra') {
    const piece = pieceOf(event, stateOf(event.choice, writing), writing.losses.add);
    return piece === undefined ? '' : write(event.choice, piece, writing);
  }
  if (event.choice === undefined) writing.extra = { ...writing.extra, ...event.extra };
  else {
    const state = stateOf(event.choice, writing);
    state.extra = { ...state.extra, ...event.extra };
  }
  return '';
}

function stateOf(index: number, { choices }: Writing): ChoiceState {
  const known = choices.get(index);
  if (known !== undefined) return known;
  const made: ChoiceState = {
    hasRole: false,
    entry: 0,
    isEntryOpen: false,
    isSummary: false,
    calls: 0,
    callIndex: new Map(),
    textLength: 0,
    partStart: 0,
    isTextOpen: false,
    extra: {},
  };
  choices.set(index, made);
  return made;
}

function write(index: number, piece: Piece, writing: Writing): string {
  const state = stateOf(index, writing);
  const { own, message, logprobs } = splitExtras(state.extra);
  state.extra = {};
  const role = state.hasRole ? {} : { role: 'assistant' };
  state.hasRole = true;
  const hasLogprobs = piece.logprobs !== undefined || Object.keys(logprobs).length > 0;
  const choice = {
    ...own,
    index,
    delta: { ...role, ...message, ...piece.delta },
    ...(hasLogprobs ? { logprobs: { content: piece.logprobs ?? null, refusal: null, ...logprobs } } : {}),
    finish_reason: piece.finish === undefined ? null : writeFinish(piece.finish),
  };
  return chunk([choice], writing);
}

function chunk(choices: readonly JsonRecord[], writing: Writing, usage: JsonRecord = {}): string {
  const { error: _, ...beside } = writing.extra;
  writing.extra = {};
  const { id, model, created } = writing.head;
  return formatSse(
    JSON.stringify({ ...beside, id, object: 'chat.completion.chunk', created, model, choices, ...usage }),
  );
}

/** What came after the last delta: fields beside a choice, usage where it was asked for, and the end mark. */
function end(writing: Writing, wantsUsage: boolean): string {
  const late = [...writing.choices]
    .filter(([, state]) => Object.keys(state.extra).length > 0)
    .map(([index]) => write(index, { delta: {} }, writing));
  const usage = wantsUsage && writing.usage !== undefined ? writeUsage(writing.usage) : undefined;
  const isLeft = usage !== undefined || Object.keys(writing.extra).length > 0;
  const last = isLeft ? chunk([], writing, usage === undefined ? {} : { usage }) : '';
  return `${late.join('')}${last}${DONE}`;
}

/** What one event adds to a choice. */
interface Piece {
  readonly delta: JsonRecord;
  readonly logprobs?: readonly JsonRecord[];
  readonly finish?: Finish;
}

type Lose = (loss: Loss) => void;

type PieceEvent = Exclude<ChoiceEvent, { type: 'extra' }>;

function pieceOf(event: PieceEvent, state: ChoiceState, lose: Lose): Piece | undefined {
  if (event.type === 'text-delta') {
    openText(state);
    state.textLength += event.text.length;
    return { delta: { content: event.text } };
  }
  if (event.type === 'citation') {
    const written = writeCitation(event.citation, state.partStart);
    if (written === undefined && event.citation.origin !== HOME) lose(citationLoss(undefined));
    return written === undefined ? undefined : { delta: { annotations: [written] } };
  }
  state.isTextOpen = false;
  if (event.type === 'logprobs') return { delta: {}, logprobs: writeLogprobs(event.tokens) };
  if (event.type === 'finish') {
    loseFinish(event.finish, lose);
    return { delta: {}, finish: event.finish };
  }
  if (event.type === 'reasoning-delta' || event.type === 'reasoning-encrypted' || event.type === 'signature') {
    return reasoningPiece(event, state);
  }
  return contentPiece(event, state, lose);
}

function openText(state: ChoiceState): void {
  closeEntry(state);
  if (!state.isTextOpen) state.partStart = state.textLength;
  state.isTextOpen = true;
}

function closeEntry(state: ChoiceState): void {
  if (state.isEntryOpen) state.entry += 1;
  state.isEntryOpen = false;
}

/** Reasoning goes out twice: plain, for clients that show it, and as entries that keep blocks and signatures apart. */
function reasoningPiece(
  event: Extract<ChatEvent, { type: 'reasoning-delta' | 'reasoning-encrypted' | 'signature' }>,
  state: ChoiceState,
): Piece {
  if (event.type === 'reasoning-encrypted') {
    closeEntry(state);
    const entry = encryptedEntry(event.encrypted, { index: state.entry });
    state.entry += 1;
    return { delta: { reasoning_details: [entry] } };
  }
  if (event.type === 'signature') {
    if (event.of === 'text') return { delta: googleContent(event.signature) };
    // Of the kind of the entry that it closes: clients put pieces of one kind and number together.
    const type = state.isEntryOpen && state.isSummary ? 'reasoning.summary' : 'reasoning.text';
    const entry = { type, ...signatureFields(event.signature, 'signature'), index: state.entry };
    state.isEntryOpen = true;
    closeEntry(state);
    return { delta: { reasoning_details: [entry] } };
  }
  const isSummary = event.isSummary === true;
  if (state.isEntryOpen && state.isSummary !== isSummary) closeEntry(state);
  state.isEntryOpen = true;
  state.isSummary = isSummary;
  const said = isSummary
    ? { type: 'reasoning.summary', summary: event.text }
    : { type: 'reasoning.text', text: event.text };
  return { delta: { reasoning_content: event.text, reasoning_details: [{ ...said, index: state.entry }] } };
}

type ContentEvent = Exclude<
  PieceEvent,
  { type: 'text-delta' | 'citation' | 'logprobs' | 'finish' | 'reasoning-delta' | 'reasoning-encrypted' | 'signature' }
>;

function contentPiece(event: ContentEvent, state: ChoiceState, lose: Lose): Piece | undefined {
  switch (event.type) {
    case 'part-break':
      closeEntry(state);
      return undefined;
    case 'refusal-delta':
      return { delta: { refusal: event.text } };
    case 'tool-call-start':
      return callPiece(event, state);
    case 'tool-call-delta': {
      const index = state.callIndex.get(event.call) ?? event.call;
      return { delta: { tool_calls: [{ index, function: { arguments: event.arguments } }] } };
    }
    case 'audio-delta': {
      const { id, data, transcript } = event;
      return { delta: { audio: compact({ id, data, transcript }) } };
    }
    case 'media':
      if (event.part.kind === 'image') return { delta: { images: [writeImage(event.part)] } };
      if (event.part.kind === 'audio' && event.part.source.by === 'base64') {
        const { name: id, source, transcript } = event.part;
        return { delta: { audio: compact({ id, data: source.data, transcript }) } };
      }
      lose({
        code: 'media-kind',
        field: event.part.kind,
        weight: 'meaning',
        why: `A reply cannot hold ${event.part.kind} here.`,
      });
      return undefined;
    case 'opaque':
      return opaquePiece(event, state, lose);
  }
}

function callPiece(event: Extract<ChatEvent, { type: 'tool-call-start' }>, state: ChoiceState): Piece {
  closeEntry(state);
  const index = nextCall(state);
  state.callIndex.set(event.call, index);
  const signed = event.signature === undefined ? {} : googleContent(event.signature);
  const call = {
    index,
    id: event.id,
    type: 'function',
    ...callFields({ name: event.name, arguments: '' }, event.extra),
    ...signed,
  };
  if (event.signature === undefined) return { delta: { tool_calls: [call] } };
  const entry = encryptedEntry(event.signature, { id: event.id, index: state.entry });
  state.entry += 1;
  return { delta: { reasoning_details: [entry], tool_calls: [call] } };
}

function nextCall(state: ChoiceState): number {
  state.calls += 1;
  return state.calls - 1;
}

function opaquePiece(event: Extract<ChatEvent, { type: 'opaque' }>, state: ChoiceState, lose: Lose): Piece | undefined {
  const { part } = event;
  if (isCustomCall(part)) return { delta: { tool_calls: [{ ...asRecord(part.value), index: nextCall(state) }] } };
  if (part.origin === HOME) {
    const value: Json = part.value;
    return { delta: part.name.startsWith('reasoning.') ? { reasoning_details: [value] } : { content: [value] } };
  }
  lose({
    code: 'opaque',
    field: part.name,
    weight: 'meaning',
    why: `${part.name} can only be expressed in its own protocol.`,
  });
  return undefined;
}
