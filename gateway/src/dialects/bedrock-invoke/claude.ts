/** Claude on InvokeModel: bodies and events of the Messages API, the events wrapped in frames. */
import type { StreamMessage } from '../../lib/event-stream.ts';
import { asRecord, asString, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { SseEvent, SseSplitter } from '../../lib/sse.ts';
import { dataOf, frameSplitter, nameOf } from '../bedrock-converse/frames.ts';

/** What the wire version is called here; it stands in the body. */
const VERSION = 'bedrock-2023-05-31';

/** What a body of the Messages API lacks, or has too much: the model and the stream are said by the path. */
export function needsClaudeBody(body: JsonRecord): boolean {
  return body['anthropic_version'] === undefined || body['model'] !== undefined || body['stream'] !== undefined;
}

export function claudeBody(body: JsonRecord): JsonRecord {
  const { model: _, stream: __, ...rest } = body;
  return { anthropic_version: VERSION, ...rest };
}

/** Frames of InvokeModelWithResponseStream as events of the Messages API; an exception becomes that protocol's error. */
export function claudeSplitter(): SseSplitter {
  return frameSplitter(claudeEvent);
}

/** The model's own event in a frame `chunk`; undefined for an exception. */
export function chunkOf(message: StreamMessage): Buffer | undefined {
  if (nameOf(message) !== 'chunk') return undefined;
  const bytes = asString(asRecord(parseJson(message.payload.toString('utf8')))?.['bytes']);
  return bytes === undefined ? Buffer.from('a chunk without bytes') : Buffer.from(bytes, 'base64');
}

function claudeEvent(message: StreamMessage): SseEvent {
  const data = chunkOf(message) ?? claudeError(nameOf(message), dataOf(message));
  return { name: typeOf(data), data, raw: message.raw, isPlain: false, isComment: false };
}

/** The event's `type`, which clients read as the name of the event. It stands first in all recorded ones. */
function typeOf(data: Buffer): string {
  const start = /^\{"type":"(\w{1,64})"/.exec(data.toString('latin1', 0, 90));
  if (start?.[1] !== undefined) return start[1];
  return asString(asRecord(parseJson(data.toString('utf8')))?.['type']) ?? '';
}

/** Error types of the Messages API for the exceptions that a stream can hold. */
const TYPES: Readonly<Record<string, string>> = {
  validationException: 'invalid_request_error',
  throttlingException: 'rate_limit_error',
  serviceUnavailableException: 'overloaded_error',
};

/** An exception amid Claude's events, as an error of that protocol. */
export function claudeError(name: string, payload: Buffer): Buffer {
  const message = asString(asRecord(parseJson(payload.toString('utf8')))?.['message']) ?? name;
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : 'api_error';
  return Buffer.from(JSON.stringify({ type: 'error', error: { type, message } }));
}
