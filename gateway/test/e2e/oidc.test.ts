/** Logins by OpenID Connect, against the certified implementation and against one that lies (B54). Real sockets, real redirects. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { join } from 'node:path';
import { runCli, startGateway, type TestGateway } from '../harness.ts';
import { CLIENT, startLiar, startProvider, walk, type Lies, type TestProvider } from '../oidc-kit.ts';
import { Browser, firstOwner, send, type Answer } from '../people-kit.ts';

const GOOD: Lies = { claims: (good) => good, isSignedByAnother: false, takesCodesTwice: false };
const ACCOUNTS = {
  ann: { email: 'Ann@corp.example', email_verified: true, name: 'Ann Corp' },
  nan: { email: 'nan@corp.example', email_verified: true, roles: ['viewer', 'admin', 'owner'] },
  out: { email: 'out@elsewhere.example', email_verified: true },
  fake: { email: 'owner@example.org', email_verified: false },
  mallory: { email: 'owner@example.org', email_verified: true },
  silent: { name: 'No Mail' },
  linked: { email: 'linked@corp.example', email_verified: true },
};

let gateway: TestGateway;
let provider: TestProvider;
let liar: TestProvider;
const lies: Lies = { ...GOOD };

before(async () => {
  provider = await startProvider(ACCOUNTS, () =>
    ['corp', 'roles', 'links'].map((name) => `${gateway.url}/auth/oidc/${name}/callback`),
  );
  liar = await startLiar(lies);
  const row = (name: string, issuer: string, rest: string): string =>
    `    - {name: ${name}, issuer: "${issuer}", client_id: ${CLIENT.id}, client_secret: ${CLIENT.secret}, domains: [corp.example], ${rest}}`;
  gateway = await startGateway({
    config: [
      'providers: {house: {dialect: openai-chat, base_url: "http://127.0.0.1:1/v1", models: {a: {}}}}',
      'people:',
      '  oidc:',
      row('corp', provider.issuer, 'label: Corp'),
      row('roles', provider.issuer, 'scopes: [openid, email, roles], role_claim: roles'),
      row('links', provider.issuer, 'link_by_email: true'),
      row('liar', liar.issuer, 'role: viewer'),
      row('gone', 'http://127.0.0.1:1', 'role: viewer'),
      '',
    ].join('\n'),
  });
  await firstOwner(gateway);
});

after(async () => {
  await Promise.all([gateway.stop(), provider.stop(), liar.stop()]);
});

async function login(name: string, account: string, browser = new Browser(gateway.url)) {
  const { last, callback } = await walk(browser, gateway.url, {
    start: `/auth/oidc/${name}/start?next=%2Fauth%2Fme`,
    account,
  });
  return { browser, last, callback };
}

function refused({ status, text }: Answer, reason: RegExp): void {
  assert.equal(status, 403, text);
  assert.match(text, reason);
}

describe('a login by a provider', () => {
  it('makes an account for a verified address of its domains, and knows it again', async () => {
    const first = await login('corp', 'ann');
    assert.deepEqual([first.last.status, first.last.headers['location']], [303, '/auth/me']);
    const me = await first.browser.me();
    assert.deepEqual(
      [me['email'], me['name'], me['role'], me['has_password']],
      ['ann@corp.example', 'Ann Corp', 'developer', false],
    );
    const again = await login('corp', 'ann');
    assert.equal((await again.browser.me())['id'], me['id']);
  });

  it('is offered on the login page', async () => {
    const page = await send('GET', `${gateway.url}/login?next=%2Fkeys`);
    assert.match(page.text, /href="\/auth\/oidc\/corp\/start\?next=%2Fkeys">Log in with Corp</);
  });

  it('goes on at a path of our own only', async () => {
    const browser = new Browser(gateway.url);
    const { last } = await walk(browser, gateway.url, {
      start: '/auth/oidc/corp/start?next=%2F%2Fevil',
      account: 'ann',
    });
    assert.equal(last.headers['location'], '/welcome');
  });

  it('takes the role of a claim, at each login, and never owner', async () => {
    const { browser } = await login('roles', 'nan');
    assert.equal((await browser.me())['role'], 'admin');
    ACCOUNTS.nan.roles = ['viewer'];
    const later = await login('roles', 'nan');
    assert.equal((await later.browser.me())['role'], 'viewer');
  });

  it('takes an account over by a verified address only where that was allowed', async () => {
    const data = ['--data', join(gateway.dir, 'data')];
    const added = await runCli(['users', 'add', '--email', 'linked@corp.example', '--role', 'analyst', ...data], {
      cwd: gateway.dir,
    });
    assert.equal(added.code, 0, added.stderr);
    refused((await login('corp', 'linked')).last, /an account with this e-mail address already/);
    const { browser } = await login('links', 'linked');
    assert.equal((await browser.me())['role'], 'analyst');
  });

  it('is refused to a disabled account, without making another', async () => {
    const { browser } = await login('corp', 'ann');
    const { id = '' } = await browser.me();
    const data = ['--data', join(gateway.dir, 'data')];
    assert.equal((await runCli(['users', 'disable', String(id), ...data], { cwd: gateway.dir })).code, 0);
    refused((await login('corp', 'ann')).last, /disabled/);
    assert.equal((await browser.ask('GET', '/auth/me')).status, 401);
    assert.equal((await runCli(['users', 'enable', String(id), ...data], { cwd: gateway.dir })).code, 0);
  });

  it('says so where the provider does not answer', async () => {
    const tried = await send('GET', `${gateway.url}/auth/oidc/gone/start`);
    assert.equal(tried.status, 502);
    assert.match(tried.text, /could not be reached/);
    assert.equal((await send('GET', `${gateway.url}/auth/oidc/none/start`)).status, 403);
  });

  it('leaves no secret and no code in the log', async () => {
    for (const secret of [CLIENT.secret, 'code=', 'id_token']) assert.ok(!gateway.output().includes(secret), secret);
  });
});

describe('B54: a login by a provider is refused', () => {
  const again = /begin again|confirm who you are/i;

  it('without a state, or with another', async () => {
    const browser = new Browser(gateway.url);
    const { headers } = await browser.ask('GET', '/auth/oidc/liar/start');
    const at = await send('GET', String(headers['location']));
    const back = new URL(String(at.headers['location']));
    for (const state of [undefined, 'another']) {
      const url = new URL(back);
      if (state === undefined) url.searchParams.delete('state');
      else url.searchParams.set('state', state);
      const kept = new Map(browser.jar);
      refused(await browser.ask('GET', url.href), again);
      for (const [name, value] of kept) browser.jar.set(name, value);
    }
    refused(await new Browser(gateway.url).ask('GET', back.href), /begun in this browser/);
  });

  it('with a cookie that was changed, or is of another provider', async () => {
    const browser = new Browser(gateway.url);
    const { headers } = await browser.ask('GET', '/auth/oidc/liar/start');
    const back = String((await send('GET', String(headers['location']))).headers['location']);
    const good = browser.jar.get('turnout_oidc') ?? '';
    const [text = '', mark = ''] = good.split('.');
    const flow = { ...JSON.parse(Buffer.from(text, 'base64url').toString('utf8')), next: 'https://evil.example' };
    const forged = `${Buffer.from(JSON.stringify(flow)).toString('base64url')}.${mark}`;
    for (const cookie of [forged, text, `${text}.`, '']) {
      refused(await send('GET', back, { headers: { cookie: `turnout_oidc=${cookie}` } }), /begun in this browser/);
    }
    const elsewhere = back.replace('/liar/', '/corp/');
    refused(await send('GET', elsewhere, { headers: { cookie: `turnout_oidc=${good}` } }), /begun in this browser/);
  });

  it('for a code that comes a second time, whatever the provider says to it', async () => {
    for (const takesCodesTwice of [false, true]) {
      Object.assign(lies, GOOD, { takesCodesTwice, claims: GOOD.claims });
      const browser = new Browser(gateway.url);
      await browser.ask('GET', '/auth/oidc/liar/start');
      const kept = new Map(browser.jar);
      const { callback } = await login('liar', 'x', browser).then(async ({ callback }) => ({ callback }));
      const thief = new Browser(gateway.url);
      refused(await thief.ask('GET', callback), again);
      for (const [name, value] of kept) thief.jar.set(name, value);
      refused(await thief.ask('GET', callback), again);
    }
    const { browser, callback } = await login('corp', 'ann');
    refused(await browser.ask('GET', callback), again);
  });

  it('for an ID token of another nonce, issuer, audience, time or signature, or without a subject', async () => {
    const wrong: readonly (readonly [string, Partial<Lies>])[] = [
      ['nonce', { claims: (good) => ({ ...good, nonce: 'another' }) }],
      ['no nonce', { claims: ({ nonce: _nonce, ...rest }) => rest }],
      ['issuer', { claims: (good) => ({ ...good, iss: provider.issuer }) }],
      ['audience', { claims: (good) => ({ ...good, aud: 'another' }) }],
      ['several audiences', { claims: (good) => ({ ...good, aud: ['another', CLIENT.id], azp: 'another' }) }],
      ['over', { claims: (good) => ({ ...good, exp: Number(good['iat']) - 3600 }) }],
      ['no subject', { claims: ({ sub: _sub, ...rest }) => rest }],
      ['signature', { isSignedByAnother: true }],
    ];
    for (const [what, lie] of wrong) {
      Object.assign(lies, GOOD, lie);
      const { last, browser } = await login('liar', 'x');
      assert.equal(last.status, 403, what);
      assert.ok(!browser.jar.has('turnout_session'), what);
    }
    Object.assign(lies, GOOD);
    assert.equal((await login('liar', 'x')).last.status, 303, 'what it says when it does not lie');
  });

  it('for an address that is not verified, though it is an owner’s, or verified but an owner’s here', async () => {
    refused((await login('corp', 'fake')).last, /not verified/);
    refused((await login('links', 'fake')).last, /not verified/);
    refused((await login('links', 'mallory')).last, /an account with this e-mail address already/);
    for (const word of ['true', 1, undefined] as const) {
      Object.assign(lies, GOOD, {
        claims: (good: object) => ({
          ...good,
          sub: `s${String(word)}`,
          email: 'new@corp.example',
          email_verified: word,
        }),
      });
      refused((await login('liar', 'x')).last, /not verified/);
    }
  });

  it('for people of other domains, and those without an address', async () => {
    refused((await login('corp', 'out')).last, /by invitation/);
    refused((await login('corp', 'silent')).last, /not verified/);
  });
});
