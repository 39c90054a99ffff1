/** Official SDKs ask a real gateway for what is not a chat; behind it the simulator, in its own wire and in others. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { GoogleGenAI } from '@google/genai';
import { CohereClientV2 } from 'cohere-ai';
import OpenAI, { toFile } from 'openai';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

let simulator: Simulator;
let gateway: TestGateway;

before(async () => {
  simulator = await startSimulator();
  gateway = await startGateway({
    config: testConfig(
      {
        house: `{dialect: openai-chat, base_url: "${simulator.url}/openai/v1"}`,
        // Its operations have Cohere's own wire, whatever its chat speaks.
        cohere: `{dialect: openai-chat, base_url: "${simulator.url}/p/cohere/v2", api_key: k}`,
        google: `{base_url: "${simulator.url}/gemini/v1beta", api_key: k}`,
      },
      'server: {heartbeat_ms: 200}',
    ),
  });
});

after(async () => {
  await gateway.stop();
  await simulator.close();
});

const MODELS = ['house/m-embed', 'cohere/embed-v4.0', 'google/gemini-embedding-001'];
const SOUND = Buffer.alloc(96_000, 3);

describe('the OpenAI SDK', () => {
  const client = (): OpenAI => new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
  const sound = (): Promise<File> => toFile(SOUND, 'a.wav');

  for (const model of MODELS) {
    it(`gets embeddings of ${model}, more than are taken at once, in order`, async () => {
      const input = Array.from({ length: 230 }, (_, index) => `text number ${index % 7}`);
      const reply = await client().embeddings.create({ model, input });
      assert.equal(reply.data.length, input.length);
      for (const [index, row] of reply.data.entries()) {
        assert.equal(row.index, index);
        assert.ok(Math.abs(Math.hypot(...row.embedding) - 1) < 1e-6);
        assert.deepEqual(row.embedding, reply.data[index % 7]?.embedding);
      }
      const floats = await client().embeddings.create({ model, input: 'text number 3', encoding_format: 'float' });
      for (const [at, value] of (floats.data[0]?.embedding ?? []).entries())
        assert.ok(Math.abs(value - (reply.data[3]?.embedding[at] ?? 9)) < 1e-6);
    });
  }

  it('gets pictures, and edits some, whole and in events', async () => {
    const made = await client().images.generate({ model: 'house/m', prompt: 'a cat', n: 2 });
    assert.equal(made.data?.length, 2);
    assert.ok((made.usage?.output_tokens ?? 0) > 0);
    const image = await toFile(Buffer.from('png'), 'a.png', { type: 'image/png' });
    const edited = await client().images.edit({ model: 'house/m', image, prompt: 'greener' });
    assert.equal(edited.data?.length, 1);
    const stream = await client().images.generate({
      model: 'house/m',
      prompt: 'a cat',
      stream: true,
      partial_images: 2,
    });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    assert.deepEqual(types, [
      'image_generation.partial_image',
      'image_generation.partial_image',
      'image_generation.completed',
    ]);
  });

  it('gets speech as a stream of bytes', async () => {
    const reply = await client().audio.speech.create({
      model: 'house/m',
      voice: 'alloy',
      input: 'Hello there, how are you?',
      response_format: 'wav',
    });
    assert.equal(reply.headers.get('content-type'), 'audio/wav');
    const bytes = Buffer.from(await reply.arrayBuffer());
    assert.equal(bytes.toString('latin1', 0, 4), 'RIFF');
    assert.equal(bytes.length, 44 + bytes.readUInt32LE(40));
  });

  it('gets transcripts in every form', async () => {
    const audio = client().audio.transcriptions;
    const json = await audio.create({ model: 'house/m', file: await sound() });
    const text: string = await audio.create({ model: 'house/m', file: await sound(), response_format: 'text' });
    assert.equal(text.trim(), json.text);
    const verbose = await audio.create({ model: 'house/m', file: await sound(), response_format: 'verbose_json' });
    assert.equal(verbose.duration, 2);
    let streamed = '';
    for await (const event of await audio.create({ model: 'house/m', file: await sound(), stream: true }))
      if (event.type === 'transcript.text.delta') streamed += event.delta;
    assert.equal(streamed, json.text);
    const translated = await client().audio.translations.create({ model: 'house/m', file: await sound() });
    assert.equal(translated.text, json.text);
  });

  it('gets a stream, too, of who knows none: its last event', async () => {
    // `whisper-1` answers as if `stream` were not there.
    const types: string[] = [];
    for await (const event of await client().audio.transcriptions.create({
      model: 'house/whisper-1',
      file: await sound(),
      stream: true,
    })) {
      types.push(event.type);
      if (event.type === 'transcript.text.done') assert.match(event.text, /simulator/);
    }
    assert.deepEqual(types, ['transcript.text.done']);
    const picture = {
      created: 1,
      data: [{ b64_json: 'aGk=' }],
      usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
    };
    simulator.script([{ match: { path: '/images/generations' }, json: picture }]);
    const events: unknown[] = [];
    for await (const event of await client().images.generate({ model: 'house/m', prompt: 'a cat', stream: true }))
      events.push([event.type, event.b64_json]);
    assert.deepEqual(events, [['image_generation.completed', 'aGk=']]);
  });

  it('hears pings while a picture is made', async () => {
    simulator.script([{ match: { path: '/images/generations' }, delay_ms: 700 }]);
    const reply = await fetch(`${gateway.url}/v1/images/generations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'house/m', prompt: 'a cat', stream: true }),
    });
    assert.match(await reply.text(), /^(?:: ping\n\n)+data: \{"type":"image_generation\.completed"/);
  });

  it('gets moderations', async () => {
    const reply = await client().moderations.create({ model: 'house/m', input: ['I will kill you', 'a nice day'] });
    assert.deepEqual(
      reply.results.map(({ flagged }) => flagged),
      [true, false],
    );
  });

  it('raises its own errors', async () => {
    await assert.rejects(
      client().embeddings.create({ model: 'house/m', input: [] }),
      (error) => error instanceof OpenAI.BadRequestError && error.param === 'input',
    );
    await assert.rejects(
      client().images.generate({ model: 'google/gemini-2.5-flash', prompt: 'x' }),
      OpenAI.BadRequestError,
    );
    await assert.rejects(client().embeddings.create({ model: 'no-such/model', input: 'x' }), OpenAI.NotFoundError);
    const chaos = new OpenAI({ apiKey: ROOT_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
    const cut = chaos.audio.transcriptions.create({ model: 'google/gemini-2.5-flash', file: await sound() });
    await assert.rejects(cut, OpenAI.BadRequestError);
  });
});

describe('the Cohere SDK', () => {
  const client = (): CohereClientV2 => new CohereClientV2({ token: ROOT_KEY, environment: gateway.url, maxRetries: 0 });
  const documents = ['Paris is in France', 'Ruby is a language', 'Rome is in Italy'];

  for (const model of ['house/m-rerank', 'cohere/rerank-v3.5']) {
    it(`reranks with ${model}`, async () => {
      const reply = await client().rerank({ model, query: 'What language is Ruby?', documents, topN: 2 });
      assert.equal(reply.results.length, 2);
      assert.equal(reply.results[0]?.index, 1);
      assert.equal(reply.meta?.billedUnits?.searchUnits, 1);
    });
  }

  for (const model of MODELS) {
    it(`embeds with ${model}`, async () => {
      const texts = Array.from({ length: 100 }, (_, index) => `t${index}`);
      const reply = await client().embed({ model, texts, inputType: 'search_document', embeddingTypes: ['float'] });
      assert.equal(reply.embeddings.float?.length, 100);
      assert.deepEqual(reply.texts, texts);
      assert.ok((reply.meta?.billedUnits?.inputTokens ?? 100) >= 100);
    });
  }

  it('raises its own errors', async () => {
    const wrong = client().rerank({ model: 'house/m-rerank', query: '', documents });
    await assert.rejects(wrong, (error) => error instanceof Error && /query/.test(error.message));
  });
});

describe('the Google SDK', () => {
  const client = (): GoogleGenAI => new GoogleGenAI({ apiKey: ROOT_KEY, httpOptions: { baseUrl: gateway.url } });

  for (const model of MODELS) {
    it(`embeds with ${model}`, async () => {
      const reply = await client().models.embedContent({
        model,
        contents: ['one', 'two'],
        config: { outputDimensionality: 64 },
      });
      assert.deepEqual(
        reply.embeddings?.map(({ values }) => values?.length),
        [64, 64],
      );
    });
  }

  it('is told what each model can be asked', async () => {
    const methods = new Map<string, readonly string[] | undefined>();
    for await (const model of await client().models.list({ config: { pageSize: 500 } }))
      methods.set(model.name ?? '', model.supportedActions);
    assert.deepEqual(methods.get('models/google/gemini-embedding-001'), ['embedContent', 'batchEmbedContents']);
    assert.deepEqual(methods.get('models/cohere/embed-v4.0'), ['embedContent', 'batchEmbedContents']);
    assert.deepEqual(methods.get('models/google/gemini-2.5-flash'), [
      'generateContent',
      'streamGenerateContent',
      'countTokens',
    ]);
    assert.deepEqual(methods.get('models/cohere/rerank-v3.5') ?? [], []);
  });
});
