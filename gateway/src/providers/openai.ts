/** OpenAI itself, and the seams that Azure shares with it. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { traitsOf } from '../dialects/openai-chat/model.ts';
import type { JsonRecord } from '../lib/json.ts';
import {
  anyAsRequired,
  mappedCacheMarks,
  newerTokenLimit,
  REASONING_HISTORY,
  seams,
  withoutCacheMarks,
  withoutHistory,
  type Amendment,
} from './amend.ts';
import type { Provider } from './provider.ts';

const breakpoints = mappedCacheMarks((isPart) => (isPart ? { prompt_cache_breakpoint: { mode: 'explicit' } } : {}));

/** Cache marks of OpenRouter's form in OpenAI's, and none for models that cache by themselves. */
const cacheMarks: Amendment = {
  isNeeded: breakpoints.isNeeded,
  apply: (body) => (traitsOf(modelOf(body), undefined).takesBreakpoints ? breakpoints : withoutCacheMarks).apply(body),
};

function modelOf(body: JsonRecord): string {
  return typeof body['model'] === 'string' ? body['model'] : '';
}

/** OpenAI's messages have no fields for reasoning (`ChatCompletionRequestAssistantMessage`), and its reasoning models no `max_tokens`. */
export const openaiSeams = seams(
  newerTokenLimit,
  cacheMarks,
  withoutHistory(...REASONING_HISTORY, 'images'),
  anyAsRequired,
);

/** Spoken and searching models are served by chat completions alone, embeddings and pictures by neither. */
const CHAT_ONLY = /audio|search-preview|realtime|transcribe|tts|image|embedding/;

/** OpenAI's own models by the Responses API. */
export const servesResponses = (model: string): boolean => !CHAT_ONLY.test(model);

/** The models of OpenAI that take a text and no chat. */
export const servesCompletions = (model: string): boolean => /-instruct\b|^(?:davinci|babbage)-002\b/.test(model);

export const openai: Provider = {
  id: 'openai',
  name: 'OpenAI',
  dialect: openaiChat,
  baseUrl: 'https://api.openai.com/v1',
  envKeys: ['OPENAI_API_KEY'],
  alsoSpeaks: { 'openai-responses': servesResponses, 'openai-completions': servesCompletions },
  // developers.openai.com/api/docs/guides/batch: "a 50% cost discount compared to synchronous APIs".
  batches: {
    form: 'openai',
    pricePercent: 50n,
    paths: ['/chat/completions', '/responses', '/embeddings', '/completions', '/moderations'],
  },
  doc: 'https://platform.openai.com/docs/api-reference/chat',
  ...openaiSeams,
};
