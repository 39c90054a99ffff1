/** What requests beside chats lose on the way to each wire of their operation: requests that say all that callers may say. */
import assert from 'node:assert/strict';
import type { Loss } from '../../src/chat/request.ts';
import { embeddings, images, rerank } from '../../src/dialects/operations/index.ts';
import { lossesOf, type Asked, type Operation } from '../../src/dialects/operations/operation.ts';
import type { JsonRecord } from '../../src/lib/json.ts';
import { placeOf, stands } from './run.ts';

export interface OperationLoss extends Loss {
  readonly operation: string;
  /** The caller's wire. */
  readonly from: string;
  readonly to: string;
}

/** Requests by their callers' wires. */
type Cases = readonly (readonly [from: string, record: JsonRecord])[];

const EMBEDDINGS: Cases = [
  [
    'openai-embeddings',
    {
      model: 'a',
      input: ['x', 'y'],
      dimensions: 64,
      encoding_format: 'base64',
      user: 'u',
      input_type: 'query',
      output_dtype: 'int8',
      truncation: false,
      a_field_of_tomorrow: 1,
    },
  ],
  ['openai-embeddings', { model: 'a', input: [[1, 2]] }],
  ['openai-embeddings', { model: 'a', input: 'x', input_type: 'poetry' }],
  [
    'cohere-embed',
    {
      model: 'a',
      texts: ['x'],
      input_type: 'classification',
      embedding_types: ['int8', 'float'],
      output_dimension: 64,
      truncate: 'START',
      max_tokens: 9,
      priority: 1,
    },
  ],
  ['cohere-embed', { model: 'a', images: ['data:image/png;base64,iVBORw0KGgo='], input_type: 'image' }],
  [
    'gemini-embed',
    {
      requests: [
        {
          content: { parts: [{ text: 'x' }] },
          taskType: 'CODE_RETRIEVAL_QUERY',
          title: 'A',
          outputDimensionality: 64,
        },
      ],
    },
  ],
];

const RERANK: Cases = [
  [
    'jina-rerank',
    { model: 'a', query: 'q', documents: ['x', { text: 'y' }], top_n: 1, return_documents: true, truncation: true },
  ],
  [
    'cohere-rerank',
    {
      model: 'a',
      query: 'q',
      documents: [{ title: 'A', text: 'x' }],
      top_n: 1,
      max_tokens_per_doc: 9,
      rank_fields: ['title'],
      priority: 1,
    },
  ],
];

const IMAGES: Cases = [
  [
    'openai-images',
    {
      model: 'a',
      prompt: 'a cat',
      n: 2,
      size: '1024x1536',
      quality: 'high',
      style: 'vivid',
      background: 'transparent',
      moderation: 'low',
      output_format: 'webp',
      output_compression: 50,
      user: 'u',
      seed: 7,
    },
  ],
  ['openai-images', { model: 'a', prompt: 'a cat', response_format: 'url', size: '1023x77', stream: true }],
];

/** The losses of all cases, each kind once. */
export function operationLosses(): readonly OperationLoss[] {
  const kinds = new Map<string, OperationLoss>();
  for (const row of [...lossRows(embeddings, EMBEDDINGS), ...lossRows(rerank, RERANK), ...lossRows(images, IMAGES)])
    kinds.set([row.from, row.to, row.field, row.weight, row.why].join('|'), row);
  return [...kinds.values()];
}

function lossRows<Q extends Asked, A>(operation: Operation<Q, A>, cases: Cases): readonly OperationLoss[] {
  return cases.flatMap(([from, record]) => {
    const wire = operation.wires[from];
    const request = wire?.decodeRequest({ record }, { model: 'm', verb: 'batchEmbedContents' });
    assert.ok(wire && request?.ok, `${from}: ${request?.ok === false ? request.error.message : ''}`);
    const { value } = request;
    return Object.values(operation.wires)
      .filter((other) => other.id !== from)
      .flatMap((to) =>
        lossesOf([to.encodeRequest(value, { model: 'm' })], wire, record).map((loss) => {
          assert.ok(stands(record, loss.field), `${from} to ${to.id}: ${loss.field} is not the caller's`);
          return { ...loss, field: placeOf(loss.field), operation: operation.id, from, to: to.id };
        }),
      );
  });
}
