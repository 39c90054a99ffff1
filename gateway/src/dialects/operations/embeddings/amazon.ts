/** Amazon's own embedding models on Bedrock, one input a call: Titan Text Embeddings and Nova Multimodal Embeddings. */
import type { Fault } from '../../../chat/fault.ts';
import type { Loss } from '../../../chat/request.ts';
import { asArray, asCount, asRecord, asString, compact, isArray, type JsonRecord } from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { AskedBody, AskedPath, EncodedAsk, Wire, WireTarget } from '../operation.ts';
import { fieldReader, grave, hint, lostFields } from '../reading.ts';
import { NOVA_PURPOSES, purposeOf } from './purposes.ts';
import { NUMBER_KINDS, type EmbeddingInput, type Embeddings, type EmbeddingsRequest } from './request.ts';
import { numbersOf, readVector } from './vectors.ts';

/** docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html */
export const titanEmbed: Wire<EmbeddingsRequest, Embeddings> = {
  id: 'titan-embed',
  decodeRequest: decodeTitan,
  encodeRequest: encodeTitan,
  decodeReply: decodeTitanReply,
  encodeReply: (reply) => ({
    body: compact({ embedding: firstNumbers(reply), inputTextTokenCount: reply.usage?.inputTokens }),
    losses: [],
  }),
};

/** docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html */
export const novaEmbed: Wire<EmbeddingsRequest, Embeddings> = {
  id: 'nova-embed',
  decodeRequest: decodeNova,
  encodeRequest: encodeNova,
  decodeReply: decodeNovaReply,
  encodeReply: (reply) => ({
    body: { embeddings: [{ embeddingType: 'TEXT', embedding: firstNumbers(reply) }] },
    losses: [],
  }),
};

function firstNumbers({ vectors }: Embeddings): readonly number[] {
  const vector = vectors[0]?.[0];
  return vector === undefined ? [] : numbersOf(vector);
}

function invokePath(model: string): string {
  return `/model/${encodeURIComponent(model)}/invoke`;
}

function textOf(input: EmbeddingInput | undefined, losses: Loss[], id: string): string {
  if (input === undefined) return '';
  if (input.kind === 'text') return input.text;
  const isText = input.kind === 'parts' && input.parts.every((part) => part.kind === 'text');
  if (!isText) losses.push(grave('input', `${id} is asked with text here.`));
  return input.kind === 'parts' ? input.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('\n') : '';
}

function decodeTitan({ record }: AskedBody, path: AskedPath): Result<EmbeddingsRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model(path.model);
  const text = read.needed('inputText', Number.MAX_SAFE_INTEGER);
  const dimensions = read.whole('dimensions', { min: 1, max: 65_536 });
  const types = read.list('embeddingTypes', NUMBER_KINDS.length) ?? [];
  const kinds = NUMBER_KINDS.filter((kind) => types.includes(kind));
  const extras = read.rest();
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const inputs: readonly EmbeddingInput[] = [{ kind: 'text', text }];
  const plain = { isBatch: false, encoding: 'float' as const };
  return ok(
    compact({ model, inputs, dimensions, kinds: kinds.length === 0 ? ['float' as const] : kinds, extras, ...plain }),
  );
}

function encodeTitan(request: EmbeddingsRequest, target: WireTarget): EncodedAsk {
  const losses: Loss[] = [];
  const { normalize, ...extras } = request.extras;
  const inputText = textOf(request.inputs[0], losses, titanEmbed.id);
  if (request.kinds.some((kind) => kind !== 'float' && kind !== 'binary'))
    losses.push(grave('output_dtype', `${titanEmbed.id} gives float and binary.`));
  const body = compact({
    inputText,
    dimensions: request.dimensions,
    normalize: typeof normalize === 'boolean' ? normalize : undefined,
    embeddingTypes: request.kinds.every((kind) => kind === 'float') ? undefined : [...request.kinds],
  });
  losses.push(...plainLosses({ ...request, extras }, titanEmbed.id));
  return { path: invokePath(target.model), body, losses };
}

function plainLosses({ purpose, truncate, user, extras }: EmbeddingsRequest, id: string): readonly Loss[] {
  return [
    ...(purpose === undefined || id === novaEmbed.id ? [] : [hint('input_type', `${id} has no such field.`)]),
    ...(truncate === undefined || id === novaEmbed.id ? [] : [hint('truncation', `${id} has no such field.`)]),
    ...(user === undefined ? [] : [hint('user', `${id} has no such field.`)]),
    ...lostFields(extras, id),
  ];
}

function decodeTitanReply(body: JsonRecord): Result<Embeddings, string> {
  const byType = asRecord(body['embeddingsByType']) ?? {};
  const all: JsonRecord = { float: body['embedding'], ...byType };
  const vectors = NUMBER_KINDS.flatMap((kind) => readVector(all[kind], kind) ?? []);
  if (vectors.length === 0) return err('it has no embedding');
  const inputTokens = asCount(body['inputTextTokenCount']);
  const usage = inputTokens === undefined ? undefined : { inputTokens, outputTokens: 0 };
  return ok(compact({ vectors: [vectors], usage }));
}

function decodeNova({ record }: AskedBody, path: AskedPath): Result<EmbeddingsRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model(path.model);
  const single = asRecord(record['singleEmbeddingParams']) ?? {};
  const text = asRecord(single['text']);
  const value = asString(text?.['value']);
  if (value === undefined) read.refuse('singleEmbeddingParams.text.value', 'it must be a string');
  const mode = asString(text?.['truncationMode'])?.toLowerCase();
  const truncate = (['none', 'start', 'end'] as const).find((one) => one === mode);
  const extras = read.rest('singleEmbeddingParams', 'taskType', 'schemaVersion');
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const inputs: readonly EmbeddingInput[] = [{ kind: 'text', text: value ?? '' }];
  const dimensions = asCount(single['embeddingDimension']);
  const purpose = purposeOf(asString(single['embeddingPurpose']));
  const plain = { isBatch: false, kinds: ['float' as const], encoding: 'float' as const };
  return ok(compact({ model, inputs, dimensions, purpose, truncate, extras, ...plain }));
}

function encodeNova(request: EmbeddingsRequest, target: WireTarget): EncodedAsk {
  const losses: Loss[] = [];
  const value = textOf(request.inputs[0], losses, novaEmbed.id);
  if (request.kinds.some((kind) => kind !== 'float'))
    losses.push(grave('output_dtype', `${novaEmbed.id} gives floats.`));
  losses.push(...plainLosses(request, novaEmbed.id));
  const body = {
    taskType: 'SINGLE_EMBEDDING',
    singleEmbeddingParams: compact({
      embeddingPurpose: NOVA_PURPOSES[request.purpose ?? 'document'],
      embeddingDimension: request.dimensions,
      text: { truncationMode: (request.truncate ?? 'end').toUpperCase(), value },
    }),
  };
  return { path: invokePath(target.model), body, losses };
}

function decodeNovaReply(body: JsonRecord): Result<Embeddings, string> {
  const rows = asArray(body['embeddings']);
  const vector = readVector(asRecord(rows?.[0])?.['embedding'], 'float');
  if (!isArray(rows) || vector === undefined) return err('it has no embedding');
  return ok({ vectors: [[vector]] });
}
