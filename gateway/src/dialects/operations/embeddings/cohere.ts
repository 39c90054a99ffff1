/**
 * Cohere's embeddings, v2 (docs.cohere.com/reference/embed); requests and replies of v1 are read too. Bedrock serves the same
 * models under their own names, without `model` in the body (docs.aws.amazon.com/bedrock, "Cohere Embed models").
 */
import type { Fault } from '../../../chat/fault.ts';
import type { Loss } from '../../../chat/request.ts';
import type { Usage } from '../../../chat/usage.ts';
import {
  asArray,
  asCount,
  asRecord,
  asString,
  compact,
  isArray,
  type Json,
  type JsonRecord,
} from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { AskedBody, EncodedAsk, Wire, WireTarget } from '../operation.ts';
import { fieldReader, grave, hint, lostFields, type FieldReader } from '../reading.ts';
import { INPUTS_MAX, partsOf } from './openai.ts';
import { COHERE_PURPOSES, purposeOf } from './purposes.ts';
import {
  NUMBER_KINDS,
  type EmbeddingInput,
  type EmbeddingPart,
  type Embeddings,
  type EmbeddingsRequest,
  type NumberKind,
  type Vector,
} from './request.ts';
import { numbersOf, readVector } from './vectors.ts';

const DIMENSIONS_MAX = 65_536;
const TRUNCATIONS = ['NONE', 'START', 'END'] as const;
/** Its models demand to be told; most calls are for what is searched later. */
const PURPOSE_UNSAID = 'search_document';

export const cohereEmbed: Wire<EmbeddingsRequest, Embeddings> = {
  id: 'cohere-embed',
  modelField: 'model',
  decodeRequest,
  encodeRequest: (request, target) => {
    const { body, losses } = encodeBody(request, cohereEmbed.id);
    return { path: '/embed', body: { model: target.model, ...body }, losses };
  },
  decodeReply,
  encodeReply: (reply, request, context) => ({ body: encodeReply(reply, request, context.requestId), losses: [] }),
  callersName,
};

const NAMES: Readonly<Record<string, string>> = {
  dimensions: 'output_dimension',
  output_dtype: 'embedding_types',
  truncation: 'truncate',
};

/** Its inputs stand under three names. */
function callersName(field: string, record: JsonRecord): string {
  if (!/^input\b/.test(field)) return NAMES[field] ?? field;
  const given = ['texts', 'images', 'inputs'].find((name) => record[name] !== undefined) ?? 'texts';
  return field.replace('input', given);
}

export const bedrockCohereEmbed: Wire<EmbeddingsRequest, Embeddings> = {
  ...cohereEmbed,
  id: 'bedrock-cohere-embed',
  decodeRequest: ({ record }, path) =>
    decodeRequest({ record: path.model === undefined ? record : { ...record, model: path.model } }),
  encodeRequest: bedrockRequest,
};

function bedrockRequest(request: EmbeddingsRequest, target: WireTarget): EncodedAsk {
  const { body, losses } = encodeBody(request, bedrockCohereEmbed.id);
  return { path: `/model/${encodeURIComponent(target.model)}/invoke`, body, losses };
}

function decodeRequest({ record }: AskedBody): Result<EmbeddingsRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model();
  const inputs = inputsOf(read);
  const dimensions = read.whole('output_dimension', { min: 1, max: DIMENSIONS_MAX });
  const types = read.list('embedding_types', NUMBER_KINDS.length + 1) ?? [];
  const kinds = kindsOf(types, read);
  const word = read.text('input_type');
  const purpose = purposeOf(word);
  const truncation = read.oneOf('truncate', TRUNCATIONS);
  const unknown = word === undefined || purpose !== undefined ? {} : { input_type: word };
  const extras = { ...read.rest(), ...unknown };
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  return ok(
    compact({
      model,
      inputs,
      isBatch: true,
      dimensions,
      kinds,
      encoding: types.includes('base64') ? ('base64' as const) : ('float' as const),
      purpose,
      truncate: truncation === undefined ? undefined : TRUNCATE[truncation],
      extras,
    }),
  );
}

const TRUNCATE = { NONE: 'none', START: 'start', END: 'end' } as const;

function inputsOf(read: FieldReader): readonly EmbeddingInput[] {
  const texts = (read.list('texts', INPUTS_MAX) ?? []).map((text, index): EmbeddingInput => {
    if (typeof text !== 'string') read.refuse(`texts[${index}]`, 'it must be a string');
    return { kind: 'text', text: asString(text) ?? '' };
  });
  const images = (read.list('images', INPUTS_MAX) ?? []).map((image, index): EmbeddingInput => {
    const url = asString(image);
    if (url?.startsWith('data:') !== true) read.refuse(`images[${index}]`, 'it must be a data URL');
    return { kind: 'parts', parts: [{ kind: 'image', url: url ?? '' }] };
  });
  const mixed = (read.list('inputs', INPUTS_MAX) ?? []).map((item, index): EmbeddingInput => {
    const raw = asRecord(item) ?? {};
    const parts = partsOf(raw);
    if (parts === undefined) read.refuse(`inputs[${index}]`, 'it must hold `content` of text and pictures');
    return { kind: 'parts', parts: parts ?? [], raw };
  });
  const inputs = [...texts, ...images, ...mixed];
  if (inputs.length === 0) read.refuse('texts', 'there is nothing to embed: send `texts`, `images` or `inputs`');
  return inputs;
}

