/** Limits under a crowd: requests that wait in turn, and three gateways that count together. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { skipWithout } from '../services/missing.ts';
import { ownValkey, whyNoValkey, type OwnValkey } from '../services/valkey.ts';

const HI: JsonRecord = { model: 'p/m', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] };
/** Of the upstream: long beside all that this machine may be busy with. */
const ANSWER_MS = 100;

let upstream: Simulator;
let provider = '';

before(async () => {
  const usage = { input_tokens: 10, output_tokens: 20 };
  upstream = await startSimulator({
    script: [{ times: 'forever', delay_ms: ANSWER_MS, reply: { text: 'fine', finish: 'stop', usage } }],
  });
  const models = 'm: {price: {input: 1, output: 2}, limits: {output: 4096}}';
  provider = `{dialect: openai-chat, base_url: "${upstream.url}/openai/v1", api_key: sk-upstream, models: {${models}}}`;
});

after(async () => upstream.close());

interface Got {
  readonly status: number;
  readonly ms: number;
  readonly body: JsonRecord;
}

async function ask(
  gateway: TestGateway,
  path: string,
  key: string,
  body?: JsonRecord,
  signal?: AbortSignal,
): Promise<Got> {
  const startedMs = performance.now();
  const response = await fetch(`${gateway.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  return { status: response.status, ms: performance.now() - startedMs, body: asRecord(parseJson(text)) ?? {} };
}

const chat = async (gateway: TestGateway, key: string, signal?: AbortSignal): Promise<Got> =>
  ask(gateway, '/v1/chat/completions', key, HI, signal);

async function newKey(gateway: TestGateway, limits?: JsonRecord): Promise<string> {
  const { body } = await ask(gateway, '/admin/v1/keys', ROOT_KEY, {
    name: 'k',
    ...(limits === undefined ? {} : { limits }),
  });
  return asString(body['key']) ?? '';
}

async function metric(gateway: TestGateway, series: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(series));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Until it is so. */
async function until(what: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!(await what())) assert.ok(performance.now() < endMs, 'it did not come to be');
}

describe('a line', () => {
  let gateway: TestGateway;
  before(async () => {
    const rest =
      'routes: {}\nlimits: {defaults: {key: {concurrent: 2}}, providers: {}, queue: {wait_ms: 5000, size: 20}}';
    gateway = await startGateway({ config: testConfig({ p: provider }, rest) });
  });
  after(async () => gateway.stop());

  it('lets requests beyond a limit wait instead of refusing them, as many as have a place', async () => {
    const key = await newKey(gateway);
    const all = await Promise.all(Array.from({ length: 30 }, async () => chat(gateway, key)));
    const served = all.filter(({ status }) => status === 200);
    // More, where the first are done before the last have come.
    assert.ok(served.length >= 22, String(served.length));
    assert.ok(all.every(({ status }) => status === 200 || status === 429));
    assert.equal(await metric(gateway, 'turnout_limit_waiting'), 0);
    const waited = await metric(gateway, 'turnout_limit_wait_seconds_count{result="passed"}');
    assert.ok(waited >= 20 && waited <= served.length - 2, String(waited));
  });

  it('F42 forgets who has left', async () => {
    const key = await newKey(gateway);
    const leaving = new AbortController();
    const busy = [chat(gateway, key), chat(gateway, key)];
    const waiting = Array.from({ length: 5 }, async () => chat(gateway, key, leaving.signal).catch(() => undefined));
    await until(async () => (await metric(gateway, 'turnout_limit_waiting')) === 5);
    leaving.abort();
    await Promise.all(waiting);
    await until(async () => (await metric(gateway, 'turnout_limit_waiting')) === 0);
    for (const { status } of await Promise.all(busy)) assert.equal(status, 200);
    assert.equal((await chat(gateway, key)).status, 200);
  });
});

describe('three gateways on one Valkey', { skip: skipWithout(whyNoValkey()) }, () => {
  let valkey: OwnValkey;
  const gateways: TestGateway[] = [];

  before(async () => {
    valkey = await ownValkey();
    const rest = `shared: "${valkey.url}"\nroutes: {all: {targets: [p/m]}}\nlimits: {routes: {all: {rpm: 120}}}`;
    const config = testConfig({ p: provider }, rest);
    for (let count = 0; count < 3; count += 1) gateways.push(await startGateway({ config }));
    for (const gateway of gateways)
      await until(
        async () =>
          (await metric(gateway, 'turnout_processes ')) === 3 &&
          (await metric(gateway, 'turnout_limits_shared ')) === 1,
      );
  });
  after(async () => {
    for (const gateway of gateways) await gateway.stop();
    await valkey.remove();
  });

  const sent = async (count: number): Promise<readonly Got[]> =>
    Promise.all(
      Array.from({ length: count }, async (_, at) => {
        const gateway = gateways[at % gateways.length];
        assert.ok(gateway !== undefined);
        return ask(gateway, '/v1/chat/completions', ROOT_KEY, { ...HI, model: 'all' });
      }),
    );

  it('let no more through than the limit, of 1,000 requests at once', async () => {
    const all = await sent(1000);
    const [served = 0, refused = 0] = [200, 429].map((status) => all.filter((got) => got.status === status).length);
    assert.equal(served + refused, 1000);
    // What is left at the end may lie in a slice of whom nobody asks any more: a sixteenth for each process at most.
    assert.ok(served <= 120 && served >= 120 - 3 * Math.floor(120 / 16), String(served));
  });

  it('F58 serve on while it is away, and count together again when it is back', async () => {
    await valkey.stop();
    const away = await sent(30);
    assert.ok(away.every(({ status }) => status === 200 || status === 429));
    for (const gateway of gateways) await until(async () => (await metric(gateway, 'turnout_limits_shared ')) === 0);
    assert.equal((await ask(gateways[0] ?? assert.fail(), '/v1/chat/completions', ROOT_KEY, HI)).status, 200);
    await valkey.start();
    for (const gateway of gateways) await until(async () => (await metric(gateway, 'turnout_limits_shared ')) === 1);
    // Of what all had used, nothing is forgotten.
    const back = (await sent(30)).filter(({ status }) => status === 200).length;
    assert.ok(back <= 3 * Math.floor(120 / 16), String(back));
  });
});
