/** Token counts of this wire: two names other than those of chat completions, and the same details. */
import { usageLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import type { Usage } from '../../chat/usage.ts';
import { asRecord, compact, isRecord, type JsonRecord } from '../../lib/json.ts';
import { tokens, wholeCounts } from '../openai-chat/usage.ts';

/** Reads a `usage` object; undefined where it holds no count at all. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isRecord(value)) return undefined;
  const input = asRecord(value['input_tokens_details']) ?? {};
  const output = asRecord(value['output_tokens_details']) ?? {};
  const counts = {
    inputTokens: tokens(value['input_tokens']),
    outputTokens: tokens(value['output_tokens']),
    cachedInputTokens: tokens(input['cached_tokens']),
    cacheWriteTokens: tokens(input['cache_write_tokens']),
    cacheWrite1hTokens: undefined,
    inputAudioTokens: undefined,
    reasoningTokens: tokens(output['reasoning_tokens']),
    outputAudioTokens: undefined,
  };
  if (counts.inputTokens === undefined && counts.outputTokens === undefined) return undefined;
  return { ...wholeCounts(counts, tokens(value['total_tokens'])), raw: value };
}

/** The provider's own usage object, where it is one of this wire. */
function rawOf(usage: Usage): JsonRecord | undefined {
  const { raw } = usage;
  return raw !== undefined && 'input_tokens' in raw && 'total_tokens' in raw ? raw : undefined;
}

/** What `writeUsage` cannot say. */
export function lostUsage(usage: Usage | undefined): readonly Loss[] {
  if (usage === undefined || rawOf(usage) !== undefined) return [];
  return usageLosses(usage, ['cacheWrite1hTokens', 'inputAudioTokens', 'outputAudioTokens']);
}

/** Usage as OpenAI writes it, details always there: its SDKs read them unasked. Null where nothing was counted. */
export function writeUsage(usage: Usage | undefined): JsonRecord | null {
  const { inputTokens, outputTokens } = usage ?? {};
  if (usage === undefined || (inputTokens === undefined && outputTokens === undefined)) return null;
  const raw = rawOf(usage) ?? {};
  return {
    ...raw,
    input_tokens: inputTokens ?? 0,
    input_tokens_details: {
      ...asRecord(raw['input_tokens_details']),
      ...compact({ cached_tokens: usage.cachedInputTokens ?? 0, cache_write_tokens: usage.cacheWriteTokens }),
    },
    output_tokens: outputTokens ?? 0,
    output_tokens_details: {
      ...asRecord(raw['output_tokens_details']),
      reasoning_tokens: usage.reasoningTokens ?? 0,
    },
    total_tokens: (inputTokens ?? 0) + (outputTokens ?? 0),
  };
}
