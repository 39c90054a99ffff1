/** Cohere's chat (`/v2/chat`, docs.cohere.com/reference/chat): plans before calls, documents, citations; v1 is read too. */
import { asNumber, asRecord, type JsonRecord } from '../lib/json.ts';
import { decoder } from './cohere/decoder.ts';
import { encodeRequest } from './cohere/encode-request.ts';
import { DONE, encoder } from './cohere/encoder.ts';
import { decodeError, encodeFault, encodeStreamFault } from './cohere/errors.ts';
import { inspect } from './cohere/inspect.ts';
import { decodeRequest } from './cohere/request.ts';
import { decodeResponse, encodeResponse, glance } from './cohere/response.ts';
import { tap } from './cohere/tap.ts';
import { HOME } from './cohere/wire.ts';
import type { Dialect } from './dialect.ts';

export const cohere: Dialect = {
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
  encodeFault,
  encodeStreamFault: (of) => encodeStreamFault(of),
  streamEnding: DONE,
  modelField: 'model',
  askUsage: () => undefined,
  // Cohere counts by its tokenizer's operation, which gives the tokens themselves; this is the count alone.
  countTokensResponse: (inputTokens) => ({ tokens: { input_tokens: inputTokens } }),
  limitOutput,
  path: () => '/chat',
  headers: (secret) => ({
    'content-type': 'application/json',
    ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
  }),
};

/** A budget of thinking must fit below the limit; one that does not is left to the model. */
function limitOutput(body: JsonRecord, maxTokens: number): JsonRecord {
  const asked = asNumber(body['max_tokens']);
  if (asked !== undefined && asked <= maxTokens) return body;
  const thinking = asRecord(body['thinking']);
  const budget = asNumber(thinking?.['token_budget']);
  if (thinking === undefined || budget === undefined || budget < maxTokens) return { ...body, max_tokens: maxTokens };
  const { token_budget: _, ...rest } = thinking;
  return { ...body, max_tokens: maxTokens, thinking: rest };
}
