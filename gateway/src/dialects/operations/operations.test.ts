import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JsonRecord } from '../../lib/json.ts';
import { operationsOf } from '../../catalog/operations.ts';
import { durationOf } from './audio/sound.ts';
import type { Vector } from './embeddings/request.ts';
import { base64Of, numbersOf } from './embeddings/vectors.ts';
import { embeddings, images, rerank, speech } from './index.ts';
import type { Asked, Operation } from './operation.ts';

/** The body of `from` as `to` is asked, and the fields that are lost on the way: `!` marks those that change the meaning. */
function translated<Q extends Asked, A>(
  operation: Operation<Q, A>,
  [from, to]: readonly [string, string],
  record: JsonRecord,
): { readonly body: JsonRecord; readonly losses: readonly string[] } {
  const request = operation.wires[from]?.decodeRequest({ record }, { model: 'm', verb: 'batchEmbedContents' });
  assert.ok(request?.ok);
  const encoded = operation.wires[to]?.encodeRequest(request.value, { model: 'm' });
  assert.ok(encoded);
  const losses = encoded.losses.map(({ field, weight }) => (weight === 'meaning' ? `!${field}` : field));
  return { body: encoded.body, losses };
}

describe('embeddings in another wire', () => {
  const rows: readonly (readonly [
    from: string,
    to: string,
    asked: JsonRecord,
    sent: JsonRecord,
    losses: readonly string[],
  ])[] = [
    [
      'openai-embeddings',
      'cohere-embed',
      { model: 'a', input: 'x', dimensions: 64, user: 'u', input_type: 'query' },
      { model: 'm', texts: ['x'], input_type: 'search_query', embedding_types: ['float'], output_dimension: 64 },
      ['user'],
    ],
    [
      'openai-embeddings',
      'gemini-embed',
      { model: 'a', input: [[1, 2]], input_type: 'poetry' },
      { requests: [{ content: { parts: [] }, model: 'models/m' }] },
      ['!input[0]', 'input_type'],
    ],
    [
      'cohere-embed',
      'openai-embeddings',
      { model: 'a', texts: ['x'], input_type: 'search_query', embedding_types: ['int8'], truncate: 'END', priority: 1 },
      { model: 'm', input: ['x'] },
      ['input_type', '!output_dtype', 'truncation', 'priority'],
    ],
    [
      'gemini-embed',
      'voyage-embeddings',
      {
        requests: [{ content: { parts: [{ text: 'x' }] }, taskType: 'RETRIEVAL_DOCUMENT', outputDimensionality: 256 }],
      },
      { model: 'm', input: ['x'], output_dimension: 256, input_type: 'document' },
      [],
    ],
    [
      'openai-embeddings',
      'vertex-predict',
      { model: 'a', input: ['x', 'y'], dimensions: 8, input_type: 'document', truncation: false },
      {
        instances: [
          { content: 'x', task_type: 'RETRIEVAL_DOCUMENT' },
          { content: 'y', task_type: 'RETRIEVAL_DOCUMENT' },
        ],
        parameters: { outputDimensionality: 8, autoTruncate: false },
      },
      [],
    ],
    [
      'openai-embeddings',
      'titan-embed',
      { model: 'a', input: 'x', normalize: true, seed: 3 },
      { inputText: 'x', normalize: true },
      ['seed'],
    ],
    [
      'openai-embeddings',
      'ollama-embed',
      { model: 'a', input: 'x', dimensions: 9 },
      { model: 'm', input: ['x'], dimensions: 9 },
      [],
    ],
    [
      'openai-embeddings',
      'perplexity-embeddings',
      { model: 'a', input: 'x', encoding_format: 'base64' },
      { model: 'm', input: ['x'], encoding_format: 'base64_int8' },
      [],
    ],
  ];
  for (const [from, to, asked, sent, losses] of rows) {
    it(`from ${from} to ${to}: ${JSON.stringify(asked).slice(0, 70)}`, () => {
      assert.deepEqual(translated(embeddings, [from, to], asked), { body: sent, losses });
    });
  }

  it('keeps the numbers of a vector through base64 and back', () => {
    const float = fc.array(fc.float({ noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(float, (numbers) => {
        const vector: Vector = { kind: 'float', numbers };
        const again = numbersOf({ kind: 'float', numbers: base64Of(vector) });
        assert.deepEqual(again, numbers);
      }),
    );
    const bytes = fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 1 });
    fc.assert(
      fc.property(bytes, (numbers) => {
        assert.deepEqual(numbersOf({ kind: 'int8', numbers: base64Of({ kind: 'int8', numbers }) }), numbers);
      }),
    );
  });

  it('splits and joins without loss, and in order', () => {
    const wire = embeddings.wires['openai-embeddings'];
    assert.ok(wire);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 12 }), (count, max) => {
        const input = Array.from({ length: count }, (_, index) => `t${index}`);
        const request = wire.decodeRequest({ record: { model: 'a', input } }, {});
        assert.ok(request.ok);
        const parts = embeddings.split?.(request.value, max) ?? [];
        assert.ok(parts.every(({ inputs }) => inputs.length >= 1 && inputs.length <= max));
        const replies = parts.map(({ inputs }) => ({
          vectors: inputs.map((one) => [
            { kind: 'float' as const, numbers: [one.kind === 'text' ? Number(one.text.slice(1)) : -1] },
          ]),
          usage: { inputTokens: inputs.length, outputTokens: 0 },
        }));
        const joined = embeddings.join?.(replies);
        assert.deepEqual(
          joined?.vectors.map(([vector]) => vector?.numbers),
          input.map((_, index) => [index]),
        );
        assert.equal(joined?.usage?.inputTokens, count);
      }),
    );
  });
});

