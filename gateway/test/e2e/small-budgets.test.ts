/** Budgets of a few tenths of a cent: used to their end, never beyond it, and refused in words that name every figure. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { asNumber, asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

let upstream: Simulator;
let gateway: TestGateway;

before(async () => {
  upstream = await startSimulator({
    script: [
      { times: 'forever', reply: { text: 'fine', finish: 'stop', usage: { input_tokens: 10, output_tokens: 10 } } },
    ],
  });
  const models = 'm: {price: {input: 1, output: 2}, limits: {output: 4096}}';
  const row = `{dialect: openai-chat, base_url: "${upstream.url}/openai/v1", api_key: sk-upstream, models: {${models}}}`;
  gateway = await startGateway({ config: testConfig({ p: row }) });
});

after(async () => {
  await gateway.stop();
  await upstream.close();
});

async function call(path: string, key: string, body?: JsonRecord): Promise<{ status: number; body: JsonRecord }> {
  const response = await fetch(`${gateway.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: asRecord(JSON.parse(text)) ?? {} };
}

async function keyOf(budgetUsd: string): Promise<{ id: string; key: string }> {
  const { body } = await call('/admin/v1/keys', ROOT_KEY, { name: 'small', budget_usd: budgetUsd });
  return { id: asString(body['id']) ?? '', key: asString(body['key']) ?? '' };
}

const HI: JsonRecord = { model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] };

it('serves one request after the other from a budget that is below the bound of a single one', async () => {
  const { id, key } = await keyOf('0.0005');
  const statuses: number[] = [];
  // 10 and 10 tokens at 1 and 2 USD a million: 30,000 of 500,000 nano-dollars each.
  for (let count = 0; count < 20; count += 1) statuses.push((await call('/v1/chat/completions', key, HI)).status);
  const served = statuses.filter((status) => status === 200).length;
  assert.deepEqual(statuses, [...Array<number>(served).fill(200), ...Array<number>(20 - served).fill(402)]);
  // What must stay: the usual bound of the input (210 tokens) and 10 tokens of output, 230,000.
  assert.equal(served, 10);
  const { body } = await call(`/admin/v1/keys/${id}`, ROOT_KEY);
  assert.deepEqual([body['spent_usd'], body['held_usd']], ['0.0003', '0']);
});

it('serves some of a hundred at once from such a budget, and none beyond it', async () => {
  const { id, key } = await keyOf('0.0004');
  const answers = await Promise.all(Array.from({ length: 100 }, async () => call('/v1/chat/completions', key, HI)));
  const served = answers.filter(({ status }) => status === 200).length;
  assert.ok(served >= 1, 'nobody was served');
  assert.equal(answers.filter(({ status }) => status === 402).length, 100 - served);
  const { body } = await call(`/admin/v1/keys/${id}`, ROOT_KEY);
  assert.ok(Number(body['spent_usd']) <= 0.0004);
  assert.equal(body['held_usd'], '0');
});

it('gives the last of a budget for no less than was asked for', async () => {
  const { key } = await keyOf('0.0005');
  const status = async (maxTokens: number): Promise<number> =>
    (await call('/v1/chat/completions', key, { ...HI, max_tokens: maxTokens })).status;
  // 210 tokens of input and 145 of output are 500,000 nano-dollars.
  assert.deepEqual([await status(146), await status(145)], [402, 200]);
});

it('holds little for answers that are known to be short, and lets as many go on side by side as it can pay', async () => {
  const open = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
  const { key: ample } = await keyOf('1000');
  for (let count = 0; count < 25; count += 1) await call('/v1/chat/completions', ample, open);
  const { id, key } = await keyOf('0.01');
  upstream.script([
    {
      times: 'forever',
      delay_ms: 300,
      reply: { text: 'fine', finish: 'stop', usage: { input_tokens: 10, output_tokens: 10 } },
    },
  ]);
  const askedBefore = upstream.log.requests.length;
  const replies = Array.from({ length: 30 }, async () => call('/v1/chat/completions', key, open));
  // 256 tokens of output and at most 1,020 of input, 1.53 m nano-dollars each; unclamped it would be one at a time.
  let heldMost = 0;
  const answered = new AbortController();
  void Promise.all(replies).finally(() => answered.abort());
  while (!answered.signal.aborted) {
    const { body } = await call(`/admin/v1/keys/${id}`, ROOT_KEY);
    heldMost = Math.max(heldMost, Number(body['held_usd']));
    assert.ok(Number(body['held_usd']) + Number(body['spent_usd']) <= 0.01);
  }
  const statuses = (await Promise.all(replies)).map(({ status }) => status);
  assert.deepEqual(new Set(statuses), new Set([200]), 'whoever waits a moment is served');
  assert.ok(heldMost > 0.0085, `${heldMost} held at most`);
  const bodies = upstream.log.requests.slice(askedBefore).map(({ body }) => asRecord(body));
  const limits = bodies.map((body) => asNumber(body?.['max_tokens']) ?? 0);
  // Whoever takes the last of it, for itself alone, may have a little more.
  assert.ok(limits.filter((limit) => limit === 256).length >= 20, limits.join());
  assert.ok(
    limits.every((limit) => limit >= 256 && limit < 512),
    limits.join(),
  );
});

it('cuts no answer shorter than is of use, as long as all that is left is enough for that', async () => {
  const { key } = await keyOf('0.0012');
  const askedBefore = upstream.log.requests.length;
  const open = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
  const reply = await call('/v1/chat/completions', key, open);
  assert.equal(reply.status, 200);
  const [sent] = upstream.log.requests.slice(askedBefore);
  // Beside the bound of a hidden prompt there is room for 90 tokens, beside what is usual for 495.
  assert.equal(asNumber(asRecord(sent?.body)?.['max_tokens']), 495);
});

it('names owner, limit, spent, held, and that nothing resets by itself', async () => {
  const { key } = await keyOf('0.00001');
  const { status, body } = await call('/v1/chat/completions', key, HI);
  assert.equal(status, 402);
  assert.match(
    asString(asRecord(body['error'])?.['message']) ?? '',
    /^The budget of key "small" has too little left for this request: limit 0\.00001 USD, spent 0 USD, held 0 USD, reset never/,
  );
});
