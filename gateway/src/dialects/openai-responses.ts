/** OpenAI's Responses API, spoken by OpenAI, Azure, xAI, OpenRouter and Groq, and by Codex, the Agents SDK and many others. */
import { asNumber, type JsonRecord } from '../lib/json.ts';
import { responsesCounting } from './counting.ts';
import type { Dialect } from './dialect.ts';
import { openaiChat } from './openai-chat.ts';
import { decodeError, encodeFault } from './openai-chat/errors.ts';
import { decodeRequest } from './openai-responses/decode-request.ts';
import { decoder } from './openai-responses/decoder.ts';
import { encodeRequest } from './openai-responses/encode-request.ts';
import { encoder } from './openai-responses/encoder.ts';
import { encodeStreamFault } from './openai-responses/errors.ts';
import { inspect } from './openai-responses/inspect.ts';
import { HOME } from './openai-responses/items.ts';
import { decodeResponse, encodeResponse, glance } from './openai-responses/response.ts';
import { tap } from './openai-responses/tap.ts';
import { thread } from './openai-responses/thread.ts';

export const openaiResponses: Dialect = {
  id: HOME,
  thread,
  inspect,
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  decoder,
  encoder,
  tap,
  glance,
  decodeError,
  encodeFault: (of) => encodeFault(of),
  encodeStreamFault: (of, context) => encodeStreamFault(of, context),
  // `response.completed` is the last event; a stream that has none did not end.
  streamEnding: '',
  modelField: 'model',
  askUsage: () => undefined,
  counting: responsesCounting,
  countTokensResponse: (inputTokens) => openaiChat.countTokensResponse(inputTokens),
  limitOutput,
  path: (call) => (call.operation === 'count-tokens' ? '/responses/input_tokens' : '/responses'),
  headers: (secret) => openaiChat.headers(secret),
};

function limitOutput(body: JsonRecord, maxTokens: number): JsonRecord {
  const asked = asNumber(body['max_output_tokens']);
  return { ...body, max_output_tokens: asked === undefined ? maxTokens : Math.min(asked, maxTokens) };
}
