/**
 * OpenAI's embeddings (developers.openai.com/api/reference/resources/embeddings), and those of providers that changed a few
 * names: Voyage (docs.voyageai.com/reference/embeddings-api), Mistral (docs.mistral.ai/api), Perplexity
 * (docs.perplexity.ai/api-reference/embeddings-post). All of their fields are read from a caller, whoever is asked.
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
  isRecord,
  type Json,
  type JsonRecord,
} from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import { found } from '../../checks.ts';
import type { AskedBody, EncodedAsk, Wire, WireTarget, WireContext } from '../operation.ts';
import { fieldReader, firstOf, grave, hint, inside, lostFields, type FieldReader } from '../reading.ts';
import {
  NUMBER_KINDS,
  type EmbeddingInput,
  type EmbeddingPart,
  type Embeddings,
  type EmbeddingsRequest,
  type NumberKind,
  type Purpose,
  type Vector,
} from './request.ts';
import { purposeOf } from './purposes.ts';
import { base64Of, numbersOf, readVector } from './vectors.ts';

export const INPUTS_MAX = 100_000;
const DIMENSIONS_MAX = 65_536;
/** A body is bounded; this only keeps one text from being all of it. */
const TEXT_MAX = 16 * 1024 * 1024;
const TOKEN_MAX = 10_000_000;

/** Where a provider's words differ from OpenAI's. */
interface Variant {
  readonly id: string;
  readonly dimensions: 'dimensions' | 'output_dimension';
  /** Field of the kinds of numbers. Absent: only floats can be asked for. */
  readonly kinds?: 'output_dtype';
  /** What base64 holds when it comes: Perplexity's embeddings are bytes. */
  readonly base64: NumberKind;
  /** Words of `input_type`; absent: it has no such field. */
  readonly purposes?: Readonly<Partial<Record<Purpose, string>>>;
  readonly hasTruncation?: boolean;
  readonly hasUser?: boolean;
  readonly takesTokens?: boolean;
  readonly encodings?: Readonly<Record<'float' | 'base64', string>>;
}

export const openaiEmbeddings = variant({
  id: 'openai-embeddings',
  dimensions: 'dimensions',
  base64: 'float',
  hasUser: true,
  takesTokens: true,
});

export const mistralEmbeddings = variant({
  id: 'mistral-embeddings',
  dimensions: 'output_dimension',
  kinds: 'output_dtype',
  base64: 'float',
});

export const voyageEmbeddings = variant({
  id: 'voyage-embeddings',
  dimensions: 'output_dimension',
  kinds: 'output_dtype',
  base64: 'float',
  purposes: { query: 'query', document: 'document' },
  hasTruncation: true,
});

export const perplexityEmbeddings = variant({
  id: 'perplexity-embeddings',
  dimensions: 'dimensions',
  base64: 'int8',
  encodings: { float: 'base64_int8', base64: 'base64_int8' },
});

function variant(of: Variant): Wire<EmbeddingsRequest, Embeddings> {
  return {
    id: of.id,
    modelField: 'model',
    decodeRequest,
    encodeRequest: (request, target) => encodeRequest(request, target, of),
    decodeReply: (body, request) => decodeReply(body, request, of),
    encodeReply: (reply, request, context) => ({ body: encodeReply(reply, request, context), losses: [] }),
  };
}

function decodeRequest({ record }: AskedBody): Result<EmbeddingsRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model();
  const inputs = inputsOf(record['input'], read);
  const dimensions =
    read.whole('dimensions', { min: 1, max: DIMENSIONS_MAX }) ??
    read.whole('output_dimension', { min: 1, max: DIMENSIONS_MAX });
  const writing = writingOf(read);
  const word = read.text('input_type') ?? read.text('task');
  const purpose = purposeOf(word);
  const isTruncated = read.flag('truncation');
  const user = read.text('user');
  const unknown = word === undefined || purpose !== undefined ? {} : { input_type: word };
  const extras = { ...read.rest('input'), ...unknown };
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const truncate = isTruncated === undefined ? undefined : isTruncated ? ('end' as const) : ('none' as const);
  return ok(compact({ model, inputs, isBatch: true, dimensions, ...writing, purpose, truncate, user, extras }));
}

