/** Every wire format that is spoken here, by its id. */
import { anthropicMessages } from './anthropic-messages.ts';
import { cohere } from './cohere.ts';
import { gemini } from './gemini.ts';
import { ollama } from './ollama.ts';
import { openaiChat } from './openai-chat.ts';

export const gateDialects = {
  'openai-chat': openaiChat,
  'anthropic-messages': anthropicMessages,
  cohere,
  gemini,
  ollama,
} as const;
