/** Every wire format that is spoken here, by its id. */
import { anthropicMessages } from './anthropic-messages.ts';
import { cohere } from './cohere.ts';
import { bedrockConverse } from './bedrock-converse.ts';
import { bedrockInvoke } from './bedrock-invoke.ts';
import { gemini } from './gemini.ts';
import { ollama } from './ollama.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { openaiResponses } from './openai-responses.ts';
import { replicate } from './replicate.ts';

export const gateDialects = {
  'openai-chat': openaiChat,
  'anthropic-messages': anthropicMessages,
  cohere,
  gemini,
  ollama,
  'openai-responses': openaiResponses,
  'openai-completions': openaiCompletions,
  'bedrock-converse': bedrockConverse,
  'bedrock-invoke': bedrockInvoke,
  replicate,
} as const;
