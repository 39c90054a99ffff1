/**
 * Events as a stream of the Messages API. Blocks follow each other here, while OpenAI may mix the pieces of several calls:
 * only the first unfinished block is written, later ones wait until it is complete.
 */
import { isCarried } from '../../chat/carried.ts';
import type { Fault } from '../../chat/fault.ts';
import type { Citation, Signature } from '../../chat/part.ts';
import type { ChatEvent, Finish } from '../../chat/reply.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import { compact, isRecord, type JsonRecord } from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import { heardText, loseChoices, loseLogprobs, replyBlock } from '../blocks.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { encodeStreamFault } from './errors.ts';
import { jsonScanner, type JsonScanner } from '../json-scanner.ts';
import { citationOf, encodeReplyMedia, loseExtra, loseFinish, messageHead, REPLY_FIELDS } from './response.ts';
import { encodeUsage, lostUsage } from './usage.ts';
import { callId, encodeFinish, encodeSignature, HOME, lossList, type LossList } from './words.ts';

/** Characters that wait behind an unfinished call; beyond them the call is taken for complete, so that memory stays bounded. */
const WAITING_MAX = 4 * 1024 * 1024;

interface Block {
  readonly start: JsonRecord;
  /** Deltas not yet written. */
  deltas: JsonRecord[];
  /** The call's number, for calls. */
  readonly call?: number;
  readonly scanner?: JsonScanner;
  isStarted: boolean;
  /** Nothing more can come: it is closed as soon as it is written out. */
  isComplete: boolean;
}

/** What one encoder remembers. Mutable by design: it is never shared. */
interface State {
  readonly context: EncodeContext;
  readonly losses: LossList;
  readonly waiting: Block[];
  head: { readonly id?: string; readonly model?: string };
  hasStarted: boolean;
  /** Index of the block that is written now. */
  index: number;
  waitingLength: number;
  usage: Usage | undefined;
  finish: Finish | undefined;
  extra: JsonRecord;
  /** Of the text that is open: written behind it, when it is complete. */
  textSignature: Signature | undefined;
  isBroken: boolean;
  hasToolCall: boolean;
  hasRefusal: boolean;
  isOver: boolean;
  out: string;
}

/** One a stream. Only the first choice can be told. */
export function encoder(context: EncodeContext): StreamEncoder<string> {
  const state: State = {
    context,
    losses: lossList(),
    waiting: [],
    head: {},
    hasStarted: false,
    index: 0,
    waitingLength: 0,
    usage: undefined,
    finish: undefined,
    extra: {},
    textSignature: undefined,
    isBroken: false,
    hasToolCall: false,
    hasRefusal: false,
    isOver: false,
    out: '',
  };
  return {
    push(event) {
      if (state.isOver) return '';
      take(event, state);
      return flush(state);
    },
    end() {
      if (state.isOver) return '';
      finish(state);
      return flush(state);
    },
    losses: () => [...state.losses.all(), ...lostUsage(state.usage)],
  };
}

function flush(state: State): string {
  const text = state.out;
  state.out = '';
  return text;
}

function write(body: JsonRecord & { readonly type: string }, state: State): void {
  state.out += formatSse(JSON.stringify(body), body.type);
}

/** Events of the whole message first, then those of the first choice. */
function take(event: ChatEvent, state: State): void {
  if (event.type === 'start') state.head = { ...state.head, ...headOf(event) };
  else if (event.type === 'usage') state.usage = mergeUsage(state.usage, event.usage);
  else if (event.type === 'ping') takePing(state);
  else if (event.type === 'error') breakOff(event.fault, state);
  else if (event.type === 'extra') takeExtra(event.extra, state);
  else if (event.choice > 0) loseChoices(state.losses);
  else takeContent(event, state);
}

function headOf(event: Extract<ChatEvent, { type: 'start' }>): State['head'] {
  const { id, model } = event;
  return compact({ id, model });
}

function takePing(state: State): void {
  if (state.hasStarted) write({ type: 'ping' }, state);
}

function breakOff(of: Fault, state: State): void {
  state.isOver = true;
  state.out += encodeStreamFault(of, { requestId: state.context.requestId });
}

/** Which provider a field came from is not known here: Anthropic's names are kept, others are listed. */
function takeExtra(extra: JsonRecord, state: State): void {
  loseExtra(extra, state.losses);
  const kept = Object.fromEntries(Object.entries(extra).filter(([name]) => REPLY_FIELDS.has(name)));
  state.extra = { ...state.extra, ...kept };
}

