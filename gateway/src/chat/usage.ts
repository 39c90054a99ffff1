/** Tokens as the provider counted them. A count that was not given is absent: absent is not zero, and nobody is billed a guess. */
import { isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';

export interface Usage {
  /** All input tokens: plain, read from a cache and written to one (OpenAI's sense; Anthropic's three counts are summed). */
  readonly inputTokens?: number;
  /** Part of `inputTokens` that was read from the provider's prompt cache. */
  readonly cachedInputTokens?: number;
  /** Part of `inputTokens` that was written to the provider's prompt cache. */
  readonly cacheWriteTokens?: number;
  /** Part of `cacheWriteTokens` that was written for an hour rather than five minutes (Anthropic `ephemeral_1h`). */
  readonly cacheWrite1hTokens?: number;
  /** Part of `inputTokens` that was sound. */
  readonly inputAudioTokens?: number;
  /** All output tokens, reasoning included (Gemini's `thoughtsTokenCount` is added in). */
  readonly outputTokens?: number;
  /** Part of `outputTokens` that was reasoning. */
  readonly reasoningTokens?: number;
  /** Part of `outputTokens` that was sound. */
  readonly outputAudioTokens?: number;
  /** What is not counted in tokens: whole pictures made, seconds of sound heard, characters spoken, searches. */
  readonly units?: Units;
  /** Calls of which these are the sums: each is a request to the provider. Absent: one. */
  readonly calls?: number;
  /** Names of further counts that the provider gave and we have no word for (`server_tool_use.web_search_requests`). */
  readonly others?: readonly string[];
  /** The provider's own usage object, every field of it. */
  readonly raw?: JsonRecord;
}

/** What is sold by the piece and not by the token. Whole numbers; a part of a second is a second. */
export interface Units {
  /** Pictures made. */
  readonly images?: number;
  /** Seconds of sound taken in. */
  readonly seconds?: number;
  /** Characters (Unicode code points) spoken. */
  readonly characters?: number;
  /** Search units of a reranker: a query with up to a hundred documents (Cohere). */
  readonly searches?: number;
}

/** The names of all counts in a provider's usage object that are not zero and not among `read`; places in lists are left out. */
export function otherCounts(raw: JsonRecord, read: ReadonlySet<string>): readonly string[] | undefined {
  const names = [...new Set(countsIn(raw, ''))].filter((name) => !read.has(name));
  return names.length === 0 ? undefined : names;
}

/** No provider nests its counts deeper. */
const DEPTH_MAX = 4;

function countsIn(value: Json | undefined, path: string): readonly string[] {
  if (typeof value === 'number') return Number.isInteger(value) && value > 0 ? [path] : [];
  if (path.split('.').length > DEPTH_MAX) return [];
  if (isArray(value)) return value.flatMap((item) => countsIn(item, path));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, item]) => countsIn(item, path === '' ? name : `${path}.${name}`));
}

/** Later counts replace earlier ones field by field: providers report cumulatively (Anthropic's `message_delta` after `message_start`). */
export function mergeUsage(earlier: Usage | undefined, later: Usage): Usage {
  if (earlier === undefined) return later;
  const raw = earlier.raw === undefined && later.raw === undefined ? undefined : { ...earlier.raw, ...later.raw };
  return { ...earlier, ...later, ...(raw === undefined ? {} : { raw }) };
}

/** Counts that are sums where several replies are one. */
export const SUMMED = [
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'inputAudioTokens',
  'outputTokens',
  'reasoningTokens',
  'outputAudioTokens',
] as const;

/** Usage of several parts of one request. A count that one of them lacks is not known of all. */
export function sumUsage(usages: readonly (Usage | undefined)[]): Usage | undefined {
  const [first] = usages;
  if (usages.length < 2) return first;
  const sum = (count: (usage: Usage) => number | undefined): number | undefined =>
    usages.reduce<number | undefined>((total, usage) => {
      const one = usage === undefined ? undefined : count(usage);
      return total === undefined || one === undefined ? undefined : total + one;
    }, 0);
  const images = sum((usage) => usage.units?.images);
  const counts = SUMMED.map((name) => [name, sum((usage) => usage[name])] as const);
  return {
    calls: usages.length,
    ...Object.fromEntries(counts.filter(([, count]) => count !== undefined)),
    ...(images === undefined ? {} : { units: { images } }),
  };
}
