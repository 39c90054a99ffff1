/** Two organisations that have done the same things: each sees its own, in every list and report, and nothing of the other (B48). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TABLE } from '../../src/admin/table.ts';
import { asArray, asRecord, asString, isRecord, type JsonRecord } from '../../src/lib/json.ts';
import { DEFAULT_ORG_ID, isOfGateway, may, ROLES, type Role } from '../../src/people/permissions.ts';
import { startSimulator, type Simulator } from '../../src/simulator/simulator.ts';
import { ROOT_KEY, startGateway, testConfig, type TestGateway } from '../harness.ts';

const REQUESTS = 3;
const NAMES = ['north', 'south'] as const;
type Name = (typeof NAMES)[number];

interface Tenant {
  readonly org: string;
  /** Keys for the admin API. */
  readonly as: Readonly<Record<Role, string>>;
  readonly requestId: string;
  readonly keyId: string;
}

let simulator: Simulator;
let gateway: TestGateway;
const tenants = new Map<Name, Tenant>();
/** Of the organisation that runs the gateway. */
let home: Readonly<Record<Role, string>>;

before(async () => {
  simulator = await startSimulator();
  const models = 'models: {m: {price: {input: 1, output: 2}}, n: {price: {input: 2, output: 3}}}';
  const house = `{dialect: openai-chat, base_url: "${simulator.url}/openai/v1", ${models}}`;
  gateway = await startGateway({
    config: testConfig({ house }, 'routes: {main: {strategy: cost, targets: [house/m, house/n]}}'),
  });
  home = await peopleOf('home', DEFAULT_ORG_ID);
  for (const name of NAMES) tenants.set(name, await newTenant(name));
  await arrived();
});
after(async () => {
  await gateway.stop();
  await simulator.close();
});

interface Got {
  readonly status: number;
  readonly text: string;
  readonly body: JsonRecord;
  readonly headers: Headers;
}

