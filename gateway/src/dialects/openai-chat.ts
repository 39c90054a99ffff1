/** OpenAI's chat completions, as OpenAI and some hundred other providers speak it. */
import type { JsonRecord } from '../lib/json.ts';
import type { Dialect } from './dialect.ts';
import { HOME } from './openai-chat/assistant.ts';
import { decoder } from './openai-chat/decoder.ts';
import { encodeRequest } from './openai-chat/encode-request.ts';
import { DONE, encoder } from './openai-chat/encoder.ts';
import { decodeError, encodeFault, encodeStreamFault } from './openai-chat/errors.ts';
import { inspect } from './openai-chat/inspect.ts';
import { decodeRequest } from './openai-chat/request.ts';
import { decodeResponse, encodeResponse, glance } from './openai-chat/response.ts';
import { tap } from './openai-chat/tap.ts';
import { asRecord } from '../lib/json.ts';

export const openaiChat: Dialect<string> = {
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
  decodeError,
  encodeFault: (of) => encodeFault(of),
  encodeStreamFault: (of) => encodeStreamFault(of),
  streamEnding: DONE,
  modelField: 'model',
  // Mistral's SDK refuses it in streams that were not asked for usage.
  idleUsage: Buffer.from(',"usage":null'),
  takesOwnFields: true,
  askUsage,
  // This protocol has no such operation; the shape is that of OpenAI's `/responses/input_tokens`.
  countTokensResponse: (inputTokens) => ({ object: 'response.input_tokens', input_tokens: inputTokens }),
  limitOutput,
  path: () => '/chat/completions',
  headers: (secret) => ({
    'content-type': 'application/json',
    ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
  }),
};

function askUsage(body: JsonRecord): { readonly field: string; readonly value: JsonRecord } | undefined {
  const options = asRecord(body['stream_options']) ?? {};
  if (body['stream'] !== true || options['include_usage'] === true) return undefined;
  return { field: 'stream_options', value: { ...options, include_usage: true } };
}

/** Every server of this wire knows `max_tokens`; those that prefer the newer name get it from their file in `providers/`. */
function limitOutput(body: JsonRecord, maxTokens: number): JsonRecord {
  const asked = body['max_completion_tokens'];
  if (typeof asked === 'number') return { ...body, max_completion_tokens: Math.min(asked, maxTokens) };
  const older = body['max_tokens'];
  return { ...body, max_tokens: typeof older === 'number' ? Math.min(older, maxTokens) : maxTokens };
}
