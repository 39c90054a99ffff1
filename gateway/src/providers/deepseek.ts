/** DeepSeek, and Z.ai, which has the same switch: thinking is turned off by `thinking: {type: 'disabled'}` (recorded), not by an effort. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { developerAsSystem, olderTokenLimit, seams, thinkingSwitch, withoutDetails } from './amend.ts';
import type { Provider } from './provider.ts';

const switched = seams(developerAsSystem, olderTokenLimit, withoutDetails, thinkingSwitch);

export const deepseek: Provider = {
  id: 'deepseek',
  name: 'DeepSeek',
  dialect: openaiChat,
  baseUrl: 'https://api.deepseek.com',
  envKeys: ['DEEPSEEK_API_KEY'],
  doc: 'https://api-docs.deepseek.com/api/create-chat-completion',
  // Recorded.
  alsoSpeaks: { 'openai-responses': () => true },
  ...switched,
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
