/** A stream of the Messages API as events, whatever the network did to its bytes. */
import { isCarried } from '../../chat/carried.ts';
import { replay } from '../../chat/collect.ts';
import { fault, type Fault } from '../../chat/fault.ts';
import type { Signature } from '../../chat/part.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import {
  asNumber,
  asRecord,
  asString,
  isArray,
  isRecord,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import { sseSplitter, type SseSplitter } from '../../lib/sse.ts';
import type { StreamDecoder } from '../dialect.ts';
import { broken, eventDecoder, type Reading } from '../event-decoder.ts';
import { decodeCitation, opaque } from './decode-blocks.ts';
import { faultOfBody, isErrorBody } from './errors.ts';
import { decodeResponse } from './response.ts';
import { decodeUsage, mergeRaw } from './usage.ts';
import { decodeFinish, decodeSignature, others } from './words.ts';

/** A block under construction. */
interface OpenBlock {
  readonly type: string;
  /** The block as its start gave it. */
  readonly start: JsonRecord;
  /** Number of the call, for `tool_use`. */
  readonly call: number;
  /** Type of the block before this one. */
  readonly before: string | undefined;
  /** Arguments that came in pieces. */
  json: string;
  /** The block's fields as unknown deltas made them. */
  grown: JsonRecord;
  hasText: boolean;
}

/** What one decoder remembers. Mutable by design: it is never shared. */
interface State extends Reading {
  readonly blocks: Map<number, OpenBlock>;
  calls: number;
  /** Type of the last block that is a part of its own. */
  previous: string | undefined;
  hasText: boolean;
  usage: JsonRecord | undefined;
  /** Id of the message that began. */
  messageId: string | undefined;
  /** A signature that another protocol's call or text sent along in a thinking block: whose it is shows in the next block. */
  carried: Signature | undefined;
  isFinished: boolean;
}

type Events = readonly ChatEvent[];

const CALL_FIELDS = new Set(['type', 'id', 'name', 'input']);
const TEXT_FIELDS = new Set(['type', 'text', 'citations']);
const MESSAGE_FIELDS = new Set(['id', 'type', 'role', 'model', 'content', 'stop_reason', 'stop_sequence', 'usage']);
const DELTA_FIELDS = new Set(['type', 'delta', 'usage']);
const STOP_FIELDS = new Set(['stop_reason', 'stop_sequence']);
/** Blocks that become parts of ours piece by piece; every other is kept whole. */
const PIECEWISE: ReadonlySet<string> = new Set(['text', 'thinking', 'tool_use']);

/** One a stream. A stream that stops without a finish ends with `upstream-cut`. */
export function decoder(provider: string, splitter: SseSplitter = sseSplitter()): StreamDecoder {
  const state: State = {
    provider,
    blocks: new Map(),
    calls: 0,
    previous: undefined,
    hasText: false,
    usage: undefined,
    messageId: undefined,
    carried: undefined,
    isFinished: false,
    isOver: false,
  };

  return eventDecoder(splitter, state, {
    read: ({ data }) => read(data, state),
    close: () => (state.isFinished ? closeAll(state) : undefined),
  });
}

function read(data: Buffer, state: State): Events {
  if (data.length === 0) return [];
  const body = parseJson(data.toString('utf8'));
  if (isErrorBody(body)) return broken(faultOfBody(body, state.provider), state);
  if (isRecord(body)) return readEvent(body, state);
  return isDone(data) ? [] : broken(notJson(state.provider), state);
}

/** OpenAI's end mark, which some proxies put behind every stream. */
export function isDone(data: Buffer): boolean {
  return data.toString('utf8').trim() === '[DONE]';
}

export function notJson(provider: string): Fault {
  return fault('upstream-invalid', { provider, reason: 'an event of the stream is not a JSON object' });
}

/** What is read of each event; unknown ones say nothing to us. */
const READERS: ReadonlyMap<string, (body: JsonRecord, state: State) => Events> = new Map([
  ['message_start', (body, state) => startMessage(asRecord(body['message']) ?? {}, state)],
  ['content_block_start', (body, state) => startBlock(indexOf(body), asRecord(body['content_block']) ?? {}, state)],
  ['content_block_delta', (body, state) => growBlock(indexOf(body), asRecord(body['delta']) ?? {}, state)],
  ['content_block_stop', (body, state) => close(indexOf(body), state)],
  ['message_delta', deltaMessage],
  ['message_stop', (_, state) => stopMessage(state)],
  ['message', wholeMessage],
  ['ping', () => [{ type: 'ping' }]],
]);

