/** Tokens as Cohere counts them, and as it bills them. */
import { usageLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import type { Usage } from '../../chat/usage.ts';
import { asCount, asRecord, compact, type JsonRecord } from '../../lib/json.ts';

/**
 * Reads a `usage` object, or the `meta` of v1; undefined where it counts nothing. What counts here is `billed_units`: the
 * price is for them. `tokens` is what the model read and wrote, Cohere's own preamble and templates included (recorded: 500
 * read and 5 billed for "Reply with exactly OK."), and stands in where nothing was billed. `cached_tokens` are of those
 * read, so that no part of what is billed is known to be cached. Thoughts are billed as output (recorded: 2,463 of 2,692).
 */
export function readUsage(raw: JsonRecord | undefined): Usage | undefined {
  if (raw === undefined) return undefined;
  const billed = asRecord(raw['billed_units']) ?? {};
  const tokens = asRecord(raw['tokens']) ?? {};
  const inputTokens = asCount(billed['input_tokens']) ?? asCount(tokens['input_tokens']);
  const outputTokens = asCount(billed['output_tokens']) ?? asCount(tokens['output_tokens']);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const thoughts = asCount(tokens['reasoning_tokens']);
  const reasoningTokens =
    thoughts === undefined || outputTokens === undefined ? thoughts : Math.min(thoughts, outputTokens);
  return compact({ inputTokens, outputTokens, reasoningTokens, raw });
}

/** Usage as Cohere writes it: its own as it came, another's counts in both places. */
export function writeUsage(usage: Usage): JsonRecord {
  const { raw, inputTokens: input_tokens, outputTokens: output_tokens, reasoningTokens: reasoning_tokens } = usage;
  if (raw !== undefined && ('billed_units' in raw || 'tokens' in raw)) return raw;
  return compact({
    billed_units: compact({ input_tokens, output_tokens }),
    tokens: compact({ input_tokens, output_tokens, reasoning_tokens }),
    cached_tokens: usage.cachedInputTokens,
  });
}

/** What `writeUsage` cannot say. */
export function lostUsage(usage: Usage | undefined): readonly Loss[] {
  return usageLosses(usage, ['cacheWriteTokens', 'cacheWrite1hTokens', 'inputAudioTokens', 'outputAudioTokens']);
}
