/** OpenRouter, and Vercel's gateway with the same extensions: both read cache marks, `reasoning_details` and either token limit. */
import type { Usage } from '../chat/usage.ts';
import { openaiChat } from '../dialects/openai-chat.ts';
import { asArray, asCount, asRecord, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import { seams, type Amendment } from './amend.ts';
import type { Provider } from './provider.ts';

/** What `packSignature` writes: signatures that were made elsewhere, for us to know again. The provider would refuse them. */
const PACKED = 'turnout:';

function isPacked(entry: Json): boolean {
  return (
    isRecord(entry) &&
    [entry['signature'], entry['data']].some((text) => typeof text === 'string' && text.startsWith(PACKED))
  );
}

const withoutPacked: Amendment = {
  isNeeded: (body) => messagesOf(body).some((message) => detailsOf(message).some(isPacked)),
  apply: (body) => ({
    ...body,
    messages: messagesOf(body).map((message) => {
      const details = detailsOf(message);
      if (!details.some(isPacked)) return message;
      const { reasoning_details: _, ...rest } = message;
      const kept = details.filter((entry) => !isPacked(entry));
      return kept.length === 0 ? rest : { ...rest, reasoning_details: kept };
    }),
  }),
};

function messagesOf(body: JsonRecord): readonly JsonRecord[] {
  return (asArray(body['messages']) ?? []).filter(isRecord);
}

function detailsOf(message: JsonRecord): readonly Json[] {
  return asArray(message['reasoning_details']) ?? [];
}

export const openrouter: Provider = {
  id: 'openrouter',
  name: 'OpenRouter',
  dialect: openaiChat,
  baseUrl: 'https://openrouter.ai/api/v1',
  envKeys: ['OPENROUTER_API_KEY'],
  doc: 'https://openrouter.ai/docs/api-reference/chat-completion',
  readsPreferences: true,
  alsoSpeaks: { 'openai-responses': () => true },
  // Recorded: usage ends every stream, asked for or not.
  asksStreamUsage: false,
  ...seams(withoutPacked),
};

export const vercel: Provider = {
  id: 'vercel',
  name: 'Vercel AI Gateway',
  dialect: openaiChat,
  baseUrl: 'https://ai-gateway.vercel.sh/v1',
  envKeys: ['AI_GATEWAY_API_KEY'],
  doc: 'https://vercel.com/docs/ai-gateway/openai-compat',
  amendUsage: vercelUsage,
  ...seams(withoutPacked),
};

/**
 * Recorded for Gemini models: `completion_tokens` and `total_tokens` are both without the reasoning, though `cost` counts
 * it as output. That is certain where reasoning outnumbers the completion; where it does not, OpenAI's models count it in.
 */
function vercelUsage(usage: Usage): Usage {
  const completion = asCount(usage.raw?.['completion_tokens']);
  const reasoning = asCount(asRecord(usage.raw?.['completion_tokens_details'])?.['reasoning_tokens']);
  if (completion === undefined || reasoning === undefined || reasoning <= completion) return usage;
  return { ...usage, outputTokens: completion + reasoning, reasoningTokens: reasoning };
}
