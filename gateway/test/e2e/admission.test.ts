/**
 * Every way in passes the one admission: a key whose budget is used up gets 402 on each route that would ask a model, and no
 * provider sees anything. The router's own list is walked, so that a new route is here or among those that cost nothing.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { routesTaken } from '../../src/http/routes.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { goodBody, PATHS, PROTOCOLS } from './bad-input.ts';
import { FORM_ENDPOINTS, JSON_ENDPOINTS } from './endpoints.ts';

/** Posts that ask no model, or only one that counts: nothing is charged for them. */
const COSTS_NOTHING: readonly string[] = [
  '/v1/responses/input_tokens',
  '/v1/responses/resp_1/cancel',
  '/v1/messages/count_tokens',
  '/v1beta/models/gem%2Fm:countTokens',
  '/v1/explain',
  '/v1/feedback',
  // Their lines are admitted one by one: e2e/batches.
  ...['batches', 'messages/batches'].flatMap((name) => [`/v1/${name}`, `/v1/${name}/batch_1/cancel`]),
  '/v1/files',
  '/admin/v1/keys',
  '/auth/session',
  '/login',
  '/webhooks/stripe',
];

let upstream: Simulator;
let gateway: TestGateway;
let poor = '';

before(async () => {
  upstream = await startSimulator({ outputTokens: 8 });
  const price = '{input: 1, output: 2, image: 0.01, second: 0.001, character: 0.00001}';
  const row = (dialect: string, path: string): string =>
    `{dialect: ${dialect}, base_url: "${upstream.url}${path}", api_key: sk-upstream, models: {m: {price: ${price}}}}`;
  gateway = await startGateway({
    config: testConfig({
      house: row('openai-chat', '/openai/v1'),
      claude: row('anthropic-messages', '/anthropic'),
      gem: row('gemini', '/gemini/v1beta'),
    }),
  });
  const made = await post('/admin/v1/keys', { name: 'poor', budget_usd: '0.000000001' }, ROOT_KEY);
  poor = asString(asRecord(parseJson(made.text))?.['key']) ?? '';
});

after(async () => {
  await gateway.stop();
  await upstream.close();
});

async function post(
  path: string,
  body: JsonRecord | FormData,
  key: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const isForm = body instanceof FormData;
  const reply = await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, ...(isForm ? {} : { 'content-type': 'application/json' }) },
    body: isForm ? body : JSON.stringify(body),
  });
  return { status: reply.status, text: await reply.text() };
}

const ASKS: readonly (readonly [path: string, body: JsonRecord | FormData])[] = [
  ...PROTOCOLS.map((protocol) => [PATHS[protocol], goodBody(protocol)] as const),
  [PATHS.gemini.replace('generateContent', 'streamGenerateContent'), goodBody('gemini')],
  ...JSON_ENDPOINTS.map(({ path, good }) => [path, good] as const),
  ...FORM_ENDPOINTS.map(({ path, fields, fileField, type }) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set(fileField, new Blob([Buffer.alloc(64)], { type }), 'file');
    return [path, form] as const;
  }),
];

it('names every route that takes a body', () => {
  const known = [...ASKS.map(([path]) => path), ...COSTS_NOTHING];
  const missing = routesTaken().filter(({ method, fits }) => method === 'POST' && !known.some((path) => fits(path)));
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
});

for (const [path, body] of ASKS) {
  if (COSTS_NOTHING.includes(path)) continue;
  it(`refuses ${path} with 402 where the budget is used up, and asks nobody`, async () => {
    const before = upstream.log.requests.length;
    const { status, text } = await post(path, body, poor);
    assert.equal(status, 402, text);
    assert.match(
      text,
      /The budget of key \\?"poor\\?" has too little left for this request: limit 0\.000000001 USD, spent 0 USD/,
    );
    assert.equal(upstream.log.requests.length, before);
  });
}
