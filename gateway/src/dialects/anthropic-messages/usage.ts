/** Tokens as Anthropic counts them: three disjoint input counts here, one total with its parts there. */
import { compact, asCount, asRecord, isArray, type JsonRecord } from '../../lib/json.ts';
import { usageLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import { otherCounts, type Usage } from '../../chat/usage.ts';

/** Fields of Anthropic's usage that are not token counts of ours, and are written back as they came. */
const KEPT = ['server_tool_use', 'service_tier', 'inference_geo', 'speed', 'fallback_credit'] as const;

/** Counts that are read, or repeat others in another order. */
const READ: ReadonlySet<string> = new Set([
  'input_tokens',
  'output_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_creation.ephemeral_1h_input_tokens',
  'cache_creation.ephemeral_5m_input_tokens',
  'output_tokens_details.thinking_tokens',
]);

/**
 * Reads a usage object. `inputTokens` is plain + read from cache + written to cache. A compaction's own tokens stand only in
 * `iterations` (documented at BetaUsage of @anthropic-ai/sdk 1.12) and are added, because they are billed.
 */
export function decodeUsage(raw: JsonRecord): Usage {
  const plain = asCount(raw['input_tokens']);
  const read = asCount(raw['cache_read_input_tokens']);
  const written = asCount(raw['cache_creation_input_tokens']);
  const output = asCount(raw['output_tokens']);
  const compaction = compactionOf(raw);
  const hour = asCount(asRecord(raw['cache_creation'])?.['ephemeral_1h_input_tokens']);
  return compact({
    inputTokens: plain === undefined ? undefined : plain + (read ?? 0) + (written ?? 0) + compaction.input,
    cachedInputTokens: sum(read, compaction.read),
    cacheWriteTokens: sum(written, compaction.written),
    cacheWrite1hTokens: hour,
    outputTokens: sum(output, compaction.output),
    reasoningTokens: asCount(asRecord(raw['output_tokens_details'])?.['thinking_tokens']),
    others: otherCounts(withoutIterations(raw), READ),
    raw,
  });
}

/** Iterations repeat the counts of the whole, step by step. */
function withoutIterations(raw: JsonRecord): JsonRecord {
  const { iterations: _, ...rest } = raw;
  return rest;
}

function sum(count: number | undefined, more: number): number | undefined {
  return count === undefined ? undefined : count + more;
}

interface CompactionTokens {
  /** All input, cached and written included. */
  readonly input: number;
  readonly read: number;
  readonly written: number;
  readonly output: number;
}

function compactionOf(raw: JsonRecord): CompactionTokens {
  const total = { input: 0, read: 0, written: 0, output: 0 };
  const iterations = raw['iterations'];
  if (!isArray(iterations)) return total;
  for (const entry of iterations) {
    const one = asRecord(entry);
    if (one?.['type'] !== 'compaction') continue;
    const read = asCount(one['cache_read_input_tokens']) ?? 0;
    const written = asCount(one['cache_creation_input_tokens']) ?? 0;
    total.input += (asCount(one['input_tokens']) ?? 0) + read + written;
    total.read += read;
    total.written += written;
    total.output += asCount(one['output_tokens']) ?? 0;
  }
  return total;
}

/** What `encodeUsage` cannot say. */
export function lostUsage(usage: Usage | undefined): readonly Loss[] {
  const isWhole = usage?.raw !== undefined && isOwn(usage.raw, usage);
  return isWhole ? [] : usageLosses(usage, ['inputAudioTokens', 'outputAudioTokens']);
}

/** Writes usage. Where `raw` is Anthropic's own and says the same, it is written as it came, every field of it. */
export function encodeUsage(usage: Usage | undefined): JsonRecord {
  // The wire has no way to say that a count is not known.
  if (usage === undefined)
    return { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 };
  const raw = usage.raw;
  if (raw !== undefined && isOwn(raw, usage)) return raw;
  const {
    inputTokens = 0,
    cachedInputTokens: read = 0,
    cacheWriteTokens: written = 0,
    cacheWrite1hTokens: hour,
  } = usage;
  return compact({
    input_tokens: Math.max(0, inputTokens - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    cache_creation:
      hour === undefined
        ? undefined
        : { ephemeral_1h_input_tokens: hour, ephemeral_5m_input_tokens: Math.max(0, written - hour) },
    output_tokens: usage.outputTokens ?? 0,
    output_tokens_details: usage.reasoningTokens === undefined ? undefined : { thinking_tokens: usage.reasoningTokens },
    ...(raw === undefined ? {} : keptFields(raw)),
  });
}

/** True where the provider's object is in this form (OpenAI's Responses shares two names, but has a total) and was not amended since. */
function isOwn(raw: JsonRecord, usage: Usage): boolean {
  if (raw['total_tokens'] !== undefined || asCount(raw['input_tokens']) === undefined) return false;
  if (asCount(raw['output_tokens']) === undefined) return false;
  const again = decodeUsage(raw);
  return COUNTS.every((name) => again[name] === usage[name]);
}

const COUNTS = [
  'inputTokens',
  'cachedInputTokens',
  'cacheWriteTokens',
  'cacheWrite1hTokens',
  'outputTokens',
  'reasoningTokens',
  'inputAudioTokens',
  'outputAudioTokens',
] as const;

function keptFields(raw: JsonRecord): JsonRecord {
  const kept: Record<string, JsonRecord[string]> = {};
  for (const name of KEPT) if (raw[name] !== undefined) kept[name] = raw[name];
  return kept;
}

/** The usage of a later event laid over an earlier one: counts are cumulative, and null means nothing new. */
export function mergeRaw(earlier: JsonRecord | undefined, later: JsonRecord): JsonRecord {
  const merged: Record<string, JsonRecord[string]> = { ...earlier };
  for (const [name, value] of Object.entries(later))
    if (value !== null || merged[name] === undefined) merged[name] = value;
  return merged;
}
