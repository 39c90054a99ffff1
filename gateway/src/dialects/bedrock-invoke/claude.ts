/** Claude on InvokeModel: bodies and events of the Messages API, the events wrapped in frames. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { StreamMessage } from '../../lib/event-stream.ts';
import { asRecord, asString, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { SseEvent, SseSplitter } from '../../lib/sse.ts';
import { faultOfEvent } from '../bedrock-converse/errors.ts';
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

/** An exception in a frame, as a fault. */
export function exceptionIn(message: StreamMessage, provider: string): Fault {
  const payload = parseJson(dataOf(message).toString('utf8'));
  const record = asRecord(payload);
  return record === undefined
    ? fault('upstream-invalid', { provider, reason: 'an exception without a message' })
    : faultOfEvent(nameOf(message), record, provider);
}

function claudeEvent(message: StreamMessage): SseEvent {
  const data = chunkOf(message) ?? errorEvent(message);
  return { name: typeOf(data), data, raw: message.raw, isPlain: false, isComment: false };
}

/** The event's `type`, which clients read as the name of the event. It stands first in all recorded ones. */
function typeOf(data: Buffer): string {
  const start = /^\{"type":"(\w{1,64})"/.exec(data.toString('latin1', 0, 90));
  if (start?.[1] !== undefined) return start[1];
  return asString(asRecord(parseJson(data.toString('utf8')))?.['type']) ?? '';
}

/** Error types of the Messages API by the status that the service's model gives to its exceptions. */
const TYPES: ReadonlyMap<number | undefined, string> = new Map([
  [400, 'invalid_request_error'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
]);

function errorEvent(message: StreamMessage): Buffer {
  const { upstreamStatus } = exceptionIn(message, '');
  const text = asString(asRecord(parseJson(dataOf(message).toString('utf8')))?.['message']) ?? nameOf(message);
  const error = { type: TYPES.get(upstreamStatus) ?? 'api_error', message: text };
  return Buffer.from(JSON.stringify({ type: 'error', error }));
}
