/**
 * Reads along a stream that goes to its caller unchanged. Hot path: OpenAI names each event beside its data, so that a delta
 * is known by its name and never parsed; servers that leave the name out have it found at the start of their data.
 */
import { fault } from '../../chat/fault.ts';
import { asRecord, asString, isArray, isRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { Mark, Tap } from '../dialect.ts';
import { decodeInnerError } from '../openai-chat/errors.ts';
import { nonEmpty } from '../openai-chat/response.ts';
import { faultOfResponse } from './errors.ts';
import { readUsage } from './usage.ts';

const CONTENT: Mark = Object.freeze({ hasContent: true });
const NOTHING: Mark = Object.freeze({});
const PING: Mark = Object.freeze({ isPing: true });
/** Pieces of what the model says or calls. Progress of the provider's own tools is none. */
const DELTA =
  /^response\.(?:output_text|refusal|reasoning_text|reasoning_summary_text|function_call_arguments)\.delta$/;
const EMPTY_DELTA = /"delta": *""/;
const TEXT_DONE = /^response\.(?:output_text|refusal|reasoning_text|reasoning_summary_text)\.done$/;
const TYPE_IN_DATA = /^\s*\{\s*"type"\s*:\s*"([\w.]+)"/;
/** How much of the data is looked at for its type. */
const HEAD_BYTES = 128;

/** One tap a stream. */
export function tap(provider: string): Tap {
  return {
    see(event, data) {
      if (data.length === 0) return PING;
      const name = nameOf(event, data);
      if (DELTA.test(name)) return EMPTY_DELTA.test(data.toString('latin1')) ? NOTHING : CONTENT;
      if (isIdle(name)) return NOTHING;
      if (data.length < 16 && data.includes('[DONE]')) return { isLast: true };
      const body = parseJson(data.toString('utf8'));
      if (!isRecord(body)) return { fault: fault('upstream-invalid', { provider, reason: 'an event is not JSON' }) };
      return markOf(body, provider);
    },
  };
}

function nameOf(event: string, data: Buffer): string {
  if (event !== '' && event !== 'message') return event;
  return TYPE_IN_DATA.exec(data.toString('latin1', 0, HEAD_BYTES))?.[1] ?? '';
}

/** Events that neither begin nor end anything for a relay. */
function isIdle(name: string): boolean {
  return name.endsWith('_part.added') || name.endsWith('_part.done');
}

/** The mark of an event that may matter. */
function markOf(body: JsonRecord, provider: string): Mark {
  const type = asString(body['type']) ?? '';
  const response = asRecord(body['response']) ?? {};
  switch (type) {
    case 'response.completed':
    case 'response.incomplete': {
      const usage = readUsage(response['usage']);
      return { isFinished: true, isLast: true, ...(usage === undefined ? {} : { usage }) };
    }
    case 'response.failed':
      return { fault: faultOfResponse(response, provider) };
    case 'error':
      return { fault: decodeInnerError(body['error'] ?? body, provider, nonEmpty(response['model'])) };
    case 'keepalive':
    case 'ping':
      return PING;
    default:
      return isContent(type, body) ? CONTENT : NOTHING;
  }
}

/** A call begins with its item; an item of the provider's own tools, and a text that came without deltas, are there at their end. */
function isContent(type: string, body: JsonRecord): boolean {
  if (DELTA.test(type)) return body['delta'] !== '';
  if (TEXT_DONE.test(type)) return (body['text'] ?? body['refusal'] ?? '') !== '';
  const item = asRecord(body['item']) ?? {};
  if (type === 'response.output_item.added') return item['type'] === 'function_call';
  if (type === 'response.output_item.done') return hasWords(item);
  return type === 'response.output_text.annotation.added';
}

function hasWords(item: JsonRecord): boolean {
  if (item['type'] !== 'message' && item['type'] !== 'reasoning') return true;
  return [item['summary'], item['content']].some((list) => isArray(list) && list.length > 0);
}
