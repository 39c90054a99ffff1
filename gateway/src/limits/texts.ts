/** Limits in words and in headers. */
import type { Counted, RateLimit } from '../config/rate-limits.ts';

const WORDS: Readonly<Record<Counted, readonly [one: string, many: string]>> = {
  requests: ['request', 'requests'],
  'input-tokens': ['input token', 'input tokens'],
  'output-tokens': ['output token', 'output tokens'],
  tokens: ['token', 'tokens'],
  concurrent: ['request', 'requests'],
};

const SPANS: readonly (readonly [ms: number, word: string])[] = [
  [30 * 86_400_000, 'a month'],
  [86_400_000, 'a day'],
  [3_600_000, 'an hour'],
  [60_000, 'a minute'],
  [1000, 'a second'],
];

/** `60 requests a minute`, `5 requests at the same time`, `100 tokens in 90 seconds`. */
export function limitText({ of, max, windowMs }: RateLimit): string {
  const [one, many] = WORDS[of];
  const count = `${max} ${max === 1 ? one : many}`;
  if (of === 'concurrent') return `${count} at the same time`;
  const span = SPANS.find(([ms]) => ms === windowMs);
  return span === undefined ? `${count} in ${windowMs / 1000} seconds` : `${count} ${span[1]}`;
}

/** For people: `2 s`, `5 min`, `3 h`. Never too short. */
export function waitText(waitMs: number): string {
  if (waitMs <= 120_000) return `${Math.max(1, Math.ceil(waitMs / 1000))} s`;
  if (waitMs <= 120 * 60_000) return `${Math.ceil(waitMs / 60_000)} min`;
  return `${Math.ceil(waitMs / 3_600_000)} h`;
}

/** As OpenAI writes times in its headers (platform.openai.com/docs/guides/rate-limits): `12ms`, `1s`, `6m0s`, `24h0m0s`. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes % 60}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
