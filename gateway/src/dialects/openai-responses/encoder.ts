/**
 * Events become the events of a response as OpenAI sends them, in its order and with its numbers, so that its own SDKs read
 * them: each item is added, filled part by part, and done; the last event repeats the whole.
 */
import { isCarried } from '../../chat/carried.ts';
import type { Citation, MediaPart, OpaquePart, Signature } from '../../chat/part.ts';
import type { ChatEvent, Finish, TokenLogprob } from '../../chat/reply.ts';
import { packSignature } from '../../chat/signature.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import { asString, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { formatSse } from '../../lib/sse.ts';
import type { EncodeContext, StreamEncoder } from '../dialect.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { jsonScanner, type JsonScanner } from '../json-scanner.ts';
import { writeLogprobs } from '../openai-chat/response.ts';
import { encodeStreamFault } from './errors.ts';
import { customCall } from '../openai-custom.ts';
import { HOME } from './items.ts';
import { namesIn, type Names } from './namespaces.ts';
import {
  echoOf,
  envelope,
  headOf,
  idBaseOf,
  loseChoices,
  loseExtra,
  loseFinish,
  writeStatus,
  type Head,
} from './response.ts';
import { lostUsage, writeUsage } from './usage.ts';
import { itemHead, itemId, loseCitation, loseMedia, loseOpaque, writeCitation, type ItemKind } from './write-items.ts';

/** A text of an item: a part of a message, a summary, or raw reasoning. Mutable by design, as all state of one encoder. */
interface OpenText {
  readonly kind: 'text' | 'refusal' | 'summary' | 'reasoning';
  readonly index: number;
  text: string;
  readonly annotations: JsonRecord[];
  logprobs: readonly TokenLogprob[];
}

/** The item under way. */
interface OpenItem {
  readonly kind: 'message' | 'reasoning';
  readonly index: number;
  readonly head: JsonRecord;
  readonly parts: JsonRecord[];
  /** Raw reasoning, which stands in a list of its own. */
  readonly raw: JsonRecord[];
  open: OpenText | undefined;
  sealed: string | undefined;
}

/** A call under way: calls may grow side by side. */
interface OpenCall {
  readonly index: number;
  readonly head: JsonRecord;
  text: string;
  readonly scanner: JsonScanner;
  isDone: boolean;
}

interface Writing {
  readonly context: EncodeContext;
  readonly losses: LossList;
  readonly names: Names;
  readonly output: JsonRecord[];
  readonly calls: Map<number, OpenCall>;
  out: string;
  sequence: number;
  head: Head;
  echo: JsonRecord | undefined;
  isHome: boolean;
  hasStarted: boolean;
  isOver: boolean;
  isBroken: boolean;
  /** Bookkeeping of the item that comes next. */
  next: JsonRecord | undefined;
  item: OpenItem | undefined;
  /** Gemini's signature of a text, which follows it in an item of its own. */
  textSignature: Signature | undefined;
  hasRefusal: boolean;
  /** The status of the items that the reply's end cuts short. */
  cutShort: JsonRecord;
  finish: Finish | undefined;
  usage: Usage | undefined;
}

/** One encoder a stream. */
export function encoder(context: EncodeContext): StreamEncoder {
  const writing: Writing = {
    context,
    losses: lossList(),
    names: namesIn(context.request),
    output: [],
    calls: new Map(),
    out: '',
    sequence: 0,
    head: headOf({}, context),
    echo: undefined,
    isHome: false,
    hasStarted: false,
    isOver: false,
    isBroken: false,
    next: undefined,
    item: undefined,
    textSignature: undefined,
    hasRefusal: false,
    cutShort: {},
    finish: undefined,
    usage: undefined,
  };
  return {
    push: (event) => {
      if (!writing.isOver) take(event, writing);
      return flush(writing);
    },
    end: () => {
      if (!writing.isOver) complete(writing);
      return flush(writing);
    },
    losses: () => [...writing.losses.all(), ...lostUsage(writing.usage)],
  };
}

function flush(writing: Writing): string {
  const text = writing.out;
  writing.out = '';
  return text;
}

/** Writes one event, after the two that begin every stream. */
function write(type: string, fields: JsonRecord, writing: Writing): void {
  if (!writing.hasStarted) {
    writing.hasStarted = true;
    const response = envelope(writing.head, writing.echo ?? echoOf(writing.context));
    write('response.created', { response }, writing);
    write('response.in_progress', { response }, writing);
  }
  writing.out += formatSse(JSON.stringify({ type, sequence_number: writing.sequence, ...fields }), type);
  writing.sequence += 1;
}

