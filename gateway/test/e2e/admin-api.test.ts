/** The admin API over real sockets: pages, tags, idempotency, and what is refused. Every answer is held against its own schema. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TABLE } from '../../src/admin/table.ts';
import { asArray, asRecord, asString, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { alertIn } from '../store-kit.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

let gateway: TestGateway;

before(async () => {
  const config = testConfig({
    house:
      '{dialect: openai-chat, base_url: "http://127.0.0.1:1/v1", api_key: "sk-upstream-0123456789", models: {a: {}}}',
  });
  gateway = await startGateway({ config });
});
after(async () => gateway.stop());

const SECRET = { provider: 'house', origin: 'https://api.example.org', secret: 'an example of one' };

interface Got {
  readonly status: number;
  readonly body: JsonRecord;
  readonly headers: Headers;
}

interface Asking {
  /** Which gateway is asked. */
  readonly at?: string;
  readonly body?: JsonRecord;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(method: string, path: string, { at = gateway.url, body, headers = {} }: Asking = {}): Promise<Got> {
  const reply = await fetch(`${at}/admin/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${ROOT_KEY}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  const got = {
    status: reply.status,
    body: text === '' ? {} : (asRecord(JSON.parse(text)) ?? {}),
    headers: reply.headers,
  };
  if (reply.ok) assertOfSchema(method, path, got.body);
  return got;
}

/** What is answered is what the table says. */
function assertOfSchema(method: string, path: string, body: JsonRecord): void {
  const [plain = ''] = path.split('?');
  const endpoint = TABLE.find(
    (one) => one.method === method && new RegExp(`^${one.path.replace('{id}', '[^/]+')}$`).test(plain),
  );
  const read = endpoint?.answer.safeParse(body);
  assert.ok(read?.success, `${method} ${path}: ${read?.error?.message ?? 'not in the table'}`);
}

async function newKey(name: string): Promise<string> {
  return asString((await ask('POST', 'keys', { body: { name } })).body['id']) ?? '';
}

function rowsOf({ body }: Got): readonly JsonRecord[] {
  return (asArray(body['data']) ?? []).filter(isRecord);
}

function paramOf({ body }: Got): unknown {
  return asRecord(body['error'])?.['param'];
}

describe('every endpoint', () => {
  it('answers as its schema says', async () => {
    const made = new Map<string, string>([['orgs', 'default']]);
    for (const [resource, body] of [
      ['keys', { name: 'schema' }],
      ['teams', { name: 'schema' }],
      ['users', { name: 'Ann', email: 'ann@example.org', role: 'owner' }],
      ['budgets', { scope: 'all', limit_usd: 1 }],
      ['invites', { role: 'viewer' }],
      ['plans', { name: 'schema', rules: [{ models: 'house/*', basis_points: -500, fixed_usd: 0.01 }] }],
      ['secrets', SECRET],
      ['credits', { org: 'default', amount_usd: 5, reference: 'one' }],
      ['refunds', { org: 'default', amount_usd: '2', reference: 'two', payment: 'one' }],
      ['orgs', { name: 'Other' }],
    ] as const) {
      const { status, body: answer } = await ask('POST', resource, { body });
      assert.equal(status, 201, `${resource}: ${JSON.stringify(answer)}`);
      made.set(resource, asString(answer['id']) ?? '');
    }
    made.set('alerts', await alertIn(join(gateway.dir, 'data')));
    const looks = TABLE.filter((one) => one.method === 'GET' && !one.path.startsWith('requests/'));
    for (const { method, path } of looks) {
      const id = made.get(path.split('/')[0] ?? '') ?? '';
      assert.equal((await ask(method, path.replace('{id}', id))).status, 200, path);
    }
    assert.equal((await ask('GET', 'balance')).body['granted_usd'], '3');
    for (const [resource, id] of made) {
      const named = TABLE.some(({ id: name }) => name === `${resource}.update`);
      const patch = resource === 'secrets' ? { disabled: true } : { name: 'Changed' };
      if (named) assert.equal((await ask('PATCH', `${resource}/${id}`, { body: patch })).status, 200, resource);
    }
    for (const resource of ['keys', 'budgets', 'invites', 'teams', 'plans', 'secrets'])
      assert.equal((await ask('DELETE', `${resource}/${made.get(resource) ?? ''}`)).status, 200, resource);
  });

  it('refuses by name what it does not know', async () => {
    const id = await newKey('strict');
    for (const { method, path, body, examples } of TABLE.filter((one) => one.body !== undefined)) {
      const given = await ask(method, path.replace('{id}', id), { body: { ...examples.body, spent_usd: '0' } });
      assert.deepEqual([given.status, paramOf(given)], [400, 'spent_usd'], `${path} ${String(body)}`);
    }
    for (const { method, path } of TABLE.filter((one) => one.method === 'GET')) {
      const asked = await ask(method, `${path.replace('{id}', id)}?colour=red`);
      assert.deepEqual([asked.status, paramOf(asked)], [400, 'colour'], path);
    }
    assert.equal((await ask('GET', `keys/${id}`)).body['spent_usd'], '0');
  });

  it('is closed to keys that are for inference', async () => {
    const made = await ask('POST', 'keys', { body: { name: 'plain' } });
    const headers = { authorization: `Bearer ${asString(made.body['key']) ?? ''}` };
    for (const { method, path } of TABLE) {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} };
      assert.equal((await ask(method, path, { ...body, headers })).status, 403, path);
    }
  });
});

describe('what is set of a key', () => {
  it('is refused by the name of the field, with the way to it', async () => {
    for (const [body, param] of [
      [{}, 'name'],
      [{ name: ' ' }, 'name'],
      [{ name: 5 }, 'name'],
      [{ name: 'a', budget_usd: '-1' }, 'budget_usd'],
      [{ name: 'a', budget_usd: '0.0000000001' }, 'budget_usd'],
      [{ name: 'a', budget_usd: true }, 'budget_usd'],
      [{ name: 'a', models: 'gpt' }, 'models'],
      [{ name: 'a', tags: ['fine', 5] }, 'tags[1]'],
      [{ name: 'a', expires_at: 'soon' }, 'expires_at'],
      [{ name: 'a', disabled: 'no' }, 'disabled'],
      [{ name: 'a', role: 'owner' }, 'role'],
    ] as const) {
      const answer = await ask('POST', 'keys', { body });
      assert.deepEqual([answer.status, paramOf(answer)], [400, param], JSON.stringify(body));
    }
  });

  it('may be that it is disabled from the start', async () => {
    const { body } = await ask('POST', 'keys', { body: { name: 'off', disabled: true } });
    assert.equal(body['disabled'], true);
  });
});

describe('pages (B47)', () => {
  it('hold every key once, in the order that was asked for', async () => {
    for (const name of ['page c', 'page a', 'page b', 'page d', 'page e']) await newKey(name);
    for (const [sort, wanted] of [
      ['name', 'abcde'],
      ['-name', 'edcba'],
      ['created_at', 'cabde'],
      ['-created_at', 'edbac'],
    ] as const) {
      const seen: JsonRecord[] = [];
      let cursor: string | undefined;
      do {
        const next = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page = await ask('GET', `keys?q=page%20&limit=2&sort=${sort}${next}`);
        assert.equal(page.status, 200);
        seen.push(...rowsOf(page));
        cursor = asString(page.body['next']);
        assert.equal(page.body['has_more'], cursor !== undefined);
      } while (cursor !== undefined);
      assert.equal(seen.map(({ name }) => asString(name)?.slice(-1)).join(''), wanted, sort);
    }
  });

  it('are refused where limit, sort or cursor are not what may be asked for', async () => {
    const { body } = await ask('GET', 'keys?limit=1');
    const next = asString(body['next']) ?? '';
    const other = asString((await ask('GET', 'audit?limit=1')).body['next']) ?? '';
    for (const [query, param] of [
      ['limit=-1', 'limit'],
      ['limit=0', 'limit'],
      ['limit=1.5', 'limit'],
      ['limit=201', 'limit'],
      ['limit=1000000000', 'limit'],
      ['limit=', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['sort=spent_usd', 'sort'],
      ['sort=name;drop%20table', 'sort'],
      ['cursor=x', 'cursor'],
      [`limit=1&cursor=${next}x`, 'cursor'],
      [`limit=1&cursor=${next.slice(1)}`, 'cursor'],
      [`limit=1&sort=name&cursor=${next}`, 'cursor'],
      [`limit=1&cursor=${other}`, 'cursor'],
    ] as const) {
      const answer = await ask('GET', `keys?${query}`);
      assert.deepEqual([answer.status, paramOf(answer)], [400, param], query);
    }
    assert.equal((await ask('GET', `keys?limit=1&cursor=${next}`)).status, 200);
  });
});

describe('a search (B46)', () => {
  it('finds plain text, whatever signs stand in it', async () => {
    const names = ['50%_off', 'back\\slash', "it's", 'plain'];
    for (const name of names) await newKey(`odd ${name}`);
    for (const [q, wanted] of [
      ['%%%%%%%%', 0],
      ['odd %', 0],
      ['%_o', 1],
      ['\\', 1],
      ["'", 1],
      ['ODD ', 4],
      ['x'.repeat(5000), 0],
    ] as const) {
      const list = await ask('GET', `keys?q=${encodeURIComponent(q)}`);
      assert.equal(rowsOf(list).length, wanted, q.slice(0, 20));
      const log = await ask('GET', `audit?action=key.created&q=${encodeURIComponent(q)}`);
      // JSON writes a backslash as two.
      assert.equal(rowsOf(log).length, wanted, `audit ${q.slice(0, 20)}`);
    }
  });
});

describe('a name', () => {
  it('is none that terminals, lines or readers would take for something else, whatever it is of', async () => {
    const bodies: Readonly<Record<string, JsonRecord>> = {
      keys: {},
      orgs: {},
      teams: {},
      users: { email: 'named@example.org', role: 'viewer' },
      budgets: { scope: 'all', limit_usd: 1 },
      plans: { rules: [] },
    };
    for (const [resource, body] of Object.entries(bodies)) {
      for (const name of ['a\r\nb', '\u001b[31mred', 'a\u0000b', 'a\u2028b', '\u202egnirts', ' ', 'x'.repeat(201)]) {
        const got = await ask('POST', resource, { body: { ...body, name } });
        assert.deepEqual([got.status, paramOf(got)], [400, 'name'], `${resource} ${JSON.stringify(name)}`);
      }
      const { status } = await ask('POST', resource, { body: { ...body, name: '模型 🧑‍🚀 é' } });
      assert.equal(status, 201, resource);
    }
  });

  it('has settings beside it of a size that every process can keep', async () => {
    const settings = { models: ['x'.repeat(16_384)] };
    for (const resource of ['orgs', 'teams']) {
      const got = await ask('POST', resource, { body: { name: 'big', settings } });
      assert.deepEqual([got.status, paramOf(got)], [400, 'settings'], resource);
    }
    const id = asString((await ask('POST', 'teams', { body: { name: 'small' } })).body['id']) ?? '';
    assert.equal((await ask('PATCH', `teams/${id}`, { body: { settings } })).status, 400);
  });
});

describe('a key that is made disabled', () => {
  it('is never anything else, and is written once', async () => {
    const { status, body } = await ask('POST', 'keys', { body: { name: 'off', disabled: true } });
    assert.deepEqual([status, body['disabled']], [201, true]);
    const id = asString(body['id']) ?? '';
    const told = rowsOf(await ask('GET', `audit?subject=${id}`));
    assert.deepEqual(
      told.map(({ action, changes }) => [action, asRecord(changes)?.['disabled']]),
      [['key.created', true]],
    );
    const used = await fetch(`${gateway.url}/v1/models`, {
      headers: { authorization: `Bearer ${asString(body['key']) ?? ''}` },
    });
    assert.equal(used.status, 401);
    const on = await ask('PATCH', `keys/${id}`, { body: { disabled: false } });
    assert.deepEqual([on.status, on.body['disabled']], [200, false]);
  });
});

describe('a tag', () => {
  it('keeps one admin from overwriting what another has changed', async () => {
    const id = await newKey('tagged');
    const seen = (await ask('GET', `keys/${id}`)).headers.get('etag') ?? '';
    assert.match(seen, /^"\d+"$/);
    const first = await ask('PATCH', `keys/${id}`, { body: { name: 'one' }, headers: { 'if-match': seen } });
    assert.equal(first.status, 200);
    const late = await ask('PATCH', `keys/${id}`, { body: { name: 'two' }, headers: { 'if-match': seen } });
    assert.equal(late.status, 412);
    assert.equal((await ask('DELETE', `keys/${id}`, { headers: { 'if-match': seen } })).status, 412);
    const now = await ask('GET', `keys/${id}`);
    assert.deepEqual([now.body['name'], now.headers.get('etag')], ['one', first.headers.get('etag')]);
    const tag = now.headers.get('etag') ?? '';
    assert.equal((await ask('DELETE', `keys/${id}`, { headers: { 'if-match': `"other", ${tag}` } })).status, 200);
    assert.equal((await ask('GET', `keys/${id}`)).status, 404);
  });

  for (const [resource, made, change] of [
    ['keys', { name: 'raced' }, (at: number) => ({ name: `raced ${at}` })],
    ['orgs', { name: 'raced' }, (at: number) => ({ name: `raced ${at}` })],
    ['teams', { name: 'raced' }, (at: number) => ({ settings: { at } })],
    ['users', { name: 'raced', email: 'raced@example.org', role: 'viewer' }, (at: number) => ({ name: `raced ${at}` })],
    ['budgets', { scope: 'all', limit_usd: 1 }, (at: number) => ({ limit_usd: at + 2 })],
    ['plans', { name: 'raced', rules: [] }, (at: number) => ({ name: `raced ${at}` })],
    ['secrets', SECRET, (at: number) => ({ disabled: at % 2 === 0 })],
  ] as const)
    it(`lets one of several changes of ${resource} through that have seen the same`, async () => {
      const first = await ask('POST', resource, { body: made });
      const id = asString(first.body['id']) ?? '';
      const seen = async (): Promise<string> =>
        (await ask('GET', `${resource}/${id}`)).headers.get('etag') ?? first.headers.get('etag') ?? '';
      const headers = { 'if-match': await seen() };
      const changes = await Promise.all(
        Array.from({ length: 8 }, async (_, at) => ask('PATCH', `${resource}/${id}`, { body: change(at), headers })),
      );
      const statuses = changes.map(({ status }) => status).toSorted((a, b) => a - b);
      assert.deepEqual(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
      const tag = changes.find(({ status }) => status === 200)?.headers.get('etag');
      if (resource !== 'secrets') assert.equal(await seen(), tag);
      assert.equal((await ask('DELETE', `${resource}/${id}`, { headers })).status, 412);
      const last = { 'if-match': tag ?? '' };
      assert.equal((await ask('DELETE', `${resource}/${id}`, { headers: last })).status, 200);
    });

  it('keeps one admin from giving a key another token that somebody else has given one', async () => {
    const id = await newKey('turned');
    const headers = { 'if-match': (await ask('GET', `keys/${id}`)).headers.get('etag') ?? '' };
    const turned = await Promise.all(
      Array.from({ length: 4 }, async () => ask('POST', `keys/${id}/rotate`, { body: {}, headers })),
    );
    assert.deepEqual(
      turned.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 412, 412, 412],
    );
  });

  it('is as good at another process of the same store, at once', async () => {
    const other = await startGateway({ dir: gateway.dir });
    try {
      for (const [resource, made] of [
        ['keys', { name: 'both' }],
        ['teams', { name: 'both' }],
        ['budgets', { scope: 'all', limit_usd: 1, name: 'both' }],
      ] as const) {
        const id = asString((await ask('POST', resource, { body: made })).body['id']) ?? '';
        for (let turn = 0; turn < 6; turn++) {
          const at = turn % 2 === 0 ? gateway.url : other.url;
          const tag = (await ask('GET', `${resource}/${id}`, { at })).headers.get('etag') ?? '';
          const first = await ask('PATCH', `${resource}/${id}`, {
            at,
            body: { name: `turn ${turn}` },
            headers: { 'if-match': tag },
          });
          assert.equal(first.status, 200, `${resource} ${turn}`);
          const elsewhere = at === gateway.url ? other.url : gateway.url;
          const late = { body: { name: 'late' }, headers: { 'if-match': tag } };
          assert.equal((await ask('PATCH', `${resource}/${id}`, { at: elsewhere, ...late })).status, 412);
          const next = { body: { name: 'next' }, headers: { 'if-match': first.headers.get('etag') ?? '' } };
          const second = await ask('PATCH', `${resource}/${id}`, { at: elsewhere, ...next });
          assert.equal(second.status, 200, `${resource} ${turn}: seen there, changed here`);
        }
      }
    } finally {
      await other.stop();
    }
  });

  it('says that nothing has changed', async () => {
    const id = await newKey('same');
    const tag = (await ask('GET', `keys/${id}`)).headers.get('etag') ?? '';
    const again = await ask('GET', `keys/${id}`, { headers: { 'if-none-match': tag } });
    assert.deepEqual([again.status, again.body, again.headers.get('etag')], [304, {}, tag]);
    assert.equal((await ask('GET', `keys/${id}`, { headers: { 'if-none-match': '"old"' } })).status, 200);
    const config = (await ask('GET', 'config')).headers.get('etag') ?? '';
    assert.equal((await ask('GET', 'config', { headers: { 'if-none-match': config } })).status, 304);
  });
});

describe('an Idempotency-Key (B41)', () => {
  const post = async (key: string, body: JsonRecord): Promise<Got> =>
    ask('POST', 'keys', { body, headers: { 'idempotency-key': key } });

  it('answers the same again, the token of the new key too, and makes one key only', async () => {
    const first = await post('once', { name: 'made once' });
    const again = await post('once', { name: 'made once' });
    assert.deepEqual([again.status, again.body], [201, first.body]);
    assert.equal(again.headers.get('idempotency-replayed'), 'true');
    assert.equal(first.headers.get('idempotency-replayed'), null);
    assert.equal(rowsOf(await ask('GET', 'keys?q=made%20once')).length, 1);
  });

  it('makes one key of many requests at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 10 }, async () => post('at once', { name: 'all at once' })));
    const statuses = new Set(all.map(({ status }) => status));
    assert.ok(
      statuses.has(201) && [...statuses].every((status) => [201, 409].includes(status)),
      [...statuses].join(' '),
    );
    assert.equal(rowsOf(await ask('GET', 'keys?q=all%20at%20once')).length, 1);
  });

  it('is refused for another body, another path, and where it is too long', async () => {
    await post('used', { name: 'used' });
    assert.equal((await post('used', { name: 'other' })).status, 422);
    assert.equal((await post('k'.repeat(256), { name: 'long' })).status, 400);
    assert.equal((await post('k'.repeat(255), { name: 'long' })).status, 201);
    assert.equal((await post('k'.repeat(10_000), { name: 'long' })).status, 400);
  });

  it('is kept for what was refused too, and not for what the schema refused', async () => {
    const wrong = { name: 'wrong', region: 'the moon' };
    assert.equal((await post('refused', wrong)).status, 400);
    assert.equal((await post('refused', { name: 'right' })).status, 422);
    assert.equal((await post('typing error', { name: '' })).status, 400);
    assert.equal((await post('typing error', { name: 'corrected' })).status, 201);
  });
});

describe('the audit log', () => {
  it('is filtered by action, subject and time', async () => {
    const id = await newKey('filtered');
    await ask('PATCH', `keys/${id}`, { body: { name: 'filtered twice' } });
    const of = rowsOf(await ask('GET', `audit?subject=${id}&sort=seq`));
    assert.deepEqual(
      of.map(({ action }) => action),
      ['key.created', 'key.changed'],
    );
    assert.equal(rowsOf(await ask('GET', `audit?subject=${id}&action=key.changed`)).length, 1);
    assert.equal(rowsOf(await ask('GET', `audit?subject=${id}&until=2020-01-01T00:00:00Z`)).length, 0);
    assert.equal(rowsOf(await ask('GET', `audit?subject=${id}&since=2020-01-01T00:00:00Z&by=root`)).length, 2);
  });
});
