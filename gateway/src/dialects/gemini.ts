/** Google's Gemini protocol (`generateContent`), as the Gemini API and Vertex AI speak it. */
import type { Fault } from '../chat/fault.ts';
import { asRecord, type JsonRecord } from '../lib/json.ts';
import { ok } from '../lib/result.ts';
import { formatSse } from '../lib/sse.ts';
import { geminiCounting } from './counting.ts';
import type { CallShape, Dialect } from './dialect.ts';
import { decodeBody } from './gemini/decode-request.ts';
import { streamDecoder } from './gemini/decoder.ts';
import { encodeBody } from './gemini/encode-request.ts';
import { streamEncoder } from './gemini/encoder.ts';
import { decodeErrorAnswer, encodeFaultBody } from './gemini/errors.ts';
import { inspectBody } from './gemini/inspect.ts';
import { decodeReply, encodeReply, glance } from './gemini/response.ts';
import { streamTap } from './gemini/tap.ts';
import { get, integerOf, spelling } from './gemini/wire.ts';

export { hasForeignSignatures, withoutForeignSignatures } from './gemini/foreign.ts';

export const gemini: Dialect<string> = {
  id: 'gemini',
  inspect: inspectBody,
  decodeRequest: (body, path) => {
    const seen = inspectBody(body, path);
    return seen.ok ? ok(decodeBody(body, seen.value.model, seen.value.isStreaming)) : seen;
  },
  encodeRequest: encodeBody,
  decodeResponse: decodeReply,
  encodeResponse: encodeReply,
  decoder: streamDecoder,
  encoder: streamEncoder,
  tap: streamTap,
  glance,
  decodeError: decodeErrorAnswer,
  encodeFault: encodeFaultBody,
  encodeStreamFault: (of: Fault, context) => formatSse(JSON.stringify(encodeFaultBody(of, context))),
  streamEnding: '',
  askUsage: () => undefined,
  counting: geminiCounting,
  countTokensResponse: (inputTokens) => ({ totalTokens: inputTokens }),
  limitOutput,
  path: pathOf,
  headers: (secret) => ({ 'content-type': 'application/json', ...authorization(secret) }),
};

/** An OAuth token goes as a bearer, a key in Google's own header; keys never stand in the URL, where logs would keep them. */
function authorization(secret: string | undefined): Readonly<Record<string, string>> {
  if (secret === undefined) return {};
  return secret.startsWith('ya29.') ? { authorization: `Bearer ${secret}` } : { 'x-goog-api-key': secret };
}

const OPERATIONS = { chat: 'generateContent', 'count-tokens': 'countTokens' } as const;

/** `gemini-2.5-pro` stands under `models/`; names with a collection of their own (`tunedModels/x`, `models/x`) keep it. */
function pathOf(call: CallShape): string {
  const [, collection = 'models', name = ''] = /^(?:(models|tunedModels)\/)?(.*)$/s.exec(call.model) ?? [];
  const operation =
    call.isStreaming && call.operation === 'chat' ? 'streamGenerateContent?alt=sse' : OPERATIONS[call.operation];
  return `/${collection}/${encodeURIComponent(name)}:${operation}`;
}

function limitOutput(body: JsonRecord, maxTokens: number): JsonRecord {
  const config = asRecord(get(body, 'generationConfig')) ?? {};
  const asked = integerOf(get(config, 'maxOutputTokens'));
  if (asked !== undefined && asked <= maxTokens) return body;
  return {
    ...body,
    [spelling(body, 'generationConfig')]: { ...config, [spelling(config, 'maxOutputTokens')]: maxTokens },
  };
}
