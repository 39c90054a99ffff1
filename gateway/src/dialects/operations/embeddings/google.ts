/**
 * Google's embeddings: `embedContent` and `batchEmbedContents` of the Gemini API (ai.google.dev/api/embeddings), which Vertex
 * has for its newest model too, one input a call; and Vertex's older `predict` (cloud.google.com, "Text embeddings API").
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
  isRecord,
  type Json,
  type JsonRecord,
} from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import { found } from '../../checks.ts';
import type { AskedBody, AskedPath, EncodedAsk, Wire, WireTarget } from '../operation.ts';
import { fieldReader, firstOf, grave, hint, inside, lostFields, type FieldReader } from '../reading.ts';
import { INPUTS_MAX } from './openai.ts';
import { GOOGLE_PURPOSES, purposeOf } from './purposes.ts';
import type { EmbeddingInput, EmbeddingPart, Embeddings, EmbeddingsRequest, Purpose, Vector } from './request.ts';
import { numbersOf, readVector } from './vectors.ts';

const DIMENSIONS_MAX = 65_536;

export const geminiEmbed: Wire<EmbeddingsRequest, Embeddings> = {
  id: 'gemini-embed',
  decodeRequest,
  encodeRequest: (request, target) => encodeGemini(request, target, true),
  decodeReply: decodeGemini,
  encodeReply: (reply, request) => ({ body: encodeReply(reply, request), losses: [] }),
  callersName,
  // The model's name stands in each of the requests as well.
  canPass: (request, target) => request.model === target.model,
};

/** Vertex has `embedContent` and no batch of it. */
export const vertexEmbedContent: Wire<EmbeddingsRequest, Embeddings> = {
  ...geminiEmbed,
  id: 'vertex-embed-content',
  encodeRequest: (request, target) => encodeGemini(request, target, false),
};

export const vertexPredict: Wire<EmbeddingsRequest, Embeddings> = {
  id: 'vertex-predict',
  decodeRequest: decodePredict,
  encodeRequest: encodePredict,
  decodeReply: decodePredictReply,
  encodeReply: (reply) => ({ body: encodePredictReply(reply), losses: [] }),
};

const NAMES: Readonly<Record<string, string>> = {
  input: 'content',
  input_type: 'taskType',
  dimensions: 'outputDimensionality',
};

/** A batch says of each input what it says; the first stands for all of them. */
function callersName(field: string, record: JsonRecord): string {
  const [, name = '', place = '[0]'] = /^(\w+)(\[\d+\])?$/.exec(field) ?? [];
  const own = NAMES[name] ?? field;
  return record['requests'] === undefined || field === 'requests' ? own : `requests${place}.${own}`;
}

/** What a request says beside its content: the same for all inputs here. */
interface Settings {
  readonly dimensions?: number;
  readonly purpose?: Purpose;
  readonly extras: JsonRecord;
}

function decodeRequest({ record }: AskedBody, path: AskedPath): Result<EmbeddingsRequest, Fault> {
  const isBatch = path.verb === 'batchEmbedContents';
  const read = fieldReader(record);
  const model = read.model(path.model);
  const rows = isBatch ? (read.list('requests', INPUTS_MAX) ?? []) : [record];
  if (rows.length === 0) read.refuse('requests', 'it is empty');
  const inputs = rows.map((row, index) => inputOf(asRecord(row), isBatch ? `requests[${index}].` : '', read));
  const settings = rows.map((row, index) =>
    settingsOf(asRecord(row) ?? {}, isBatch ? `requests[${index}].` : '', read),
  );
  const [first = { extras: {} }] = settings;
  const isMixed = settings.some((one) => one.purpose !== first.purpose || one.dimensions !== first.dimensions);
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const { dimensions, purpose, extras } = first;
  return ok(
    compact({
      model,
      inputs,
      isBatch,
      dimensions,
      kinds: ['float' as const],
      encoding: 'float' as const,
      purpose,
      // Other wires say one thing of all inputs.
      extras: isMixed ? { ...extras, requests: 'mixed' } : extras,
    }),
  );
}

function settingsOf(row: JsonRecord, at: string, read: FieldReader): Settings {
  const {
    model: _model,
    content: _content,
    taskType,
    outputDimensionality,
    task_type,
    output_dimensionality,
    ...extras
  } = row;
  const task = taskType ?? task_type ?? undefined;
  const word = asString(task);
  if (task !== undefined && word === undefined) read.refuse(`${at}taskType`, `it must be a string, not ${found(task)}`);
  const purpose = purposeOf(word);
  const unknown =
    word === undefined || purpose !== undefined || word === 'TASK_TYPE_UNSPECIFIED' ? {} : { taskType: word };
  const dimensions = dimensionsOf(outputDimensionality ?? output_dimensionality ?? undefined, at, read);
  return compact({ dimensions, purpose, extras: { ...extras, ...unknown } });
}