describe('reranking in another wire', () => {
  const asked = {
    model: 'a',
    query: 'q',
    documents: ['x', { text: 'y' }, { a: 1 }],
    top_n: 2,
    max_tokens_per_doc: 9,
    rank_fields: ['a'],
  };
  const plain = { query: 'q', documents: ['x', 'y', '{"a":1}'] };

  it('to Cohere, Voyage and Bedrock', () => {
    assert.deepEqual(translated(rerank, ['jina-rerank', 'cohere-rerank'], asked), {
      body: { model: 'm', ...plain, top_n: 2, max_tokens_per_doc: 9 },
      losses: ['!rank_fields'],
    });
    assert.deepEqual(translated(rerank, ['cohere-rerank', 'voyage-rerank'], asked), {
      body: { model: 'm', ...plain, top_k: 2 },
      losses: ['!rank_fields', 'max_tokens_per_doc'],
    });
    assert.deepEqual(translated(rerank, ['cohere-rerank', 'bedrock-cohere-rerank'], asked).body, {
      ...plain,
      api_version: 2,
      top_n: 2,
      max_tokens_per_doc: 9,
    });
  });
});

describe('pictures in another wire', () => {
  it('to Imagen have a shape instead of pixels, to Venice pixels', () => {
    const asked = { model: 'a', prompt: 'p', n: 2, size: '1536x1024', quality: 'high' };
    assert.deepEqual(translated(images, ['openai-images', 'vertex-images'], asked), {
      body: { instances: [{ prompt: 'p' }], parameters: { sampleCount: 2, aspectRatio: '4:3' } },
      losses: ['quality', 'size'],
    });
    assert.deepEqual(translated(images, ['openai-images', 'venice-images'], { ...asked, stream: true }), {
      body: { model: 'm', prompt: 'p', width: 1536, height: 1024, variants: 2, return_binary: false },
      losses: ['!stream', 'quality'],
    });
  });
});

describe('the size of what is asked', () => {
  it('of a rerank grows with the pieces of its documents', () => {
    const searches = (count: number, length: number): number | undefined => {
      const documents = Array.from({ length: count }, () => 'x'.repeat(length));
      const request = rerank.wires['cohere-rerank']?.decodeRequest(
        { record: { model: 'a', query: 'q', documents } },
        {},
      );
      assert.ok(request?.ok);
      return rerank.sizeOf(request.value).unitsMax?.searches;
    };
    assert.deepEqual([searches(1, 5), searches(100, 5), searches(101, 5), searches(100, 500)], [1, 1, 2, 2]);
  });

  it('of speech is counted in characters, not in halves of them', () => {
    const request = speech.wires['openai-speech']?.decodeRequest({ record: { model: 'a', input: '😀é' } }, {});
    assert.ok(request?.ok);
    assert.deepEqual(speech.sizeOf(request.value).unitsMax, { characters: 2 });
  });

  it('of a sound is exact where it is a WAV, and a bound elsewhere', () => {
    const wav = Buffer.alloc(44 + 48_000 * 3);
    wav.write('RIFF', 0, 'latin1');
    wav.write('WAVEfmt ', 8, 'latin1');
    wav.writeUInt32LE(48_000, 28);
    assert.deepEqual(durationOf(wav), { secondsEstimate: 3, secondsMax: 3 });
    // A head that lies about its rate is not believed.
    wav.writeUInt32LE(1, 28);
    assert.ok(durationOf(wav).secondsMax > durationOf(wav).secondsEstimate);
    assert.deepEqual(durationOf(Buffer.alloc(7500)), { secondsEstimate: 1, secondsMax: 10 });
  });
});

describe('what a model is made for', () => {
  const rows: readonly (readonly [string, boolean | undefined, readonly string[] | undefined])[] = [
    ['text-embedding-3-small', false, ['embeddings']],
    ['cohere.rerank-v3-5:0', undefined, ['rerank']],
    ['gpt-4o-transcribe', undefined, ['transcriptions', 'translations']],
    ['voxtral-mini-latest', true, ['chat', 'transcriptions', 'translations']],
    ['gpt-image-1', undefined, ['images', 'image-edits']],
    ['tts-1-hd', undefined, ['chat', 'speech']],
    ['gpt-5', true, ['chat']],
    ['some-model', undefined, undefined],
  ];
  for (const [id, tools, operations] of rows) {
    it(`is told by ${id}`, () => {
      const of = operationsOf({ id, abilities: tools === undefined ? {} : { tools } });
      assert.deepEqual(of === undefined ? undefined : [...of], operations);
    });
  }
});
