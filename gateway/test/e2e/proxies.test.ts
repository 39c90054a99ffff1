/** A proxy in front: who asks is whom it names, and nobody else is believed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asString } from '../../src/lib/json.ts';
import { startGateway, testConfig, type TestGateway } from '../harness.ts';
import { asRoot, firstOwner, PASSWORD, send, type Answer } from '../people-kit.ts';

const HOUSE = '{dialect: openai-chat, base_url: "http://127.0.0.1:1/v1", models: {a: {}}}';
/** Of all of 127.0.0.0/8 only this one is a proxy. */
const PROXY = '127.0.0.1';
const STRANGER = '127.0.0.9';

let gateway: TestGateway;
let token = '';

before(async () => {
  gateway = await startGateway({ config: testConfig({ house: HOUSE }, `server: {trusted_proxies: [${PROXY}]}`) });
  await firstOwner(gateway);
  const made = await asRoot(gateway, 'POST', '/admin/v1/keys', {
    name: 'a',
    addresses: ['198.51.100.0/24', '127.0.0.9'],
  });
  token = asString(made.body['key']) ?? '';
});
after(async () => {
  assert.equal(await gateway.stop(), 0);
});

async function models(from: string, forwarded?: string): Promise<number> {
  const named = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  const headers = { authorization: `Bearer ${token}`, ...named };
  return (await send('GET', `${gateway.url}/v1/models`, { headers, from })).status;
}

describe('a key for some addresses', () => {
  it('is taken from whom the proxy names, and from no other', async () => {
    assert.equal(await models(PROXY, '198.51.100.7'), 200);
    assert.equal(await models(PROXY, '203.0.113.1, 198.51.100.7'), 200, 'what stands before it was written by anyone');
    assert.equal(await models(PROXY, `198.51.100.7, ${PROXY}`), 200, 'a proxy behind a proxy');
    assert.equal(await models(PROXY), 403, 'the proxy itself');
    for (const forwarded of ['203.0.113.1', '198.51.100.7, 203.0.113.1', 'unknown', '', ','])
      assert.equal(await models(PROXY, forwarded), 403, forwarded);
  });

  it('is not taken by who only says so', async () => {
    assert.equal(await models(STRANGER), 200);
    assert.equal(await models('127.0.0.8', '198.51.100.7'), 403);
  });
});

describe('guessing passwords through a proxy', () => {
  const login = async (address: string, password: string): Promise<Answer> =>
    send('POST', `${gateway.url}/auth/login`, {
      from: PROXY,
      headers: { 'x-forwarded-for': address },
      json: { email: 'owner@example.org', password },
    });

  it('shuts out who guesses, and nobody else', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 14 }, async (_, at) => login('203.0.113.66', `wrong guess ${at}`)),
    );
    assert.ok(guesses.some(({ status }) => status === 429));
    assert.equal((await login('203.0.113.66', PASSWORD)).status, 429);
    const owner = await login('198.51.100.7', PASSWORD);
    assert.equal(owner.status, 200, owner.text);
  });
});
