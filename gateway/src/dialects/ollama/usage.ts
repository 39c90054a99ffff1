/** Token counts of Ollama, which stand beside the reply with the times they took. */
import { usageLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import type { Usage } from '../../chat/usage.ts';
import { asCount, compact, type Json, type JsonRecord } from '../../lib/json.ts';

/** Fields of a finished reply that are its usage; the times are in nanoseconds. */
export const USAGE_FIELDS = [
  'prompt_eval_count',
  'eval_count',
  'total_duration',
  'load_duration',
  'prompt_eval_duration',
  'eval_duration',
] as const;

/**
 * Reads the counts; undefined where there is none. `eval_count` holds the thoughts too, and does not tell them apart. With a
 * format Ollama generates twice, thoughts first: then they are input of the second pass (recorded: 2,340 in, 42 out).
 */
export function readUsage(body: JsonRecord): Usage | undefined {
  const inputTokens = asCount(body['prompt_eval_count']);
  const outputTokens = asCount(body['eval_count']);
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  const raw = Object.fromEntries(
    USAGE_FIELDS.flatMap((name): readonly (readonly [string, Json])[] => {
      const value = body[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return compact({ inputTokens, outputTokens, raw });
}

/** The counts as they stand in the last line; with the times where Ollama itself gave them. */
export function writeUsage(usage: Usage | undefined): JsonRecord {
  const own = usage?.raw !== undefined && 'eval_count' in usage.raw ? usage.raw : {};
  return { ...own, ...compact({ prompt_eval_count: usage?.inputTokens, eval_count: usage?.outputTokens }) };
}

/** What `writeUsage` cannot say. */
export function lostUsage(usage: Usage | undefined): readonly Loss[] {
  return usageLosses(usage, [
    'cachedInputTokens',
    'cacheWriteTokens',
    'cacheWrite1hTokens',
    'inputAudioTokens',
    'reasoningTokens',
    'outputAudioTokens',
  ]);
}
