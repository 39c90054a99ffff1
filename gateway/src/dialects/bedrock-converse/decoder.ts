/** A stream of ConverseStream as events. */
import { replay } from '../../chat/collect.ts';
import { fault, type Fault } from '../../chat/fault.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import {
  asNumber,
  asRecord,
  asString,
  isArray,
  isRecord,
  others,
  parseJson,
  type Json,
  type JsonRecord,
} from '../../lib/json.ts';
import type { SseEvent, SseSplitter } from '../../lib/sse.ts';
import type { StreamDecoder } from '../dialect.ts';
import { broken, eventDecoder, type Reading } from '../event-decoder.ts';
import { decodeCitation, decodeContent, opaqueBlock } from './decode-blocks.ts';
import { faultOfEvent, isException } from './errors.ts';
import { converseSplitter } from './frames.ts';
import { decodeResponse } from './response.ts';
import { decodeUsage } from './usage.ts';
import { decodeFinish, decodeRedacted, decodeSignature } from './words.ts';

/** A block under construction. Text and reasoning have no start of their own: their first piece opens them. */
interface OpenBlock {
  /** The start as it came; empty where there was none. */
  readonly start: JsonRecord;
  /** Number of the call, for calls of the caller's tools. */
  readonly call: number | undefined;
  /** Which kind of piece came last, so that a second block of a kind begins a new part. */
  kind: 'text' | 'reasoning' | undefined;
  /** Input of a tool that the service runs, in pieces. */
  json: string;
  /** Pieces of a result of such a tool, or of a picture. */
  readonly pieces: Json[];
}

/** What one decoder remembers. Mutable by design: it is never shared. */
interface State extends Reading {
  readonly blocks: Map<number, OpenBlock>;
  calls: number;
  /** Kind of the part that came last, of a block that is closed. */
  previous: 'text' | 'reasoning' | undefined;
  isFinished: boolean;
  /** The counts have come, which are the last event, or (recorded once) the last but one. */
  isMeasured: boolean;
}

type Events = readonly ChatEvent[];
type Reader = (body: JsonRecord, state: State) => Events;

/** One a stream. A stream that stops without a stop reason ends with `upstream-cut`. */
export function decoder(provider: string, splitter: SseSplitter = converseSplitter()): StreamDecoder {
  const state: State = {
    provider,
    blocks: new Map(),
    calls: 0,
    previous: undefined,
    isFinished: false,
    isMeasured: false,
    isOver: false,
  };

  return eventDecoder(splitter, state, {
    read: (event) => read(event, state),
    close: () => (state.isFinished ? [] : undefined),
  });
}

/** What is read of each event; unknown ones say nothing to us. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['messageStart', () => [{ type: 'start' }]],
  ['contentBlockStart', startBlock],
  ['contentBlockDelta', growBlock],
  ['contentBlockStop', (body, state) => close(indexOf(body), state)],
  ['messageStop', stopMessage],
  ['metadata', readMetadata],
]);

function read({ name, data }: SseEvent, state: State): Events {
  const body = parseJson(data.toString('utf8'));
  if (!isRecord(body)) return broken(notJson(state.provider), state);
  if (isException(name)) return broken(faultOfEvent(name, body, state.provider), state);
  if (name === '' && body['output'] !== undefined) return wholeReply(body, state);
  return READERS.get(name)?.(body, state) ?? [];
}

export function notJson(provider: string): Fault {
  return fault('upstream-invalid', { provider, reason: 'a frame of the stream is damaged or holds no JSON' });
}

/** A whole reply in the place of a stream (faults.md F38). */
function wholeReply(body: JsonRecord, state: State): Events {
  const whole = decodeResponse(body, state.provider);
  if (!whole.ok) return broken(whole.error, state);
  state.isFinished = true;
  return replay(whole.value);
}

function indexOf(body: JsonRecord): number {
  return asNumber(body['contentBlockIndex']) ?? 0;
}

function startBlock(body: JsonRecord, state: State): Events {
  const start = asRecord(body['start']) ?? {};
  const use = asRecord(start['toolUse']);
  const isOurs = use !== undefined && use['type'] !== 'server_tool_use';
  state.blocks.set(indexOf(body), openBlock(start, isOurs ? state.calls : undefined));
  if (!isOurs) return [];
  state.calls += 1;
  state.previous = undefined;
  const extra = others(use, CALL_FIELDS);
  const id = asString(use['toolUseId']) ?? '';
  const name = asString(use['name']) ?? '';
  return [
    { type: 'tool-call-start', choice: 0, call: state.calls - 1, id, name, ...(extra === undefined ? {} : { extra }) },
  ];
}

const CALL_FIELDS = new Set(['toolUseId', 'name']);

function openBlock(start: JsonRecord, call: number | undefined): OpenBlock {
  return { start, call, kind: undefined, json: '', pieces: [] };
}