/** OpenAI says how floats are written, Voyage and Mistral which numbers, Perplexity both in one word (`base64_int8`). */
function writingOf(read: FieldReader): Pick<EmbeddingsRequest, 'kinds' | 'encoding'> {
  const format = read.oneOf('encoding_format', ['float', 'base64', 'base64_int8', 'base64_binary']) ?? 'float';
  const dtype = read.oneOf('output_dtype', NUMBER_KINDS) ?? 'float';
  const kind = NUMBER_KINDS.find((one) => format === `base64_${one}`) ?? dtype;
  return { kinds: [kind], encoding: format === 'float' ? 'float' : 'base64' };
}

/** A text, a list of texts, a list of token numbers, a list of such lists, or a list of contents (OpenRouter, vLLM). */
function inputsOf(input: Json | undefined, read: FieldReader): readonly EmbeddingInput[] {
  if (input === undefined || input === null) {
    read.refuse('input', 'it is missing: send a text, or a list of texts or of tokens');
    return [];
  }
  const isOne = typeof input === 'string' || isRecord(input) || (isArray(input) && typeof input[0] === 'number');
  const list = isOne ? [input] : (asArray(input) ?? []);
  if (!isOne && !isArray(input)) read.refuse('input', `it must be a text or a list, not ${found(input)}`);
  else if (list.length === 0) read.refuse('input', 'it is empty');
  else if (list.length > INPUTS_MAX) read.refuse('input', `it has more than ${INPUTS_MAX} entries`);
  else return list.map((item, index) => inputOf(item, isOne ? 'input' : `input[${index}]`, read));
  return [];
}

function inputOf(item: Json, at: string, read: FieldReader): EmbeddingInput {
  if (typeof item === 'string') {
    if (item === '') read.refuse(at, 'it is empty');
    if (item.length > TEXT_MAX) read.refuse(at, `it is longer than ${TEXT_MAX} characters`);
    return { kind: 'text', text: item };
  }
  if (isArray(item)) {
    const isTokens = item.every((token) => (asCount(token) ?? TOKEN_MAX) < TOKEN_MAX);
    if (item.length === 0) read.refuse(at, 'it is empty');
    else if (!isTokens) read.refuse(at, 'it must be a text or a list of token numbers');
    return { kind: 'tokens', tokens: item.filter((token) => typeof token === 'number') };
  }
  const parts = isRecord(item) ? partsOf(item) : undefined;
  if (parts === undefined) read.refuse(at, `it must be a text or a list of token numbers, not ${found(item)}`);
  return { kind: 'parts', parts: parts ?? [], ...(isRecord(item) ? { raw: item } : {}) };
}

/** `{content: [{type: 'text', text}, {type: 'image_url', image_url: {url}}]}`; undefined where a part is none of these. */
export function partsOf(item: JsonRecord): readonly EmbeddingPart[] | undefined {
  const given = asArray(item['content']) ?? [];
  const parts = given.flatMap((part) => partOf(part) ?? []);
  return parts.length === 0 || parts.length < given.length ? undefined : parts;
}

function partOf(part: Json): EmbeddingPart | undefined {
  const text = asString(inside(part, 'text'));
  if (text !== undefined) return { kind: 'text', text };
  const url = asString(inside(part, 'image_url', 'url')) ?? asString(firstOf(part, 'image_url', 'image_base64'));
  return url !== undefined && /^(?:https?:\/\/|data:)/i.test(url) ? { kind: 'image', url } : undefined;
}

function encodeRequest(request: EmbeddingsRequest, target: WireTarget, of: Variant): EncodedAsk {
  const losses: Loss[] = [...lossesOf(request, of)];
  const [kind = 'float'] = request.kinds;
  const encoding = of.encodings?.[request.encoding] ?? request.encoding;
  const body = compact({
    model: target.model,
    input: request.inputs.map((input, index) => writeInput(input, index, { of, losses })),
    [of.dimensions]: request.dimensions,
    ...(of.kinds === undefined || kind === 'float' ? {} : { [of.kinds]: kind }),
    encoding_format: encoding === 'float' ? undefined : encoding,
    input_type: request.purpose === undefined ? undefined : of.purposes?.[request.purpose],
    ...(of.hasTruncation === true ? truncationOf(request) : {}),
    user: of.hasUser === true ? request.user : undefined,
  });
  return { path: '/embeddings', body, losses };
}

function truncationOf({ truncate }: EmbeddingsRequest): JsonRecord {
  return truncate === undefined ? {} : { truncation: truncate !== 'none' };
}

