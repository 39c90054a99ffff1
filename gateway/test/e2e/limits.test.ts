/** Rate limits as callers meet them: over real sockets, on every route, in the words of each protocol. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { routesTaken } from '../../src/http/routes.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

const LIMITS = `
routes:
  narrow: {targets: [p/m]}
  both: {targets: [q/m, p/m]}
  lone: {targets: [r/m]}
limits:
  defaults: {key: {rpm: 3, tpm: 1000, itpm: 900}, end_user: {rpm: 1}}
  routes: {narrow: {rpm: 1}}
  models: {q/m: {rpm: 1}}
  providers: {r: {rpd: 1}}
`;

let upstream: Simulator;
let gateway: TestGateway;

before(async () => {
  upstream = await startSimulator({
    script: [
      { times: 'forever', reply: { text: 'fine', finish: 'stop', usage: { input_tokens: 10, output_tokens: 20 } } },
    ],
  });
  const models = 'm: {price: {input: 1, output: 2}, limits: {output: 4096}}';
  const row = `{dialect: openai-chat, base_url: "${upstream.url}/openai/v1", api_key: sk-upstream, models: {${models}}}`;
  gateway = await startGateway({ config: testConfig({ p: row, q: row, r: row }, LIMITS) });
});

after(async () => {
  await gateway.stop();
  await upstream.close();
});

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonRecord;
}

interface Ask {
  readonly method?: string;
  readonly body?: JsonRecord;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(path: string, key: string, { method, body, headers = {} }: Ask = {}): Promise<Got> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: asRecord(parseJson(text)) ?? {} };
}

async function newKey(): Promise<string> {
  const { body } = await ask('/admin/v1/keys', ROOT_KEY, { body: { name: 'ci' } });
  return asString(body['key']) ?? '';
}

function hi(model = 'p/m', more: JsonRecord = {}): JsonRecord {
  return { model, max_tokens: 50, messages: [{ role: 'user', content: 'hi' }], ...more };
}

function messageIn({ body }: Got): string {
  return asString(asRecord(body['error'])?.['message']) ?? '';
}

const CHAT = '/v1/chat/completions';

/** One request for each route; an id where one is wanted. */
const SAMPLES = [
  'POST /v1/chat/completions',
  'POST /v1/completions',
  'POST /v1/responses',
  'POST /v1/responses/input_tokens',
  'GET /v1/responses/resp_1',
  'DELETE /v1/responses/resp_1',
  'GET /v1/responses/resp_1/input_items',
  'POST /v1/responses/resp_1/cancel',
  'POST /v1/messages',
  'POST /v2/chat',
  'POST /v1/messages/count_tokens',
  'POST /v1/embeddings',
  'POST /v1/rerank',
  'POST /v1/moderations',
  'POST /v1/images/generations',
  'POST /v1/images/edits',
  'POST /v1/audio/speech',
  'POST /v1/audio/transcriptions',
  'POST /v1/audio/translations',
  'POST /v2/embed',
  'POST /v2/rerank',
  'POST /v1/files',
  'GET /v1/files',
  'GET /v1/files/file_1',
  'DELETE /v1/files/file_1',
  'GET /v1/files/file_1/content',
  ...['batches', 'messages/batches'].flatMap((name) => [
    `POST /v1/${name}`,
    `GET /v1/${name}`,
    `GET /v1/${name}/batch_1`,
    `POST /v1/${name}/batch_1/cancel`,
  ]),
  'DELETE /v1/messages/batches/batch_1',
  'GET /v1/messages/batches/batch_1/results',
  ...['embedContent', 'batchEmbedContents', 'generateContent', 'streamGenerateContent', 'countTokens'].map(
    (verb) => `POST /v1beta/models/m:${verb}`,
  ),
  'GET /v1/models',
  'HEAD /v1/models',
  'GET /v1beta/models',
  'HEAD /v1beta/models',
  'GET /v1/models/p/m',
  'HEAD /v1/models/p/m',
  'GET /v1beta/models/p/m',
  'HEAD /v1beta/models/p/m',
  'POST /v1/explain',
  'GET /v1/decisions/req_1',
  'POST /v1/feedback',
];
/** What nobody is kept from: whether it is alive, what it is, and what raises a limit. */
const FREE = [
  'GET /v1/responses',
  ...['healthz', 'readyz', 'metrics', ''].flatMap((name) => [`GET /${name}`, `HEAD /${name}`]),
  ...['GET', 'POST', 'PATCH', 'DELETE'].map((method) => `${method} /admin/v1/keys`),
];

