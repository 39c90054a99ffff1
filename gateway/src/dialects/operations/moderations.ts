/** Moderation in OpenAI's form, which Mistral has too: there is one wire, and its bytes pass. */
import type { Fault } from '../../chat/fault.ts';
import { asArray, asString, isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { found } from '../checks.ts';
import { nonAsciiUnits } from '../text-size.ts';
import { readEmbeddingUsage } from './embeddings/openai.ts';
import type { Asked, AskedBody, Operation, Size, Wire } from './operation.ts';
import { fieldReader, inside } from './reading.ts';

const INPUTS_MAX = 10_000;
const TEXT_MAX = 16 * 1024 * 1024;
/** What OpenAI takes where nobody names one (developers.openai.com/api/reference/resources/moderations). */
const MODEL = 'omni-moderation-latest';

export interface ModerationsRequest extends Asked {
  readonly texts: readonly string[];
  readonly imageCount: number;
  readonly input: Json;
}

/** `{id, model, results: [{flagged, categories, category_scores, …}]}`: the categories are each provider's own. */
export interface Moderations {
  readonly body: JsonRecord;
}

export const openaiModerations: Wire<ModerationsRequest, Moderations> = {
  id: 'openai-moderations',
  modelField: 'model',
  decodeRequest,
  encodeRequest: ({ input, extras }, target) => ({
    path: '/moderations',
    body: { model: target.model, input, ...extras },
    losses: [],
  }),
  decodeReply: (body) => (isArray(body['results']) ? ok({ body }) : err('it has no results')),
  encodeReply: ({ body }) => ({ body, losses: [] }),
};

export const moderations: Operation<ModerationsRequest, Moderations> = {
  id: 'moderations',
  wires: { 'openai-moderations': openaiModerations },
  sizeOf,
  textsOf: ({ texts }) => texts,
  answerOf: () => 'json',
  usageOf: ({ body }) => readEmbeddingUsage(body['usage']),
  usageIn: (body) => readEmbeddingUsage(body['usage']),
};

function decodeRequest({ record }: AskedBody): Result<ModerationsRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model(undefined, MODEL);
  const input = record['input'] ?? null;
  const items = typeof input === 'string' ? [input] : (asArray(input) ?? []);
  const isList = typeof input === 'string' || isArray(input);
  if (!isList) read.refuse('input', `it must be a text or a list, not ${found(input)}`);
  else if (items.length === 0) read.refuse('input', 'it is empty');
  if (items.length > INPUTS_MAX) read.refuse('input', `it has more than ${INPUTS_MAX} entries`);
  const texts: string[] = [];
  let imageCount = 0;
  for (const [index, item] of items.entries()) {
    const text = textOf(item);
    if (text !== undefined) texts.push(text);
    else if (isImage(item)) imageCount += 1;
    else read.refuse(`input[${index}]`, 'it must be a text, or a part of type `text` or `image_url`');
  }
  const extras = read.rest('input');
  const wrong = read.fault();
  return wrong === undefined ? ok({ model, texts, imageCount, input, extras }) : err(wrong);
}

/** A text, a part of text, or Mistral's form for conversations: a message, or a list of them. */
function textOf(item: Json): string | undefined {
  const text = asString(item) ?? asString(inside(item, 'text'));
  if (text !== undefined) return text.length > TEXT_MAX ? undefined : text;
  const isTalk = isArray(item) || (isRecord(item) && typeof item['role'] === 'string');
  return isTalk ? JSON.stringify(isArray(item) ? item : (item['content'] ?? '')) : undefined;
}

function isImage(item: Json): boolean {
  return /^(?:https?:\/\/|data:)/i.test(asString(inside(item, 'image_url', 'url')) ?? '');
}

function sizeOf({ texts, imageCount }: ModerationsRequest): Size {
  const textLength = texts.reduce((sum, text) => sum + text.length, 0);
  const nonAsciiLength = texts.reduce((sum, text) => sum + nonAsciiUnits(text), 0);
  const counts = { tokensMax: 0, tokensEstimate: 0, outputTokensMax: 0, choices: 1 };
  return { textLength, nonAsciiLength, longestLength: 0, imageCount, ...counts };
}