function lossesOf(request: EmbeddingsRequest, of: Variant): readonly Loss[] {
  const { kinds, user, truncate, extras } = request;
  const isOther = of.kinds === undefined && kinds.some((kind) => kind !== 'float' && kind !== of.base64);
  const noField = `${of.id} has no such field.`;
  return [
    ...purposeLoss(request, of),
    ...(isOther ? [grave('output_dtype', `${of.id} does not give them.`)] : []),
    ...(user === undefined || of.hasUser === true ? [] : [hint('user', noField)]),
    ...(truncate === undefined || of.hasTruncation === true ? [] : [hint('truncation', noField)]),
    ...lostFields(extras, of.id),
  ];
}

function purposeLoss({ purpose }: EmbeddingsRequest, of: Variant): readonly Loss[] {
  if (purpose === undefined || of.purposes?.[purpose] !== undefined) return [];
  return [hint('input_type', `${of.id} makes one kind of embedding, whatever it is for.`)];
}

interface Writing {
  readonly of: Variant;
  readonly losses: Loss[];
}

function writeInput(input: EmbeddingInput, index: number, { of, losses }: Writing): Json {
  if (input.kind === 'text') return input.text;
  if (input.kind === 'tokens') {
    if (of.takesTokens !== true) losses.push(grave(`input[${index}]`, `${of.id} takes text, not tokens.`));
    return input.tokens;
  }
  if (input.parts.every((part) => part.kind === 'text'))
    return input.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('\n');
  if (of.id !== 'openai-embeddings') losses.push(grave(`input[${index}]`, `${of.id} takes text, not pictures.`));
  return {
    content: input.parts.map((part) =>
      part.kind === 'text' ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: part.url } },
    ),
  };
}

function decodeReply(body: JsonRecord, request: EmbeddingsRequest, of: Variant): Result<Embeddings, string> {
  const [asked = 'float'] = request.kinds;
  const kind = of.kinds === undefined ? of.base64 : asked;
  const placed = new Map<number, readonly Vector[]>();
  for (const [position, item] of (asArray(body['data']) ?? []).entries()) {
    const row = asRecord(item);
    const embedding = row?.['embedding'];
    const vector = readVector(embedding, typeof embedding === 'string' || of.kinds !== undefined ? kind : 'float');
    if (vector === undefined) return err(`its embedding ${position} is no list of numbers`);
    placed.set(asCount(row?.['index']) ?? position, [vector]);
  }
  const vectors = inOrder(placed, request.inputs.length);
  if (vectors === undefined) return err(`it has ${placed.size} embeddings for ${request.inputs.length} inputs`);
  const usage = readEmbeddingUsage(body['usage']);
  return ok(compact({ id: asString(body['id']), model: asString(body['model']), vectors, usage }));
}

/** One entry an input, in order; undefined where one is missing, or there are more. */
function inOrder(placed: ReadonlyMap<number, readonly Vector[]>, count: number): Embeddings['vectors'] | undefined {
  const vectors: (readonly Vector[])[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = placed.get(index);
    if (at === undefined) return undefined;
    vectors.push(at);
  }
  return placed.size === count ? vectors : undefined;
}

/** Embeddings have no output that is billed, so that none is 0 and not unknown. Voyage gives the total alone. */
export function readEmbeddingUsage(value: Json | undefined): Usage | undefined {
  const usage = asRecord(value);
  const inputTokens =
    asCount(usage?.['prompt_tokens']) ?? asCount(usage?.['input_tokens']) ?? asCount(usage?.['total_tokens']);
  if (usage === undefined || inputTokens === undefined) return undefined;
  return { inputTokens, outputTokens: 0, raw: usage };
}

/** OpenAI's own replies have no id; Mistral's and vLLM's have, and Mistral's SDK takes none without. */
function encodeReply(reply: Embeddings, request: EmbeddingsRequest, { requestId }: WireContext): JsonRecord {
  const [asked = 'float'] = request.kinds;
  const tokens = reply.usage?.inputTokens;
  return compact({
    id: `embd-${requestId}`,
    object: 'list',
    data: reply.vectors.map((vectors, index) => {
      const vector = vectors.find(({ kind }) => kind === asked) ?? vectors[0];
      const embedding = vector === undefined ? [] : writeVector(vector, request);
      return { object: 'embedding', index, embedding };
    }),
    model: reply.model ?? request.model,
    usage: tokens === undefined ? undefined : { prompt_tokens: tokens, total_tokens: tokens },
  });
}

function writeVector(vector: Vector, request: EmbeddingsRequest): Json {
  const [asked = 'float'] = request.kinds;
  // Bytes where floats were asked for: the same direction, in coarser steps.
  const numbers = numbersOf(vector);
  if (request.encoding === 'float') return numbers;
  return base64Of(vector.kind === asked ? vector : { kind: asked, numbers });
}
