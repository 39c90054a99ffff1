/**
 * What every dialect needs to read an upstream's error: text without secrets, and a wait that can be believed.
 * A provider's error text may repeat our key, and its `retry-after` may be nonsense (faults.md F20, F25).
 */
import type { ErrorAnswer } from './dialect.ts';

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
