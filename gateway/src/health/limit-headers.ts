/** What providers say of their rate limits in the headers of each reply. Pure; one table of forms. */
import { compact } from '../lib/json.ts';

/** One limit: so much in all, so much left, and full again after so long. */
export interface Allowance {
  readonly limit: number;
  readonly left: number;
  readonly fullAfterMs: number;
}

/** The tightest of requests and of tokens; what was not told is absent. */
export interface Allowances {
  readonly requests?: Allowance;
  readonly tokens?: Allowance;
}

export type ReplyHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Form {
  readonly of: 'requests' | 'tokens';
  readonly limit: string;
  readonly left: string;
  readonly full?: string;
}

/** Where nothing is said of the time, limits are those of a minute. */
const MINUTE_MS = 60_000;
/** Limits of a day fill up over the day; longer ones do not tell how much may be sent now. */
const FULL_AFTER_MAX_MS = 86_400_000;

/**
 * As recorded. `x-ratelimit-*-requests|tokens`: OpenAI, Azure, Groq, xAI and many others; the project's own tokens beside the
 * organisation's. `anthropic-ratelimit-*`: Anthropic, with times of RFC 3339. `*-req-minute` and `ratelimitbysize-*`: Mistral. The
 * bare ones: Together and OpenRouter with `x-`, Hugging Face and Replicate as in the IETF's draft
 * (draft-ietf-httpapi-ratelimit-headers).
 */
const FORMS: readonly Form[] = [
  ...(['requests', 'tokens'] as const).map((of) => openai(of, of)),
  openai('tokens', 'project-tokens'),
  ...(['requests', 'tokens'] as const).map((of) => anthropic(of, of)),
  anthropic('tokens', 'input-tokens'),
  anthropic('tokens', 'output-tokens'),
  { of: 'requests', limit: 'x-ratelimit-limit-req-minute', left: 'x-ratelimit-remaining-req-minute' },
  { of: 'tokens', limit: 'x-ratelimit-limit-tokens-minute', left: 'x-ratelimit-remaining-tokens-minute' },
  {
    of: 'tokens',
    limit: 'ratelimitbysize-limit',
    left: 'ratelimitbysize-remaining',
    full: 'ratelimitbysize-reset',
  },
  ...['x-ratelimit', 'ratelimit'].map((name): Form => ({
    of: 'requests',
    limit: `${name}-limit`,
    left: `${name}-remaining`,
    full: `${name}-reset`,
  })),
];

function openai(of: Form['of'], name: string): Form {
  const [limit, left, full] = ['limit', 'remaining', 'reset'].map((what) => `x-ratelimit-${what}-${name}`);
  return compact({ of, limit: limit ?? '', left: left ?? '', full });
}

function anthropic(of: Form['of'], name: string): Form {
  const [limit, left, full] = ['limit', 'remaining', 'reset'].map((what) => `anthropic-ratelimit-${name}-${what}`);
  return compact({ of, limit: limit ?? '', left: left ?? '', full });
}

/** Undefined where nothing is said. `unixMs`: milliseconds since 1970, for the forms that tell a time of day. */
export function allowancesIn(headers: ReplyHeaders, unixMs: number): Allowances | undefined {
  let requests: Allowance | undefined;
  let tokens: Allowance | undefined;
  for (const form of FORMS) {
    // Most replies have none of them: one look-up each.
    if (headers[form.limit] === undefined) continue;
    const found = allowanceOf(headers, form, unixMs);
    if (form.of === 'requests') requests = tighter(requests, found);
    else tokens = tighter(tokens, found);
  }
  return requests === undefined && tokens === undefined ? undefined : compact({ requests, tokens });
}

function allowanceOf(headers: ReplyHeaders, form: Form, unixMs: number): Allowance | undefined {
  const limit = numberIn(headers[form.limit]);
  const left = numberIn(headers[form.left]);
  if (limit === undefined || limit <= 0 || left === undefined) return undefined;
  const full = form.full === undefined ? undefined : fullAfterMs(headers[form.full], unixMs);
  return {
    limit,
    left: Math.min(limit, left),
    fullAfterMs: Math.min(FULL_AFTER_MAX_MS, Math.max(0, full ?? MINUTE_MS)),
  };
}

function tighter(one: Allowance | undefined, other: Allowance | undefined): Allowance | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.left / other.limit < one.left / one.limit ? other : one;
}

/** Whole numbers of up to 15 digits; everything else (a mask, a list) is nothing. */
function numberIn(value: ReplyHeaders[string]): number | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > 15) return undefined;
  let number = 0;
  for (let at = 0; at < value.length; at += 1) {
    const digit = value.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number;
}

const ZERO = 0x30;
const SPANS_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const SPAN = /([\d.]+)([a-z]+)/g;

/** `1m51.595s`, `12ms` (OpenAI, Groq); a time as in RFC 3339 (Anthropic); or a number. */
function fullAfterMs(value: ReplyHeaders[string], unixMs: number): number | undefined {
  if (typeof value !== 'string' || value.length > 40) return undefined;
  const number = Number(value);
  if (number >= 0) return afterNumber(number, unixMs);
  let sum = 0;
  let read = 0;
  for (const [span, count, unit = ''] of value.matchAll(SPAN)) {
    sum += Number(count) * (SPANS_MS[unit] ?? Number.NaN);
    read += span.length;
  }
  if (read === value.length) return Number.isNaN(sum) ? undefined : sum;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time - unixMs;
}

/** Seconds (Azure, Together, IETF), or a time since 1970, in seconds or milliseconds (OpenRouter). */
function afterNumber(value: number, unixMs: number): number {
  if (value > 1e11) return value - unixMs;
  return value > 1e9 ? value * 1000 - unixMs : value * 1000;
}
