/**
 * OpenAI's text completions, which came before its chat (developers.openai.com/api/reference/resources/completions): a prompt is
 * gone on with. What the two wires share is that of the chat: fields, errors, usage, framing.
 */
import type { JsonRecord } from '../lib/json.ts';
import type { Dialect } from './dialect.ts';
import { openaiChat } from './openai-chat.ts';
import { encodeRequest } from './openai-completions/encode-request.ts';
import { inspect } from './openai-completions/inspect.ts';
import { decodeResponse, encodeResponse, glance } from './openai-completions/reply.ts';
import { apart, decodeRequest } from './openai-completions/request.ts';
import { decoder, encoder, encodeStreamFault, tap } from './openai-completions/stream.ts';
import { HOME } from './openai-completions/wire.ts';

/** Together's streams say it though nobody asks for usage. */
const { idleUsage: _, ...chat } = openaiChat;

export const openaiCompletions: Dialect<string> = {
  ...chat,
  id: HOME,
  inspect,
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  decoder,
  encoder,
  tap,
  glance,
  apart,
  encodeStreamFault: (of) => encodeStreamFault(of),
  limitOutput,
  path: () => '/completions',
};

function limitOutput(body: JsonRecord, maxTokens: number): JsonRecord {
  const asked = body['max_tokens'];
  return { ...body, max_tokens: typeof asked === 'number' ? Math.min(asked, maxTokens) : maxTokens };
}
