/** DeepSeek, and Z.ai, which has the same switch: thinking is turned off by `thinking: {type: 'disabled'}` (recorded), not by an effort. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { developerAsSystem, olderTokenLimit, seams, thinkingSwitch, withoutDetails } from './amend.ts';
import { openaiCompletions } from '../dialects/openai-completions.ts';
import type { Provider, UrlParts } from './provider.ts';

const switched = seams(developerAsSystem, olderTokenLimit, withoutDetails, thinkingSwitch);

export const deepseek: Provider = {
  id: 'deepseek',
  name: 'DeepSeek',
  dialect: openaiChat,
  baseUrl: 'https://api.deepseek.com',
  envKeys: ['DEEPSEEK_API_KEY'],
  doc: 'https://api-docs.deepseek.com/api/create-chat-completion',
  // The first is recorded.
  alsoSpeaks: { 'openai-responses': () => true, 'openai-completions': () => true },
  ...switched,
};

/** Its text completions, which fill in the middle too, stand under `/beta` (api-docs.deepseek.com/api/create-completion). */
export const deepseekText: Provider = {
  id: 'deepseek',
  name: 'DeepSeek',
  dialect: openaiCompletions,
  envKeys: ['DEEPSEEK_API_KEY'],
  url: ({ baseUrl, path }: UrlParts) => `${baseUrl.replace(/\/+$/, '').replace(/\/(?:v1|beta)$/, '')}/beta${path}`,
};

export const zai: Provider = {
  id: 'zai',
  name: 'Z.AI',
  dialect: openaiChat,
  baseUrl: 'https://api.z.ai/api/paas/v4',
  envKeys: ['ZHIPU_API_KEY', 'ZAI_API_KEY'],
  doc: 'https://docs.z.ai/api-reference/llm/chat-completion',
  ...switched,
};