/** Events of the whole reply first, then those of the first choice. */
function take(event: ChatEvent, writing: Writing): void {
  if (event.type === 'start') begin(event, writing);
  else if (event.type === 'usage') writing.usage = mergeUsage(writing.usage, event.usage);
  else if (event.type === 'ping') writing.out += ': ping\n\n';
  else if (event.type === 'error') breakOff(event, writing);
  else if (event.type === 'extra') loseExtra(event.extra, writing.losses.add);
  else if (event.choice > 0) loseChoices(writing.losses.add);
  else takeContent(event, writing);
}

function begin(event: Extract<ChatEvent, { type: 'start' }>, writing: Writing): void {
  writing.head = headOf(event, writing.context);
  writing.echo = event.echo;
  writing.isHome = event.echo !== undefined;
}

function breakOff({ fault: of }: Extract<ChatEvent, { type: 'error' }>, writing: Writing): void {
  writing.isOver = true;
  const { head, echo, context, output, sequence } = writing;
  const response = { ...envelope(head, echo ?? echoOf(context)), output };
  writing.out += encodeStreamFault(of, { requestId: context.requestId }, { sequenceNumber: sequence, response });
}

type ContentEvent = Exclude<ChatEvent, { type: 'start' | 'usage' | 'ping' | 'error' | 'extra' }>;

function takeContent(event: ContentEvent, writing: Writing): void {
  switch (event.type) {
    case 'text-delta':
      return grow('text', event.text, writing);
    case 'refusal-delta':
      writing.hasRefusal = true;
      return grow('refusal', event.text, writing);
    case 'reasoning-delta':
      // Only this wire tells raw reasoning from a summary; clients show summaries.
      return grow(writing.isHome && event.isSummary !== true ? 'reasoning' : 'summary', event.text, writing);
    case 'part-break':
      return breakPart(event.item, writing);
    case 'tool-call-start':
      return startCall(event, writing);
    case 'tool-call-delta':
      return growCall(event, writing);
    case 'finish':
      writing.finish = event.finish;
      return undefined;
    default:
      return takeRare(event, writing);
  }
}

/** A new item begins, or a new text in the one that is open. */
function breakPart(item: JsonRecord | undefined, writing: Writing): void {
  if (item !== undefined) closeItem(writing);
  else if (writing.item !== undefined) closeText(writing.item, writing);
  writing.next = item ?? writing.next;
  writing.isBroken = true;
}

type RareEvent = Extract<
  ContentEvent,
  { type: 'reasoning-encrypted' | 'signature' | 'citation' | 'media' | 'audio-delta' | 'opaque' | 'logprobs' }
>;

function takeRare(event: RareEvent, writing: Writing): void {
  switch (event.type) {
    case 'reasoning-encrypted':
      return seal(event.encrypted, writing);
    case 'signature':
      if (event.of === 'reasoning') return seal(event.signature, writing);
      if (isCarried(event.signature)) writing.textSignature = event.signature;
      return undefined;
    case 'citation':
      return cite(event.citation, writing);
    case 'logprobs':
      return addLogprobs(event.tokens, writing);
    case 'media':
      return addMedia(event.part, writing);
    case 'audio-delta':
      return addSpoken(event.transcript ?? '', writing);
    case 'opaque':
      return addOpaque(event.part, writing);
  }
}

/** Names of the events of a text, its list's index field, and its part when empty. */
const EVENTS = {
  text: { name: 'output_text', part: 'content_part', index: 'content_index', item: 'message' },
  refusal: { name: 'refusal', part: 'content_part', index: 'content_index', item: 'message' },
  summary: {
    name: 'reasoning_summary_text',
    part: 'reasoning_summary_part',
    index: 'summary_index',
    item: 'reasoning',
  },
  reasoning: { name: 'reasoning_text', part: 'content_part', index: 'content_index', item: 'reasoning' },
} as const;

function partOf(open: OpenText): JsonRecord {
  switch (open.kind) {
    case 'text':
      return {
        type: 'output_text',
        text: open.text,
        annotations: [...open.annotations],
        logprobs: writeLogprobs(open.logprobs),
      };
    case 'refusal':
      return { type: 'refusal', refusal: open.text };
    case 'summary':
      return { type: 'summary_text', text: open.text };
    case 'reasoning':
      return { type: 'reasoning_text', text: open.text };
  }
}

/** Where an event of the open text belongs. */
function placeOf(item: OpenItem, open: OpenText): JsonRecord {
  return { item_id: item.head['id'] ?? null, output_index: item.index, [EVENTS[open.kind].index]: open.index };
}

function grow(kind: OpenText['kind'], text: string, writing: Writing): void {
  if (text === '') return;
  const { item, open } = openText(kind, writing);
  open.text += text;
  const logprobs: JsonRecord = kind === 'text' ? { logprobs: [] } : {};
  write(`response.${EVENTS[kind].name}.delta`, { ...placeOf(item, open), delta: text, ...logprobs }, writing);
}