type ContentEvent = Exclude<ChatEvent, { type: 'start' | 'usage' | 'ping' | 'error' | 'extra' }>;

function takeContent(event: ContentEvent, state: State): void {
  if (event.type === 'text-delta') addText(event.text, state);
  else if (event.type === 'reasoning-delta') addThinking(event.text, state);
  else if (event.type === 'tool-call-delta') growCall(event.call, event.arguments, state);
  else if (event.type === 'tool-call-start') startCall(event, state);
  else if (event.type === 'signature') sign(event.of, event.signature, state);
  else if (event.type === 'part-break') state.isBroken = true;
  else if (event.type === 'finish') state.finish = event.finish;
  else addRare(event, state);
}

type RareEvent = Extract<
  ContentEvent,
  { type: 'refusal-delta' | 'reasoning-encrypted' | 'citation' | 'media' | 'audio-delta' | 'opaque' | 'logprobs' }
>;

function addRare(event: RareEvent, state: State): void {
  switch (event.type) {
    case 'refusal-delta':
      state.hasRefusal = true;
      return addText(event.text, state);
    case 'reasoning-encrypted':
      return addWhole({ type: 'redacted_thinking', data: encodeSignature(event.encrypted) }, state);
    case 'citation':
      return addCitation(event.citation, state);
    case 'media':
      return encodeReplyMedia(event.part, state.losses).forEach((block) => addText(block.text, state));
    case 'audio-delta':
      return addText(heardText(event, state.losses), state);
    case 'opaque':
      return replyBlock(event.part, HOME, state.losses).forEach((block) => addOpaque(block, state));
    case 'logprobs':
      return loseLogprobs(state.losses);
  }
}

function addCitation(of: Citation, state: State): void {
  const citation = citationOf(of, state.losses);
  if (citation !== undefined) delta(openText(state), { type: 'citations_delta', citation }, state);
}

/** Puts a block behind the others. All but calls are complete as soon as something follows. */
function add(block: Block, state: State): Block {
  signText(state);
  const last = state.waiting.at(-1);
  if (last !== undefined) last.isComplete ||= last.scanner === undefined || last.scanner.isComplete();
  state.waiting.push(block);
  state.isBroken = false;
  drain(state);
  return block;
}

/** The signature of a text (`isCarried`) follows it in an empty thinking block. */
function signText(state: State): void {
  const signature = state.textSignature;
  state.textSignature = undefined;
  if (signature !== undefined) signReasoning(signature, state);
}

function newBlock(start: JsonRecord, state: State): Block {
  return add({ start, deltas: [], isStarted: false, isComplete: false }, state);
}

function openText(state: State): Block {
  const last = state.waiting.at(-1);
  const isOpen = last?.start['type'] === 'text' && !last.isComplete && !state.isBroken;
  return isOpen ? last : newBlock({ type: 'text', text: '' }, state);
}

function addText(text: string, state: State): void {
  if (text !== '') delta(openText(state), { type: 'text_delta', text }, state);
}

function openThinking(state: State): Block | undefined {
  const last = state.waiting.at(-1);
  return last?.start['type'] === 'thinking' && !last.isComplete && !state.isBroken ? last : undefined;
}

function addThinking(text: string, state: State): void {
  if (text === '') return;
  delta(
    openThinking(state) ?? newBlock({ type: 'thinking', thinking: '', signature: '' }, state),
    { type: 'thinking_delta', thinking: text },
    state,
  );
}

function sign(of: 'reasoning' | 'text', signature: Signature, state: State): void {
  if (of === 'reasoning') signReasoning(signature, state);
  else if (isCarried(signature)) state.textSignature = signature;
}

/** A signed block is complete. */
function signReasoning(signature: Signature, state: State): void {
  const block = openThinking(state) ?? newBlock({ type: 'thinking', thinking: '', signature: '' }, state);
  delta(block, { type: 'signature_delta', signature: encodeSignature(signature) }, state);
  block.isComplete = true;
}

