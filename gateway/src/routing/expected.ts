/** What a request is expected to cost and to take at a target, as far as that can be told before it is sent. */
import { costOf } from '../money/cost.ts';
import type { NanoUsd } from '../money/price.ts';
import type { Facts } from '../understand/facts.ts';
import type { Observation, Sighting } from './observation.ts';
import type { Target } from './target.ts';

/** Output tokens of an answer where nothing was learned: the middle of recorded chats lies between 200 and 500. */
const OUTPUT_TOKENS_PRIOR = 350;
/** A model that thinks bills its thoughts as output. */
const REASONING_FACTOR = 3;
/** How many answers the prior counts for. */
const LENGTH_PRIOR_COUNT = 3;

/** Output tokens to be expected of one choice. */
export function expectedOutputTokens(target: Target, facts: Facts, seen: Sighting): number {
  const thinks = facts.needs.includes('reasoning') && target.abilities?.has('reasoning') !== false;
  const prior = OUTPUT_TOKENS_PRIOR * (thinks ? REASONING_FACTOR : 1);
  const { length } = seen;
  const mean =
    length === undefined
      ? prior
      : (length.mean * length.count + prior * LENGTH_PRIOR_COUNT) / (length.count + LENGTH_PRIOR_COUNT);
  return Math.ceil(Math.min(mean, facts.outputTokensLimit ?? mean, target.limits.outputTokens ?? mean));
}

/** The price of this very request: its input, cached as far as the target holds it, and the output to be expected, or a share of it. */
export function expectedCost(
  target: Target,
  facts: Facts,
  seen: Sighting & { readonly outputShare?: number },
): NanoUsd | undefined {
  if (target.price === undefined) return undefined;
  const cached = Math.min(seen.cachedTokens ?? 0, facts.inputTokensEstimate);
  const outputTokens = expectedOutputTokens(target, facts, seen) * facts.choices;
  const cost = costOf(target.price, {
    inputTokens: facts.inputTokensEstimate,
    ...(cached === 0 ? {} : { cachedInputTokens: cached }),
    outputTokens: Math.ceil(outputTokens * (seen.outputShare ?? 1)),
    ...(facts.unitsMax === undefined ? {} : { units: facts.unitsMax }),
  });
  return cost?.totalNanoUsd;
}

/** First content of a hosted model, where nothing was measured. */
export const TTFT_MS_PRIOR = 800;
const TOKENS_PER_S_PRIOR = 60;
/** How many measurements the prior counts for: what has decayed to a few is believed half. */
const SPEED_PRIOR_COUNT = 3;
/** Of a stream a reader waits for its beginning; the rest comes as fast as it is read. */
const STREAMED_SHARE = 0.25;
/** Reading the prompt: what is cached need not be read again. From public measurements of hosted models, some 5,000 tokens a second. */
const PREFILL_TOKENS_PER_MS = 5;

export interface SpeedPrior {
  /** Milliseconds to first content of a target that was not measured yet. */
  readonly ttftMs: number;
}

/** The middle of what was measured of the others: what is unknown is thought to be like its peers. */
export function speedPrior(seen: readonly Observation[]): SpeedPrior {
  const known = seen.flatMap(({ ttftMs }) => (ttftMs === undefined ? [] : [ttftMs.p50])).toSorted((a, b) => a - b);
  return { ttftMs: known[Math.floor(known.length / 2)] ?? TTFT_MS_PRIOR };
}

export interface ExpectedTime {
  readonly firstMs: number;
  /** Until the whole answer is there, or, of a stream, what of it is waited for. */
  readonly waitMs: number;
}

/** `distanceMs`: a round trip to the target's region. It counts as far as nothing was measured: measurements hold it already. */
export function expectedTime(
  { target, facts, seen }: { readonly target: Target; readonly facts: Facts; readonly seen: Sighting },
  prior: SpeedPrior,
  distanceMs: number,
): ExpectedTime {
  const { ttftMs, tokensPerS = TOKENS_PER_S_PRIOR } = seen;
  const count = ttftMs?.count ?? 0;
  const measured = ttftMs?.p50 ?? 0;
  const guessed = prior.ttftMs + distanceMs;
  const learned = (measured * count + guessed * SPEED_PRIOR_COUNT) / (count + SPEED_PRIOR_COUNT);
  const saved = Math.min(seen.cachedTokens ?? 0, facts.inputTokensEstimate) / PREFILL_TOKENS_PER_MS;
  const firstMs = Math.max(1, learned - Math.min(saved, learned / 2));
  const writing = (expectedOutputTokens(target, facts, seen) / tokensPerS) * 1000;
  return { firstMs, waitMs: firstMs + writing * (facts.isStreaming ? STREAMED_SHARE : 1) };
}