function readEvent(body: JsonRecord, state: State): Events {
  return READERS.get(asString(body['type']) ?? '')?.(body, state) ?? [];
}

function indexOf(body: JsonRecord): number {
  return asNumber(body['index']) ?? 0;
}

/** A whole message in the place of a stream (faults.md F38). */
function wholeMessage(body: JsonRecord, state: State): Events {
  const whole = decodeResponse(body, state.provider);
  if (!whole.ok) return broken(whole.error, state);
  state.isFinished = true;
  return replay(whole.value);
}

function startMessage(message: JsonRecord, state: State): Events {
  const id = asString(message['id']);
  const model = asString(message['model']);
  const extra = others(message, MESSAGE_FIELDS);
  if (state.messageId !== undefined) return state.messageId === id ? [] : broken(spliced(state.provider), state);
  state.messageId = id ?? '';
  return [
    { type: 'start', ...(id === undefined ? {} : { id }), ...(model === undefined ? {} : { model }) },
    ...(extra === undefined ? [] : [{ type: 'extra', extra } as const]),
    ...takeUsage(message['usage'], state),
  ];
}

/** Two replies spliced into one stream, as proxies do that try again in the middle: neither can be told whole. */
export function spliced(provider: string): Fault {
  return fault('upstream-invalid', { provider, reason: 'a second message began inside the first' });
}

function takeUsage(value: Json | undefined, state: State): Events {
  if (!isRecord(value)) return [];
  state.usage = mergeRaw(state.usage, value);
  return [{ type: 'usage', usage: decodeUsage(state.usage) }];
}

function startBlock(index: number, start: JsonRecord, state: State): Events {
  const type = asString(start['type']) ?? '';
  const block: OpenBlock = {
    type,
    start,
    call: state.calls,
    before: state.previous,
    json: '',
    grown: start,
    hasText: false,
  };
  state.blocks.set(index, block);
  if (type === 'tool_use') return startCall(block, state);
  const released = releaseCarried(state);
  if (type === 'text') return [...released, ...startText(block, state)];
  if (type === 'thinking') return [...released, ...startThinking(block, state)];
  state.previous = type;
  return released;
}

function startCall(block: OpenBlock, state: State): Events {
  const signature = state.carried;
  const extra = others(block.start, CALL_FIELDS);
  state.carried = undefined;
  state.calls += 1;
  state.previous = block.type;
  return [
    {
      type: 'tool-call-start',
      choice: 0,
      call: block.call,
      id: asString(block.start['id']) ?? '',
      name: asString(block.start['name']) ?? '',
      ...(signature === undefined ? {} : { signature }),
      ...(extra === undefined ? {} : { extra }),
    },
  ];
}

/** The held signature belonged to no call: it is that of the text before it, or of the reasoning itself. */
function releaseCarried(state: State): Events {
  const signature = state.carried;
  if (signature === undefined) return [];
  state.carried = undefined;
  const of = state.previous === 'text' ? 'text' : 'reasoning';
  if (of === 'reasoning') state.previous = 'thinking';
  return [{ type: 'signature', choice: 0, of, signature }];
}

/** A text begins a new part where another one came before: its citations may come before its words. */
function startText(block: OpenBlock, state: State): Events {
  const events: ChatEvent[] = state.hasText ? [{ type: 'part-break', choice: 0 }] : [];
  state.previous = 'text';
  state.hasText = true;
  const { text, citations } = block.start;
  const extra = others(block.start, TEXT_FIELDS);
  if (extra !== undefined) events.push({ type: 'extra', choice: 0, extra });
  if (typeof text === 'string' && text !== '') events.push({ type: 'text-delta', choice: 0, text });
  if (isArray(citations)) for (const raw of citations) if (isRecord(raw)) events.push(citationEvent(raw));
  return events;
}

function citationEvent(raw: JsonRecord): ChatEvent {
  return { type: 'citation', choice: 0, citation: decodeCitation(raw) };
}

function startThinking(block: OpenBlock, state: State): Events {
  const breaks: Events = state.previous === 'thinking' ? [{ type: 'part-break', choice: 0 }] : [];
  state.previous = 'thinking';
  return [...breaks, ...think(block, block.start['thinking']), ...sign(block, block.start['signature'], state)];
}

function think(block: OpenBlock, text: Json | undefined): Events {
  if (typeof text !== 'string' || text === '') return [];
  block.hasText = true;
  return [{ type: 'reasoning-delta', choice: 0, text }];
}