function startCall(event: Extract<ChatEvent, { type: 'tool-call-start' }>, state: State): void {
  state.hasToolCall = true;
  // Before the call's own: of two carriers in a row the first is the text's.
  signText(state);
  if (event.signature !== undefined) signReasoning(event.signature, state);
  const { caller, ...others } = event.extra ?? {};
  loseExtra(others, state.losses);
  const start = {
    type: 'tool_use',
    id: callId(event.id),
    name: event.name,
    input: {},
    ...(isRecord(caller) ? { caller } : {}),
  };
  add({ start, deltas: [], call: event.call, scanner: jsonScanner(), isStarted: false, isComplete: false }, state);
}

function growCall(call: number, text: string, state: State): void {
  const block = state.waiting.find((one) => one.call === call);
  if (text === '') return;
  if (block === undefined) {
    if (text.trim() !== '')
      state.losses.meaning('tool-arguments', 'tool_calls', 'Arguments came after their call was complete.');
    return;
  }
  block.scanner?.push(text);
  delta(block, { type: 'input_json_delta', partial_json: text }, state);
}

/** A block that came whole. */
function addWhole(start: JsonRecord, state: State): void {
  newBlock(start, state).isComplete = true;
  drain(state);
}

/** Server tools tell their input in pieces, as the provider does: clients read it from the deltas. */
function addOpaque(value: JsonRecord, state: State): void {
  const { input } = value;
  if (!isRecord(input) || Object.keys(input).length === 0) {
    addWhole(value, state);
    return;
  }
  const block = newBlock({ ...value, input: {} }, state);
  delta(block, { type: 'input_json_delta', partial_json: JSON.stringify(input) }, state);
  block.isComplete = true;
  drain(state);
}

function delta(block: Block, body: JsonRecord, state: State): void {
  block.deltas.push(body);
  if (block !== state.waiting[0]) state.waitingLength += JSON.stringify(body).length;
  drain(state);
}

/** Writes what can be written: the first block as far as it came, and the next ones when it is closed. */
function drain(state: State): void {
  for (let block = state.waiting[0]; block !== undefined; block = state.waiting[0]) {
    begin(block, state);
    for (const body of block.deltas) write({ type: 'content_block_delta', index: state.index, delta: body }, state);
    block.deltas = [];
    const isLast = state.waiting.length === 1;
    if (isLast || !mayClose(block, state)) return;
    write({ type: 'content_block_stop', index: state.index }, state);
    state.index += 1;
    state.waiting.shift();
    state.waitingLength = 0;
  }
}

/** A call may be closed once its arguments are a whole JSON value, or when too much waits behind it. */
function mayClose(block: Block, state: State): boolean {
  return block.isComplete || block.scanner?.isComplete() === true || state.waitingLength > WAITING_MAX;
}

function begin(block: Block, state: State): void {
  if (!state.hasStarted) startMessage(state);
  if (block.isStarted) return;
  block.isStarted = true;
  write({ type: 'content_block_start', index: state.index, content_block: block.start }, state);
}

/**
 * Input tokens are known at the start only where the provider told them there. Else our own count stands in, since some clients
 * (LangChain) look nowhere else; the last event tells all, and Anthropic's SDK takes them from it.
 */
function startMessage(state: State): void {
  state.hasStarted = true;
  write(
    {
      type: 'message_start',
      message: {
        ...messageHead(state.head, state.context),
        content: [],
        stop_reason: null,
        stop_sequence: null,
        stop_details: null,
        usage: { ...encodeUsage(state.usage ?? estimated(state.context)), output_tokens: 0 },
      },
    },
    state,
  );
}

function estimated({ inputTokensEstimate: inputTokens }: EncodeContext): Usage | undefined {
  return inputTokens === undefined ? undefined : { inputTokens };
}

/** Everything that waits, then the stop reason with the whole usage. */
function finish(state: State): void {
  signText(state);
  if (!state.hasStarted) startMessage(state);
  for (const block of state.waiting.splice(0)) {
    begin(block, state);
    for (const body of block.deltas) write({ type: 'content_block_delta', index: state.index, delta: body }, state);
    write({ type: 'content_block_stop', index: state.index }, state);
    state.index += 1;
  }
  state.isOver = true;
  const { stop_details: details = null, container, ...rest } = state.extra;
  const of = state.finish ?? { reason: 'other' };
  loseFinish(of, state.losses);
  write(
    {
      type: 'message_delta',
      delta: {
        ...encodeFinish(of, state),
        stop_details: details,
        ...(container === undefined ? {} : { container }),
      },
      usage: encodeUsage(state.usage),
      ...rest,
    },
    state,
  );
  write({ type: 'message_stop' }, state);
}
