/** Ollama's own embeddings (docs.ollama.com/api/embed). */
import type { Fault } from '../../../chat/fault.ts';
import { asArray, asCount, asString, compact, type JsonRecord } from '../../../lib/json.ts';
import { err, ok, type Result } from '../../../lib/result.ts';
import type { AskedBody, EncodedAsk, Wire, WireTarget } from '../operation.ts';
import { fieldReader, grave, hint, lostFields } from '../reading.ts';
import type { EmbeddingInput, Embeddings, EmbeddingsRequest } from './request.ts';
import { numbersOf, readVector } from './vectors.ts';

const INPUTS_MAX = 100_000;

export const ollamaEmbed: Wire<EmbeddingsRequest, Embeddings> = {
  id: 'ollama-embed',
  modelField: 'model',
  decodeRequest,
  encodeRequest,
  decodeReply,
  encodeReply: (reply, request) => ({
    body: compact({
      model: reply.model ?? request.model,
      embeddings: reply.vectors.map(([vector]) => (vector === undefined ? [] : numbersOf(vector))),
      prompt_eval_count: reply.usage?.inputTokens,
    }),
    losses: [],
  }),
};

function decodeRequest({ record }: AskedBody): Result<EmbeddingsRequest, Fault> {
  const read = fieldReader(record);
  const model = read.model();
  const { input } = record;
  const list = typeof input === 'string' ? [input] : (asArray(input) ?? []);
  if (list.length === 0 || list.length > INPUTS_MAX)
    read.refuse('input', `it must be a text, or a list of at most ${INPUTS_MAX}`);
  const inputs = list.map((item, index): EmbeddingInput => {
    if (typeof item !== 'string') read.refuse(`input[${index}]`, 'it must be a string');
    return { kind: 'text', text: typeof item === 'string' ? item : '' };
  });
  const dimensions = read.whole('dimensions', { min: 1, max: 65_536 });
  const truncates = read.flag('truncate');
  const extras = read.rest('input');
  const wrong = read.fault();
  if (wrong !== undefined) return err(wrong);
  const truncate = truncates === undefined ? undefined : truncates ? ('end' as const) : ('none' as const);
  const plain = { isBatch: true, kinds: ['float' as const], encoding: 'float' as const };
  return ok(compact({ model, inputs, dimensions, truncate, extras, ...plain }));
}

function encodeRequest(request: EmbeddingsRequest, target: WireTarget): EncodedAsk {
  const id = ollamaEmbed.id;
  const input = request.inputs.map((one) =>
    one.kind === 'text'
      ? one.text
      : one.kind === 'tokens'
        ? ''
        : one.parts.map((part) => (part.kind === 'text' ? part.text : '')).join('\n'),
  );
  const isText = (one: EmbeddingInput): boolean =>
    one.kind === 'text' || (one.kind === 'parts' && one.parts.every((part) => part.kind === 'text'));
  const losses = [
    ...request.inputs.flatMap((one, index) =>
      isText(one) ? [] : [grave(`input[${index}]`, `${id} takes text only.`)],
    ),
    ...(request.kinds.some((kind) => kind !== 'float') ? [grave('output_dtype', `${id} gives floats only.`)] : []),
    ...(request.truncate === 'start' ? [grave('truncation', `${id} cuts the end.`)] : []),
    ...(request.purpose === undefined ? [] : [hint('input_type', `${id} has no such field.`)]),
    ...(request.user === undefined ? [] : [hint('user', `${id} has no such field.`)]),
    ...lostFields(request.extras, id),
  ];
  const truncate = request.truncate === undefined ? undefined : request.truncate !== 'none';
  const body = compact({ model: target.model, input, dimensions: request.dimensions, truncate });
  return { path: '/api/embed', body, losses };
}

function decodeReply(body: JsonRecord, request: EmbeddingsRequest): Result<Embeddings, string> {
  const rows = asArray(body['embeddings']) ?? [];
  if (rows.length !== request.inputs.length)
    return err(`it has ${rows.length} embeddings for ${request.inputs.length} inputs`);
  const read = rows.map((row) => readVector(row, 'float'));
  const vectors = read.flatMap((vector) => (vector === undefined ? [] : [[vector]]));
  if (vectors.length < rows.length) return err('one of its embeddings is no list of numbers');
  const inputTokens = asCount(body['prompt_eval_count']);
  const usage = inputTokens === undefined ? undefined : { inputTokens, outputTokens: 0 };
  return ok(compact({ model: asString(body['model']), vectors, usage }));
}
