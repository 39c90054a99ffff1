/** Ollama's own protocol (`/api/chat`, docs.ollama.com/api/chat): a line of JSON a piece, calls with objects, thoughts apart. */
import type { Fault } from '../chat/fault.ts';
import { asNumber, asRecord, type JsonRecord } from '../lib/json.ts';
import type { Dialect } from './dialect.ts';
import { decoder } from './ollama/decoder.ts';
import { encodeRequest } from './ollama/encode-request.ts';
import { encoder, lineOf } from './ollama/encoder.ts';
import { inspect } from './ollama/inspect.ts';
import { decodeRequest } from './ollama/request.ts';
import { decodeResponse, encodeResponse, glance } from './ollama/response.ts';
import { tap } from './ollama/tap.ts';
import { HOME } from './ollama/wire.ts';
import { decodeError } from './openai-chat/errors.ts';

export const ollama: Dialect = {
  id: HOME,
  framing: 'lines',
  inspect,
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  decoder,
  encoder,
  tap,
  glance,
  // `{"error": "text"}`, which servers of OpenAI's wire send too.
  decodeError,
  encodeFault,
  encodeStreamFault: (of) => lineOf(encodeFault(of)),
  streamEnding: '',
  modelField: 'model',
  askUsage: () => undefined,
  // This protocol has no such operation; the name is that of the count in a reply.
  countTokensResponse: (inputTokens) => ({ prompt_eval_count: inputTokens }),
  limitOutput,
  path: () => '/api/chat',
  // Servers of one's own need no key; ollama.com and proxies take a bearer.
  headers: (secret) => ({
    'content-type': 'application/json',
    ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
  }),
};

/** Ollama's clients show the text; the code is for those who look for one. */
function encodeFault(of: Fault): JsonRecord {
  return { error: of.message, code: of.code };
}

function limitOutput(body: JsonRecord, maxTokens: number): JsonRecord {
  const options = asRecord(body['options']) ?? {};
  const asked = asNumber(options['num_predict']) ?? 0;
  // Zero and less mean no limit.
  if (asked > 0 && asked <= maxTokens) return body;
  return { ...body, options: { ...options, num_predict: maxTokens } };
}
