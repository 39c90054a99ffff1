/**
 * What real clients asked for beside chats, recorded: text completions, embeddings, pictures, moderation, transcripts, lists of
 * models, an upgrade. Each is accepted, and reaches a provider of its own wire whole. Chats: clients.test.ts.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { corpusSkip } from '../corpus.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { readRecorded, send, withOurKey, type Got, type Recorded } from './clients-recorded.ts';

const recorded = readRecorded();
/** Kinds that clients.test.ts sends. */
const CHATS: ReadonlySet<string> = new Set([
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'gemini-generate',
]);
/** How many there are of each kind, so that none is left out silently. */
const KINDS: Readonly<Record<string, number>> = {
  'anthropic-messages': 26,
  'gemini-generate': 19,
  'openai-chat': 53,
  'openai-responses': 29,
  models: 3,
  'openai-completions': 2,
  'openai-embeddings': 4,
  'openai-images': 2,
  'openai-moderations': 2,
  'openai-audio-transcription': 4,
};
const PROVIDER = 'house';

/** The least reply of each path. */
const REPLIES: Readonly<Record<string, JsonRecord>> = {
  '/v1/completions': {
    id: 'cmpl-1',
    object: 'text_completion',
    created: 1,
    model: 'm',
    choices: [0, 1].map((index) => ({ index, text: 'pong', logprobs: null, finish_reason: 'stop' })),
    usage: { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 },
  },
  '/v1/embeddings': {
    object: 'list',
    data: [0, 1].map((index) => ({ object: 'embedding', index, embedding: [0.5, 0.25] })),
    model: 'm',
    usage: { prompt_tokens: 2, total_tokens: 2 },
  },
  '/v1/images/generations': { created: 1, data: [{ b64_json: 'AAAA' }] },
  '/v1/moderations': {
    id: 'modr-1',
    model: 'm',
    results: [{ flagged: false, categories: {}, category_scores: {} }],
  },
  '/v1/audio/transcriptions': { text: 'pong', usage: { type: 'duration', seconds: 1 } },
};

interface Seen {
  readonly url: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

function modelOf({ body }: Recorded): string {
  return asString(body?.['model']) ?? /name="model"\r\n\r\n([^\r]+)/.exec(textOf(body))?.[1] ?? '';
}

function textOf(body: JsonRecord | undefined): string {
  return asString(body?.['$text']) ?? '';
}

describe('what real clients ask beside chats', { skip: corpusSkip('clients') }, () => {
  let stub: Server;
  let gateway: TestGateway;
  let seen: Seen[] = [];
  const asked = recorded.filter(({ wire, method }) => !CHATS.has(wire) && wire !== 'models' && method === 'POST');

  before(async () => {
    stub = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url = '', headers } = request;
        seen.push({ url, headers, body: Buffer.concat(chunks) });
        const reply = REPLIES[url];
        response.writeHead(reply === undefined ? 404 : 200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(reply ?? {}));
      });
    });
    await new Promise<void>((resolve) => {
      stub.listen(0, '127.0.0.1', resolve);
    });
    const { port } = stub.address() as AddressInfo;
    const names = [...new Set(asked.map(modelOf))];
    const price = '{input: 1, output: 2, second: 0.0001, image: 0.01}';
    const models = names.map((name) => `"${name}": {price: ${price}}`).join(', ');
    const at = `base_url: "http://127.0.0.1:${port}/v1", api_key: sk-house-0000, models: {${models}}`;
    gateway = await startGateway({ config: testConfig({ [PROVIDER]: `{like: openai, ${at}}` }) });
  });

  after(async () => {
    await gateway.stop();
    stub.closeAllConnections();
    stub.close();
  });

  /** The request as this test's user would send it: to this provider's model, with our key. */
  async function exchange(one: Recorded, more: Readonly<Record<string, string>> = {}): Promise<Got> {
    seen = [];
    const model = modelOf(one);
    const name = `${PROVIDER}/${model}`;
    const text = textOf(one.body);
    const body = text === '' ? { ...one.body, model: name } : text.replace(`\r\n\r\n${model}`, `\r\n\r\n${name}`);
    return send(gateway.url, one.method, { path: one.path, headers: { ...withOurKey(one.headers), ...more }, body });
  }

  it('are all here, and none of any kind is left out', () => {
    const counts: Record<string, number> = {};
    for (const { wire } of recorded) counts[wire] = (counts[wire] ?? 0) + 1;
    console.log(`clients: ${recorded.length} requests by kind ${JSON.stringify(counts)}`);
    assert.deepEqual(counts, KINDS);
    assert.equal(recorded.length, 144);
  });

  it('reach a provider of their own wire whole, and its answer comes back', async () => {
    const counts: Record<string, number> = {};
    for (const one of asked) {
      const got = await exchange(one);
      const [upstream] = seen;
      assert.equal(got.status, 200, `${one.id} ${one.title}: ${got.body.toString('utf8').slice(0, 300)}`);
      assert.ok(upstream !== undefined && seen.length === 1, one.id);
      assert.equal(upstream.url, one.path, one.id);
      assert.ok(!JSON.stringify(upstream.headers).includes(ROOT_KEY), `${one.id}: our key left the house`);
      const text = textOf(one.body);
      const arrived = upstream.body.toString('utf8');
      if (text === '') assert.deepEqual(parseJson(arrived), one.body, `${one.id} ${one.title}`);
      else assert.equal(arrived, text, `${one.id} ${one.title}`);
      const answer = asRecord(parseJson(got.body.toString('utf8')));
      const reply = REPLIES[one.path] ?? {};
      const isBase64 = one.body?.['encoding_format'] === 'base64';
      if (isBase64) assert.equal(typeof asRecord(asArray(answer?.['data'])?.[0])?.['embedding'], 'string', one.id);
      else assert.deepEqual(answer, reply, one.id);
      counts[one.wire] = (counts[one.wire] ?? 0) + 1;
    }
    console.log(
      `clients: ${asked.length} requests beside chats reached their own wire whole ${JSON.stringify(counts)}`,
    );
  });

  it('are upgraded to nothing: Codex asks for a WebSocket first, and takes 426 for an answer', async () => {
    const upgrades = recorded.filter(({ wire, method }) => wire === 'openai-responses' && method === 'GET');
    for (const one of upgrades) {
      const got = await send(gateway.url, 'GET', { path: one.path, headers: withOurKey(one.headers) });
      assert.equal(got.status, 426, one.id);
    }
    assert.equal(upgrades.length, 1);
  });
});
