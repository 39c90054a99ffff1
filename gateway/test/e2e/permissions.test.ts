/** Row B50: every route of the admin API, as each role of two organisations, as keys, and as no one. Who may is what the tables say, and nothing else is. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TABLE } from '../../src/admin/table.ts';
import { asRecord, asString, type JsonRecord } from '../../src/lib/json.ts';
import { DEFAULT_ORG_ID, may, ROLES, type Role } from '../../src/people/permissions.ts';
import { runCli, startGateway, type TestGateway } from '../harness.ts';
import { asRoot, Browser, firstOwner, PASSWORD, send, type Answer, type Sent } from '../people-kit.ts';

let gateway: TestGateway;
/** Who asks: by role, of the organisation that runs the gateway and of another. */
const browsers = new Map<string, Browser>();
let otherOrg = '';

async function command(...words: readonly string[]): Promise<JsonRecord> {
  const ran = await runCli([...words, '--data', join(gateway.dir, 'data'), '--json'], { cwd: gateway.dir });
  assert.equal(ran.code, 0, ran.stderr);
  return asRecord(JSON.parse(ran.stdout)) ?? {};
}

async function personOf(role: Role, org: string): Promise<Browser> {
  const browser = new Browser(gateway.url);
  const { url } = await command('invite', '--role', role, '--org', org);
  const token = new URL(asString(url) ?? '').searchParams.get('token') ?? '';
  const form = {
    token,
    name: `${role} of ${org}`,
    email: `${role}@${org.replaceAll('_', '-')}.example`,
    password: PASSWORD,
  };
  assert.equal((await browser.post('/invite', form)).status, 303);
  await browser.me();
  return browser;
}

before(async () => {
  gateway = await startGateway({
    config: 'providers: {house: {dialect: openai-chat, base_url: "http://127.0.0.1:1/v1", models: {a: {}}}}\n',
  });
  await firstOwner(gateway);
  otherOrg = asString((await command('orgs', 'add', '--name', 'Other'))['id']) ?? '';
  for (const org of [DEFAULT_ORG_ID, otherOrg])
    for (const role of ROLES) browsers.set(`${role} ${org}`, await personOf(role, org));
});

after(async () => {
  assert.equal(await gateway.stop(), 0);
});

/** What is asked of a route: an empty body, and an id of nothing. Whose thing it is comes after whether one may at all. */
function askedOf(endpoint: (typeof TABLE)[number]): { readonly path: string; readonly sent: Sent } {
  const path = `/admin/v1/${endpoint.path.replace('{id}', 'nothing')}`;
  return { path, sent: endpoint.method === 'POST' || endpoint.method === 'PATCH' ? { json: {} } : {} };
}

function codeOf({ body }: Answer): string | undefined {
  return asString(asRecord(body['error'])?.['code']);
}

describe('B50: who may do what', () => {
  for (const endpoint of TABLE) {
    const { method, permissions } = endpoint;
    it(`${method} /admin/v1/${endpoint.path} is for ${permissions.join(' or ')}`, async () => {
      const { path, sent } = askedOf(endpoint);
      const seen: string[] = [];
      const expected: string[] = [];
      for (const orgId of [DEFAULT_ORG_ID, otherOrg]) {
        for (const role of ROLES) {
          const browser = browsers.get(`${role} ${orgId}`);
          assert.ok(browser);
          const answer = await browser.ask(method, path, sent);
          const isLetIn = answer.status !== 403;
          if (!isLetIn) assert.equal(codeOf(answer), 'not_permitted', answer.text);
          assert.ok(answer.status !== 401 && answer.status < 500, answer.text);
          if (isLetIn) seen.push(`${role} ${orgId}`);
          if (permissions.some((one) => may({ kind: 'user', role, orgId }, one))) expected.push(`${role} ${orgId}`);
        }
      }
      assert.deepEqual(seen, expected);
    });

    it(`${method} /admin/v1/${endpoint.path} is for nobody without a login`, async () => {
      const { path, sent } = askedOf(endpoint);
      const ask = async (headers: Record<string, string>): Promise<number> =>
        (await send(method, `${gateway.url}${path}`, { ...sent, headers })).status;
      assert.equal(await ask({}), 401);
      assert.equal(await ask({ cookie: `turnout_session=${'x'.repeat(43)}` }), 401);
      assert.equal(await ask({ authorization: 'Bearer tk_wrong' }), 401);
    });
  }

  it('keys may what their user may where they have the scope admin, and nothing here without it', async () => {
    const users = await command('users', 'list', '--org', otherOrg);
    assert.ok(Array.isArray(users['data']));
    for (const user of users['data'].map(asRecord)) {
      const role = ROLES.find((one) => one === user?.['role']);
      assert.ok(role);
      for (const scope of ['admin', 'inference']) {
        const owner = { org: otherOrg, user: asString(user?.['id']) ?? '' };
        const made = await asRoot(gateway, 'POST', '/admin/v1/keys', { name: 'k', scopes: [scope], ...owner });
        assert.equal(made.status, 201, made.text);
        const headers = { authorization: `Bearer ${String(made.body['key'])}` };
        for (const endpoint of TABLE.filter(({ method }) => method === 'GET')) {
          const answer = await send('GET', `${gateway.url}${askedOf(endpoint).path}`, { headers });
          const isAllowed = endpoint.permissions.some((one) => may({ kind: 'key', role, orgId: otherOrg }, one));
          const expected = scope === 'inference' ? 'admin_only' : isAllowed ? undefined : 'not_permitted';
          const code = answer.status === 403 || answer.status === 401 ? codeOf(answer) : undefined;
          assert.equal(code, expected, `${endpoint.id} ${role} ${scope}`);
        }
      }
    }
  });

  it('the root key may everything', async () => {
    for (const endpoint of TABLE.filter(({ method }) => method === 'GET')) {
      const { path } = askedOf(endpoint);
      assert.ok(![401, 403].includes((await asRoot(gateway, 'GET', path)).status), path);
    }
  });
});

describe('signing up', () => {
  it('is for nobody where it is not open, in whatever way', async () => {
    const stranger = new Browser(gateway.url);
    const person = { name: 'Sue', email: 'sue@stranger.example', password: PASSWORD };
    assert.equal((await stranger.post('/sign-up', person)).status, 403);
    assert.equal((await stranger.ask('POST', '/auth/sign-up', { json: person })).status, 403);
    const page = await stranger.ask('GET', '/sign-up');
    assert.equal(page.status, 403);
    assert.ok(!page.text.includes('<form') && page.text.includes('href="/login"'), 'no form that is refused anyway');
    assert.equal((await stranger.post('/login', person)).status, 401);
  });
});
