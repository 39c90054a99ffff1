/** Groq answers 400 to fields of assistants' messages that it does not know ("property 'reasoning_content' is unsupported"). */
import { openaiChat } from '../dialects/openai-chat.ts';
import { developerAsSystem, REASONING_HISTORY, seams, withoutCacheMarks, withoutHistory } from './amend.ts';
import type { Provider } from './provider.ts';

export const groq: Provider = {
  id: 'groq',
  name: 'Groq',
  dialect: openaiChat,
  baseUrl: 'https://api.groq.com/openai/v1',
  envKeys: ['GROQ_API_KEY'],
  doc: 'https://console.groq.com/docs/api-reference#chat',
  alsoSpeaks: { 'openai-responses': () => true },
  // `x_groq.usage` comes with the last chunk, asked for or not.
  asksStreamUsage: false,
  ...seams(
    developerAsSystem,
    withoutCacheMarks,
    withoutHistory(...REASONING_HISTORY, 'refusal', 'annotations', 'images', 'executed_tools'),
  ),
};
