/** What operators and clients ask besides chats: the list of models, and the admin rooms. Looked at from outside. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { asArray, asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { ROOT_KEY, runCli, startGateway, type TestGateway } from '../harness.ts';

const SECRETS = ['sk-file-0123456789abcdef', 'hidden-header', 'sk-from-the-environment'];

const CONFIG = `providers:
  house:
    dialect: openai-chat
    base_url: http://127.0.0.1:1/v1
    api_key: [${SECRETS[0]}, "\${UPSTREAM_KEY}"]
    headers: {x-any: ${SECRETS[1]}}
    models:
      a: {price: {input: 0.25, output: 2, cache_read: 0.025, tiers: [{above_context_tokens: 1000, input: 0.5}]}, limits: {context: 4096}}
      b: {}
      c: {}
aliases: {fast: house/a}
routes: {main: {targets: [house/a, {target: house/b, weight: 3}], strategy: weighted}}
`;

let gateway: TestGateway;

before(async () => {
  gateway = await startGateway({ config: CONFIG, env: { UPSTREAM_KEY: SECRETS[2] ?? '' } });
});

after(async () => {
  assert.equal(await gateway.stop(), 0);
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonRecord;
}

async function ask(
  method: string,
  path: string,
  more: { body?: JsonRecord; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(`${gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json', ...more.headers },
    ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
  });
  const text = await response.text();
  for (const secret of [...SECRETS, ROOT_KEY]) assert.ok(!text.includes(secret), `${path} shows ${secret}`);
  return { status: response.status, headers: response.headers, body: asRecord(JSON.parse(text)) ?? {} };
}

const ANTHROPIC = { 'anthropic-version': '2023-06-01' };
const idsOf = (answer: Answer): readonly unknown[] =>
  (asArray(answer.body['data']) ?? []).map((row) => asRecord(row)?.['id']);

describe('the list of models', () => {
  it('has what can be called: auto, routes, aliases and models, and shows each by any of its names', async () => {
    const list = await ask('GET', '/v1/models');
    assert.deepEqual(idsOf(list), ['auto', 'main', 'fast', 'house/a', 'house/b', 'house/c']);
    for (const name of ['auto', 'main', 'fast', 'house/a', 'house%2Fa', 'a', 'a:floor']) {
      const one = await ask('GET', `/v1/models/${name}`);
      assert.equal(one.status, 200, name);
      assert.equal(one.body['id'], decodeURIComponent(name));
    }
    assert.equal((await ask('GET', '/v1/models/house/nothing')).status, 404);
  });

  it('comes by pages in the forms of Anthropic and Gemini', async () => {
    const first = await ask('GET', '/v1/models?limit=4', { headers: ANTHROPIC });
    assert.deepEqual([idsOf(first).length, first.body['has_more'], first.body['last_id']], [4, true, 'house/a']);
    const second = await ask('GET', '/v1/models?limit=4&after_id=house%2Fa', { headers: ANTHROPIC });
    assert.deepEqual([idsOf(second), second.body['has_more']], [['house/b', 'house/c'], false]);
    const page = await ask('GET', '/v1beta/models?pageSize=5');
    assert.equal(asArray(page.body['models'])?.length, 5);
    const token = asString(page.body['nextPageToken']) ?? '';
    const last = await ask('GET', `/v1beta/models?pageSize=5&pageToken=${encodeURIComponent(token)}`);
    assert.deepEqual(
      asArray(last.body['models'])?.map((row) => asRecord(row)?.['name']),
      ['models/house/c'],
    );
    assert.equal(last.body['nextPageToken'], undefined);
    for (const query of ['limit=many', 'limit=-1', 'after_id=nothing'])
      assert.equal((await ask('GET', `/v1/models?${query}`, { headers: ANTHROPIC })).status, 400);
  });

  it('says errors in the form of who asks', async () => {
    for (const more of [{ headers: ANTHROPIC }, { headers: { ...ANTHROPIC, authorization: 'Bearer tk_wrong' } }]) {
      const answer = await ask('GET', '/v1/models/nothing', more);
      assert.equal(answer.body['type'], 'error');
      assert.equal(answer.body['request_id'], answer.headers.get('x-request-id'));
    }
    assert.equal((await ask('GET', '/anthropic/v1/models/nothing')).body['type'], 'error');
    assert.equal((await ask('GET', '/v1/models/nothing')).body['type'], undefined);
  });
});

describe('the admin rooms', () => {
  it('say which methods they take', async () => {
    for (const [method, path, allow] of [
      ['DELETE', 'keys', 'GET, POST'],
      ['POST', 'keys/key_x', 'GET, PATCH, DELETE'],
      ['POST', 'usage', 'GET'],
      ['DELETE', 'providers', 'GET'],
      ['PATCH', 'audit', 'GET'],
    ] as const) {
      const answer = await ask(method, `/admin/v1/${path}`, method === 'DELETE' ? {} : { body: {} });
      assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow], path);
    }
    for (const path of ['nothing', 'usage/x', 'keys/a/b'])
      assert.equal((await ask('GET', `/admin/v1/${path}`)).status, 404);
  });

  it('show the configuration in force in the words of its file, without a secret', async () => {
    const { body } = await ask('GET', '/admin/v1/config');
    const config = asRecord(body['config']) ?? {};
    const house = asRecord(asRecord(config['providers'])?.['house']) ?? {};
    assert.deepEqual([house['api_keys'], house['headers'], house['base_url']], [2, ['x-any'], 'http://127.0.0.1:1/v1']);
    assert.deepEqual(asRecord(asRecord(house['models'])?.['a'])?.['price'], {
      input: '0.25',
      output: '2',
      cache_read: '0.025',
      tiers: [{ above_context_tokens: 1000, input: '0.5' }],
    });
    assert.deepEqual(config['aliases'], { fast: 'house/a' });
    assert.deepEqual(asRecord(asRecord(config['routes'])?.['main'])?.['targets'], [
      { target: 'house/a', weight: 1 },
      { target: 'house/b', weight: 3 },
    ]);
    assert.equal(config['attempts'], 3);
  });

  it('show which targets are left alone', async () => {
    assert.deepEqual((await ask('GET', '/admin/v1/health')).body['targets'], []);
  });
});

describe('the audit log', () => {
  it('tells who made, changed and deleted a key, and is part of the proof of the books', async () => {
    const made = await ask('POST', '/admin/v1/keys', {
      body: { name: 'audited', budget_usd: '5', models: ['house/*'], region: 'eu' },
    });
    const id = asString(made.body['id']) ?? '';
    const token = asString(made.body['key']) ?? '';
    await ask('PATCH', `/admin/v1/keys/${id}`, { body: { budget_usd: null, disabled: true, region: null } });
    assert.equal((await ask('GET', `/admin/v1/keys/${id}`)).body['region'], undefined);
    for (const region of ['', 'the moon', 5])
      assert.equal((await ask('PATCH', `/admin/v1/keys/${id}`, { body: { region } })).status, 400);
    const data = join(gateway.dir, 'data');
    const byCommand = await runCli(['keys', 'delete', id, '--yes', '--data', data], { cwd: gateway.dir });
    assert.equal(byCommand.code, 0, byCommand.stderr);
    const log = await ask('GET', '/admin/v1/audit');
    const entries = (asArray(log.body['data']) ?? [])
      .map((row) => asRecord(row) ?? {})
      .filter((row) => row['subject'] === id);
    assert.deepEqual(
      entries.map(({ action, by, changes }) => ({ action, by, changes })),
      [
        { action: 'key.deleted', by: 'cli', changes: {} },
        { action: 'key.changed', by: 'root', changes: { budget_usd: null, disabled: true, region: null } },
        {
          action: 'key.created',
          by: 'root',
          changes: { name: 'audited', budget_usd: '5', models: ['house/*'], tags: [], region: 'eu' },
        },
      ],
    );
    assert.ok(!JSON.stringify(log.body).includes(token));
    const page = await ask('GET', '/admin/v1/audit?limit=1');
    const next = await ask('GET', `/admin/v1/audit?limit=1&cursor=${asString(page.body['next'])}`);
    assert.deepEqual(asArray(next.body['data'])?.[0], entries[1]);
    for (const query of ['limit=0', 'limit=201', 'cursor=x'])
      assert.equal((await ask('GET', `/admin/v1/audit?${query}`)).status, 400);
    const narrow = await ask('POST', '/admin/v1/keys', { body: { name: 'narrow' } });
    const denied = await ask('GET', '/admin/v1/audit', {
      headers: { authorization: `Bearer ${asString(narrow.body['key'])}` },
    });
    assert.equal(denied.status, 403);
  });

  it('shows in the proof of the books where an entry was changed or taken away', async () => {
    const dir = join(gateway.dir, 'other');
    const verify = async (): Promise<JsonRecord> => {
      const { stdout } = await runCli(['ledger', 'verify', '--json', '--data', dir], { cwd: gateway.dir });
      return asRecord(JSON.parse(stdout)) ?? {};
    };
    for (const name of ['one', 'two', 'three'])
      await runCli(['keys', 'create', '--name', name, '--data', dir], { cwd: gateway.dir });
    assert.equal((await verify())['ok'], true);
    const database = new DatabaseSync(join(dir, 'turnout.db'));
    database.exec(`update audit set "by" = 'nobody' where seq = 2`);
    assert.deepEqual((await verify())['problems'], ["the audit log's entry 2 is not what was written"]);
    database.exec('delete from audit where seq = 2');
    database.close();
    assert.deepEqual((await verify())['problems'], [
      'the audit log has no entry 2',
      "the audit log's entry 3 is not what was written",
    ]);
  });
});

describe('every command', () => {
  const COMMANDS = [
    'serve',
    'init',
    'check',
    'explain',
    'replay',
    'residency',
    'simulate',
    'keys',
    'usage',
    'ledger',
    'models',
    'catalog',
  ];
  for (const name of COMMANDS) {
    it(`explains itself: ${name}`, async () => {
      const { code, stdout, stderr } = await runCli([name, '--help'], { cwd: gateway.dir });
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, new RegExp(`turnout ${name}`));
    });
  }
});
