/** Writer has OpenAI's wire under `/v1/chat` (recorded). */
import { openaiChat } from '../dialects/openai-chat.ts';
import { developerAsSystem, olderTokenLimit, seams, withoutDetails } from './amend.ts';
import type { Provider } from './provider.ts';

export const writer: Provider = {
  id: 'writer',
  name: 'Writer',
  dialect: openaiChat,
  baseUrl: 'https://api.writer.com/v1',
  envKeys: ['WRITER_API_KEY'],
  doc: 'https://dev.writer.com/api-reference/completion-api/chat-completion',
  url: ({ baseUrl }) => `${baseUrl.replace(/\/+$/, '')}/chat`,
  ...seams(developerAsSystem, olderTokenLimit, withoutDetails),
};
