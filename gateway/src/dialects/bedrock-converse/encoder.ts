/** Events as a stream of ConverseStream: frames, each block under an index of its own. Calls stay open until the end, so that their pieces may come mixed. */
import type { Fault } from '../../chat/fault.ts';
import type { ChatEvent, Finish } from '../../chat/reply.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import { asRecord, isArray, type JsonRecord } from '../../lib/json.ts';
import { heardText, loseChoices, loseLogprobs, replyBlock } from '../blocks.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { encodeStreamFault } from './errors.ts';
import { encodeFrame } from './frames.ts';
import { citationOf, encodeReplyMedia, loseExtra, loseFinish, loseSignature, REPLY_FIELDS } from './response.ts';
import { encodeUsage, lostUsage } from './usage.ts';
import { callId, encodeFinish, encodeRedacted, encodeSignature, HOME } from './words.ts';

/** What one encoder remembers. Mutable by design: it is never shared. */
interface State {
  readonly losses: LossList;
  hasStarted: boolean;
  /** Index of the next block. */
  next: number;
  /** The text or reasoning that grows now. */
  open: { readonly kind: 'text' | 'reasoning'; readonly index: number } | undefined;
  /** Index of each call's block, by the call's number. */
  readonly calls: Map<number, number>;
  usage: Usage | undefined;
  finish: Finish | undefined;
  extra: JsonRecord;
  isOver: boolean;
  out: Buffer[];
}

/** One a stream. Only the first choice can be told. */
export function encoder(_context: EncodeContext): StreamEncoder<Buffer> {
  const state: State = {
    losses: lossList(),
    hasStarted: false,
    next: 0,
    open: undefined,
    calls: new Map(),
    usage: undefined,
    finish: undefined,
    extra: {},
    isOver: false,
    out: [],
  };
  return {
    push(event) {
      if (!state.isOver) take(event, state);
      return flush(state);
    },
    end() {
      if (!state.isOver) finish(state);
      return flush(state);
    },
    losses: () => [...state.losses.all(), ...lostUsage(state.usage)],
  };
}

function flush(state: State): Buffer {
  const frames = Buffer.concat(state.out);
  state.out = [];
  return frames;
}

function write(type: string, payload: JsonRecord, state: State): void {
  if (!state.hasStarted) {
    state.hasStarted = true;
    write('messageStart', { role: 'assistant' }, state);
  }
  state.out.push(encodeFrame('event', type, payload));
}

/** Events of the whole message first, then those of the first choice. */
function take(event: ChatEvent, state: State): void {
  if (event.type === 'usage') state.usage = mergeUsage(state.usage, event.usage);
  else if (event.type === 'error') breakOff(event.fault, state);
  else if (event.type === 'extra') takeExtra(event.extra, state);
  else if (event.type === 'start' || event.type === 'ping') return;
  else if (event.choice > 0) loseChoices(state.losses);
  else takeContent(event, state);
}

function breakOff(of: Fault, state: State): void {
  state.isOver = true;
  state.out.push(encodeStreamFault(of));
}

/** Which provider a field came from is not known here: Bedrock's names are kept, others are listed. */
function takeExtra(extra: JsonRecord, state: State): void {
  loseExtra(extra, state.losses);
  const kept = Object.fromEntries(Object.entries(extra).filter(([name]) => REPLY_FIELDS.has(name)));
  state.extra = { ...state.extra, ...kept };
}

type ContentEvent = Exclude<ChatEvent, { type: 'start' | 'usage' | 'ping' | 'error' | 'extra' }>;

function takeContent(event: ContentEvent, state: State): void {
  switch (event.type) {
    case 'text-delta':
    case 'refusal-delta':
      return addText(event.text, state);
    case 'reasoning-delta':
      return event.text === '' ? undefined : grow('reasoning', { reasoningContent: { text: event.text } }, state);
    case 'tool-call-start':
      return startCall(event, state);
    case 'tool-call-delta':
      return growCall(event.call, event.arguments, state);
    case 'finish':
      state.finish = event.finish;
      return undefined;
    case 'part-break':
      return closeOpen(state);
    default:
      return takeRare(event, state);
  }
}