function dimensionsOf(value: Json | undefined, at: string, read: FieldReader): number | undefined {
  if (value === undefined) return undefined;
  const count = asCount(value);
  if (count === undefined || count < 1 || count > DIMENSIONS_MAX)
    read.refuse(`${at}outputDimensionality`, `it must be a whole number from 1 to ${DIMENSIONS_MAX}`);
  return count;
}

function inputOf(row: JsonRecord | undefined, at: string, read: FieldReader): EmbeddingInput {
  const raw = row ?? {};
  const content = raw['content'];
  const given = typeof content === 'string' ? [{ text: content }] : asArray(inside(content, 'parts'));
  const parts = (given ?? []).flatMap((part) => partOf(part) ?? []);
  if (given === undefined || given.length === 0) read.refuse(`${at}content`, 'it has no parts');
  else if (parts.length < given.length) read.refuse(`${at}content`, 'its parts must be `text` or `inlineData`');
  const [only] = parts;
  const isText = parts.length === 1 && only?.kind === 'text';
  return isText ? { kind: 'text', text: only.text, raw } : { kind: 'parts', parts, raw };
}

function partOf(part: Json): EmbeddingPart | undefined {
  const text = asString(inside(part, 'text'));
  if (text !== undefined) return textPart(text);
  const inline = firstOf(part, 'inlineData', 'inline_data');
  const data = asString(inside(inline, 'data'));
  const type = asString(firstOf(inline, 'mimeType', 'mime_type')) ?? '';
  const address = asString(firstOf(firstOf(part, 'fileData', 'file_data'), 'fileUri', 'file_uri'));
  const url = data === undefined ? address : `data:${type};base64,${data}`;
  return url === undefined ? undefined : { kind: 'image', url };
}

function textPart(text: string): EmbeddingPart {
  return { kind: 'text', text };
}

function encodeGemini(request: EmbeddingsRequest, target: WireTarget, canBatch: boolean): EncodedAsk {
  const losses = commonLosses(request, canBatch ? geminiEmbed.id : vertexEmbedContent.id);
  const model = `models/${target.model}`;
  const rows = request.inputs.map((input) =>
    compact({
      content: { parts: partsOf(input) },
      ...ownRow(input),
      model: canBatch ? model : undefined,
      taskType: request.purpose === undefined ? undefined : GOOGLE_PURPOSES[request.purpose],
      outputDimensionality: request.dimensions,
    }),
  );
  const path = `/models/${encodeURIComponent(target.model)}`;
  const [only = {}] = rows;
  // What was asked by one verb is asked by the same: its reply may pass as it comes.
  return canBatch && (request.isBatch || rows.length !== 1)
    ? { path: `${path}:batchEmbedContents`, body: { requests: rows }, losses }
    : { path: `${path}:embedContent`, body: only, losses };
}

/** The request as a caller of this wire wrote it: his content stays as it is. */
function ownRow(input: EmbeddingInput): JsonRecord | undefined {
  return 'raw' in input && isRecord(input.raw?.['content']) ? input.raw : undefined;
}

function partsOf(input: EmbeddingInput): readonly JsonRecord[] {
  if (input.kind === 'text') return [{ text: input.text }];
  if (input.kind === 'tokens') return [];
  return input.parts.map((part): JsonRecord => {
    if (part.kind === 'text') return { text: part.text };
    const data = /^data:([^;,]*)[^,]*,(.*)$/s.exec(part.url);
    return data === null
      ? { fileData: { fileUri: part.url } }
      : { inlineData: { mimeType: data[1] ?? '', data: data[2] ?? '' } };
  });
}

function commonLosses(request: EmbeddingsRequest, id: string): readonly Loss[] {
  const { kinds, truncate, user, inputs, extras } = request;
  return [
    ...inputs.flatMap((input, index) =>
      input.kind === 'tokens' ? [grave(`input[${index}]`, `${id} takes text, not tokens.`)] : [],
    ),
    ...(kinds.some((kind) => kind !== 'float') ? [grave('output_dtype', `${id} gives floats only.`)] : []),
    ...(truncate === undefined ? [] : [hint('truncation', `${id} has no such field.`)]),
    ...(user === undefined ? [] : [hint('user', `${id} has no such field.`)]),
    ...('requests' in extras && id !== geminiEmbed.id
      ? [grave('requests', `${id} says one thing of all inputs.`)]
      : []),
    ...lostFields(Object.fromEntries(Object.entries(extras).filter(([name]) => name !== 'requests')), id).filter(
      () => !inputs.some((input) => ownRow(input) !== undefined),
    ),
  ];
}