/** The open text of this kind, opened where another is open, or none. */
function openText(kind: OpenText['kind'], writing: Writing): { readonly item: OpenItem; readonly open: OpenText } {
  const { item: kindOfItem, part } = EVENTS[kind];
  const now = writing.item;
  const item = now?.kind === kindOfItem && now.sealed === undefined ? now : openItem(kindOfItem, writing);
  if (item.open?.kind === kind && !writing.isBroken) return { item, open: item.open };
  closeText(item, writing);
  writing.isBroken = false;
  const list = kind === 'reasoning' ? item.raw : item.parts;
  const open: OpenText = { kind, index: list.length, text: '', annotations: [], logprobs: [] };
  item.open = open;
  write(`response.${part}.added`, { ...placeOf(item, open), part: partOf(open) }, writing);
  return { item, open };
}

function openItem(kind: OpenItem['kind'], writing: Writing): OpenItem {
  closeItem(writing);
  const { index, head } = newItem(kind, writing);
  const item: OpenItem = { kind, index, head, parts: [], raw: [], open: undefined, sealed: undefined };
  writing.item = item;
  const begun =
    kind === 'message' ? { ...head, status: 'in_progress', role: 'assistant', content: [] } : { ...head, summary: [] };
  write('response.output_item.added', { output_index: index, item: begun }, writing);
  return item;
}

/** The place and the head of a new item; its place in the output is kept for it. */
function newItem(kind: ItemKind, writing: Writing): { readonly index: number; readonly head: JsonRecord } {
  closeCalls(writing, ({ scanner }) => scanner.isComplete());
  const index = writing.output.length;
  const head = { type: kind, ...itemHead(kind, itemId(kind, idBaseOf(writing.head.id), index), writing.next ?? {}) };
  writing.next = undefined;
  writing.output.push(head);
  return { index, head };
}

function closeText(item: OpenItem, writing: Writing): void {
  const { open } = item;
  if (open === undefined) return;
  item.open = undefined;
  const place = placeOf(item, open);
  const part = partOf(open);
  const { name, part: partName } = EVENTS[open.kind];
  const said: JsonRecord = open.kind === 'refusal' ? { refusal: open.text } : { text: open.text };
  const logprobs: JsonRecord = open.kind === 'text' ? { logprobs: part['logprobs'] ?? [] } : {};
  write(`response.${name}.done`, { ...place, ...said, ...logprobs }, writing);
  write(`response.${partName}.done`, { ...place, part }, writing);
  (open.kind === 'reasoning' ? item.raw : item.parts).push(part);
}

/** Ends the item that is open, and hands out a signature that waited for its end. */
function closeItem(writing: Writing): void {
  const { item } = writing;
  if (item !== undefined) {
    closeText(item, writing);
    writing.item = undefined;
    const { head, parts, raw, sealed } = item;
    const done =
      item.kind === 'message'
        ? { ...head, ...writing.cutShort, role: 'assistant', content: parts }
        : { ...head, summary: parts, ...(raw.length === 0 ? {} : { content: raw }), encrypted_content: sealed ?? null };
    endItem(item.index, done, writing);
  }
  const signature = writing.textSignature;
  writing.textSignature = undefined;
  if (signature !== undefined) addSealed(signature, writing);
}

function endItem(index: number, item: JsonRecord, writing: Writing): void {
  writing.output[index] = item;
  write('response.output_item.done', { output_index: index, item }, writing);
}

/** Seals the reasoning that is open; without any, the seal stands in an item of its own. */
function seal(signature: Signature, writing: Writing): void {
  if (writing.item?.kind !== 'reasoning' || writing.item.sealed !== undefined) openItem('reasoning', writing);
  if (writing.item !== undefined) writing.item.sealed = packSignature(signature, HOME);
  closeItem(writing);
}

function addSealed(signature: Signature, writing: Writing): void {
  const item = openItem('reasoning', writing);
  item.sealed = packSignature(signature, HOME);
  closeItem(writing);
}

function startCall(event: Extract<ChatEvent, { type: 'tool-call-start' }>, writing: Writing): void {
  closeItem(writing);
  if (event.signature !== undefined) {
    const { next } = writing;
    writing.next = undefined;
    addSealed(event.signature, writing);
    writing.next = next;
  }
  const { index, head } = newItem('function_call', writing);
  const own = writing.isHome ? event.extra : undefined;
  if (!writing.isHome) loseExtra(event.extra ?? {}, writing.losses.add);
  const call: OpenCall = {
    index,
    head: { ...head, call_id: event.id, name: event.name, ...writing.names.get(event.name), ...own },
    text: '',
    scanner: jsonScanner(),
    isDone: false,
  };
  writing.calls.set(event.call, call);
  const item = { ...call.head, status: 'in_progress', arguments: '' };
  write('response.output_item.added', { output_index: index, item }, writing);
}

