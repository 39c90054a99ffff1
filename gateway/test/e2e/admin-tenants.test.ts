/** Two organisations on one gateway: what is of the other is not there, and nobody makes himself more than he is (B48, B49). */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TABLE } from '../../src/admin/table.ts';
import { asArray, asRecord, asString, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { isOfGateway } from '../../src/people/permissions.ts';
import { alertIn } from '../store-kit.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

/** One organisation with one of each thing, and a key of an owner of it for the admin API. */
interface Tenant {
  readonly org: string;
  readonly owner: string;
  readonly admin: string;
  readonly developer: string;
  readonly things: ReadonlyMap<string, string>;
}

let gateway: TestGateway;
let north: Tenant;
let south: Tenant;

before(async () => {
  const config = testConfig({
    house:
      '{dialect: openai-chat, base_url: "http://127.0.0.1:1/v1", api_key: "sk-upstream-0123456789", models: {a: {price: {input: 1, output: 1}}}}',
  });
  gateway = await startGateway({ config });
  north = await newTenant('north');
  south = await newTenant('south');
});
after(async () => gateway.stop());

interface Got {
  readonly status: number;
  readonly body: JsonRecord;
}

async function ask(token: string, method: string, path: string, body?: JsonRecord): Promise<Got> {
  const reply = await fetch(`${gateway.url}/admin/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: reply.status, body: asRecord(await reply.json()) ?? {} };
}

async function make(resource: string, body: JsonRecord): Promise<JsonRecord> {
  const made = await ask(ROOT_KEY, 'POST', resource, body);
  assert.equal(made.status, 201, `${resource}: ${JSON.stringify(made.body)}`);
  return made.body;
}

async function newTenant(name: string): Promise<Tenant> {
  const org = asString((await make('orgs', { name }))['id']) ?? '';
  const team = asString((await make('teams', { name: `${name} team`, org }))['id']) ?? '';
  const users: Record<string, string> = {};
  const keys: Record<string, string> = {};
  for (const role of ['owner', 'admin', 'developer']) {
    const email = `${role}@${name}.example`;
    const user = asString((await make('users', { name: role, email, role, org, teams: [team] }))['id']) ?? '';
    users[role] = user;
    keys[role] = asString((await make('keys', { name: role, org, user, scopes: ['admin'] }))['key']) ?? '';
  }
  const key = asString((await make('keys', { name: `${name} key`, org, team, budget_usd: '5' }))['id']) ?? '';
  const budget =
    asString((await make('budgets', { name: `${name} budget`, org, scope: 'all', limit_usd: 9 }))['id']) ?? '';
  const invite = asString((await make('invites', { org, role: 'viewer' }))['id']) ?? '';
  const things = new Map([
    ['orgs', org],
    ['teams', team],
    ['users', users['owner'] ?? ''],
    ['keys', key],
    ['budgets', budget],
    ['invites', invite],
    ['alerts', await alertIn(join(gateway.dir, 'data'), org)],
  ]);
  const { owner = '', admin = '', developer = '' } = keys;
  return { org, owner, admin, developer, things };
}

function rowsOf({ body }: Got): readonly JsonRecord[] {
  return (asArray(body['data']) ?? []).filter(isRecord);
}

describe('what belongs to another organisation (B48)', () => {
  it('is not there, whatever is asked of it, and is as it was', async () => {
    const before = await Promise.all([...north.things].map(async ([name, id]) => shown(name, id)));
    const objects = TABLE.filter(({ path }) => path.includes('{id}') && !path.startsWith('requests/'));
    for (const { id: name, method, path, examples, permissions } of objects) {
      if (permissions.every(isOfGateway)) continue;
      const thing = north.things.get(path.split('/')[0] ?? '');
      assert.ok(thing !== undefined, `no example of ${path}: give both tenants one`);
      const { status, body } = await ask(south.owner, method, path.replace('{id}', thing), examples.body);
      assert.equal(status, 404, `${name}: ${JSON.stringify(body)}`);
    }
    assert.deepEqual(await Promise.all([...north.things].map(async ([name, id]) => shown(name, id))), before);
  });

  async function shown(resource: string, id: string): Promise<JsonRecord> {
    return (await ask(ROOT_KEY, 'GET', resource === 'invites' ? `invites?org=${north.org}` : `${resource}/${id}`)).body;
  }

  it('is in no list, and no filter brings it there', async () => {
    const foreign = new Set(north.things.values());
    for (const resource of north.things.keys()) {
      const own = rowsOf(await ask(south.owner, 'GET', resource));
      assert.ok(own.length > 0, resource);
      assert.ok(!own.some((row) => foreign.has(asString(row['id']) ?? '')), resource);
      const named = await ask(south.owner, 'GET', `${resource}?org=${north.org}`);
      assert.ok(named.status === 400 || rowsOf(named).length === 0, resource);
    }
  });

  it('is not told of by usage, requests and batches, nor by money', async () => {
    const key = north.things.get('keys') ?? '';
    for (const path of ['usage', 'usage?by=key', 'requests', 'batches']) {
      const more = path.includes('?') ? '&' : '?';
      assert.equal((await ask(south.owner, 'GET', `${path}${more}key=${key}`)).status, 404, path);
      const own = south.things.get('keys') ?? '';
      assert.equal((await ask(south.owner, 'GET', `${path}${more}key=${own}`)).status, 200, path);
    }
    for (const path of ['credits', 'balance', 'audit', 'usage', 'requests', 'batches', 'invoices']) {
      assert.equal((await ask(south.owner, 'GET', `${path}?org=${north.org}`)).status, 400, path);
      assert.equal((await ask(south.owner, 'GET', path)).status, 200, path);
    }
    for (const { method, path } of TABLE.filter((one) => one.permissions.every(isOfGateway))) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {};
      assert.equal((await ask(south.owner, method, path, body)).status, 403, path);
    }
  });

  it('cannot be made by saying that one is there', async () => {
    const [team = '', user = ''] = ['teams', 'users'].map((name) => north.things.get(name));
    for (const [resource, body] of [
      ['keys', { name: 'a', org: north.org }],
      ['keys', { name: 'a', team }],
      ['keys', { name: 'a', user }],
      ['teams', { name: 'a', org: north.org }],
      ['users', { name: 'a', email: 'a@south.example', role: 'viewer', org: north.org }],
      ['users', { name: 'a', email: 'a@south.example', role: 'viewer', teams: [team] }],
      ['invites', { org: north.org }],
      ['invites', { team }],
      ['invites', { user }],
      ['budgets', { scope: 'all', limit_usd: 1, org: north.org }],
    ] as const) {
      const { status } = await ask(south.owner, 'POST', resource, body);
      assert.equal(status, 400, JSON.stringify(body));
    }
  });
});

describe('nobody makes himself more than he is (B49)', () => {
  it('by his own key: money, owner and role are refused, by name', async () => {
    const mine = await ask(south.developer, 'POST', 'keys', { name: 'mine' });
    assert.equal(mine.status, 201);
    const id = asString(mine.body['id']) ?? '';
    for (const [field, value, status] of [
      ['budget_usd', '1000', 403],
      ['limits', {}, 403],
      ['user', south.things.get('users'), 403],
      ['role', 'owner', 400],
      ['org_id', north.org, 400],
      ['org', north.org, 400],
      ['spent_usd', '0', 400],
      ['root', true, 400],
    ] as const) {
      const answer = await ask(south.developer, 'PATCH', `keys/${id}`, { [field]: value });
      assert.deepEqual([answer.status, asRecord(answer.body['error'])?.['param']], [status, field]);
    }
    assert.equal((await ask(south.developer, 'PATCH', `keys/${id}`, { name: 'still mine' })).status, 200);
    const seen = rowsOf(await ask(south.developer, 'GET', 'keys')).map(({ name }) => name);
    assert.deepEqual(new Set(seen), new Set(['still mine', 'developer']));
  });

  it('by enabling a key of his that somebody has disabled: he may disable it, and make another', async () => {
    const mine = await ask(south.developer, 'POST', 'keys', { name: 'leaked' });
    const path = `keys/${asString(mine.body['id']) ?? ''}`;
    for (const [who, isDisabled, status] of [
      [south.developer, false, 200],
      [south.developer, true, 200],
      [south.developer, false, 403],
      [south.admin, false, 200],
      [south.admin, true, 200],
      [south.developer, true, 200],
      [south.developer, false, 403],
    ] as const) {
      const answer = await ask(who, 'PATCH', path, { disabled: isDisabled });
      assert.deepEqual(
        [answer.status, asRecord(answer.body['error'])?.['param']],
        [status, status === 200 ? undefined : 'disabled'],
      );
    }
    assert.equal((await ask(south.developer, 'GET', path)).body['disabled'], true);
    assert.equal((await ask(south.admin, 'DELETE', path)).status, 200);
  });

  it('by a role: neither his own nor through the key of somebody above him', async () => {
    const owner = south.things.get('users') ?? '';
    const users = rowsOf(await ask(south.owner, 'GET', 'users?sort=name'));
    const admin = asString(users.find(({ role }) => role === 'admin')?.['id']) ?? '';
    const keys = rowsOf(await ask(south.owner, 'GET', 'keys?q=owner'));
    const ownersKey = asString(keys[0]?.['id']) ?? '';
    for (const [method, path, body] of [
      ['PATCH', `users/${admin}`, { role: 'owner' }],
      ['PATCH', `users/${owner}`, { role: 'viewer' }],
      ['DELETE', `users/${owner}`, undefined],
      ['POST', 'users', { name: 'a', email: 'b@south.example', role: 'owner' }],
      ['POST', 'invites', { role: 'owner' }],
      ['POST', 'invites', { user: owner }],
      ['POST', 'keys', { name: 'a', user: owner, scopes: ['admin'] }],
      ['POST', `keys/${ownersKey}/rotate`, {}],
      ['PATCH', `keys/${ownersKey}`, { name: 'a' }],
      ['PATCH', `orgs/${south.org}`, { name: 'a' }],
    ] as const) {
      const { status } = await ask(south.admin, method, path, body);
      assert.equal(status, 403, `${method} ${path}`);
    }
    assert.equal((await ask(south.owner, 'PATCH', `orgs/${south.org}`, { billing: 'postpaid' })).status, 403);
    const refusals = rowsOf(await ask(ROOT_KEY, 'GET', `audit?subject=${south.org}`));
    assert.ok(
      refusals.some(({ changes }) => JSON.stringify(changes).includes('billing')),
      JSON.stringify(refusals),
    );
  });
});

describe('a key of somebody who is raised', () => {
  it('may what he might when its token was given, and what he may when it is given anew', async () => {
    const person = { name: 'Rita', email: 'rita@south.example', role: 'developer', org: south.org };
    const rita = asString((await make('users', person))['id']) ?? '';
    const given = await ask(south.admin, 'POST', 'keys', { name: 'kept', user: rita, scopes: ['admin'] });
    const [id, kept] = ['id', 'key'].map((field) => asString(given.body[field]) ?? '');
    assert.deepEqual([given.status, given.body['role']], [201, 'developer']);
    assert.equal((await ask(ROOT_KEY, 'PATCH', `users/${rita}`, { role: 'owner' })).status, 200);
    const rename = async (token = ''): Promise<number> =>
      (await ask(token, 'PATCH', `orgs/${south.org}`, { name: 'South' })).status;
    assert.equal(await rename(kept), 403, 'whoever kept the token has not been raised');
    assert.equal((await ask(south.admin, 'POST', `keys/${id}/rotate`, {})).status, 403);
    assert.equal((await ask(south.admin, 'PATCH', `keys/${id}`, { scopes: ['admin', 'read'] })).status, 403);
    const anew = await ask(south.owner, 'POST', `keys/${id}/rotate`, {});
    assert.deepEqual([anew.status, anew.body['role']], [200, 'owner']);
    assert.equal(await rename(asString(anew.body['key'])), 200);
    assert.equal((await ask(ROOT_KEY, 'PATCH', `users/${rita}`, { role: 'viewer' })).status, 200);
    assert.equal(await rename(asString(anew.body['key'])), 403, 'and no more than he may now');
    const without = await ask(ROOT_KEY, 'PATCH', `keys/${id}`, { scopes: ['inference'] });
    assert.deepEqual([without.status, without.body['role']], [200, undefined]);
    assert.equal((await ask(ROOT_KEY, 'DELETE', `users/${rita}`)).status, 200);
  });
});

describe('a key of one’s own', () => {
  it('is of one’s team, so that its budget holds, and one has a hundred at most', async () => {
    const budget = { scope: 'team', subject: north.things.get('teams') ?? '', org: north.org, limit_usd: '0' };
    await make('budgets', budget);
    const mine = await ask(north.developer, 'POST', 'keys', { name: 'mine' });
    const chat = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${asString(mine.body['key']) ?? ''}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'house/a', messages: [{ role: 'user', content: 'hi' }] }),
    });
    assert.deepEqual([mine.body['team'], chat.status], [north.things.get('teams'), 402], await chat.text());
    const more = async (): Promise<number> => (await ask(north.developer, 'POST', 'keys', { name: 'more' })).status;
    for (let count = 2; count < 100; count += 1) assert.equal(await more(), 201);
    assert.equal(await more(), 409);
    assert.equal((await ask(north.admin, 'POST', 'keys', { name: 'another' })).status, 201);
  });
});

describe('two changes at once', () => {
  it('of which each is allowed do not come to what one is not', async () => {
    const { body } = await ask(south.admin, 'POST', 'keys', { name: 'both' });
    const path = `keys/${asString(body['id']) ?? ''}`;
    for (let round = 0; round < 8; round += 1) {
      await ask(south.admin, 'PATCH', path, { scopes: null, user: null });
      const [scoped, owned] = await Promise.all([
        ask(south.admin, 'PATCH', path, { scopes: ['admin'] }),
        ask(south.admin, 'PATCH', path, { user: south.things.get('users') ?? null }),
      ]);
      assert.deepEqual(new Set([scoped.status, owned.status]), new Set([200, 403]));
    }
    const raised = await ask(asString(body['key']) ?? '', 'PATCH', `orgs/${south.org}`, { name: 'mine' });
    assert.equal(raised.status, 403);
  });

  it('are both made where nothing is against it', async () => {
    const path = `keys/${south.things.get('keys') ?? ''}`;
    const names = Array.from({ length: 20 }, (_, index) => `name ${index}`);
    const answers = await Promise.all(names.map(async (name) => ask(south.admin, 'PATCH', path, { name })));
    assert.deepEqual(
      answers.map(({ status }) => status),
      names.map(() => 200),
    );
  });
});

describe('an Idempotency-Key of another organisation (B41)', () => {
  it('is another one: what was answered there is nobody else’s', async () => {
    const make = async (token: string): Promise<string> => {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': 'the same',
      };
      const body = JSON.stringify({ name: 'once' });
      const reply = await fetch(`${gateway.url}/admin/v1/keys`, { method: 'POST', headers, body });
      assert.equal(reply.status, 201);
      return asString(asRecord(await reply.json())?.['key']) ?? '';
    };
    const [first, other, again] = [await make(north.owner), await make(south.owner), await make(north.owner)];
    assert.equal(first, again);
    assert.notEqual(first, other);
  });
});
