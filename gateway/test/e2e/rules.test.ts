/** Rules, ranges and routes through a whole gateway: a rule without an answer, a caller's address, a request that comes back, what a team can read. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, asString, parseJson, type JsonRecord } from '../../src/lib/json.ts';
import { startInside, type Inside } from './inside.ts';

const CONFIG = `
callers: {regions: [{range: 127.0.0.0/8, region: de}]}
providers:
  us: {dialect: openai-chat, base_url: "https://us.example/v1", api_key: k, region: us-east-1, models: {m: {}}}
  eu: {dialect: openai-chat, base_url: "https://eu.example/v1", api_key: k, region: eu-central-1, models: {m: {}}}
routes:
  odd:
    description: a rule that has no answer
    targets: [us/m, eu/m]
    rules:
      - {name: odd, when: '10 / (facts.input_tokens - facts.input_tokens) > 1', use: {targets: [eu/m]}}
      - {name: next, when: '"vip" in facts.tags', use: {targets: [eu/m]}}
  here: {targets: [us/m, eu/m], require: {region: caller}}
`;

let gateway: Inside;
before(async () => {
  gateway = await startInside({
    config: CONFIG,
    answer: (call) => ({
      body: JSON.stringify({
        id: 'x',
        object: 'chat.completion',
        model: 'm',
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: new URL(call.url).host } }],
        usage: { prompt_tokens: 1, completion_tokens: 1 },
      }),
    }),
  });
});
after(async () => gateway.close());

async function ask(model: string, more: JsonRecord = {}): Promise<{ readonly by: string; readonly decision: string }> {
  const got = await gateway.post('/v1/chat/completions', {
    model,
    messages: [{ role: 'user', content: 'hi' }],
    ...more,
  });
  const [choice] = asArray(asRecord(parseJson(got.text))?.['choices']) ?? [];
  return { by: asString(asRecord(asRecord(choice)?.['message'])?.['content']) ?? got.text, decision: got.decision };
}

// B62 of the list of faults: a rule's error falls to the default of the route, and is seen.
describe('a rule that has no answer', () => {
  it('leaves the request to the rules after it, and to the route', async () => {
    assert.equal((await ask('odd')).by, 'us.example');
    assert.equal((await ask('odd', { turnout: { tags: ['vip'] } })).by, 'eu.example');
  });

  it('is told in the record of the request', async () => {
    const { decision } = await ask('odd');
    const { text } = await gateway.get(`/v1/decisions/${decision}`);
    assert.match(text, /odd: divides by zero/);
  });
});

describe('the address of a caller', () => {
  it('says where the caller is, and nothing that the caller says takes it elsewhere', async () => {
    assert.equal((await ask('here')).by, 'eu.example');
    assert.equal((await ask('here', { turnout: { region: 'us' } })).by, 'eu.example');
  });
});

describe('an explanation', () => {
  it('knows where the caller is as the request does', async () => {
    const body = { model: 'here', messages: [{ role: 'user', content: 'hi' }] };
    const { text } = await gateway.post('/v1/explain', body);
    const [step] = asArray(asRecord(parseJson(text))?.['plan']) ?? [];
    assert.equal(asRecord(step)?.['target'], 'eu/m', text);
  });
});

// F63 of the list of faults: circles that no file shows, over another gateway, are found as they run.
describe('a request that comes back to the gateway that sent it', () => {
  it('is refused with 508, whatever stood between', async () => {
    await ask('odd');
    const hop = gateway.sent.at(-1)?.headers['x-turnout-hop'] ?? '';
    assert.match(hop, /^[\w-]{8,}$/);
    const before = gateway.sent.length;
    const body = { model: 'odd', messages: [{ role: 'user', content: 'hi' }] };
    for (const hops of [hop, `other, ${hop}`]) {
      const got = await gateway.post('/v1/chat/completions', body, { 'x-turnout-hop': hops });
      assert.equal(got.status, 508);
      assert.match(got.text, /loop/);
    }
    assert.equal(gateway.sent.length, before);
  });

  it('goes on from another gateway, with both named', async () => {
    const body = { model: 'odd', messages: [{ role: 'user', content: 'hi' }] };
    const got = await gateway.post('/v1/chat/completions', body, { 'x-turnout-hop': 'other' });
    assert.equal(got.status, 200);
    assert.match(gateway.sent.at(-1)?.headers['x-turnout-hop'] ?? '', /^other, ?[\w-]{8,}$/);
  });
});

describe('routes to read', () => {
  it('are told in plain words at /admin/v1/routes', async () => {
    const { status, text } = await gateway.get('/admin/v1/routes');
    assert.equal(status, 200);
    const [odd, here] = (asArray(asRecord(parseJson(text))?.['data']) ?? []).map(asRecord);
    assert.deepEqual(
      [odd?.['id'], odd?.['description'], odd?.['strategy']],
      ['odd', 'a rule that has no answer', 'ordered'],
    );
    assert.match(JSON.stringify(odd?.['summary']), /the first that can of us\/m and eu\/m/);
    assert.deepEqual(asArray(odd?.['rules'])?.[1], { name: 'next', when: '"vip" in facts.tags', does: 'to eu/m' });
    assert.match(JSON.stringify(here?.['summary']), /are in the caller’s region/);
  });
});