function kindsOf(types: readonly Json[], read: FieldReader): readonly NumberKind[] {
  const kinds: NumberKind[] = [];
  for (const type of types) {
    const kind = type === 'base64' ? 'float' : NUMBER_KINDS.find((one) => one === type);
    if (kind === undefined) read.refuse('embedding_types', `it must hold only ${NUMBER_KINDS.join(', ')} and base64`);
    else kinds.push(kind);
  }
  return kinds.length === 0 ? ['float'] : kinds;
}

function encodeBody(
  request: EmbeddingsRequest,
  id: string,
): { readonly body: JsonRecord; readonly losses: readonly Loss[] } {
  const isPictures = request.inputs.every(({ kind }) => kind === 'parts') && request.inputs.every(isOnePicture);
  const texts = request.inputs.map(textOf);
  const isTexts = texts.every((text) => text !== undefined);
  const losses: Loss[] = [
    ...request.inputs.flatMap((input, index) =>
      input.kind === 'tokens' ? [grave(`input[${index}]`, `${id} takes text, not tokens.`)] : [],
    ),
    ...(request.user === undefined ? [] : [hint('user', `${id} has no such field.`)]),
    ...lostFields(request.extras, id),
  ];
  const body = compact({
    ...(isTexts
      ? { texts }
      : isPictures
        ? { images: request.inputs.flatMap(pictureOf) }
        : { inputs: request.inputs.map((input) => ({ content: contentOf(input) })) }),
    input_type:
      request.purpose === undefined ? (isPictures ? 'image' : PURPOSE_UNSAID) : COHERE_PURPOSES[request.purpose],
    embedding_types: [...request.kinds],
    output_dimension: request.dimensions,
    truncate: request.truncate?.toUpperCase(),
  });
  return { body, losses };
}

function textOf(input: EmbeddingInput): string | undefined {
  return input.kind === 'text' ? input.text : input.kind === 'tokens' ? '' : undefined;
}

function isOnePicture(input: EmbeddingInput): boolean {
  return input.kind === 'parts' && input.parts.length === 1 && input.parts[0]?.kind === 'image';
}

function pictureOf(input: EmbeddingInput): readonly string[] {
  return input.kind === 'parts' ? input.parts.flatMap((part) => (part.kind === 'image' ? [part.url] : [])) : [];
}

function contentOf(input: EmbeddingInput): readonly JsonRecord[] {
  const parts: readonly EmbeddingPart[] =
    input.kind === 'parts' ? input.parts : [{ kind: 'text', text: textOf(input) ?? '' }];
  return parts.map((part) =>
    part.kind === 'text' ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: part.url } },
  );
}

/** v2, and v1 with `embedding_types`: a list for each kind. v1 without: one list, of floats. */
function decodeReply(body: JsonRecord, request: EmbeddingsRequest): Result<Embeddings, string> {
  const given = body['embeddings'];
  const byKind: JsonRecord = isArray(given) ? { float: given } : (asRecord(given) ?? {});
  const vectors: Vector[][] = request.inputs.map(() => []);
  for (const [name, list] of Object.entries(byKind)) {
    const kind = name === 'base64' ? 'float' : NUMBER_KINDS.find((one) => one === name);
    const wrong = kind === undefined ? undefined : addKind(vectors, kind, asArray(list) ?? []);
    if (wrong !== undefined) return err(wrong);
  }
  if (vectors.some((kinds) => kinds.length === 0)) return err('it has no embeddings');
  return ok(compact({ id: asString(body['id']), vectors, usage: usageOf(body['meta']) }));
}

/** Adds the vectors of one kind; v1 leaves kinds that were not asked for empty. Gives what is wrong with them. */
function addKind(vectors: readonly Vector[][], kind: NumberKind, rows: readonly Json[]): string | undefined {
  if (rows.length === 0) return undefined;
  if (rows.length !== vectors.length) return `it has ${rows.length} embeddings for ${vectors.length} inputs`;
  for (const [index, row] of rows.entries()) {
    const vector = readVector(row, kind);
    if (vector === undefined) return `its embedding ${index} is no list of numbers`;
    vectors[index]?.push(vector);
  }
  return undefined;
}

/** `billed_units`: tokens of text and of pictures (v4), or whole pictures (v3), which have no price in tokens. */
function usageOf(meta: Json | undefined): Usage | undefined {
  const billed = asRecord(asRecord(meta)?.['billed_units']);
  const text = asCount(billed?.['input_tokens']);
  const picture = asCount(billed?.['image_tokens']);
  if (billed === undefined || (text === undefined && picture === undefined)) return undefined;
  return { inputTokens: (text ?? 0) + (picture ?? 0), outputTokens: 0, raw: billed };
}

function encodeReply(reply: Embeddings, request: EmbeddingsRequest, requestId: string): JsonRecord {
  const byKind = Object.fromEntries(
    request.kinds.map((kind) => [
      kind,
      reply.vectors.map((kinds) => {
        const vector = kinds.find((one) => one.kind === kind) ?? kinds[0];
        return vector === undefined ? [] : numbersOf(vector);
      }),
    ]),
  );
  const texts = request.inputs.flatMap((input) => (input.kind === 'text' ? [input.text] : []));
  return compact({
    id: reply.id ?? requestId,
    embeddings: byKind,
    texts,
    response_type: 'embeddings_by_type',
    meta: compact({
      api_version: { version: '2' },
      billed_units: reply.usage?.inputTokens === undefined ? undefined : { input_tokens: reply.usage.inputTokens },
    }),
  });
}