function growBlock(body: JsonRecord, state: State): Events {
  const index = indexOf(body);
  const block = state.blocks.get(index) ?? openBlock({}, undefined);
  state.blocks.set(index, block);
  const delta = asRecord(body['delta']) ?? {};
  const { text } = delta;
  if (typeof text === 'string')
    return [
      ...opened(block, 'text', state),
      ...(text === '' ? [] : [{ type: 'text-delta', choice: 0, text } as const]),
    ];
  for (const [name, piece] of Object.entries(delta)) {
    const events = piece === undefined ? undefined : PIECES.get(name)?.(piece, block, state);
    if (events !== undefined) return events;
  }
  return Object.keys(delta).length === 0 ? [] : [{ type: 'extra', choice: 0, extra: delta }];
}

type PieceReader = (piece: Json, block: OpenBlock, state: State) => Events;

const PIECES: ReadonlyMap<string, PieceReader> = new Map<string, PieceReader>([
  ['toolUse', growCall],
  ['reasoningContent', think],
  ['citation', cite],
  ['toolResult', keepPieces],
  ['image', keepPieces],
]);

/** A second block of the same kind begins a new part. */
function opened(block: OpenBlock, kind: 'text' | 'reasoning', state: State): Events {
  if (block.kind === kind) return [];
  const isSecond = block.kind === undefined && state.previous === kind;
  block.kind = kind;
  state.previous = kind;
  return isSecond ? [{ type: 'part-break', choice: 0 }] : [];
}

function growCall(piece: Json, block: OpenBlock): Events {
  const input = asString(asRecord(piece)?.['input']) ?? '';
  block.json += input;
  if (input === '' || block.call === undefined) return [];
  return [{ type: 'tool-call-delta', choice: 0, call: block.call, arguments: input }];
}

function think(piece: Json, block: OpenBlock, state: State): Events {
  const { text, signature, redactedContent } = asRecord(piece) ?? {};
  if (typeof redactedContent === 'string') {
    state.previous = undefined;
    return [{ type: 'reasoning-encrypted', choice: 0, encrypted: decodeRedacted(redactedContent) }];
  }
  const events: ChatEvent[] = [...opened(block, 'reasoning', state)];
  if (typeof text === 'string' && text !== '') events.push({ type: 'reasoning-delta', choice: 0, text });
  const signed = decodeSignature(signature);
  if (signed !== undefined) events.push({ type: 'signature', choice: 0, of: 'reasoning', signature: signed });
  return events;
}

function cite(piece: Json, block: OpenBlock, state: State): Events {
  if (!isRecord(piece)) return [];
  return [...opened(block, 'text', state), { type: 'citation', choice: 0, citation: decodeCitation(piece) }];
}

function keepPieces(piece: Json, block: OpenBlock): Events {
  if (isArray(piece)) block.pieces.push(...piece);
  else block.pieces.push(piece);
  return [];
}

function close(index: number, state: State): Events {
  const block = state.blocks.get(index);
  if (block === undefined) return [];
  state.blocks.delete(index);
  if (block.call !== undefined)
    return block.json === '' ? [{ type: 'tool-call-delta', choice: 0, call: block.call, arguments: '{}' }] : [];
  const whole = wholeOf(block);
  if (whole === undefined) return [];
  state.previous = undefined;
  const [part] = decodeContent([whole], 'assistant');
  if (part?.kind === 'image') return [{ type: 'media', choice: 0, part }];
  return [{ type: 'opaque', choice: 0, part: part?.kind === 'opaque' ? part : opaqueBlock(whole) }];
}

/** A block that only its own wire knows, put together from its pieces; undefined for text, reasoning and calls. */
function wholeOf({ start, json, pieces }: OpenBlock): JsonRecord | undefined {
  const [name, held] = Object.entries(start)[0] ?? [];
  if (name === undefined || !isRecord(held)) return undefined;
  if (name === 'toolUse') return { toolUse: { ...held, input: json === '' ? {} : (parseJson(json) ?? json) } };
  if (name === 'toolResult') return { toolResult: { ...held, content: pieces } };
  return { [name]: pieces.reduce<JsonRecord>((grown, piece) => ({ ...grown, ...asRecord(piece) }), held) };
}

function stopMessage(body: JsonRecord, state: State): Events {
  const events: ChatEvent[] = [...state.blocks.keys()].flatMap((index) => close(index, state));
  const extra = others(body, STOP_FIELDS);
  if (extra !== undefined) events.push({ type: 'extra', extra });
  if (state.isFinished) return events;
  state.isFinished = true;
  state.isOver = state.isMeasured;
  return [...events, { type: 'finish', choice: 0, finish: decodeFinish(body['stopReason']) }];
}

const STOP_FIELDS = new Set(['stopReason', 'p']);

/** The last event of a stream; `p` is padding against those who measure lengths. */
function readMetadata(body: JsonRecord, state: State): Events {
  const usage = decodeUsage(body['usage']);
  const extra = others(body, METADATA_FIELDS);
  state.isMeasured = true;
  if (state.isFinished) state.isOver = true;
  return [
    ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]),
    ...(extra === undefined ? [] : [{ type: 'extra', extra } as const]),
  ];
}

const METADATA_FIELDS = new Set(['usage', 'p']);
