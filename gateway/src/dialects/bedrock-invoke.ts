/**
 * Amazon Bedrock's InvokeModel: each maker's own bodies behind one address. Claude's are those of the Messages API and Nova's
 * nearly those of Converse, so both are left to the dialects that know them; the others take a prompt and give a text.
 */
import type { ChatRequest } from '../chat/request.ts';
import { isArray, isRecord, type JsonRecord } from '../lib/json.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { bedrockConverse } from './bedrock-converse.ts';
import { claudeBody } from './bedrock-invoke/claude.ts';
import { decoder, tap } from './bedrock-invoke/decoder.ts';
import { HOME, WIRE } from './bedrock-invoke/families.ts';
import { decodeSpoken, encodeSpoken, encoder } from './bedrock-invoke/response.ts';
import { invokeSplitter } from './bedrock-invoke/splitter.ts';
import { invokeCounting } from './counting.ts';
import {
  glanceOf,
  type CallShape,
  type Dialect,
  type EncodedRequest,
  type EncodeTarget,
  type PathFacts,
} from './dialect.ts';
import { decodeText, encodeText, inspectText, limitText } from './text-models/request.ts';

export const bedrockInvoke: Dialect<Buffer> = {
  ...bedrockConverse,
  id: HOME,
  counting: invokeCounting,
  inspect: (body, path) => {
    if (!isArray(body['messages'])) return inspectText(WIRE, body, path);
    return speaksClaude(body, path)
      ? anthropicMessages.inspect(named(body, path), path)
      : bedrockConverse.inspect(body, path);
  },
  decodeRequest: (body, path) => {
    if (!isArray(body['messages'])) return decodeText(WIRE, body, path);
    return speaksClaude(body, path)
      ? anthropicMessages.decodeRequest(named(body, path), path)
      : bedrockConverse.decodeRequest(body, path);
  },
  encodeRequest,
  decodeResponse: (body, provider) => {
    if (body['type'] === 'message') return anthropicMessages.decodeResponse(body, provider);
    return isRecord(body['output']) ? bedrockConverse.decodeResponse(body, provider) : decodeSpoken(body, provider);
  },
  encodeResponse: encodeSpoken,
  decoder,
  encoder,
  tap,
  glance: (body, provider) => {
    const read = bedrockInvoke.decodeResponse(body, provider);
    return read.ok ? { ok: true, value: glanceOf(read.value) } : read;
  },
  splitter: invokeSplitter,
  limitOutput: (body, maxTokens) => {
    if (!isArray(body['messages'])) return limitText(WIRE, body, maxTokens);
    const dialect = body['anthropic_version'] === undefined ? bedrockConverse : anthropicMessages;
    return dialect.limitOutput(body, maxTokens);
  },
  path: pathOf,
};

/** All of them speak the Messages API here, also those from before it, which take a prompt as well. */
function isClaude(model: string | undefined): boolean {
  return /claude/i.test(model ?? '');
}

function isNova(model: string): boolean {
  return /\bnova-/i.test(model);
}

/** A profile's id may not say whose model it is; a body of Claude's says its version. */
function speaksClaude(body: JsonRecord, path: PathFacts): boolean {
  return body['anthropic_version'] !== undefined || isClaude(path.model);
}

/** The model stands in the path. */
function named(body: JsonRecord, path: PathFacts): JsonRecord {
  return { ...body, ...(path.model === undefined ? {} : { model: path.model }) };
}

function encodeRequest(request: ChatRequest, target: EncodeTarget): EncodedRequest {
  if (isClaude(target.model) && request.origin !== HOME) {
    const { body, losses } = anthropicMessages.encodeRequest(request, target);
    return { body: claudeBody(body), losses };
  }
  if (!isNova(target.model) || request.origin === HOME) return encodeText(WIRE, request, target);
  const { body, losses } = bedrockConverse.encodeRequest(request, target);
  const { additionalModelRequestFields: fields, ...rest } = body;
  // What Converse hands through to the model stands in the body itself here.
  return { body: { schemaVersion: 'messages-v1', ...rest, ...(isRecord(fields) ? merged(rest, fields) : {}) }, losses };
}

/** `inferenceConfig.topK` belongs beside what is in `inferenceConfig` already. */
function merged(body: JsonRecord, fields: JsonRecord): JsonRecord {
  const { inferenceConfig: config } = body;
  const { inferenceConfig: more } = fields;
  return { ...fields, ...(isRecord(config) && isRecord(more) ? { inferenceConfig: { ...config, ...more } } : {}) };
}

function pathOf(call: CallShape): string {
  if (call.operation !== 'chat') return bedrockConverse.path(call);
  const operation = call.isStreaming ? 'invoke-with-response-stream' : 'invoke';
  return `/model/${encodeURIComponent(call.model)}/${operation}`;
}
