/** What a reply says of the caller's limits: the tightest of each kind. */
import type { Figure, Figures } from '../limits/limiter.ts';
import { spanText } from '../limits/texts.ts';
import type { Headers } from './reply.ts';

const NONE: Headers = {};

/**
 * `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as OpenAI has them (platform.openai.com/docs/guides/rate-limits), and
 * for callers who speak Anthropic's protocol also its own (docs.anthropic.com/en/api/rate-limits), with times of RFC 3339.
 * `unixMs`: milliseconds since 1970.
 */
export function limitHeaders(figures: Figures, protocol: string, unixMs: number): Headers {
  const { requests } = figures;
  const tokens = tightest([figures.tokens, figures['input-tokens'], figures['output-tokens']]);
  if (requests === undefined && tokens === undefined) return NONE;
  const headers: Record<string, string> = {};
  openai(headers, 'requests', requests);
  openai(headers, 'tokens', tokens);
  if (protocol !== 'anthropic-messages') return headers;
  anthropic(headers, { name: 'requests', figure: requests, unixMs });
  anthropic(headers, { name: 'tokens', figure: tokens, unixMs });
  anthropic(headers, { name: 'input-tokens', figure: figures['input-tokens'], unixMs });
  anthropic(headers, { name: 'output-tokens', figure: figures['output-tokens'], unixMs });
  return headers;
}

function tightest(figures: readonly (Figure | undefined)[]): Figure | undefined {
  let least: Figure | undefined;
  for (const figure of figures)
    if (figure !== undefined && (least === undefined || figure.left * least.limit < least.left * figure.limit))
      least = figure;
  return least;
}

function openai(headers: Record<string, string>, name: string, figure: Figure | undefined): void {
  if (figure === undefined) return;
  headers[`x-ratelimit-limit-${name}`] = String(figure.limit);
  headers[`x-ratelimit-remaining-${name}`] = String(Math.floor(figure.left));
  headers[`x-ratelimit-reset-${name}`] = spanText(figure.resetMs);
}

interface Named {
  readonly name: string;
  readonly figure: Figure | undefined;
  readonly unixMs: number;
}

function anthropic(headers: Record<string, string>, { name, figure, unixMs }: Named): void {
  if (figure === undefined) return;
  headers[`anthropic-ratelimit-${name}-limit`] = String(figure.limit);
  headers[`anthropic-ratelimit-${name}-remaining`] = String(Math.floor(figure.left));
  headers[`anthropic-ratelimit-${name}-reset`] = new Date(unixMs + figure.resetMs).toISOString();
}
