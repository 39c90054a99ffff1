/**
 * Reads along a stream that is passed on as it is. The hot path: deltas are told by the event's name alone; only the few
 * events that carry usage, an ending, an error, or the first content are parsed.
 */
import { asRecord, asString, isArray, isRecord, parseJson, type Json, type JsonRecord } from '../../lib/json.ts';
import type { Mark, Tap } from '../dialect.ts';
import { isDone, notJson, spliced } from './decoder.ts';
import { faultOfBody, isErrorBody } from './errors.ts';
import { usageOf } from './response.ts';
import { decodeUsage, mergeRaw } from './usage.ts';

const PLAIN: Mark = {};
const CONTENT: Mark = { hasContent: true };
const PING: Mark = { isPing: true };
const LAST: Mark = { isFinished: true, isLast: true };

/** What one tap remembers between events. Mutable by design: it is never shared. */
interface State {
  readonly provider: string;
  hasContent: boolean;
  usage: JsonRecord | undefined;
  messageId: string | undefined;
}

/** One a stream. */
export function tap(provider: string): Tap {
  const state: State = { provider, hasContent: false, usage: undefined, messageId: undefined };
  return {
    see(event, data) {
      if (state.hasContent && event === 'content_block_delta') return CONTENT;
      // A search result begins with all its pages: once there is content, nothing in it is news.
      if (event === 'content_block_stop' || (state.hasContent && event === 'content_block_start')) return PLAIN;
      return seeBody(data, state);
    },
  };
}

const READERS: ReadonlyMap<string, (body: JsonRecord, state: State) => Mark> = new Map([
  ['message_start', startMessage],
  ['message_delta', deltaMessage],
  ['content_block_start', startBlock],
  ['content_block_delta', growBlock],
  ['message', wholeMessage],
  ['message_stop', () => LAST],
  ['ping', () => PING],
]);

function seeBody(data: Buffer, state: State): Mark {
  if (data.length === 0) return PING;
  const body = parseJson(data.toString('utf8'));
  if (isErrorBody(body)) return { fault: faultOfBody(body, state.provider) };
  if (!isRecord(body)) return isDone(data) ? PLAIN : { fault: notJson(state.provider) };
  return READERS.get(asString(body['type']) ?? '')?.(body, state) ?? PLAIN;
}

function startMessage(body: JsonRecord, state: State): Mark {
  const message = asRecord(body['message']) ?? {};
  const id = asString(message['id']) ?? '';
  if (state.messageId !== undefined) return state.messageId === id ? PLAIN : { fault: spliced(state.provider) };
  state.messageId = id;
  return takeUsage(message['usage'], state);
}

function takeUsage(value: Json | undefined, state: State): Mark {
  if (!isRecord(value)) return PLAIN;
  state.usage = mergeRaw(state.usage, value);
  return { usage: decodeUsage(state.usage) };
}

function deltaMessage(body: JsonRecord, state: State): Mark {
  const mark = takeUsage(body['usage'], state);
  return typeof asRecord(body['delta'])?.['stop_reason'] === 'string' ? { ...mark, isFinished: true } : mark;
}

/** A block that says something by beginning: a call, a server tool. Texts and thoughts begin empty. */
function startBlock(body: JsonRecord, state: State): Mark {
  const block = asRecord(body['content_block']) ?? {};
  const type = asString(block['type']);
  const isEmpty =
    (type === 'text' && !isText(block['text']) && !hasItems(block['citations'])) ||
    (type === 'thinking' && !isText(block['thinking']));
  return isEmpty ? PLAIN : content(state);
}

/** A signature alone is no content: nothing of it is shown. */
function growBlock(body: JsonRecord, state: State): Mark {
  const delta = asRecord(body['delta']) ?? {};
  const hasWords =
    isText(delta['text']) || isText(delta['thinking']) || isText(delta['partial_json']) || isRecord(delta['citation']);
  return hasWords ? content(state) : PLAIN;
}

function content(state: State): Mark {
  state.hasContent = true;
  return CONTENT;
}

function isText(value: Json | undefined): boolean {
  return typeof value === 'string' && value !== '';
}

function hasItems(value: Json | undefined): boolean {
  return isArray(value) && value.length > 0;
}

/** A whole message in the place of a stream. */
function wholeMessage(body: JsonRecord, state: State): Mark {
  const usage = usageOf(body);
  return { ...content(state), ...LAST, ...(usage === undefined ? {} : { usage }) };
}
