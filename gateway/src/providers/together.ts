/** Together's document of its API knows neither `max_completion_tokens` nor the role `developer`: a limit under that name would be lost. */
import { openaiChat } from '../dialects/openai-chat.ts';
import { developerAsSystem, olderTokenLimit, seams, withoutDetails } from './amend.ts';
import type { Provider } from './provider.ts';

export const together: Provider = {
  id: 'togetherai',
  name: 'Together AI',
  dialect: openaiChat,
  baseUrl: 'https://api.together.ai/v1',
  envKeys: ['TOGETHER_API_KEY'],
  doc: 'https://docs.together.ai/reference/chat-completions-1',
  // Recorded.
  alsoSpeaks: { 'openai-completions': () => true },
  ...seams(developerAsSystem, olderTokenLimit, withoutDetails),
};