async function send(token: string, method: string, path: string, body?: JsonRecord): Promise<Got> {
  const reply = await fetch(`${gateway.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  return { status: reply.status, text, body: asRecord(JSON.parse(text)) ?? {}, headers: reply.headers };
}

const ask = async (token: string, path: string): Promise<Got> => send(token, 'GET', `/admin/v1/${path}`);

async function make(path: string, body: JsonRecord): Promise<JsonRecord> {
  const made = await send(ROOT_KEY, 'POST', `/admin/v1/${path}`, body);
  assert.equal(made.status, 201, made.text);
  return made.body;
}

async function peopleOf(name: string, org: string): Promise<Readonly<Record<Role, string>>> {
  const keyOf = async (role: Role): Promise<string> => {
    const email = `${role}@${name}.example`;
    const user = asString((await make('users', { name: `${name} ${role}`, email, role, org }))['id']) ?? '';
    const key = await make('keys', { name: `${name} ${role}`, org, user, scopes: ['admin'] });
    return asString(key['key']) ?? '';
  };
  const owner = await keyOf('owner');
  const admin = await keyOf('admin');
  const developer = await keyOf('developer');
  const analyst = await keyOf('analyst');
  const viewer = await keyOf('viewer');
  return { owner, admin, developer, analyst, viewer };
}

/** Everything of it has its name in it. */
async function newTenant(name: Name): Promise<Tenant> {
  const org = asString((await make('orgs', { name }))['id']) ?? '';
  const as = await peopleOf(name, org);
  await make('teams', { name: `${name} team`, org });
  await make('budgets', { name: `${name} budget`, org, scope: 'all', limit_usd: 9 });
  await make('invites', { org, email: `guest@${name}.example`, role: 'viewer' });
  await make('credits', { org, amount_usd: 5, reference: `${name} payment` });
  const key = await make('keys', { name: `${name} shop`, org, tags: [`${name}-tag`] });
  const [keyId, token] = [asString(key['id']) ?? '', asString(key['key']) ?? ''];
  let requestId = '';
  for (let turn = 0; turn < REQUESTS; turn++) {
    const body = { model: 'main', user: `${name}-user`, messages: [{ role: 'user', content: 'hi' }] };
    const reply = await send(token, 'POST', '/v1/chat/completions', body);
    assert.equal(reply.status, 200, reply.text);
    requestId = reply.headers.get('x-turnout-decision') ?? '';
  }
  const message = { model: 'house/m', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };
  const batch = { requests: [{ custom_id: name, params: message }] };
  assert.equal((await send(token, 'POST', '/v1/messages/batches', batch)).status, 200);
  return { org, as, requestId, keyId };
}

/** Records reach the store within a moment, those of batches too. */
async function arrived(): Promise<void> {
  const endMs = performance.now() + 20_000;
  for (const name of NAMES)
    while (rowsOf(await ask(ROOT_KEY, `requests?search=${name}%20shop`)).length < REQUESTS + 1) {
      assert.ok(performance.now() < endMs, 'the records did not arrive');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

function tenant(name: Name): Tenant {
  const found = tenants.get(name);
  assert.ok(found !== undefined);
  return found;
}

function rowsOf({ body }: Got): readonly JsonRecord[] {
  return (asArray(body['data']) ?? asArray(body['rows']) ?? []).filter(isRecord);
}

/** Whether a text has something of the organisation. */
function isTold(text: string, name: Name): boolean {
  const { keyId, requestId } = tenant(name);
  return text.includes(keyId) || text.includes(requestId);
}

/** Whatever is asked for without an id. */
const LISTS = TABLE.filter(({ method, path, permissions }) => {
  const isOfAll = permissions.every(isOfGateway) || path === 'openapi.json' || path === 'routes';
  return method === 'GET' && !path.includes('{id}') && !isOfAll;
});
/** The same in other words, and each with what narrows it. */
const PATHS = [
  ...LISTS.map(({ path }) => path),
  ...['org,key', 'user,team', 'tag', 'end-user', 'route,model', 'day'].map((by) => `usage?by=${by}`),
  'requests?model=main',
  'requests?outcome=ok',
  'requests?search=house',
  'audit?sort=seq',
  'audit?q=example',
  'audit?action=key.created',
];
const OF_ROWS = /^(?:audit|requests|batches|usage|keys|users|teams|orgs|budgets|invites|credits)\b/;

describe('what an organisation is told', () => {
  it('is its own, in every list and report, as each role', async () => {
    for (const name of NAMES) {
      const { as, org } = tenant(name);
      const other = NAMES.find((one) => one !== name) ?? name;
      for (const path of PATHS)
        for (const role of ROLES) {
          const { status, text } = await ask(as[role], path);
          const endpoint = LISTS.find((one) => one.path === path.split('?')[0]);
          const isIn = endpoint?.permissions.some((one) => may({ kind: 'key', orgId: org, role }, one)) === true;
          assert.equal(status, isIn ? 200 : 403, `${path} as ${role}`);
          for (const foreign of [other, tenant(other).org, tenant(other).requestId, 'home', ROOT_KEY])
            assert.ok(!text.includes(foreign), `${path} as ${role} of ${name}: ${foreign}`);
          const isNamed = role !== 'developer' && /^(?:keys|users|teams|budgets|usage\?by=(?:org|tag))\b/.test(path);
          if (isIn && isNamed) assert.ok(text.includes(name), `${path} as ${role} of ${name} has nothing of its own`);
        }
    }
  });

  it('is the same number of things, and all of them', async () => {
    for (const name of NAMES) {
      const { as, org, keyId } = tenant(name);
      const found = rowsOf(await ask(as.analyst, 'requests'));
      assert.equal(found.length, REQUESTS + 1, 'its requests, and the line of its batch');
      const usage = await ask(as.analyst, 'usage');
      assert.equal(usage.body['rows_total'], REQUESTS + 1);
      assert.deepEqual(new Set(rowsOf(usage).map((row) => row['org'])), new Set([org]));
      assert.deepEqual(new Set(rowsOf(usage).map((row) => row['key'])), new Set([keyId]));
      assert.equal(rowsOf(await ask(as.viewer, 'usage')).length, REQUESTS + 1);
      assert.equal(rowsOf(await ask(as.owner, 'batches')).length, 1);
      for (const role of ['owner', 'admin', 'analyst'] as const) {
        const log = rowsOf(await ask(as[role], 'audit?limit=200'));
        assert.deepEqual(new Set(log.map((row) => row['org'])), new Set([org]), role);
        const actions = new Set(log.map((row) => row['action']));
        for (const action of ['org', 'user', 'team', 'key', 'budget', 'invite'])
          assert.ok(actions.has(`${action}.created`), `${role} ${action}`);
        assert.ok(actions.has('credits.added'));
      }
    }
  });

  it('comes page by page, and a page of one is none of the other', async () => {
    const { north, south } = { north: tenant('north'), south: tenant('south') };
    for (const path of ['audit', 'requests', 'batches', 'keys', 'users']) {
      const all = rowsOf(await ask(north.as.owner, `${path}?limit=200`));
      const paged: JsonRecord[] = [];
      let cursor = '';
      do {
        const page = await ask(north.as.owner, `${path}?limit=1${cursor}`);
        assert.equal(page.status, 200, page.text);
        paged.push(...rowsOf(page));
        const next = asString(page.body['next']);
        cursor = next === undefined ? '' : `&cursor=${encodeURIComponent(next)}`;
        if (next !== undefined) assert.equal((await ask(south.as.owner, `${path}?limit=1${cursor}`)).status, 400, path);
      } while (cursor !== '');
      assert.deepEqual(paged, all, path);
    }
  });

  it('has each record by its id, without what is known of providers', async () => {
    const { north, south } = { north: tenant('north'), south: tenant('south') };
    const own = await ask(north.as.analyst, `requests/${north.requestId}`);
    assert.deepEqual([own.status, own.body['id'], own.body['inputs']], [200, north.requestId, undefined]);
    assert.ok(rowsOf(await ask(north.as.analyst, 'requests')).every((row) => row['inputs'] === undefined));
    for (const path of [north.requestId, `${north.requestId}?key=${south.keyId}`])
      assert.equal((await ask(south.as.owner, `requests/${path}`)).status, 404, path);
    assert.equal((await ask(south.as.owner, `requests/${north.requestId}?key=${north.keyId}`)).status, 404);
    assert.notEqual((await ask(ROOT_KEY, `requests/${north.requestId}`)).body['inputs'], undefined);
  });
});

describe('those who run the gateway', () => {
  it('see all, and one organisation where they name it', async () => {
    for (const token of [ROOT_KEY, home.owner, home.admin])
      for (const path of [
        'audit?limit=200',
        'requests?limit=200',
        'usage?by=org,key',
        'batches?limit=200',
        'usage?rows=true',
      ]) {
        const { text } = await ask(token, path);
        for (const name of NAMES) assert.ok(isTold(text, name), `${path}: ${name}`);
        for (const name of NAMES) {
          const of = await ask(token, `${path}&org=${tenant(name).org}`);
          const other = name === 'north' ? 'south' : 'north';
          assert.ok(isTold(of.text, name) && !isTold(of.text, other), `${path}: only ${name}`);
        }
      }
  });

  it('act for every organisation as owners, and as nobody else', async () => {
    const { owner, admin } = home;
    const post = async (token: string, path: string, body: JsonRecord): Promise<Got> =>
      send(token, 'POST', `/admin/v1/${path}`, body);
    const org = asString((await post(owner, 'orgs', { name: 'West' })).body['id']) ?? '';
    const patched = await send(owner, 'PATCH', `/admin/v1/orgs/${org}`, { billing: 'prepaid' });
    assert.deepEqual([patched.status, patched.body['billing']], [200, 'prepaid']);
    const made: readonly (readonly [string, JsonRecord])[] = [
      ['invites', { org, role: 'owner', email: 'boss@west.example' }],
      ['teams', { name: 'West team', org }],
      ['users', { name: 'West user', email: 'user@west.example', role: 'admin', org }],
      ['keys', { name: 'West shop', org }],
      ['budgets', { name: 'West budget', org, scope: 'all', limit_usd: 9 }],
      ['credits', { org, amount_usd: 5, reference: 'West payment' }],
    ];
    for (const [path, body] of made) {
      const done = await post(owner, path, body);
      assert.deepEqual([done.status, done.body['org']], [201, org], `${path}: ${done.text}`);
      assert.ok([400, 403].includes((await post(admin, path, body)).status), `${path} as admin`);
      assert.ok(
        [400, 403].includes((await post(tenant('north').as.owner, path, body)).status),
        `${path} as a stranger`,
      );
    }
    const { body } = await ask(owner, `balance?org=${org}`);
    assert.equal(body['available_usd'], '5');
    for (const path of ['orgs', 'teams', 'users', 'keys', 'budgets', `invites?org=${org}`]) {
      assert.ok((await ask(owner, path)).text.includes(org), path);
      for (const other of [admin, tenant('north').as.owner])
        assert.ok(!(await ask(other, path)).text.includes(`"${org}"`), path);
    }
    assert.equal((await send(owner, 'DELETE', `/admin/v1/orgs/${org}`)).status, 200);
  });

  it('are those who may: others of the same organisation see what is its own', async () => {
    for (const path of PATHS.filter((one) => OF_ROWS.test(one)))
      for (const role of ['developer', 'analyst', 'viewer'] as const) {
        const { text } = await ask(home[role], path);
        for (const name of NAMES) assert.ok(!text.includes(tenant(name).org), `${path} as ${role}: ${name}`);
      }
    assert.equal((await ask(home.analyst, `audit?org=${tenant('north').org}`)).status, 400);
  });
});
