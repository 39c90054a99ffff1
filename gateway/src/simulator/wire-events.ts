/** Puts the events of a stream into the bytes of their wire: SSE in its several manners, lines of JSON, AWS event-stream frames. */
import { encodeMessage } from '../lib/event-stream.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import { asRecord, asString } from '../lib/json.ts';
import type { Piece } from './answer.ts';
import { splitEvents } from './answer.ts';

export const SSE_TYPE = 'text/event-stream; charset=utf-8';
export const FRAMES_TYPE = 'application/vnd.amazon.eventstream';
export const LINES_TYPE = 'application/x-ndjson';
export const DONE = 'data: [DONE]\n\n';

/** `data: {…}` and an empty line. */
export function sseData(event: Json): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

/** The same with the event's `type` as its name. */
export function sseTyped(event: Json): string {
  const type = asString(asRecord(event)?.['type']);
  return type === undefined ? sseData(event) : `event: ${type}\n${sseData(event)}`;
}

/** How a wire separates what it streams. */
type Cutting = 'sse' | 'lines' | 'frames';

interface WireForm {
  readonly cutting: Cutting;
  readonly contentType: string;
  event(event: Json): Buffer;
  readonly ending: string;
}

const PLAIN: WireForm = {
  cutting: 'sse',
  contentType: SSE_TYPE,
  event: (event) => Buffer.from(sseData(event)),
  ending: '',
};
const WITH_DONE: WireForm = { ...PLAIN, ending: DONE };
const TYPED: WireForm = { ...PLAIN, event: (event) => Buffer.from(sseTyped(event)) };
const LINES: WireForm = {
  cutting: 'lines',
  contentType: LINES_TYPE,
  event: (event) => Buffer.from(`${JSON.stringify(event)}\n`),
  ending: '',
};
const CONVERSE: WireForm = { cutting: 'frames', contentType: FRAMES_TYPE, event: converseFrame, ending: '' };
const INVOKE: WireForm = { ...CONVERSE, event: invokeFrame };

const FORMS: Readonly<Record<string, WireForm>> = {
  'openai-chat': WITH_DONE,
  'openai-completions': WITH_DONE,
  'openai-responses': TYPED,
  'anthropic-messages': TYPED,
  'vertex-anthropic': TYPED,
  'cohere-v2-chat': TYPED,
  'gemini-generate': PLAIN,
  'gemini-interactions': { ...PLAIN, event: (event) => Buffer.from(namedBy(event, 'event_type')) },
  'cohere-v1-chat': LINES,
  'ollama-chat': LINES,
  'ollama-generate': LINES,
  'bedrock-converse': CONVERSE,
};

/** The manner of a wire as the recordings name it (`bedrock-invoke-anthropic`, …). Unknown wires get plain SSE. */
export function formOf(wire: string): WireForm {
  return FORMS[wire] ?? (wire.startsWith('bedrock-invoke-') ? INVOKE : PLAIN);
}

/** Parsed events as the pieces of a body. */
export function encodeEvents(wire: string, events: readonly Json[]): Piece[] {
  const form = formOf(wire);
  const pieces: Piece[] = events.map((event) => ({ bytes: form.event(event) }));
  return form.ending === '' ? pieces : [...pieces, { bytes: Buffer.from(form.ending) }];
}

/** Recorded bytes of a stream as the pieces of a body, every byte kept. */
export function cutStream(wire: string, bytes: Buffer): Piece[] {
  const { cutting } = formOf(wire);
  return cutting === 'frames' ? splitFrames(bytes) : splitEvents(bytes, cutting);
}

function namedBy(event: Json, key: string): string {
  const name = asString(asRecord(event)?.[key]);
  return name === undefined ? sseData(event) : `event: ${name}\n${sseData(event)}`;
}

/** Converse events are `{contentBlockDelta: {…}}`: the key is the event's, or the exception's, type, the value its payload. */
export function converseFrame(event: Json): Buffer {
  const [type, payload] = Object.entries(asRecord(event) ?? {})[0] ?? ['unknown', {}];
  return encodeFrame(type.endsWith('Exception') ? 'exception' : 'event', type, payload ?? {});
}

/** InvokeModel wraps the model's own events as base64 in `chunk` events. */
export function invokeFrame(event: Json): Buffer {
  return encodeFrame('event', 'chunk', {
    bytes: Buffer.from(JSON.stringify(event)).toString('base64'),
  } satisfies JsonRecord);
}

const PRELUDE_BYTES = 12;

function encodeFrame(kind: 'event' | 'exception', type: string, payload: Json): Buffer {
  const headers = new Map([
    [`:${kind}-type`, type],
    [':content-type', 'application/json'],
    [':message-type', kind],
  ]);
  return encodeMessage(headers, Buffer.from(JSON.stringify(payload)));
}

function splitFrames(bytes: Buffer): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  while (from < bytes.length) {
    const length = bytes.length - from < PRELUDE_BYTES ? 0 : bytes.readUInt32BE(from);
    // A recording that is cut inside a frame is served as it is.
    const end = length < PRELUDE_BYTES ? bytes.length : Math.min(from + length, bytes.length);
    pieces.push({ bytes: bytes.subarray(from, end) });
    from = end;
  }
  return pieces;
}