function growCall(event: Extract<ChatEvent, { type: 'tool-call-delta' }>, writing: Writing): void {
  const call = writing.calls.get(event.call);
  if (call === undefined || call.isDone || event.arguments === '') return;
  call.text += event.arguments;
  call.scanner.push(event.arguments);
  const place = { item_id: call.head['id'] ?? null, output_index: call.index };
  write('response.function_call_arguments.delta', { ...place, delta: event.arguments }, writing);
}

/** A call is done when another item follows its last bracket, at the latest with the reply: in a chat two may grow at once. */
function closeCalls(writing: Writing, which: (call: OpenCall) => boolean): void {
  for (const call of writing.calls.values()) {
    if (call.isDone || !which(call)) continue;
    call.isDone = true;
    const place = { item_id: call.head['id'] ?? null, output_index: call.index };
    const name = asString(call.head['name']) ?? '';
    write('response.function_call_arguments.done', { ...place, name, arguments: call.text }, writing);
    endItem(call.index, { ...call.head, ...writing.cutShort, arguments: call.text }, writing);
  }
}

function cite(citation: Citation, writing: Writing): void {
  const { item, open } = openText('text', writing);
  const annotation = writeCitation(citation, open.text.length);
  if (annotation === undefined) {
    loseCitation(undefined, writing.losses.add);
    return;
  }
  const annotation_index = open.annotations.length;
  open.annotations.push(annotation);
  const fields = { ...placeOf(item, open), annotation_index, annotation };
  write('response.output_text.annotation.added', fields, writing);
}

/** Log probabilities stand at the end of the text that they are of: the deltas are out when they come. */
function addLogprobs(tokens: readonly TokenLogprob[], writing: Writing): void {
  const open = writing.item?.open;
  if (open?.kind === 'text') open.logprobs = [...open.logprobs, ...tokens];
  else openText('text', writing).open.logprobs = tokens;
}

/** An item that comes whole. */
function addOpaque(part: OpaquePart, writing: Writing): void {
  const { origin, name, value } = customCall(part, HOME);
  if (origin !== HOME || !isRecord(value)) {
    loseOpaque(name, writing.losses.add);
    return;
  }
  closeItem(writing);
  writing.next = undefined;
  const index = writing.output.length;
  const item = part.origin === HOME ? value : madeItem(value, index, writing);
  writing.output.push(item);
  write('response.output_item.added', { output_index: index, item: { ...item, ...begunStatus(item) } }, writing);
  endItem(index, item, writing);
}

/** A call that another wire has made, as an item of a reply of this one. */
function madeItem(call: JsonRecord, index: number, { head }: Writing): JsonRecord {
  return { ...itemHead('custom_tool_call', itemId('custom_tool_call', idBaseOf(head.id), index), {}), ...call };
}

function begunStatus(item: JsonRecord): JsonRecord {
  const status: Json | undefined = item['status'];
  return typeof status === 'string' ? { status: 'in_progress' } : {};
}

/** A picture that the model drew is what the image tool gives. */
function addMedia(part: MediaPart, writing: Writing): void {
  const { kind, source, transcript = '' } = part;
  if (kind === 'image' && source.by === 'base64') {
    closeItem(writing);
    const { index, head } = newItem('image_generation_call', writing);
    const item = { ...head, status: 'completed', result: source.data };
    write('response.output_item.added', { output_index: index, item: { ...head, status: 'in_progress' } }, writing);
    endItem(index, item, writing);
    return;
  }
  loseMedia(kind, { field: kind, isSaid: transcript !== '' }, writing.losses.add);
  grow('text', transcript, writing);
}

function addSpoken(transcript: string, writing: Writing): void {
  loseMedia('audio', { field: 'audio', isSaid: transcript !== '' }, writing.losses.add);
  grow('text', transcript, writing);
}

/** The last event: the whole reply, with how it ended and what it used. What is still open is what was cut short. */
function complete(writing: Writing): void {
  const { finish = { reason: 'other' }, head, echo, context } = writing;
  const ended = writeStatus(finish, writing.hasRefusal);
  if (ended.status === 'incomplete') writing.cutShort = { status: 'incomplete' };
  closeItem(writing);
  closeCalls(writing, () => true);
  writing.isOver = true;
  loseFinish(finish, writing.losses.add);
  const { output, usage } = writing;
  const response = { ...envelope(head, echo ?? echoOf(context)), ...ended, output, usage: writeUsage(usage) };
  const type = ended.status === 'incomplete' ? 'incomplete' : 'completed';
  write(`response.${type}`, { response }, writing);
}
