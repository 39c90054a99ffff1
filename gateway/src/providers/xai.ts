/** xAI: chat completions, and the Responses API for every model that answers in text. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { unsealed } from './amend.ts';
import type { Provider } from './provider.ts';

export const xai: Provider = {
  id: 'xai',
  name: 'xAI',
  dialect: openaiChat,
  baseUrl: 'https://api.x.ai/v1',
  envKeys: ['XAI_API_KEY'],
  doc: 'https://docs.x.ai/docs/api-reference',
  ...unsealed,
  alsoSpeaks: { 'openai-responses': (model) => !model.includes('imagine') },
};
