/** Streams of this wire: chunks with a piece of text each, read as those of a chat, written as OpenAI writes them. */
import type { Fault } from '../../chat/fault.ts';
import { besideText } from '../../chat/losses.ts';
import type { Part } from '../../chat/part.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import { mergeUsage, type Usage } from '../../chat/usage.ts';
import { compact, type JsonRecord } from '../../lib/json.ts';
import { formatSse, sseSplitter, type SseSplitter } from '../../lib/sse.ts';
import type { EncodeContext, StreamDecoder, StreamEncoder, Tap } from '../dialect.ts';
import { partOf } from '../event-part.ts';
import { lossList, type LossList } from '../loss-list.ts';
import { decoderOf } from '../openai-chat/decoder.ts';
import { DONE } from '../openai-chat/encoder.ts';
import { encodeFault } from '../openai-chat/errors.ts';
import { splitExtras } from '../openai-chat/response.ts';
import { tapOf } from '../openai-chat/tap.ts';
import { lostUsage, writeUsage } from '../openai-chat/usage.ts';
import { writeLogprobs } from './logprobs.ts';
import { endOf, wordsOf } from './reply.ts';
import { asChat, HOME } from './wire.ts';

/** One decoder a stream. */
export function decoder(provider: string, splitter: SseSplitter = sseSplitter()): StreamDecoder {
  return decoderOf(provider, splitter, asChat);
}

/** One tap a stream. */
export function tap(provider: string): Tap {
  return tapOf(provider, asChat);
}

/** What was said so far. Mutable by design: it lives inside one encoder. */
interface Writing {
  readonly context: EncodeContext;
  readonly losses: LossList;
  /** Characters of each choice whose probabilities were told: offsets count from the beginning of its text. */
  readonly told: Map<number, number>;
  head: JsonRecord;
  /** Fields beside the choices, to go out with the next chunk; those of a choice by its number. */
  extra: JsonRecord;
  readonly extras: Map<number, JsonRecord>;
  usage: Usage | undefined;
  isBroken: boolean;
}

/** One encoder a stream. */
export function encoder(context: EncodeContext): StreamEncoder<string> {
  const writing: Writing = {
    context,
    losses: lossList(),
    told: new Map(),
    head: { id: `cmpl-${context.requestId}`, created: context.nowS, model: context.model },
    extra: {},
    extras: new Map(),
    usage: undefined,
    isBroken: false,
  };
  return {
    push: (event) => (writing.isBroken ? '' : push(event, writing)),
    end: () => (writing.isBroken ? '' : end(writing)),
    losses: () => [...writing.losses.all(), ...lostUsage(writing.usage)],
  };
}

function push(event: ChatEvent, writing: Writing): string {
  switch (event.type) {
    case 'start':
      begin(event, writing);
      return '';
    case 'usage':
      writing.usage = mergeUsage(writing.usage, event.usage);
      return '';
    case 'ping':
      return ': ping\n\n';
    case 'error':
      writing.isBroken = true;
      return encodeStreamFault(event.fault);
    case 'extra':
      keepExtra(event, writing);
      return '';
    default:
      return pushToChoice(event, writing);
  }
}

type ChoiceEvent = Exclude<ChatEvent, { type: 'start' | 'usage' | 'ping' | 'error' | 'extra' }>;

function begin({ id, createdAt, model }: Extract<ChatEvent, { type: 'start' }>, writing: Writing): void {
  const { head } = writing;
  writing.head = { ...head, ...compact({ id, created: createdAt, model }) };
}

/** A text is a string here, and has nothing beside it. */
function keepExtra({ choice, of, extra }: Extract<ChatEvent, { type: 'extra' }>, writing: Writing): void {
  if (of === 'part') for (const loss of besideText(extra, HOME)) writing.losses.add(loss);
  else if (choice === undefined) writing.extra = { ...writing.extra, ...extra };
  else writing.extras.set(choice, { ...writing.extras.get(choice), ...extra });
}

function pushToChoice(event: ChoiceEvent, writing: Writing): string {
  const lose = writing.losses.add;
  const { choice } = event;
  if (event.type === 'finish') return write(choice, { finish_reason: endOf(event.finish, lose) }, writing);
  if (event.type === 'logprobs') {
    const offset = writing.told.get(choice) ?? 0;
    const length = event.tokens.reduce((sum, { token }) => sum + token.length, 0);
    writing.told.set(choice, offset + length);
    return write(choice, { logprobs: writeLogprobs(event.tokens, offset) }, writing);
  }
  if (event.type === 'tool-call-delta') return '';
  const part: Part | undefined =
    event.type === 'tool-call-start'
      ? { kind: 'tool-call', id: event.id, name: event.name, arguments: '' }
      : partOf(event);
  const text = part === undefined ? '' : wordsOf(part, lose);
  return text === '' ? '' : write(choice, { text }, writing);
}

function write(index: number, piece: JsonRecord, writing: Writing): string {
  const { own } = splitExtras(writing.extras.get(index));
  writing.extras.delete(index);
  return chunk([{ ...own, text: '', index, logprobs: null, finish_reason: null, ...piece }], writing);
}

function chunk(choices: readonly JsonRecord[], writing: Writing, usage: JsonRecord = {}): string {
  const { error: _, ...beside } = writing.extra;
  writing.extra = {};
  return formatSse(JSON.stringify({ ...beside, ...writing.head, object: 'text_completion', choices, ...usage }));
}

/** What came after the last piece: fields beside a choice, usage where it was asked for, and the end mark. */
function end(writing: Writing): string {
  const late = [...writing.extras.keys()].map((index) => write(index, {}, writing));
  const isAsked = writing.context.wantsStreamUsage && writing.usage !== undefined;
  const usage = isAsked && writing.usage !== undefined ? writeUsage(writing.usage) : undefined;
  const isLeft = usage !== undefined || Object.keys(writing.extra).length > 0;
  const last = isLeft ? chunk([], writing, usage === undefined ? {} : { usage }) : '';
  return `${late.join('')}${last}${DONE}`;
}

/** The event that ends a broken stream: official clients raise on `error` (rule R2). */
export function encodeStreamFault(of: Fault): string {
  const choice = { text: '', index: 0, logprobs: null, finish_reason: 'error' };
  return formatSse(JSON.stringify({ ...encodeFault(of), choices: [choice] }));
}
