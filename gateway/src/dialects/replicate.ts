/** Replicate's predictions (replicate.com/docs/topics/predictions/create-a-prediction): a prompt in, a text out, waited for. */
import { formatSse } from '../lib/sse.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Fault } from '../chat/fault.ts';
import { specOf } from '../chat/fault.ts';
import type { ChatRequest } from '../chat/request.ts';
import { glanceOf, type Dialect, type EncodedRequest, type EncodeTarget } from './dialect.ts';
import { decodeError } from './openai-chat/errors.ts';
import { HOME, WIRE } from './replicate/fields.ts';
import { CANCEL_AFTER_S, decodeResponse, encodeResponse, WAIT_S } from './replicate/prediction.ts';
import { decoder, encoder, tap } from './replicate/stream.ts';
import { decodeText, encodeText, inspectText, limitText } from './text-models/request.ts';

export const replicate: Dialect = {
  id: HOME,
  inspect: (body, path) => inspectText(WIRE, body, path),
  decodeRequest: (body, path) => decodeText(WIRE, body, path),
  encodeRequest,
  decodeResponse,
  encodeResponse,
  decoder,
  encoder,
  tap,
  glance: (body, provider) => {
    const read = decodeResponse(body, provider);
    return read.ok ? { ok: true, value: glanceOf(read.value) } : read;
  },
  // `{title, detail, status}`.
  decodeError,
  encodeFault,
  encodeStreamFault: (of) => formatSse(JSON.stringify(encodeFault(of)), 'error'),
  streamEnding: '',
  askUsage: () => undefined,
  countTokensResponse: (inputTokens) => ({ input_token_count: inputTokens }),
  limitOutput: (body, maxTokens) => limitText(WIRE, body, maxTokens),
  path: ({ model }) => `/models/${model.split('/').map(encodeURIComponent).join('/')}/predictions`,
  headers: (secret) => ({
    'content-type': 'application/json',
    prefer: `wait=${WAIT_S}`,
    'cancel-after': `${CANCEL_AFTER_S}s`,
    ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
  }),
};

function encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  const { body, losses } = encodeText(WIRE, request, target);
  if (!request.isStreaming || request.origin === HOME) return { body, losses };
  const why = 'A prediction is answered whole: the stream comes at once, when all of it is there.';
  return { body, losses: [...losses, { code: 'stream', field: 'stream', weight: 'hint', why }] };
}

function encodeFault(of: Fault): JsonRecord {
  return { title: of.code, detail: of.message, status: specOf(of).status };
}
