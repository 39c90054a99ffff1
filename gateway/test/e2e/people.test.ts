/** Logging in and what comes with it, over real sockets: rows B49 and B51 to B53 of the table of faults, the first start, invitations. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { asRecord, asString } from '../../src/lib/json.ts';
import { runCli, startGateway, type TestGateway } from '../harness.ts';
import { asRoot, Browser, firstOwner, PASSWORD, rowsOf, send, setupLink, tokenIn } from '../people-kit.ts';

const CONFIG = `providers:
  house: {dialect: openai-chat, base_url: http://127.0.0.1:1/v1, models: {a: {}}}
people: {sign_up: open, domains: [open.example]}
`;

let gateway: TestGateway;
let owner: Browser;

before(async () => {
  gateway = await startGateway({ config: CONFIG });
});

after(async () => {
  assert.equal(await gateway.stop(), 0);
});

/** A link made by the command line beside the running gateway. */
async function linkBy(...words: readonly string[]): Promise<URL> {
  const made = await runCli([...words, '--url', gateway.url, '--data', join(gateway.dir, 'data'), '--json'], {
    cwd: gateway.dir,
  });
  assert.equal(made.code, 0, made.stderr);
  return new URL(asString(asRecord(JSON.parse(made.stdout))?.['url']) ?? '');
}

const tokenOf = (link: URL): string => link.searchParams.get('token') ?? '';

async function arrived(email: string, ...words: readonly string[]): Promise<Browser> {
  const browser = new Browser(gateway.url);
  const token = tokenOf(await linkBy('invite', ...words));
  const made = await browser.post('/invite', { token, name: email.split('@')[0] ?? '', email, password: PASSWORD });
  assert.equal(made.status, 303, made.text);
  await browser.me();
  return browser;
}

