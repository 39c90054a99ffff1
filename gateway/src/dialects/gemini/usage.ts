/** Tokens as Gemini counts them: thoughts beside the answer, cached ones within the prompt, tool results beside the prompt. */
import { asCount, asRecord, compact, type Json, type JsonRecord } from '../../lib/json.ts';
import { usageLosses } from '../../chat/losses.ts';
import type { Loss } from '../../chat/request.ts';
import { otherCounts, type Usage } from '../../chat/usage.ts';
import { modalityName, recordsOf } from './wire.ts';

/** Counts that are read, and those by modality, which divide the same tokens again. */
const READ: ReadonlySet<string> = new Set([
  'promptTokenCount',
  'candidatesTokenCount',
  'thoughtsTokenCount',
  'toolUsePromptTokenCount',
  'cachedContentTokenCount',
  'totalTokenCount',
  // Words may come as the numbers of their enumeration.
  'trafficType',
  ...[
    'promptTokensDetails',
    'candidatesTokensDetails',
    'cacheTokensDetails',
    'toolUsePromptTokensDetails',
    'thoughtsTokensDetails',
  ].flatMap((details) => [`${details}.tokenCount`, `${details}.modality`]),
]);

/**
 * Reads `usageMetadata`; undefined where it counts nothing. In all 544 recorded ones
 * total = prompt + candidates + thoughts + tool use; a count of zero is left out on the wire, and the total proves it was zero.
 */
export function decodeUsage(raw: JsonRecord | undefined): Usage | undefined {
  if (raw === undefined) return undefined;
  const prompt = asCount(raw['promptTokenCount']);
  const toolUse = asCount(raw['toolUsePromptTokenCount']);
  const thoughts = asCount(raw['thoughtsTokenCount']);
  const input = prompt === undefined ? undefined : prompt + (toolUse ?? 0);
  const output = outputOf(raw, input);
  if (input === undefined && output === undefined) return undefined;
  return compact({
    inputTokens: input,
    cachedInputTokens: asCount(raw['cachedContentTokenCount']),
    inputAudioTokens: soundOf(raw['promptTokensDetails']),
    outputTokens: output,
    reasoningTokens: thoughts,
    outputAudioTokens: soundOf(raw['candidatesTokensDetails']),
    others: otherCounts(raw, READ),
    raw,
  });
}

function outputOf(raw: JsonRecord, input: number | undefined): number | undefined {
  const answer = asCount(raw['candidatesTokenCount']);
  const thoughts = asCount(raw['thoughtsTokenCount']);
  if (answer !== undefined || thoughts !== undefined) return (answer ?? 0) + (thoughts ?? 0);
  const total = asCount(raw['totalTokenCount']);
  return total !== undefined && input !== undefined && total >= input ? total - input : undefined;
}

/** Tokens of sound in a list by modality; undefined where the list names none. */
function soundOf(details: Json | undefined): number | undefined {
  const sound = recordsOf(details).filter((entry) => modalityName(entry['modality']) === 'AUDIO');
  if (sound.length === 0) return undefined;
  return sound.reduce((sum, entry) => sum + (asCount(entry['tokenCount']) ?? 0), 0);
}

/** What `encodeUsage` cannot say. */
export function lostUsage(usage: Usage | undefined): readonly Loss[] {
  const isWhole = usage?.raw !== undefined && isOwn(usage.raw, usage);
  return isWhole ? [] : usageLosses(usage, ['cacheWriteTokens', 'cacheWrite1hTokens']);
}

/** Writes `usageMetadata`. Where `raw` is Gemini's own and still says the same, it is written as it came, every field of it. */
export function encodeUsage(usage: Usage): JsonRecord {
  if (usage.raw !== undefined && isOwn(usage.raw, usage)) return usage.raw;
  const thoughts = usage.reasoningTokens;
  const answer = usage.outputTokens === undefined ? undefined : Math.max(0, usage.outputTokens - (thoughts ?? 0));
  const total =
    usage.inputTokens === undefined || usage.outputTokens === undefined
      ? undefined
      : usage.inputTokens + usage.outputTokens;
  return compact({
    promptTokenCount: usage.inputTokens,
    cachedContentTokenCount: usage.cachedInputTokens,
    candidatesTokenCount: answer,
    thoughtsTokenCount: thoughts,
    totalTokenCount: total,
    promptTokensDetails: detailsOf(usage.inputTokens, usage.inputAudioTokens),
    candidatesTokensDetails: detailsOf(answer, usage.outputAudioTokens),
  });
}

function isOwn(raw: JsonRecord, usage: Usage): boolean {
  const read = decodeUsage(asRecord(raw));
  return (
    read !== undefined &&
    read.inputTokens === usage.inputTokens &&
    read.outputTokens === usage.outputTokens &&
    isGemini(raw)
  );
}

function isGemini(raw: JsonRecord): boolean {
  return (
    raw['promptTokenCount'] !== undefined ||
    raw['candidatesTokenCount'] !== undefined ||
    raw['thoughtsTokenCount'] !== undefined
  );
}

function detailsOf(all: number | undefined, sound: number | undefined): readonly JsonRecord[] | undefined {
  if (all === undefined || sound === undefined) return undefined;
  const rest = { modality: 'TEXT', tokenCount: Math.max(0, all - sound) };
  return [rest, { modality: 'AUDIO', tokenCount: sound }];
}
