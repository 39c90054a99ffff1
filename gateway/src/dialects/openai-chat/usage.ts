/** Token counts of this wire, whose providers agree on three names and on little else. */
import { usageLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import { otherCounts, type Usage } from '../../chat/usage.ts';
import { asCount, asRecord, compact, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';

/** No model reads or writes as much at once: a larger count is a fault of the provider, and must not be billed (faults.md F15). */
const TOKENS_MAX = 100_000_000;

/** A count that can be true. */
export function tokens(value: Json | undefined): number | undefined {
  const count = asCount(value);
  return count !== undefined && count <= TOKENS_MAX ? count : undefined;
}

function first(...values: readonly (Json | undefined)[]): number | undefined {
  return values.map(tokens).find((count) => count !== undefined);
}

/** Reads a `usage` object; undefined where it holds no count at all (Databricks begins with nulls). */
export function readUsage(value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined;
  // Writer's names of the details lack an s.
  const input = asRecord(value['prompt_tokens_details']) ?? asRecord(value['prompt_token_details']) ?? {};
  const output = asRecord(value['completion_tokens_details']) ?? asRecord(value['completion_token_details']) ?? {};
  const counts = {
    // The newer names are those of OpenAI's Responses and of Anthropic, which some servers keep here.
    inputTokens: first(value['prompt_tokens'], value['input_tokens']),
    outputTokens: first(value['completion_tokens'], value['output_tokens']),
    cachedInputTokens: first(
      input['cached_tokens'],
      value['prompt_cache_hit_tokens'],
      value['cache_read_input_tokens'],
      value['cached_tokens'],
      value['num_cached_tokens'],
    ),
    cacheWriteTokens: first(
      input['cache_write_tokens'],
      input['cache_creation_tokens'],
      value['cache_creation_input_tokens'],
    ),
    cacheWrite1hTokens: tokens(asRecord(value['cache_creation'])?.['ephemeral_1h_input_tokens']),
    inputAudioTokens: tokens(input['audio_tokens']),
    reasoningTokens: tokens(output['reasoning_tokens']),
    outputAudioTokens: tokens(output['audio_tokens']),
  };
  if (Object.values(counts).every((count) => count === undefined)) return undefined;
  const others = otherCounts(value, READ);
  const read = wholeCounts(counts, tokens(value['total_tokens']));
  return { ...read, ...(others === undefined ? {} : { others }), raw: value };
}

/** Counts that fit each other, and the total if one was given. */
export function wholeCounts(counts: Counts, total: number | undefined): Usage {
  return withinTotals(withGap(counts, total));
}

/** Counts that are read, or follow from those that are. */
const READ: ReadonlySet<string> = new Set([
  'prompt_tokens',
  'completion_tokens',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'prompt_cache_hit_tokens',
  'prompt_cache_miss_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cached_tokens',
  'num_cached_tokens',
  'cache_creation.ephemeral_1h_input_tokens',
  'cache_creation.ephemeral_5m_input_tokens',
  ...['prompt_tokens_details', 'prompt_token_details'].flatMap((details) =>
    ['cached_tokens', 'cache_write_tokens', 'cache_creation_tokens', 'audio_tokens', 'text_tokens'].map(
      (name) => `${details}.${name}`,
    ),
  ),
  ...['completion_tokens_details', 'completion_token_details'].flatMap((details) =>
    ['reasoning_tokens', 'audio_tokens', 'text_tokens'].map((name) => `${details}.${name}`),
  ),
]);

type Counts = { readonly [K in keyof Omit<Usage, 'raw' | 'others'>]: number | undefined };

/**
 * Makes input and output whole where `total_tokens` says that they are not. Recorded: xAI leaves reasoning out of
 * `completion_tokens` (also through other hosts), Mistral leaves sound out of `prompt_tokens`, and Google's endpoint leaves
 * out thinking without naming it: what no detail explains was generated.
 */
function withGap(counts: Counts, total: number | undefined): Counts {
  const { inputTokens, outputTokens, reasoningTokens } = counts;
  if (total === undefined || inputTokens === undefined || outputTokens === undefined) return counts;
  const gap = total - inputTokens - outputTokens;
  if (gap <= 0) return counts;
  const cache = (counts.cachedInputTokens ?? 0) + (counts.cacheWriteTokens ?? 0);
  const isInput = gap !== reasoningTokens && (gap === counts.inputAudioTokens || gap === cache);
  if (isInput) return { ...counts, inputTokens: inputTokens + gap };
  return {
    ...counts,
    outputTokens: outputTokens + gap,
    reasoningTokens: reasoningTokens === undefined ? gap : reasoningTokens,
  };
}

/** A part is never larger than its whole (recorded behind Azure: 373 cached of 235), or plain tokens would count below zero. */
function withinTotals(counts: Counts): Usage {
  const { inputTokens, outputTokens } = counts;
  const cached = atMost(counts.cachedInputTokens, inputTokens);
  const left = inputTokens === undefined ? undefined : inputTokens - (cached ?? 0);
  const written = atMost(counts.cacheWriteTokens, left);
  return compact({
    inputTokens,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    cacheWrite1hTokens: atMost(counts.cacheWrite1hTokens, written),
    inputAudioTokens: atMost(counts.inputAudioTokens, inputTokens),
    outputTokens,
    reasoningTokens: atMost(counts.reasoningTokens, outputTokens),
    outputAudioTokens: atMost(counts.outputAudioTokens, outputTokens),
  });
}

function atMost(count: number | undefined, whole: number | undefined): number | undefined {
  return count === undefined || whole === undefined ? count : Math.min(count, whole);
}

/** What `writeUsage` cannot say. */
export function lostUsage(usage: Usage | undefined): readonly Loss[] {
  return usage?.raw !== undefined && 'prompt_tokens' in usage.raw ? [] : usageLosses(usage, ['cacheWrite1hTokens']);
}

/** Usage as OpenAI writes it; undefined where neither input nor output was counted. A provider's own further fields are kept. */
export function writeUsage(usage: Usage): JsonRecord | undefined {
  const { inputTokens, outputTokens } = usage;
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const raw = usage.raw !== undefined && 'prompt_tokens' in usage.raw ? usage.raw : {};
  return {
    ...raw,
    ...compact({
      prompt_tokens: inputTokens,
      completion_tokens: outputTokens,
      total_tokens: inputTokens === undefined || outputTokens === undefined ? undefined : inputTokens + outputTokens,
      prompt_tokens_details: detailsOf(raw['prompt_tokens_details'], {
        cached_tokens: usage.cachedInputTokens,
        cache_write_tokens: usage.cacheWriteTokens,
        audio_tokens: usage.inputAudioTokens,
      }),
      completion_tokens_details: detailsOf(raw['completion_tokens_details'], {
        reasoning_tokens: usage.reasoningTokens,
        audio_tokens: usage.outputAudioTokens,
      }),
    }),
  };
}

function detailsOf(
  raw: Json | undefined,
  counts: Readonly<Record<string, number | undefined>>,
): JsonRecord | undefined {
  const details = { ...asRecord(raw), ...compact(counts) };
  return Object.keys(details).length === 0 ? undefined : details;
}
