/** Providers of OpenAI's text completions: a prompt in, a text out, and nothing else. */
import type { Provider } from '../kinds.ts';
import { ANSWER, COMMON_REPLIES, heardOnly } from '../things.ts';

const SHARED = { id: 'cmpl-1', object: 'text_completion', created: 1_790_000_000, model: 'some-text-model' };

export const openaiCompletions: Provider = {
  dialect: 'openai-completions',
  id: 'openai-completions',
  title: 'Text completions',
  model: 'some-text-model',
  base: '/v1',
  beside: [],
  replies: {
    text: COMMON_REPLIES.text,
    length: COMMON_REPLIES.length,
    json: COMMON_REPLIES.json,
    // It calls no tools and thinks nothing: it answers in words.
    call: COMMON_REPLIES.text,
    calls: COMMON_REPLIES.text,
    thought: COMMON_REPLIES.text,
  },
  broken: {
    stream: [
      { ...SHARED, choices: [{ index: 0, text: ANSWER, finish_reason: null, logprobs: null }] },
      { error: { message: 'The model crashed.', type: 'server_error', code: 'server_error', param: null } },
    ],
  },
  hear: (body) => heardOnly(body['prompt']),
};