describe('the first start', () => {
  it('prints a link by which the first owner makes an account, once, and gets a working key', async () => {
    const startedMs = performance.now();
    const link = setupLink(gateway);
    const again = await linkBy('setup');
    owner = new Browser(gateway.url);
    const shown = await owner.ask('GET', link);
    assert.equal(shown.status, 200);
    assert.match(shown.text, /<form method="post" action="\/setup">/);
    const weak = { token: tokenOf(new URL(link)), name: 'Olga Owner', email: 'owner@example.org', password: 'short' };
    const refused = await owner.post('/setup', weak);
    assert.deepEqual([refused.status, owner.jar.size], [400, 0]);
    assert.match(refused.text, /12 characters or more/);
    assert.doesNotMatch(refused.text, /value="short"/);
    const made = await owner.post('/setup', { ...weak, password: PASSWORD });
    assert.deepEqual([made.status, made.headers['location']], [303, '/welcome']);
    assert.match(
      String(made.headers['set-cookie']),
      /^turnout_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/,
    );
    assert.equal((await owner.me())['role'], 'owner');
    const page = await owner.ask('GET', '/welcome');
    const key = await owner.post('/welcome', { csrf: tokenIn(page.text) });
    const token = /tk_\w+/.exec(key.text)?.[0] ?? '';
    const models = await send('GET', `${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(models.status, 200);
    assert.ok(performance.now() - startedMs < 60_000);
    for (const old of [link, again.href]) {
      const gone = await new Browser(gateway.url).ask('GET', old);
      assert.equal(gone.status, 410);
      const late = await new Browser(gateway.url).post('/setup', {
        ...weak,
        token: tokenOf(new URL(old)),
        email: 'b@example.org',
        password: PASSWORD,
      });
      assert.equal(late.status, 410);
    }
    const none = await runCli(['setup', '--data', join(gateway.dir, 'data')], { cwd: gateway.dir });
    assert.deepEqual([none.code, none.stdout], [1, '']);
  });

  it('has no way in by default', async () => {
    for (const [email, password] of [
      ['admin', 'admin'],
      ['admin@localhost', 'password'],
      ['root@example.org', ''],
    ] as const) {
      const tried = await send('POST', `${gateway.url}/auth/login`, { json: { email, password }, from: '127.0.0.9' });
      assert.deepEqual([tried.status, asRecord(tried.body['error'])?.['code']], [401, 'login_wrong']);
    }
    assert.equal((await send('GET', `${gateway.url}/auth/me`)).status, 401);
    const page = await send('GET', `${gateway.url}/welcome`);
    assert.deepEqual([page.status, page.headers['location']], [303, '/login?next=%2Fwelcome']);
  });
});

describe('a login', () => {
  it('opens a session, and a logout ends it', async () => {
    const browser = new Browser(gateway.url);
    const made = await browser.post('/login', { email: 'Owner@Example.org', password: PASSWORD, next: '/auth/me' });
    assert.deepEqual([made.status, made.headers['location']], [303, '/auth/me']);
    await browser.me();
    const rows = rowsOf(await browser.ask('GET', '/auth/sessions'));
    assert.deepEqual(new Set(rows.map((row) => row['is_current'])), new Set([false, true]));
    assert.equal(rows.length, 2);
    assert.ok(!JSON.stringify(rows).includes([...browser.jar.values()][0] ?? '-'));
    const page = await browser.ask('GET', '/welcome');
    const kept = new Map(browser.jar);
    const out = await browser.post('/logout', { csrf: tokenIn(page.text) });
    assert.deepEqual([out.status, out.headers['location'], browser.jar.size], [303, '/login', 0]);
    for (const [name, value] of kept) browser.jar.set(name, value);
    assert.equal((await browser.ask('GET', '/auth/me')).status, 401);
  });

  it('of a browser ends the one it had before, and each is another', async () => {
    const browser = new Browser(gateway.url);
    const login = { email: 'owner@example.org', password: PASSWORD };
    await browser.post('/login', login);
    const first = new Map(browser.jar);
    await browser.post('/login', login);
    assert.notDeepEqual(browser.jar, first);
    const old = new Browser(gateway.url);
    for (const [name, value] of first) old.jar.set(name, value);
    assert.equal((await old.ask('GET', '/auth/me')).status, 401);
    await browser.me();
  });

  it('says the same of an unknown address, a wrong password and a disabled account', async () => {
    const ann = await arrived('same@example.org');
    const { id = '' } = await ann.me();
    const data = ['--data', join(gateway.dir, 'data')];
    assert.equal((await runCli(['users', 'disable', String(id), ...data], { cwd: gateway.dir })).code, 0);
    const texts = new Set<string>();
    for (const [email, password] of [
      ['nobody@example.org', PASSWORD],
      ['owner@example.org', 'a wrong one, surely'],
      ['same@example.org', PASSWORD],
      ['not an address', PASSWORD],
    ] as const) {
      const { status, text } = await send('POST', `${gateway.url}/auth/login`, {
        json: { email, password },
        from: '127.0.0.8',
      });
      assert.equal(status, 401);
      texts.add(text.replace(/"request_id":"[^"]*"/, ''));
    }
    assert.equal(texts.size, 1, [...texts].join('\n'));
  });

  it('can be looked at and ended by whose it is, one by one and all others, and by nobody else', async () => {
    const ann = await arrived('ann@example.org');
    const other = new Browser(gateway.url);
    await other.post('/login', { email: 'ann@example.org', password: PASSWORD });
    await other.me();
    const rows = rowsOf(await ann.ask('GET', '/auth/sessions'));
    const theirs = rows.find((row) => row['is_current'] === false)?.['id'];
    assert.equal((await owner.ask('DELETE', `/auth/sessions/${String(theirs)}`)).status, 404);
    assert.equal((await ann.ask('DELETE', `/auth/sessions/${String(theirs)}`)).status, 200);
    assert.equal((await other.ask('GET', '/auth/me')).status, 401);
    await other.post('/login', { email: 'ann@example.org', password: PASSWORD });
    assert.deepEqual((await ann.ask('DELETE', '/auth/sessions')).body['ended'], 1);
    await ann.me();
    assert.equal((await other.ask('GET', '/auth/me')).status, 401);
  });

  it('has a new password for who knows the old one, which ends all other sessions', async () => {
    const eve = await arrived('eve@example.org');
    const other = new Browser(gateway.url);
    await other.post('/login', { email: 'eve@example.org', password: PASSWORD });
    const next = 'another horse battery';
    assert.equal(
      (await eve.ask('POST', '/auth/password', { json: { current: 'wrong wrong wrong', password: next } })).status,
      401,
    );
    assert.equal(
      (await eve.ask('POST', '/auth/password', { json: { current: PASSWORD, password: 'short' } })).status,
      400,
    );
    assert.equal(
      (await eve.ask('POST', '/auth/password', { json: { current: PASSWORD, password: next } })).status,
      200,
    );
    await eve.me();
    assert.equal((await other.ask('GET', '/auth/me')).status, 401);
    assert.equal((await other.post('/login', { email: 'eve@example.org', password: PASSWORD })).status, 401);
    assert.equal((await other.post('/login', { email: 'eve@example.org', password: next })).status, 303);
  });
});

describe('people come', () => {
  it('by an invitation, which names role and team, and is good for once', async () => {
    const team = await runCli(['teams', 'add', '--name', 'Tools', '--data', join(gateway.dir, 'data'), '--json'], {
      cwd: gateway.dir,
    });
    const teamId = asString(asRecord(JSON.parse(team.stdout))?.['id']) ?? '';
    const link = await linkBy('invite', '--role', 'analyst', '--team', teamId, '--email', 'Ida@Example.org');
    const page = await send('GET', link.href);
    assert.match(page.text, /value="ida@example.org"[^>]* readonly/);
    const shown = await send('GET', `${gateway.url}/auth/invites/${tokenOf(link)}`);
    assert.deepEqual(
      [shown.body['kind'], shown.body['role'], shown.body['email'], shown.body['team']],
      ['invite', 'analyst', 'ida@example.org', 'Tools'],
    );
    const ida = new Browser(gateway.url);
    const person = { token: tokenOf(link), name: 'Ida', password: PASSWORD };
    assert.equal((await ida.post('/invite', { ...person, email: 'other@example.org' })).status, 400);
    assert.equal((await ida.post('/invite', { ...person, email: 'ida@example.org' })).status, 303);
    const me = await ida.me();
    assert.deepEqual([me['role'], me['team_ids']], ['analyst', [teamId]]);
    assert.equal((await ida.ask('POST', '/auth/keys', { json: {} })).status, 403, 'an analyst has no keys of his own');
    assert.equal((await send('GET', link.href)).status, 410);
  });

  it('by themselves, where that is open and their domain is named', async () => {
    const stranger = new Browser(gateway.url);
    const person = { name: 'Sue', email: 'sue@elsewhere.example', password: PASSWORD };
    assert.equal((await stranger.post('/sign-up', person)).status, 403);
    assert.equal((await stranger.post('/sign-up', { ...person, email: 'sue@sub.open.example' })).status, 403);
    assert.equal(
      (await stranger.post('/sign-up', { ...person, email: 'sue@open.example', role: 'owner' })).status,
      303,
    );
    assert.equal((await stranger.me())['role'], 'developer');
    const rich = await stranger.ask('POST', '/auth/keys', { json: { name: 'mine', budget_usd: 5 } });
    assert.deepEqual([rich.status, asRecord(rich.body['error'])?.['param']], [400, 'budget_usd'], 'nothing is ignored');
    const key = await stranger.ask('POST', '/auth/keys', { json: { name: 'mine' } });
    assert.equal(key.status, 201);
    const headers = { authorization: `Bearer ${String(key.body['key'])}` };
    assert.equal((await send('GET', `${gateway.url}/v1/models`, { headers })).status, 200);
    const twice = await new Browser(gateway.url).post('/sign-up', { ...person, email: 'sue@open.example' });
    assert.equal(twice.status, 409);
  });

  it('back by a link for a new password, which ends all their logins', async () => {
    const flo = await arrived('flo@example.org');
    const link = await linkBy('invite', '--password', 'flo@example.org');
    assert.match((await send('GET', link.href)).text, /New password|A new password/);
    const again = new Browser(gateway.url);
    const next = 'yet another battery';
    assert.equal((await again.post('/password', { token: tokenOf(link), password: next })).status, 303);
    assert.equal((await flo.ask('GET', '/auth/me')).status, 401);
    assert.equal((await again.me())['email'], 'flo@example.org');
    assert.equal((await again.post('/password', { token: tokenOf(link), password: PASSWORD })).status, 410);
  });

  it('and go: a disabled user is out within five seconds, with his keys', async () => {
    const max = await arrived('max@example.org');
    const { id = '' } = await max.me();
    const key = await max.ask('POST', '/auth/keys', { json: {} });
    const headers = { authorization: `Bearer ${String(key.body['key'])}` };
    const status = async (): Promise<number> => (await send('GET', `${gateway.url}/v1/models`, { headers })).status;
    assert.equal(await status(), 200);
    const data = ['--data', join(gateway.dir, 'data')];
    assert.equal((await runCli(['users', 'disable', String(id), ...data], { cwd: gateway.dir })).code, 0);
    const startedMs = performance.now();
    while ((await status()) === 200) assert.ok(performance.now() - startedMs < 5000);
    assert.equal((await max.ask('GET', '/auth/me')).status, 401);
  });
});

describe('B49: one’s own profile', () => {
  it('takes a name, and neither role, organisation nor money; whoever tries is written down', async () => {
    const joe = await arrived('joe@example.org');
    const before = await joe.me();
    for (const field of [
      'role',
      'org_id',
      'budget',
      'budget_usd',
      'spent',
      'team_ids',
      'is_disabled',
      'id',
      'settings',
    ]) {
      const tried = await joe.ask('PATCH', '/auth/me', {
        json: { name: 'Joe', [field]: field === 'role' ? 'owner' : 'x' },
      });
      assert.equal(tried.status, 403, field);
    }
    assert.equal((await joe.ask('PATCH', '/auth/me', { json: { constructor_: 1 } })).status, 400);
    assert.deepEqual(await joe.me(), before);
    assert.equal((await joe.ask('PATCH', '/auth/me', { json: { name: 'Joe the Second' } })).status, 200);
    assert.equal((await joe.me())['name'], 'Joe the Second');
    const audit = await asRoot(gateway, 'GET', '/admin/v1/audit?limit=100');
    const refused = rowsOf(audit).filter((row) => row['action'] === 'user.refused' && row['by'] === before['id']);
    assert.equal(refused.length, 9);
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`budget_${'x'.repeat(90)}${at}`, 1]));
    assert.equal((await joe.ask('PATCH', '/auth/me', { json: many })).status, 403);
    const [entry] = rowsOf(await asRoot(gateway, 'GET', '/admin/v1/audit?action=user.refused&limit=1'));
    assert.ok(JSON.stringify(entry?.['changes']).length < 1000, 'the log is not his to fill');
  });
});

describe('B51: what a page of another site sends', () => {
  it('is refused, with the cookie and without the token, by form or by script', async () => {
    const cookie = [...owner.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    await owner.me();
    const token = owner.csrf;
    const origin = gateway.url;
    const evil = 'https://evil.example';
    const cases: readonly (readonly [string, Record<string, string>])[] = [
      ['another origin', { origin: evil, 'x-turnout-csrf': token }],
      ['an origin without a name', { origin: 'null', 'x-turnout-csrf': token }],
      ['another site by fetch metadata', { 'sec-fetch-site': 'cross-site', 'x-turnout-csrf': token }],
      ['no token', { origin }],
      ['a wrong token', { origin, 'x-turnout-csrf': `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}` }],
      ['no token, no origin', {}],
    ];
    const routes = [
      ['POST', '/auth/logout'],
      ['POST', '/auth/keys'],
      ['PATCH', '/auth/me'],
      ['DELETE', '/auth/sessions'],
      ['POST', '/auth/password'],
      ['POST', '/admin/v1/keys'],
    ] as const;
    for (const [method, path] of routes) {
      for (const [what, headers] of cases) {
        const json = method === 'DELETE' ? {} : { json: { name: 'x' } };
        const tried = await send(method, `${gateway.url}${path}`, { headers: { cookie, ...headers }, ...json });
        assert.equal(tried.status, 403, `${method} ${path}: ${what}`);
      }
      if (method === 'POST') {
        const form = { form: { name: 'x' } };
        const tried = await send(method, `${gateway.url}${path}`, { headers: { cookie, origin }, ...form });
        assert.equal(tried.status, 403, `${path}: a form`);
      }
    }
    for (const path of ['/welcome', '/logout', '/login', '/sign-up', '/setup', '/invite', '/password']) {
      for (const headers of [{ origin: evil }, { 'sec-fetch-site': 'cross-site' }, {}] as const) {
        const tried = await send('POST', `${gateway.url}${path}`, {
          headers: { cookie, ...headers },
          form: { csrf: token },
        });
        assert.equal(tried.status, 403, `${path} ${JSON.stringify(headers)}`);
      }
    }
    const untokened = await send('POST', `${gateway.url}/welcome`, { headers: { cookie, origin }, form: {} });
    assert.equal(untokened.status, 403);
    await owner.me();
    const made = await send('POST', `${gateway.url}/admin/v1/keys`, {
      headers: { cookie, origin, 'x-turnout-csrf': token },
      json: { name: 'by a page of ours' },
    });
    assert.equal(made.status, 201);
  });
});

describe('B53: where a login goes on', () => {
  it('is a path of our own, whatever `next` says', async () => {
    for (const next of ['https://evil', '//evil', '/\\evil', '/\t/evil', 'javascript:alert(1)', '/..//evil']) {
      const page = await send('GET', `${gateway.url}/login?next=${encodeURIComponent(next)}`);
      assert.match(page.text, /name="next" value="\/"/, next);
      const browser = new Browser(gateway.url);
      const made = await browser.post('/login', { email: 'owner@example.org', password: PASSWORD, next });
      assert.deepEqual([made.status, made.headers['location']], [303, '/welcome'], next);
    }
  });
});

describe('B52: a hundred wrong logins', () => {
  it('are slowed for their address and account, and the owner gets in from elsewhere', async () => {
    const wrong = { email: 'owner@example.org', password: 'guess guess guess' };
    const tried = await Promise.all(
      Array.from({ length: 100 }, async () =>
        send('POST', `${gateway.url}/auth/login`, { json: wrong, from: '127.0.0.66' }),
      ),
    );
    const count = (status: number): number => tried.filter((one) => one.status === status).length;
    assert.ok(count(401) <= 10 && count(401) >= 1 && count(429) === 100 - count(401), `${count(401)} ${count(429)}`);
    const refused = tried.find((one) => one.status === 429);
    assert.ok(Number(refused?.headers['retry-after']) > 0 && Number(refused?.headers['retry-after']) <= 20);
    const right = { email: 'owner@example.org', password: PASSWORD };
    assert.equal((await send('POST', `${gateway.url}/auth/login`, { json: right, from: '127.0.0.66' })).status, 429);
    const startedMs = performance.now();
    const elsewhere = await send('POST', `${gateway.url}/auth/login`, { json: right, from: '127.0.0.77' });
    assert.equal(elsewhere.status, 200);
    assert.ok(performance.now() - startedMs < 5000);
  });
});

describe('a second process on the same data', () => {
  it('knows who logged in at the first, and forgets whom the first has disabled', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'turnout-people-'));
    const one = await startGateway({ config: CONFIG, dir });
    const two = await startGateway({ config: CONFIG, dir });
    try {
      const here = await firstOwner(one);
      const there = new Browser(two.url);
      for (const [name, value] of here.jar) there.jar.set(name, value);
      assert.equal((await there.me())['email'], 'owner@example.org');
      await here.ask('POST', '/auth/logout', { json: {} });
      assert.equal((await there.ask('GET', '/auth/me')).status, 401);
    } finally {
      await Promise.all([one.stop(), two.stop()]);
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

describe('a gateway that people reach over TLS', () => {
  it('names that address in its links, and keeps its cookie to it', async () => {
    const origin = 'https://llm.example.org';
    const tls = await startGateway({ config: CONFIG.replace('people: {', `people: {url: '${origin}', `) });
    try {
      const link = /https:\/\/llm\.example\.org\/setup\?token=([\w-]{43})/.exec(tls.output());
      assert.ok(link, tls.output());
      const form = { token: link[1] ?? '', name: 'O', email: 'o@example.org', password: PASSWORD };
      const from = { host: 'llm.example.org', origin };
      const made = await send('POST', `${tls.url}/setup`, { headers: from, form });
      const cookie = String(made.headers['set-cookie']);
      assert.match(cookie, /^__Host-turnout_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/);
      const me = async (name: string): Promise<number> => {
        const value = /=([\w-]{43});/.exec(cookie)?.[1] ?? '';
        return (await send('GET', `${tls.url}/auth/me`, { headers: { cookie: `${name}=${value}` } })).status;
      };
      assert.deepEqual([await me('__Host-turnout_session'), await me('turnout_session')], [200, 401]);
      const other = { ...from, origin: 'https://evil.example' };
      assert.equal((await send('POST', `${tls.url}/login`, { headers: other, form })).status, 403);
    } finally {
      await tls.stop();
    }
  });
});