type RareEvent = Extract<
  ContentEvent,
  { type: 'signature' | 'reasoning-encrypted' | 'citation' | 'media' | 'audio-delta' | 'opaque' | 'logprobs' }
>;

function takeRare(event: RareEvent, state: State): void {
  switch (event.type) {
    case 'signature':
      if (event.of === 'text') return loseSignature(state.losses);
      grow('reasoning', { reasoningContent: { signature: encodeSignature(event.signature) } }, state);
      // A signed block is complete.
      return closeOpen(state);
    case 'reasoning-encrypted':
      closeOpen(state);
      grow('reasoning', { reasoningContent: { redactedContent: encodeRedacted(event.encrypted) } }, state);
      return closeOpen(state);
    case 'citation':
      return grow('text', { citation: citationOf(event.citation) }, state);
    case 'media':
      return encodeReplyMedia(event.part, state.losses).forEach((block) => addWhole(block, state));
    case 'audio-delta':
      return addText(heardText(event, state.losses), state);
    case 'opaque':
      return replyBlock(event.part, HOME, state.losses).forEach((block) => addWhole(block, state));
    case 'logprobs':
      return loseLogprobs(state.losses);
  }
}

function closeOpen(state: State): void {
  const { open } = state;
  state.open = undefined;
  if (open !== undefined) write('contentBlockStop', { contentBlockIndex: open.index }, state);
}

function addText(text: string, state: State): void {
  if (text !== '') grow('text', { text }, state);
}

function grow(kind: 'text' | 'reasoning', delta: JsonRecord, state: State): void {
  if (state.open?.kind !== kind) {
    closeOpen(state);
    state.open = { kind, index: state.next };
    state.next += 1;
  }
  write('contentBlockDelta', { contentBlockIndex: state.open.index, delta }, state);
}

function startCall(event: Extract<ChatEvent, { type: 'tool-call-start' }>, state: State): void {
  closeOpen(state);
  if (event.signature !== undefined) loseSignature(state.losses);
  const type = event.extra?.['type'];
  const toolUse = { toolUseId: callId(event.id), name: event.name, ...(type === undefined ? {} : { type }) };
  const index = state.next;
  state.next += 1;
  state.calls.set(event.call, index);
  write('contentBlockStart', { contentBlockIndex: index, start: { toolUse } }, state);
}

function growCall(call: number, input: string, state: State): void {
  const index = state.calls.get(call);
  if (index !== undefined && input !== '')
    write('contentBlockDelta', { contentBlockIndex: index, delta: { toolUse: { input } } }, state);
}

/** A block that came whole: its start, what it holds as one piece, its end. */
function addWhole(block: JsonRecord, state: State): void {
  if (typeof block['text'] === 'string') {
    addText(block['text'], state);
    return;
  }
  closeOpen(state);
  const contentBlockIndex = state.next;
  state.next += 1;
  const { start, delta } = piecesOf(block);
  write('contentBlockStart', { contentBlockIndex, start }, state);
  if (delta !== undefined) write('contentBlockDelta', { contentBlockIndex, delta }, state);
  write('contentBlockStop', { contentBlockIndex }, state);
}

function piecesOf(block: JsonRecord): { readonly start: JsonRecord; readonly delta?: JsonRecord } {
  const [name = '', held] = Object.entries(block)[0] ?? [];
  const { input, content, source, ...rest } = asRecord(held) ?? {};
  const start = { [name]: rest };
  if (input !== undefined) return { start, delta: { [name]: { input: JSON.stringify(input) } } };
  if (source !== undefined) return { start, delta: { [name]: { source } } };
  return isArray(content) ? { start, delta: { [name]: content } } : { start };
}

function finish(state: State): void {
  closeOpen(state);
  for (const index of state.calls.values()) write('contentBlockStop', { contentBlockIndex: index }, state);
  state.isOver = true;
  const of = state.finish ?? { reason: 'other' };
  loseFinish(of, state.losses);
  const { additionalModelResponseFields: fields, ...rest } = state.extra;
  write(
    'messageStop',
    {
      stopReason: encodeFinish(of, state.calls.size > 0),
      ...(fields === undefined ? {} : { additionalModelResponseFields: fields }),
    },
    state,
  );
  write('metadata', { usage: encodeUsage(state.usage), ...rest }, state);
}
