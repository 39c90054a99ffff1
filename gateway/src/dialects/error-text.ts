/**
 * What every dialect needs to read an upstream's error: text without secrets, and a wait that can be believed.
 * A provider's error text may repeat our key, and its `retry-after` may be nonsense (faults.md F20, F25).
 */
import { asString, compact, isArray, isRecord, parseJson, type Json, type JsonRecord } from '../lib/json.ts';
import type { ErrorAnswer } from './dialect.ts';

/** Bodies beyond this are pages, not errors; the rest is not read. */
const BODY_MAX = 64 * 1024;
/** Longest piece of a provider's own words that is shown. */
const TEXT_MAX = 600;
/** Longer waits are not honoured: the key is tried again after a minute, and a caller is never told to go away for a day. */
const RETRY_AFTER_MAX_MS = 60_000;
/** Key forms of the large providers, bearer tokens, and anything long that is called a key. */
const SECRETS =
  /\b(?:sk|rk|pk|tk|gsk|xai|pplx|hf|nvapi|ya29|fw|csk)[-_.][\w.-]{8,}|\bAIza[\w-]{20,}|\bBearer\s+[\w.~+/=-]{8,}|\bAKIA[A-Z0-9]{12,}|((?:api[-_ ]?key|token|secret|authorization)["']?\s*[:=]\s*["']?)[^\s"',}]{8,}/gi;
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]+/g;

/** A provider's words, fit to be shown: no secrets, no control characters, no page of HTML, not too long. */
export function safeText(text: string): string {
  const plain = /^\s*<(?:!doctype|html|head|body)/i.test(text) ? 'an HTML page' : text;
  const clean = plain
    .slice(0, TEXT_MAX * 4)
    .replace(SECRETS, '$1[redacted]')
    .replace(CONTROLS, ' ')
    .trim();
  return clean.length > TEXT_MAX ? `${clean.slice(0, TEXT_MAX)}…` : clean;
}

/** What an error says, and the field it is about. */
export interface ErrorWords {
  readonly message?: string;
  readonly param?: string;
}

/** Fields that hold an error's text, the more telling first. */
const TEXTS = [
  'message',
  'msg',
  'error_description',
  'error_msg',
  'error_message',
  'errorMessage',
  'status_msg',
  'Message',
  'detail',
  'description',
  'reason',
  'text',
] as const;
/** Fields that hold errors: an object, a list, or one by its field. */
const HOLDERS = ['message', 'detail', 'errors', 'data', 'base_resp', 'status'] as const;
/** Errors in errors in errors: what proxies behind proxies make of one. */
const DEPTH_MAX = 8;

/**
 * The words of an error in any form that servers, frameworks and proxies are known to write: plain text, `{error: 'x'}`,
 * `{error: {error: {message}}}`, FastAPI's `{detail: [{loc, msg}]}`, `{errors: ['x']}`, RFC 9457's title and detail, JSON
 * or a stream's event inside a text. Empty where it says nothing.
 */
export function errorWords(value: Json | undefined, depth: number = DEPTH_MAX): ErrorWords {
  if (depth === 0) return {};
  if (typeof value === 'string') return textWords(value, depth);
  if (isArray(value)) return firstOf(value.map((item) => errorWords(item, depth - 1)));
  if (!isRecord(value)) return {};
  const { error } = value;
  const inner = typeof error === 'object' ? errorWords(error, depth - 1) : {};
  if (inner.message !== undefined) return inner;
  return firstOf([ownWords(value, depth), ...HOLDERS.map((field) => heldWords(value[field], depth)), lastWords(value)]);
}

/** The body of an error answer: JSON, or the text that it is. */
export function errorBody(body: string): Json {
  const kept = body.slice(0, BODY_MAX);
  const parsed = parseJson(kept);
  return parsed === undefined ? kept : parsed;
}

function firstOf(words: readonly ErrorWords[]): ErrorWords {
  return words.find((one) => one.message !== undefined) ?? {};
}

/** Text that is JSON, or an event of a stream, is looked into. */
function textWords(text: string, depth: number): ErrorWords {
  const plain = text.trim();
  if (plain === '') return {};
  const json = /^[[{]/.test(plain) ? plain : /^data: ?([[{].*)$/m.exec(plain)?.[1];
  const inner = json === undefined ? {} : errorWords(parseJson(json), depth - 1);
  return inner.message === undefined ? { message: text } : inner;
}

function ownWords(record: JsonRecord, depth: number): ErrorWords {
  const text = TEXTS.map((field) => record[field]).find((one) => typeof one === 'string' && one.trim() !== '');
  if (text === undefined) return {};
  const words = errorWords(text, depth - 1);
  return compact({ ...words, param: words.param ?? asString(record['param']) ?? locationOf(record['loc']) });
}

/** FastAPI's way to a field: `['body', 'messages', 0, 'role']`. */
function locationOf(steps: Json | undefined): string | undefined {
  if (!isArray(steps)) return undefined;
  return steps
    .filter((step) => typeof step !== 'object' && step !== 'body')
    .map(String)
    .join('.');
}

/** An error inside a field, also one by the name of the field at fault (`{errors: {model: ['is unknown']}}`). */
function heldWords(held: Json | undefined, depth: number): ErrorWords {
  if (typeof held !== 'object') return {};
  const words = errorWords(held, depth - 1);
  if (words.message !== undefined || !isRecord(held)) return words;
  const named = Object.entries(held).map(([param, item]) => ({
    param,
    ...errorWords(isArray(item) ? item : undefined, depth - 1),
  }));
  return firstOf(named);
}

/** What says least: a bare `error` is often the name of the status, and a title that of the kind. */
function lastWords({ error, title }: JsonRecord): ErrorWords {
  const text = [error, title].find((one) => typeof one === 'string' && one !== '');
  return typeof text === 'string' ? { message: text } : {};
}

/** How long the provider asks to be left alone, in ms: from `retry-after-ms` or `retry-after` (seconds or a date), bounded; undefined where it is absent or absurd. */
export function retryAfterMs(headers: ErrorAnswer['headers'], nowMs: number): number | undefined {
  const ms = numberOf(headers['retry-after-ms']);
  if (ms !== undefined) return bounded(ms);
  const text = only(headers['retry-after']);
  if (text === undefined) return undefined;
  if (/^\s*\d+(?:\.\d+)?\s*$/.test(text)) return bounded(Number(text) * 1000);
  const at = /[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) || at < nowMs ? undefined : bounded(at - nowMs);
}

function bounded(ms: number): number | undefined {
  return Number.isFinite(ms) && ms >= 0 ? Math.min(Math.ceil(ms), RETRY_AFTER_MAX_MS) : undefined;
}

function numberOf(header: string | readonly string[] | undefined): number | undefined {
  const text = only(header);
  return text !== undefined && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

function only(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}
