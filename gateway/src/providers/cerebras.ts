/** Cerebras takes reasoning back as `reasoning` only, and answers 400 (`wrong_api_format`) to any other name for it. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { developerAsSystem, reasoningAsReasoning, seams, withoutCacheMarks, withoutDetails } from './amend.ts';
import type { Provider } from './provider.ts';

export const cerebras: Provider = {
  id: 'cerebras',
  name: 'Cerebras',
  dialect: openaiChat,
  baseUrl: 'https://api.cerebras.ai/v1',
  envKeys: ['CEREBRAS_API_KEY'],
  doc: 'https://inference-docs.cerebras.ai/api-reference/chat-completions',
  ...seams(developerAsSystem, withoutCacheMarks, withoutDetails, reasoningAsReasoning),
};
