/** OpenAI itself, and the seams that Azure shares with it. */
import { openaiChat } from '../dialects/openai-chat.ts';
import type { JsonRecord } from '../lib/json.ts';
import {
  mappedCacheMarks,
  newerTokenLimit,
  REASONING_HISTORY,
  seams,
  withoutCacheMarks,
  withoutHistory,
  type Amendment,
} from './amend.ts';
import type { Provider } from './provider.ts';

/** From GPT-5.6 on the end of a cached prefix can be marked (OpenAI's OpenAPI, `PromptCacheBreakpointParam`). */
const HAS_BREAKPOINTS = /^(?:gpt-5\.(?:[6-9]|\d\d)|gpt-(?:[6-9]|[1-9]\d))/i;
const breakpoints = mappedCacheMarks((isPart) => (isPart ? { prompt_cache_breakpoint: { mode: 'explicit' } } : {}));

/** Cache marks of OpenRouter's form in OpenAI's, and none for models that cache by themselves. */
const cacheMarks: Amendment = {
  isNeeded: breakpoints.isNeeded,
  apply: (body) => (HAS_BREAKPOINTS.test(modelOf(body)) ? breakpoints : withoutCacheMarks).apply(body),
};

function modelOf(body: JsonRecord): string {
  return typeof body['model'] === 'string' ? body['model'] : '';
}

/** OpenAI's messages have no fields for reasoning (`ChatCompletionRequestAssistantMessage`), and its reasoning models no `max_tokens`. */
export const openaiSeams = seams(newerTokenLimit, cacheMarks, withoutHistory(...REASONING_HISTORY, 'images'));

/** Spoken and searching models are served by chat completions alone, embeddings and pictures by neither. */
const CHAT_ONLY = /audio|search-preview|realtime|transcribe|tts|image|embedding/;

/** OpenAI's own models by the Responses API. */
export const servesResponses = (model: string): boolean => !CHAT_ONLY.test(model);

export const openai: Provider = {
  id: 'openai',
  name: 'OpenAI',
  dialect: openaiChat,
  baseUrl: 'https://api.openai.com/v1',
  envKeys: ['OPENAI_API_KEY'],
  alsoSpeaks: { 'openai-responses': servesResponses },
  doc: 'https://platform.openai.com/docs/api-reference/chat',
  ...openaiSeams,
};
