/** Every field, query and id of the admin API, each given what nobody means: answered by name, never by a fault of ours (B47, B49, B55, B64). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TABLE } from '../../src/admin/table.ts';
import type { Endpoint } from '../../src/admin/endpoint.ts';
import { asRecord, asString, parseJson, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';
import { STORES, type MadePlace } from '../stores.ts';

const LONG = 'x'.repeat(100_000);
const TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\nx-evil: 1',
  '\u001b[31mred',
  '\u202egnirts',
  '\ud800',
  '模型',
  '🔑'.repeat(60),
  '<script>alert(1)</script>',
  "' or 1=1 --",
  '%',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  '=cmd()',
  '9'.repeat(400),
  '-1',
  '1e400',
  'NaN',
  '9999999999999h',
  '+275760-09-13T00:00:00.000Z',
  '-271821-04-20T00:00:00.000Z',
  LONG,
];
const VALUES: readonly Json[] = [
  ...TEXTS,
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  2 ** 53,
  [],
  [null],
  [LONG],
  Array(1000).fill('x'),
  {},
  { constructor: 1 },
  { models: [[[[]]]] },
];

for (const kind of STORES)
  describe(`the admin API over ${kind.name}`, { skip: kind.skip }, () => {
    let store: MadePlace;
    let gateway: TestGateway;
    const ids = new Map<string, string>();

    before(async () => {
      store = await kind.make();
      const house = '{dialect: openai-chat, base_url: "http://127.0.0.1:1/v1", models: {a: {}}}';
      const { url } = store.place;
      const env = url === undefined ? {} : { TURNOUT_STORE: url };
      gateway = await startGateway({ config: testConfig({ house }), env });
      for (const [resource, body] of [
        ['orgs', { name: 'a' }],
        ['teams', { name: 'a' }],
        ['users', { name: 'a', email: 'a@example.org', role: 'owner' }],
        ['keys', { name: 'a' }],
        ['budgets', { scope: 'key', subject: '*', limit_usd: 1 }],
        ['plans', { name: 'a', rules: [] }],
        ['invites', { role: 'viewer' }],
        ['secrets', { provider: 'house', origin: 'https://api.example.org', secret: 'an example of one' }],
      ] as const)
        ids.set(resource, asString((await ask('POST', resource, body)).body['id']) ?? '');
    });
    after(async () => {
      await gateway.stop();
      await store.remove();
    });

    interface Got {
      readonly status: number;
      readonly body: JsonRecord;
    }

    async function ask(method: string, path: string, body?: JsonRecord): Promise<Got> {
      const reply = await fetch(`${gateway.url}/admin/v1/${path}`, {
        method,
        headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: reply.status, body: asRecord(parseJson(await reply.text())) ?? {} };
    }

    /** An answer, or a refusal that says why. */
    function assertFine(got: Got, what: string): void {
      const error = asRecord(got.body['error']);
      assert.ok(got.status < 500, `${what}: ${got.status} ${JSON.stringify(got.body).slice(0, 300)}`);
      if (got.status >= 400) assert.ok((asString(error?.['message']) ?? '').length < 2000, what);
    }

    const pathOf = ({ path }: Endpoint): string => path.replace('{id}', ids.get(path.split('/')[0] ?? '') ?? 'none');
    const shown = (value: unknown): string => JSON.stringify(value).slice(0, 60);

    /** Several at a time: one after another they take a minute. */
    async function askAll(asks: readonly (() => Promise<void>)[]): Promise<void> {
      const waiting = [...asks];
      const worker = async (): Promise<void> => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await next();
      };
      await Promise.all(Array.from({ length: 16 }, worker));
    }

    it('takes any id', async () => {
      const texts = TEXTS.filter((one) => one.length < 1000 && one !== '').map((one) =>
        encodeURIComponent(one.toWellFormed()),
      );
      const endpoints = TABLE.filter(({ path }) => path.includes('{id}'));
      await askAll(
        endpoints.flatMap(({ method, path, body, examples }) =>
          texts.map((id) => async () => {
            const sent = body === undefined ? undefined : (examples.body ?? {});
            const got = await ask(method, path.replace('{id}', id), sent);
            assertFine(got, `${method} ${path} ${id}`);
            assert.ok(got.status >= 400, `${method} ${path} ${id}: ${got.status}`);
          }),
        ),
      );
    });

    it('takes anything in a query', async () => {
      const texts = TEXTS.filter((one) => one.length < 1000).map((one) => encodeURIComponent(one.toWellFormed()));
      const asked = TABLE.filter(({ method }) => method === 'GET').flatMap((endpoint) =>
        ['unknown', ...Object.keys(endpoint.query.shape)].map((name) => `${pathOf(endpoint)}?${name}=`),
      );
      await askAll(
        asked.flatMap((path) =>
          texts.map((text) => async () => assertFine(await ask('GET', `${path}${text}`), shown(`${path}${text}`))),
        ),
      );
    });

    it('takes anything in a field', async () => {
      const asked = TABLE.flatMap((endpoint) =>
        ['unknown', '__proto__', ...Object.keys(endpoint.body?.shape ?? {})].map((name) => ({ endpoint, name })),
      );
      await askAll(
        asked.flatMap(({ endpoint, name }) =>
          VALUES.map((value) => async () => {
            const { method, path, body, examples } = endpoint;
            if (body === undefined) return;
            const sent = Object.fromEntries([...Object.entries(examples.body ?? {}), [name, value]]);
            const got = await ask(method, pathOf(endpoint), sent);
            assertFine(got, `${method} ${path} ${name} = ${shown(value)}`);
          }),
        ),
      );
    });

    it('has lost nothing of it', async () => {
      for (const resource of ['keys', 'orgs', 'teams', 'users', 'budgets', 'plans', 'audit', 'usage', 'health'])
        assert.equal((await ask('GET', resource)).status, 200, resource);
    });
  });
