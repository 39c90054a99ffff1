import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gemini } from '../dialects/gemini.ts';
import {
  embeddings,
  imageEdits,
  images,
  moderations,
  rerank,
  speech,
  transcriptions,
  translations,
} from '../dialects/operations/index.ts';
import { OPERATIONS } from '../dialects/operations/operation.ts';
import { openaiChat } from '../dialects/openai-chat.ts';
import { wireChoice } from './operations.ts';

const ALL = { embeddings, imageEdits, images, moderations, rerank, speech, transcriptions, translations };

describe('the wire of an operation', () => {
  const rows = [
    ['openai', openaiChat, 'embeddings', 'text-embedding-3-small', 'openai-embeddings', 2048],
    ['some-server', openaiChat, 'rerank', 'bge-reranker', 'jina-rerank', undefined],
    ['cohere', openaiChat, 'embeddings', 'embed-v4.0', 'cohere-embed', 96],
    ['google', gemini, 'embeddings', 'gemini-embedding-2', 'gemini-embed', 100],
    ['google-vertex', gemini, 'embeddings', 'gemini-embedding-2', 'vertex-embed-content', 1],
    ['google-vertex', gemini, 'embeddings', 'gemini-embedding-001', 'vertex-predict', 1],
    ['google-vertex', gemini, 'embeddings', 'text-embedding-005', 'vertex-predict', 250],
    ['amazon-bedrock', openaiChat, 'embeddings', 'amazon.titan-embed-text-v2:0', 'titan-embed', 1],
    ['amazon-bedrock', openaiChat, 'rerank', 'cohere.rerank-v3-5:0', 'bedrock-cohere-rerank', undefined],
    [
      'amazon-bedrock',
      openaiChat,
      'rerank',
      'arn:aws:bedrock:us-west-2::foundation-model/amazon.rerank-v1:0',
      'bedrock-rerank',
      undefined,
    ],
    ['openai', openaiChat, 'rerank', 'gpt-5', undefined, undefined],
    ['huggingface', openaiChat, 'embeddings', 'm', undefined, undefined],
    ['snowflake-cortex', openaiChat, 'embeddings', 'm', undefined, undefined],
    ['google', gemini, 'speech', 'gemini-2.5-flash', undefined, undefined],
    ['voyage', openaiChat, 'speech', 'voyage-4', undefined, undefined],
    // A provider may be called what every object is.
    ['constructor', gemini, 'speech', 'm', undefined, undefined],
  ] as const;
  for (const [id, dialect, operation, model, wire, inputsMax] of rows) {
    it(`for ${operation} of ${model} at ${id} is ${wire ?? 'none'}`, () => {
      const choice = wireChoice({ id, dialect }, operation, model);
      assert.equal(choice?.wire, wire);
      assert.equal(choice?.inputsMax, inputsMax);
    });
  }

  it('is one that the operation has, for every provider that is odd', () => {
    const ids = [
      'openai',
      'mistral',
      'voyage',
      'perplexity',
      'venice',
      'groq',
      'cohere',
      'google-vertex',
      'amazon-bedrock',
    ];
    const models = ['m', 'imagen-4', 'cohere.embed-v4', 'titan-embed', 'nova-2-embed', 'cohere.rerank'];
    for (const operation of Object.values(ALL)) {
      assert.ok(OPERATIONS.includes(operation.id));
      for (const id of ids)
        for (const dialect of [openaiChat, gemini])
          for (const model of models) {
            const wire = wireChoice({ id, dialect }, operation.id, model)?.wire;
            assert.ok(wire === undefined || wire in operation.wires, `${id} ${operation.id} ${wire ?? ''}`);
          }
    }
  });
});