describe('a key that has used up its limit', () => {
  it('is refused on every route there is', async () => {
    const missing = routesTaken().filter(
      ({ method, fits }) =>
        ![...SAMPLES, ...FREE].some(
          (one) => one.startsWith(`${method} `) && fits(one.slice(method.length + 1).split('?')[0] ?? ''),
        ),
    );
    assert.deepEqual(
      missing.map(({ name }) => name),
      [],
    );
    const key = await newKey();
    for (let count = 0; count < 3; count += 1) assert.equal((await ask('/v1/models', key)).status, 200);
    for (const sample of SAMPLES) {
      const [method = '', path = ''] = sample.split(' ');
      const got = await ask(path, key, method === 'POST' ? { body: hi() } : { method });
      assert.equal(got.status, 429, sample);
      assert.ok(Number(got.headers.get('retry-after')) >= 1, sample);
    }
  });

  it('is told whose limit it is, how high, and when to come again', async () => {
    const key = await newKey();
    for (const left of ['2', '1', '0']) {
      const got = await ask(CHAT, key, { body: hi() });
      assert.equal(got.status, 200);
      assert.equal(got.headers.get('x-ratelimit-limit-requests'), '3');
      assert.equal(got.headers.get('x-ratelimit-remaining-requests'), left);
      assert.equal(got.headers.get('x-ratelimit-reset-requests'), '1m0s');
      assert.equal(got.headers.get('x-ratelimit-limit-tokens'), '1000');
      assert.equal(got.headers.get('anthropic-ratelimit-requests-limit'), null);
    }
    const got = await ask(CHAT, key, { body: hi() });
    assert.equal(got.status, 429);
    assert.match(messageIn(got), /^Too many requests: key "ci" may have 3 requests a minute\. Try again in \d+ s\.$/);
    assert.equal(got.headers.get('x-ratelimit-remaining-requests'), '0');
    const afterMs = Number(got.headers.get('retry-after-ms'));
    assert.ok(afterMs > 50_000 && afterMs <= 61_000, String(afterMs));
    assert.equal(got.headers.get('retry-after'), String(Math.ceil(afterMs / 1000)));
    assert.equal(got.headers.get('x-should-retry'), 'true');
    const record = await ask(`/v1/decisions/${got.headers.get('x-turnout-decision')}`, ROOT_KEY);
    assert.equal(record.body['outcome'], 'rate_limited');
  });

  it('is told in the words of Anthropic where it speaks them', async () => {
    const key = await newKey();
    const got = await ask('/v1/messages', key, { body: hi() });
    assert.equal(got.status, 200);
    assert.equal(got.headers.get('anthropic-ratelimit-requests-limit'), '3');
    assert.equal(got.headers.get('anthropic-ratelimit-requests-remaining'), '2');
    assert.equal(got.headers.get('anthropic-ratelimit-tokens-limit'), '1000');
    assert.equal(got.headers.get('anthropic-ratelimit-input-tokens-limit'), '900');
    assert.match(got.headers.get('anthropic-ratelimit-requests-reset') ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    for (let count = 0; count < 2; count += 1) await ask('/v1/messages', key, { body: hi() });
    const refused = await ask('/v1/messages', key, { body: hi() });
    assert.equal(refused.status, 429);
    assert.equal(asRecord(refused.body['error'])?.['type'], 'rate_limit_error');
    assert.equal(refused.headers.get('anthropic-ratelimit-requests-remaining'), '0');
  });

  it('does not keep another key away, nor the root key', async () => {
    const key = await newKey();
    for (let count = 0; count < 4; count += 1) await ask('/v1/models', key);
    assert.equal((await ask('/v1/models', key)).status, 429);
    assert.equal((await ask('/v1/models', await newKey())).status, 200);
    for (let count = 0; count < 5; count += 1) assert.equal((await ask('/v1/models', ROOT_KEY)).status, 200);
  });
});

describe('tokens', () => {
  it('are put down before the answer, and corrected by what it had', async () => {
    const key = await newKey();
    const first = await ask(CHAT, key, { body: hi('p/m', { max_tokens: 800 }) });
    const reserved = 1000 - Number(first.headers.get('x-ratelimit-remaining-tokens'));
    assert.ok(reserved > 20 && reserved <= 820, String(reserved));
    const second = await ask(CHAT, key, { body: hi('p/m', { max_tokens: 1 }) });
    // 30 of the first, and at most 30 for the second.
    assert.ok(Number(second.headers.get('x-ratelimit-remaining-tokens')) >= 940);
  });

  it('of one request that are more than the limit are refused for good', async () => {
    const key = await newKey();
    const long = 'word '.repeat(2000);
    const got = await ask(CHAT, key, { body: hi('p/m', { messages: [{ role: 'user', content: long }] }) });
    assert.equal(got.status, 429);
    assert.match(messageIn(got), /^This request alone needs \d+, and key "ci" may have \d+ (input )?tokens a minute\./);
    assert.equal(got.headers.get('x-should-retry'), 'false');
  });
});

describe('limits of others than the key', () => {
  it('bind an end user, by body or header, and nobody else', async () => {
    const key = await newKey();
    assert.equal((await ask(CHAT, key, { body: hi('p/m', { user: 'eve' }) })).status, 200);
    const again = await ask(CHAT, key, { body: hi(), headers: { 'x-turnout-user': 'eve' } });
    assert.equal(again.status, 429);
    assert.match(messageIn(again), /end user "eve" may have 1 request a minute/);
    const metadata = { user_id: 'mallory' };
    assert.equal((await ask('/v1/messages', key, { body: hi('p/m', { metadata }) })).status, 200);
    assert.equal((await ask(CHAT, await newKey(), { body: hi('p/m', { user: 'eve' }) })).status, 200);
  });

  it('bind a route for all who use it', async () => {
    assert.equal((await ask(CHAT, await newKey(), { body: hi('narrow') })).status, 200);
    const got = await ask(CHAT, await newKey(), { body: hi('narrow') });
    assert.equal(got.status, 429);
    assert.match(messageIn(got), /route "narrow" may have 1 request a minute/);
  });

  it('pass over a target that is at its limit, and refuse where there is no other', async () => {
    const served: (string | null)[] = [];
    for (let count = 0; count < 3; count += 1)
      served.push((await ask(CHAT, ROOT_KEY, { body: hi('both') })).headers.get('x-turnout-provider'));
    assert.deepEqual(served, ['q', 'p', 'p']);
    assert.equal((await ask(CHAT, ROOT_KEY, { body: hi('lone') })).status, 200);
    const got = await ask(CHAT, ROOT_KEY, { body: hi('lone') });
    assert.equal(got.status, 429);
    assert.match(messageIn(got), /provider "r" may have 1 request a day\. Try again in 2[45] h/);
  });
});