/** Either verb's reply. Older models count no tokens. */
function decodeGemini(body: JsonRecord, request: EmbeddingsRequest): Result<Embeddings, string> {
  const rows = asArray(body['embeddings']) ?? (isRecord(body['embedding']) ? [body['embedding']] : []);
  if (rows.length !== request.inputs.length)
    return err(`it has ${rows.length} embeddings for ${request.inputs.length} inputs`);
  const vectors: Vector[][] = [];
  for (const [index, row] of rows.entries()) {
    const vector = readVector(asRecord(row)?.['values'], 'float');
    if (vector === undefined) return err(`its embedding ${index} is no list of numbers`);
    vectors.push([vector]);
  }
  return ok(compact({ vectors, usage: geminiUsage(body['usageMetadata']) }));
}

function geminiUsage(value: Json | undefined): Usage | undefined {
  const usage = asRecord(value);
  const inputTokens = asCount(usage?.['promptTokenCount']);
  return usage === undefined || inputTokens === undefined ? undefined : { inputTokens, outputTokens: 0, raw: usage };
}

function encodeReply(reply: Embeddings, request: EmbeddingsRequest): JsonRecord {
  const rows = reply.vectors.map(([vector]) => ({ values: vector === undefined ? [] : numbersOf(vector) }));
  const tokens = reply.usage?.inputTokens;
  const [only = { values: [] }] = rows;
  return compact({
    ...(request.isBatch ? { embeddings: rows } : { embedding: only }),
    usageMetadata: tokens === undefined ? undefined : { promptTokenCount: tokens, totalTokenCount: tokens },
  });
}

function decodePredict({ record }: AskedBody, path: AskedPath): Result<EmbeddingsRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model(path.model);
  const rows = (read.list('instances', INPUTS_MAX) ?? []).map((row) => asRecord(row) ?? {});
  if (rows.length === 0) read.refuse('instances', 'it is empty');
  const inputs = rows.map((row, index): EmbeddingInput => {
    const text = asString(row['content']);
    if (text === undefined) read.refuse(`instances[${index}].content`, 'it must be a string');
    return { kind: 'text', text: text ?? '' };
  });
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const parameters = asRecord(record['parameters']);
  const truncates = parameters?.['autoTruncate'];
  return ok(
    compact({
      model,
      inputs,
      isBatch: true,
      dimensions: asCount(parameters?.['outputDimensionality']),
      kinds: ['float' as const],
      encoding: 'float' as const,
      purpose: purposeOf(asString(rows[0]?.['task_type'])),
      truncate: truncates === undefined ? undefined : truncates === false ? ('none' as const) : ('end' as const),
      extras: read.rest('parameters'),
    }),
  );
}

function encodePredict(request: EmbeddingsRequest, target: WireTarget): EncodedAsk {
  const id = vertexPredict.id;
  const { truncate, ...others } = request;
  const losses: Loss[] = [...commonLosses({ ...others }, id)];
  if (truncate === 'start') losses.push(grave('truncation', `${id} cuts the end.`));
  const instances = request.inputs.map((input, index) => {
    const isText =
      input.kind === 'text' || (input.kind === 'parts' && input.parts.every((part) => part.kind === 'text'));
    if (!isText && input.kind === 'parts') losses.push(grave(`input[${index}]`, `${id} takes text, not pictures.`));
    const content = partsOf(input)
      .map((part) => asString(part['text']) ?? '')
      .join('\n');
    return compact({
      content,
      task_type: request.purpose === undefined ? undefined : GOOGLE_PURPOSES[request.purpose],
    });
  });
  const parameters = compact({
    outputDimensionality: request.dimensions,
    autoTruncate: truncate === undefined ? undefined : truncate !== 'none',
  });
  const body = { instances, ...(Object.keys(parameters).length === 0 ? {} : { parameters }) };
  return { path: `/models/${encodeURIComponent(target.model)}:predict`, body, losses };
}

function decodePredictReply(body: JsonRecord, request: EmbeddingsRequest): Result<Embeddings, string> {
  const rows = asArray(body['predictions']) ?? [];
  if (rows.length !== request.inputs.length)
    return err(`it has ${rows.length} embeddings for ${request.inputs.length} inputs`);
  const vectors: Vector[][] = [];
  let tokens: number | undefined = 0;
  for (const [index, row] of rows.entries()) {
    const embeddings = asRecord(asRecord(row)?.['embeddings']);
    const vector = readVector(embeddings?.['values'], 'float');
    if (vector === undefined) return err(`its embedding ${index} is no list of numbers`);
    vectors.push([vector]);
    const count = asCount(asRecord(embeddings?.['statistics'])?.['token_count']);
    tokens = count === undefined || tokens === undefined ? undefined : tokens + count;
  }
  const usage = tokens === undefined ? undefined : { inputTokens: tokens, outputTokens: 0 };
  return ok(compact({ vectors, usage }));
}

function encodePredictReply(reply: Embeddings): JsonRecord {
  return {
    predictions: reply.vectors.map(([vector]) => ({
      embeddings: { values: vector === undefined ? [] : numbersOf(vector) },
    })),
  };
}
