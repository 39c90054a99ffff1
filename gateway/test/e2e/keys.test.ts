/** Keys from outside, by the rows of the fault table: who may do what, from where, and how soon a change holds everywhere. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { asArray, asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { newToken } from '../../src/store/token.ts';
import { ROOT_KEY, runCli, startGateway, testConfig, type TestGateway } from '../harness.ts';

const HOLDS_MS = 5000;
let dir: string;
let simulator: Simulator;
/** Two processes on one store. */
let gateways: readonly TestGateway[] = [];

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'turnout-keys-'));
  simulator = await startSimulator({ outputTokens: 4 });
  const row = (region: string): string =>
    `{dialect: openai-chat, base_url: '${simulator.url}/openai/v1', api_key: sk-${region}, region: ${region}, models: {m: {}, x: {}}}`;
  const config = testConfig({ near: row('eu'), far: row('us') }, 'routes: {main: {targets: [near/m, far/m]}}');
  const one = await startGateway({ config, dir });
  gateways = [one, await startGateway({ config, dir })];
});

after(async () => {
  for (const gateway of gateways) assert.equal(await gateway.stop(), 0);
  await simulator.close();
  rmSync(dir, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: JsonRecord;
}

interface Asking {
  readonly at?: TestGateway | undefined;
  readonly method?: string;
  readonly body?: JsonRecord;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(path: string, { at = gateways[0], method, body, headers = {} }: Asking): Promise<Answer> {
  const response = await fetch(`${at?.url ?? ''}${path}`, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = asRecord(await response.json()) ?? {};
  return { status: response.status, code: asString(asRecord(answer['error'])?.['code']), body: answer };
}

const bearer = (token: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${token}` });
const admin = async (path: string, body?: JsonRecord, method?: string): Promise<JsonRecord> => {
  const answer = await ask(`/admin/v1/${path}`, {
    headers: bearer(ROOT_KEY),
    ...(body === undefined ? {} : { body }),
    ...(method === undefined ? {} : { method }),
  });
  assert.ok(answer.status < 300, JSON.stringify(answer.body));
  return answer.body;
};

interface Made {
  readonly id: string;
  readonly token: string;
}

async function newKey(fields: JsonRecord = {}): Promise<Made> {
  const made = await admin('keys', { name: 'test', ...fields });
  return { id: asString(made['id']) ?? '', token: asString(made['key']) ?? '' };
}

const HI: JsonRecord = { messages: [{ role: 'user', content: 'hi' }] };
const chat = async (token: string, more: Asking & { readonly model?: string } = {}): Promise<Answer> =>
  ask('/v1/chat/completions', { body: { ...HI, model: more.model ?? 'near/m' }, headers: bearer(token), ...more });

describe('B16: a model that the key may not use', () => {
  it('is unknown in the same words as one that does not exist, and is in no list', async () => {
    const words = /^No model "[^"]+" can be used with this key\. GET \/v1\/models lists what there is\.$/;
    for (const fields of [{ models: ['near/m'] }, { routes: ['main'] }, { providers: ['near'] }, { regions: ['eu'] }]) {
      const { token } = await newKey(fields);
      for (const model of ['far/x', 'far/nothing', 'x-nothing', 'nobody/far']) {
        const { status, code, body } = await chat(token, { model });
        assert.deepEqual([status, code], [404, 'model_unknown'], `${JSON.stringify(fields)} ${model}`);
        assert.match(asString(asRecord(body['error'])?.['message']) ?? '', words);
        const one = await ask(`/v1/models/${model}`, { headers: bearer(token) });
        assert.deepEqual([one.status, one.code], [404, 'model_unknown']);
      }
      const list = await ask('/v1/models', { headers: bearer(token) });
      const ids = (asArray(list.body['data']) ?? []).map((row) => asString(asRecord(row)?.['id']) ?? '');
      assert.ok(ids.length > 0 && !ids.some((id) => id.startsWith('far/')), ids.join(' '));
    }
  });

  it('takes no part in a route, and is in no record of it that the key may read', async () => {
    const { token } = await newKey({ regions: ['us'] });
    const { status } = await chat(token, { model: 'main' });
    assert.equal(status, 200);
    const explained = await ask('/v1/explain', { body: { ...HI, model: 'main' }, headers: bearer(token) });
    const planned = (asArray(explained.body['plan']) ?? []).map((row) => asRecord(row)?.['target']);
    assert.deepEqual(planned, ['far/m']);
    assert.ok(!JSON.stringify(explained.body).includes('near/m'));
  });
});

describe('B33: the right prefix and a wrong checksum', () => {
  it('10,000 times over is 401 each time, while others are served', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const url = `${gateways[0]?.url ?? ''}/v1/models`;
    const wrong = (): string => `${newToken().slice(0, -1)}-`;
    const one = (): Promise<number> =>
      new Promise((resolve, reject) => {
        request(url, { agent, headers: bearer(wrong()) }, (response) => {
          response.resume().once('end', () => resolve(response.statusCode ?? 0));
        })
          .once('error', reject)
          .end();
      });
    const startedMs = performance.now();
    const { token } = await newKey();
    const all = Promise.all(Array.from({ length: 10_000 }, one));
    assert.equal((await chat(token)).status, 200);
    const statuses = new Set(await all);
    agent.destroy();
    assert.deepEqual(statuses, new Set([401]));
    // Not of the store, which nobody asked: of 10,000 answers on a machine that others use as well.
    assert.ok(performance.now() - startedMs < 60_000);
  });
});

/** What the other process answers once it has heard of the change, and after how long. */
async function untilRefused(token: string, at: TestGateway | undefined, headers = bearer(token)): Promise<Answer> {
  const startedMs = performance.now();
  for (;;) {
    const answer = await ask('/v1/models', { at, headers });
    if (answer.status !== 200) return answer;
    assert.ok(performance.now() - startedMs < HOLDS_MS, 'the key still works after 5 s');
    await delay(50);
  }
}

async function untilTaken(token: string, at: TestGateway | undefined): Promise<void> {
  const startedMs = performance.now();
  while ((await ask('/v1/models', { at, headers: bearer(token) })).status !== 200) {
    assert.ok(performance.now() - startedMs < HOLDS_MS, 'the key does not work after 5 s');
    await delay(50);
  }
}

describe('B34: a key that is revoked', () => {
  const ends: readonly (readonly [string, (key: Made) => Promise<unknown>, number, string])[] = [
    ['disabled', async ({ id }) => admin(`keys/${id}`, { disabled: true }, 'PATCH'), 401, 'key_disabled'],
    ['deleted', async ({ id }) => admin(`keys/${id}`, undefined, 'DELETE'), 401, 'key_unknown'],
    ['rotated without overlap', async ({ id }) => admin(`keys/${id}/rotate`, {}), 401, 'key_expired'],
    [
      'expired',
      async ({ id }) => admin(`keys/${id}`, { expires_at: new Date(Date.now() + 1500).toISOString() }, 'PATCH'),
      401,
      'key_expired',
    ],
    [
      'kept to other addresses',
      async ({ id }) => admin(`keys/${id}`, { addresses: ['192.0.2.0/24'] }, 'PATCH'),
      403,
      'address_refused',
    ],
  ];
  for (const [how, end, status, code] of ends) {
    it(`is dead in every process within 5 s: ${how}`, async () => {
      const key = await newKey();
      for (const at of gateways) await untilTaken(key.token, at);
      await end(key);
      for (const at of gateways) {
        const refused = await untilRefused(key.token, at);
        assert.deepEqual([refused.status, refused.code], [status, code]);
      }
    });
  }

  it('and one that is rotated with overlap works by both tokens, in every process', async () => {
    const key = await newKey();
    for (const at of gateways) await untilTaken(key.token, at);
    const rotated = await runCli(['keys', 'rotate', key.id, '--overlap', '3s', '--json', '--data', join(dir, 'data')], {
      cwd: dir,
    });
    const next = asString(asRecord(JSON.parse(rotated.stdout))?.['key']) ?? '';
    for (const at of gateways) {
      await untilTaken(next, at);
      await untilTaken(key.token, at);
    }
    for (const at of gateways) assert.equal((await untilRefused(key.token, at)).code, 'key_expired');
    for (const at of gateways) await untilTaken(next, at);
  });
});

describe('B35: keys in two headers', () => {
  it('that disagree are 401, whichever of them is known', async () => {
    const [one, two] = [await newKey(), await newKey()];
    const wrong = newToken();
    for (const headers of [
      { ...bearer(one.token), 'x-api-key': two.token },
      { ...bearer(one.token), 'x-goog-api-key': wrong },
      { ...bearer(wrong), 'api-key': one.token },
      { 'x-api-key': one.token, 'x-goog-api-key': two.token },
    ]) {
      const answer = await ask('/v1/models', { headers });
      assert.equal(answer.status, 401);
      assert.match(JSON.stringify(answer.body), /keys[_-]disagree/);
    }
    const same = await ask('/v1/models', { headers: { ...bearer(one.token), 'x-api-key': one.token } });
    assert.equal(same.status, 200);
  });

  it('hold the key to what it may do by every way in', async () => {
    const limited = await newKey({ providers: ['near'], scopes: ['inference'] });
    const looking = await newKey({ scopes: ['read'] });
    const afar = await newKey({ addresses: ['192.0.2.0/24'] });
    const ways = (token: string): readonly Readonly<Record<string, string>>[] => [
      bearer(token),
      { 'x-api-key': token },
      { 'x-goog-api-key': token },
      { 'api-key': token },
    ];
    for (const headers of ways(limited.token)) {
      const { status, code } = await chat('', { model: 'far/m', headers });
      assert.deepEqual([status, code], [404, 'model_unknown']);
      assert.equal((await ask('/admin/v1/keys', { headers })).status, 403);
    }
    for (const headers of ways(looking.token)) {
      const { status, code, body } = await chat('', { headers });
      assert.deepEqual([status, code], [403, 'scope_missing']);
      assert.match(JSON.stringify(body), /scope inference; this one has read/);
    }
    for (const headers of ways(afar.token)) {
      const { status, code, body } = await chat('', { headers });
      assert.deepEqual([status, code], [403, 'address_refused']);
      assert.match(JSON.stringify(body), /127\.0\.0\.1/);
    }
    const query = await ask(`/v1beta/models/near%2Fm:generateContent?key=${afar.token}`, { body: { contents: [] } });
    assert.equal(query.status, 403);
  });
});

describe('what is known of a key', () => {
  it('is who it belongs to, what it may do, and when it was last used; never its token', async () => {
    const key = await newKey({ scopes: ['inference', 'read'], routes: ['main'], limits: { rpm: 60 } });
    assert.equal((await chat(key.token, { model: 'main' })).status, 200);
    const shown = await admin(`keys/${key.id}`);
    assert.deepEqual(
      [shown['org'], shown['scopes'], shown['routes'], shown['limits']],
      ['default', ['inference', 'read'], ['main'], { rpm: 60 }],
    );
    assert.ok(Math.abs(Date.parse(asString(shown['last_used_at']) ?? '') - Date.now()) < 60_000);
    const audit = JSON.stringify(await admin('audit'));
    assert.ok(audit.includes('"key.rotated"') && !audit.includes(key.token));
  });

  it('is refused by name where it cannot be', async () => {
    for (const [fields, param] of [
      [{ scopes: ['root'] }, 'scopes[0]'],
      [{ addresses: ['10.0.0.1/8'] }, 'addresses[0]'],
      [{ team: 'team_nobody' }, 'team'],
      [{ org: 'org_nobody' }, 'org'],
      [{ root: true }, 'root'],
    ] as const) {
      const body = { name: 'test', ...fields };
      const answer = await ask('/admin/v1/keys', { headers: bearer(ROOT_KEY), body });
      assert.deepEqual([answer.status, asRecord(answer.body['error'])?.['param']], [400, param]);
    }
  });

  it('has the name of who asked through it, in the record of the request', async () => {
    const { token } = await newKey();
    const recordOf = async (body: JsonRecord, headers: Readonly<Record<string, string>> = {}): Promise<unknown> => {
      const response = await fetch(`${gateways[0]?.url ?? ''}/v1/chat/completions`, {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ ...HI, model: 'near/m', ...body }),
      });
      if (response.status !== 200) return response.status;
      await response.text();
      const id = response.headers.get('x-turnout-decision') ?? response.headers.get('x-request-id') ?? '';
      return (await ask(`/v1/decisions/${id}`, { headers: bearer(token) })).body['end_user'];
    };
    assert.equal(await recordOf({ user: 'alice' }), 'alice');
    assert.equal(await recordOf({ user: 'alice' }, { 'x-turnout-user': 'bob' }), 'bob');
    assert.equal(await recordOf({}), undefined);
    const digest = await recordOf({ user: 'x'.repeat(257) });
    assert.match(String(digest), /^sha256-[\w-]{22}$/);
    assert.notEqual(await recordOf({ user: 'y'.repeat(257) }), digest);
    assert.equal(await recordOf({}, { 'x-turnout-user': 'x'.repeat(257) }), 400);
  });
});
