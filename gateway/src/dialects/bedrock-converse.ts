/** Amazon Bedrock's Converse and ConverseStream: one form for the models of all makers on AWS. */
import { asNumber, asRecord, type JsonRecord } from '../lib/json.ts';
import { decodeRequest } from './bedrock-converse/decode-request.ts';
import { decoder } from './bedrock-converse/decoder.ts';
import { encodeRequest } from './bedrock-converse/encode-request.ts';
import { encoder } from './bedrock-converse/encoder.ts';
import { decodeError, encodeFault, encodeStreamFault } from './bedrock-converse/errors.ts';
import { converseSplitter } from './bedrock-converse/frames.ts';
import { inspect } from './bedrock-converse/inspect.ts';
import { modelOfProfile } from './bedrock-converse/model.ts';
import { decodeResponse, encodeResponse, glance } from './bedrock-converse/response.ts';
import { tap } from './bedrock-converse/tap.ts';
import { usageInHead } from './bedrock-converse/usage.ts';
import { HOME } from './bedrock-converse/words.ts';
import { converseCounting } from './counting.ts';
import { claudeTakesPrefill } from './prefill.ts';
import type { CallShape, Dialect } from './dialect.ts';

export const bedrockConverse: Dialect<Buffer> = {
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
  streamEnding: '',
  splitter: converseSplitter,
  askUsage: () => undefined,
  takesPrefill: claudeTakesPrefill,
  usageInHead,
  counting: converseCounting,
  countTokensResponse: (inputTokens) => ({ inputTokens }),
  limitOutput,
  path: pathOf,
  // A bearer is an API key of Bedrock's own (AWS_BEARER_TOKEN_BEDROCK).
  headers: (secret) => ({ accept: '*/*', ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }) }),
};

/** Ids hold colons, and ARNs slashes too: all of it is one step of the path, encoded as the SDK does. */
function pathOf(call: CallShape): string {
  if (call.operation === 'count-tokens') return `/model/${encodeURIComponent(modelOfProfile(call.model))}/count-tokens`;
  const operation = call.isStreaming ? 'converse-stream' : 'converse';
  return `/model/${encodeURIComponent(call.model)}/${operation}`;
}

/** A budget to think with must stay below the limit; thinking that no longer fits is left out. */
function limitOutput(body: JsonRecord, maxTokens: number): JsonRecord {
  const config = asRecord(body['inferenceConfig']) ?? {};
  const given = asNumber(config['maxTokens']);
  if (given !== undefined && given <= maxTokens) return body;
  const limited = { ...body, inferenceConfig: { ...config, maxTokens } };
  const { thinking, reasoning_config: older, ...fields } = asRecord(body['additionalModelRequestFields']) ?? {};
  const budget = asNumber(asRecord(thinking ?? older)?.['budget_tokens']);
  return budget === undefined || budget < maxTokens ? limited : { ...limited, additionalModelRequestFields: fields };
}
