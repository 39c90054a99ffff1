/** Anthropic's Messages API, spoken to Claude and by Claude Code, the Anthropic SDKs and many others. */
import { asNumber, asRecord, type JsonRecord } from '../lib/json.ts';
import { decodeRequest } from './anthropic-messages/decode-request.ts';
import { decoder } from './anthropic-messages/decoder.ts';
import { encodeRequest } from './anthropic-messages/encode-request.ts';
import { encoder } from './anthropic-messages/encoder.ts';
import { decodeError, encodeFault, encodeStreamFault } from './anthropic-messages/errors.ts';
import { inspect } from './anthropic-messages/inspect.ts';
import { decodeResponse, encodeResponse, glance } from './anthropic-messages/response.ts';
import { tap } from './anthropic-messages/tap.ts';
import { API_VERSION, HOME } from './anthropic-messages/words.ts';
import { messagesCounting } from './counting.ts';
import { claudeTakesPrefill } from './prefill.ts';
import type { Dialect } from './dialect.ts';

export const anthropicMessages: Dialect<string> = {
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
  encodeStreamFault,
  streamEnding: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  modelField: 'model',
  askUsage: () => undefined,
  takesPrefill: claudeTakesPrefill,
  counting: messagesCounting,
  countTokensResponse,
  limitOutput,
  path: (call) => (call.operation === 'count-tokens' ? '/v1/messages/count_tokens' : '/v1/messages'),
  headers: (secret) => ({ 'anthropic-version': API_VERSION, ...(secret === undefined ? {} : { 'x-api-key': secret }) }),
};

/** The API's least thinking budget. */
const THINKING_MIN = 1024;

/** Our own answer to `count_tokens`, for targets of other protocols. */
export function countTokensResponse(inputTokens: number): JsonRecord {
  return { input_tokens: inputTokens };
}

/** A thinking budget must stay below the limit, or the request is refused; thinking that no longer fits is left out. */
function limitOutput(body: JsonRecord, maxTokens: number): JsonRecord {
  const given = body['max_tokens'];
  if (typeof given === 'number' && given <= maxTokens) return body;
  const thinking = asRecord(body['thinking']);
  const budget = asNumber(thinking?.['budget_tokens']);
  if (budget === undefined || budget < maxTokens) return { ...body, max_tokens: maxTokens };
  if (maxTokens > THINKING_MIN)
    return { ...body, max_tokens: maxTokens, thinking: { ...thinking, budget_tokens: maxTokens - 1 } };
  const { thinking: _, ...rest } = body;
  return { ...rest, max_tokens: maxTokens };
}