function sign(block: OpenBlock, value: Json | undefined, state: State): Events {
  const signature = decodeSignature(value);
  if (signature === undefined) return [];
  if (!isCarried(signature)) return [{ type: 'signature', choice: 0, of: 'reasoning', signature }];
  state.carried = signature;
  // An empty block only carries: it is no part of its own.
  if (!block.hasText) state.previous = block.before;
  return [];
}

function growBlock(index: number, delta: JsonRecord, state: State): Events {
  const block = state.blocks.get(index);
  if (block === undefined) return [];
  switch (asString(delta['type']) ?? '') {
    case 'text_delta':
      return typeof delta['text'] === 'string' && delta['text'] !== ''
        ? [{ type: 'text-delta', choice: 0, text: delta['text'] }]
        : [];
    case 'thinking_delta':
      return think(block, delta['thinking']);
    case 'signature_delta':
      return sign(block, delta['signature'], state);
    case 'citations_delta':
      return isRecord(delta['citation']) ? [citationEvent(delta['citation'])] : [];
    case 'input_json_delta':
      return growArguments(block, asString(delta['partial_json']) ?? '');
    default:
      return growUnknown(block, delta);
  }
}

function growArguments(block: OpenBlock, piece: string): Events {
  if (piece === '') return [];
  block.json += piece;
  return block.type === 'tool_use' ? [{ type: 'tool-call-delta', choice: 0, call: block.call, arguments: piece }] : [];
}

/** A delta that we do not know (`compaction_delta`): its texts and lists grow the fields of the block, other values replace them. */
function growUnknown(block: OpenBlock, delta: JsonRecord): Events {
  if (PIECEWISE.has(block.type))
    return [{ type: 'extra', choice: 0, extra: { [asString(delta['type']) ?? 'delta']: delta } }];
  const grown: Record<string, Json | undefined> = { ...block.grown };
  for (const [name, value] of Object.entries(delta)) {
    const old = grown[name];
    if (name === 'type' || value === undefined) continue;
    if (typeof old === 'string' && typeof value === 'string') grown[name] = old + value;
    else if (isArray(old) && isArray(value)) grown[name] = [...old, ...value];
    else grown[name] = value;
  }
  block.grown = grown;
  return [];
}

function close(index: number, state: State): Events {
  const block = state.blocks.get(index);
  if (block === undefined) return [];
  state.blocks.delete(index);
  if (block.type === 'text' || block.type === 'thinking') return [];
  if (block.type === 'tool_use') return closeCall(block);
  if (block.type !== 'redacted_thinking') return closeOpaque(block);
  const encrypted = decodeSignature(block.grown['data']);
  return encrypted === undefined ? [] : [{ type: 'reasoning-encrypted', choice: 0, encrypted }];
}

/** Arguments that came whole with the start, or none at all. */
function closeCall(block: OpenBlock): Events {
  if (block.json !== '') return [];
  return [
    { type: 'tool-call-delta', choice: 0, call: block.call, arguments: JSON.stringify(block.start['input'] ?? {}) },
  ];
}

function closeOpaque(block: OpenBlock): Events {
  const input = block.json === '' ? undefined : parseJson(block.json);
  return [{ type: 'opaque', choice: 0, part: opaque(input === undefined ? block.grown : { ...block.grown, input }) }];
}

/** Whatever is still open when the message ends. */
function closeAll(state: State): Events {
  return [...[...state.blocks.keys()].flatMap((index) => close(index, state)), ...releaseCarried(state)];
}

function deltaMessage(body: JsonRecord, state: State): Events {
  const delta = asRecord(body['delta']) ?? {};
  const extra = { ...others(body, DELTA_FIELDS), ...others(delta, STOP_FIELDS) };
  const events: ChatEvent[] = [];
  if (Object.keys(extra).length > 0) events.push({ type: 'extra', extra });
  if (typeof delta['stop_reason'] === 'string' && !state.isFinished) {
    state.isFinished = true;
    events.push(...closeAll(state), {
      type: 'finish',
      choice: 0,
      finish: decodeFinish(delta['stop_reason'], delta['stop_sequence']),
    });
  }
  return [...events, ...takeUsage(body['usage'], state)];
}

/** The protocol's own success ending: even without a reason the reply is complete, and what follows is not of it. */
function stopMessage(state: State): Events {
  const events = closeAll(state);
  state.isOver = true;
  if (state.isFinished) return events;
  state.isFinished = true;
  return [...events, { type: 'finish', choice: 0, finish: { reason: state.calls > 0 ? 'tool-calls' : 'stop' } }];
}
