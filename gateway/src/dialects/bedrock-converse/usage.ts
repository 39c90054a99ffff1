/** Tokens as Bedrock counts them: plain input, read from the cache and written to it are three disjoint counts. */
import { usageLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import type { Usage } from '../../chat/usage.ts';
import { asCount, asRecord, compact, isArray, type Json, type JsonRecord } from '../../lib/json.ts';
import type { ErrorAnswer } from '../dialect.ts';

/** Reads a usage object. In all recorded ones total = input + cache read + cache write + output; Nova on InvokeModel has longer names. */
export function decodeUsage(value: Json | undefined): Usage | undefined {
  const raw = asRecord(value);
  if (raw === undefined) return undefined;
  const plain = asCount(raw['inputTokens']);
  const read = asCount(raw['cacheReadInputTokens'] ?? raw['cacheReadInputTokenCount']);
  const written = asCount(raw['cacheWriteInputTokens'] ?? raw['cacheWriteInputTokenCount']);
  return compact({
    inputTokens: plain === undefined ? undefined : plain + (read ?? 0) + (written ?? 0),
    cachedInputTokens: read,
    cacheWriteTokens: written,
    cacheWrite1hTokens: writtenFor('1h', raw['cacheDetails']),
    outputTokens: asCount(raw['outputTokens']),
    raw,
  });
}

function writtenFor(ttl: string, details: Json | undefined): number | undefined {
  if (!isArray(details)) return undefined;
  return asCount(asRecord(details.find((entry) => asRecord(entry)?.['ttl'] === ttl))?.['inputTokens']);
}

/** What `encodeUsage` cannot say. */
export function lostUsage(usage: Usage | undefined): readonly Loss[] {
  return usageLosses(usage, ['inputAudioTokens', 'outputAudioTokens']);
}

const COUNTS = ['inputTokens', 'cachedInputTokens', 'cacheWriteTokens', 'cacheWrite1hTokens', 'outputTokens'] as const;

/** Writes usage. Where `raw` is Bedrock's own and says the same, it is written as it came, every field of it. */
export function encodeUsage(usage: Usage | undefined): JsonRecord {
  // The wire has no way to say that a count is not known.
  if (usage === undefined) return { inputTokens: 0, outputTokens: 0, totalTokens: 0 };
  const own = decodeUsage(usage.raw);
  const isOwn = own?.inputTokens !== undefined && COUNTS.every((name) => own[name] === usage[name]);
  if (isOwn && usage.raw !== undefined) return usage.raw;
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens: read = 0, cacheWriteTokens: written = 0 } = usage;
  const hour = usage.cacheWrite1hTokens;
  return compact({
    inputTokens: Math.max(0, inputTokens - read - written),
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    cacheReadInputTokens: usage.cachedInputTokens,
    cacheWriteInputTokens: usage.cacheWriteTokens,
    cacheDetails:
      hour === undefined
        ? undefined
        : [
            { ttl: '1h', inputTokens: hour },
            { ttl: '5m', inputTokens: Math.max(0, written - hour) },
          ],
  });
}

/** InvokeModel tells in its head what it counted, also for models whose replies do not (recorded: Mistral, Cohere, embeddings of Nova). */
export function usageInHead(headers: ErrorAnswer['headers']): Usage | undefined {
  const input = countOf(headers['x-amzn-bedrock-input-token-count']);
  const output = countOf(headers['x-amzn-bedrock-output-token-count']);
  if (input === undefined) return undefined;
  // Embeddings have no output, and say nothing of it.
  return { inputTokens: input, outputTokens: output ?? 0 };
}

function countOf(header: string | readonly string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,12}$/.test(header) ? Number(header) : undefined;
}
