/** A real OpenID provider on loopback (`oidc-provider`), and one of our own that lies. */
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import type { JsonRecord } from '../src/lib/json.ts';
import { send, type Answer, type Browser } from './people-kit.ts';

export const CLIENT = { id: 'turnout', secret: 'the-secret-of-the-client' } as const;

/** An account at the provider: its name is its subject. */
export type Accounts = Readonly<Record<string, JsonRecord>>;

export interface TestProvider {
  readonly issuer: string;
  stop(): Promise<void>;
}

/** The certified implementation, with its own login page. `accounts` are claims by subject; whoever names a subject is it. */
export async function startProvider(accounts: Accounts, redirectUris: () => readonly string[]): Promise<TestProvider> {
  const server = createServer();
  const issuer = await listen(server);
  let handler: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined;
  server.on('request', (request, response) => {
    // Made at the first request: the gateway, whose address it must know, starts after it.
    handler ??= providerOf(issuer, accounts, redirectUris()).callback();
    void handler(request, response);
  });
  return { issuer, stop: async () => close(server) };
}

function providerOf(issuer: string, accounts: Accounts, redirectUris: readonly string[]): Provider {
  return new Provider(issuer, {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [...redirectUris] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], roles: ['roles'] },
    conformIdTokenClaims: false,
    cookies: { keys: [randomBytes(16).toString('hex')] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ ...accounts[id], sub: id }) }),
  });
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve(`http://127.0.0.1:${port}`);
    });
  });
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}

/** Goes through a login as a person does: every redirect, every form, cookies of both hosts. Gives the answer of our callback, and its address. */
export async function walk(
  browser: Browser,
  gatewayUrl: string,
  { start, account }: { readonly start: string; readonly account: string },
): Promise<{ readonly last: Answer; readonly callback: string }> {
  const jar = new Map<string, string>();
  let answer = await browser.ask('GET', start);
  let at = new URL(start, gatewayUrl);
  for (let steps = 0; steps < 20; steps++) {
    const next = nextOf(answer, at, account);
    if (next === undefined)
      throw new Error(`the login ends at ${at.href}: ${answer.status} ${answer.text.slice(0, 2000)}`);
    at = next.url;
    if (at.origin === new URL(gatewayUrl).origin) return { last: await browser.ask('GET', at.href), callback: at.href };
    answer = await asProvider(jar, next);
  }
  throw new Error('too many steps');
}

interface Step {
  readonly url: URL;
  readonly form?: Readonly<Record<string, string>>;
}

/** Where an answer leads: its redirect, or its form with the name of the account. */
function nextOf({ headers, text }: Answer, at: URL, account: string): Step | undefined {
  const location = headers['location'];
  if (typeof location === 'string') return { url: new URL(location, at) };
  const action = /<form[^>]* action="([^"]+)"/.exec(text)?.[1];
  if (action === undefined) return undefined;
  const hidden = [...text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)];
  const fields = hidden.map((match) => [match[1] ?? '', match[2] ?? ''] as const);
  return { url: new URL(action, at), form: { ...Object.fromEntries(fields), login: account, password: 'any' } };
}

async function asProvider(jar: Map<string, string>, { url, form }: Step): Promise<Answer> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = cookie === '' ? {} : { cookie };
  const answer = await send(form === undefined ? 'GET' : 'POST', url.href, {
    headers,
    ...(form === undefined ? {} : { form }),
  });
  for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
    const [pair = ''] = line.split(';');
    const at = pair.indexOf('=');
    if (pair.slice(at + 1) === '') jar.delete(pair.slice(0, at));
    else jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return answer;
}

/** What a provider that lies says: changes of a good ID token, and its signature. */
export interface Lies {
  claims: (good: JsonRecord) => JsonRecord;
  isSignedByAnother: boolean;
  /** Takes a code any number of times, as no provider should. */
  takesCodesTwice: boolean;
}

/** Speaks just enough of OpenID Connect to lie in one thing at a time. */
export async function startLiar(lies: Lies): Promise<TestProvider> {
  const [right, wrong] = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ];
  const asked = new Map<string, { readonly nonce: string; readonly challenge: string }>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    const say = (body: JsonRecord, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/.well-known/openid-configuration') return say(metadataOf(issuer));
    if (url.pathname === '/jwks')
      return say({
        keys: [{ ...right.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }],
      });
    if (url.pathname === '/authorize') {
      const code = randomBytes(8).toString('hex');
      const [state, nonce, challenge] = ['state', 'nonce', 'code_challenge'].map(
        (name) => url.searchParams.get(name) ?? '',
      );
      asked.set(code, { nonce: nonce ?? '', challenge: challenge ?? '' });
      const back = new URL(url.searchParams.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({ code, state: state ?? '' }).toString();
      return void response.writeHead(302, { location: back.href }).end();
    }
    void bodyOf(request).then((form) => {
      const code = form.get('code') ?? '';
      const flow = asked.get(code);
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      if (flow === undefined || challenge !== flow.challenge) return say({ error: 'invalid_grant' }, 400);
      if (!lies.takesCodesTwice) asked.delete(code);
      const now = Math.floor(Date.now() / 1000);
      const good = {
        iss: issuer,
        aud: CLIENT.id,
        sub: 'liar',
        iat: now,
        exp: now + 60,
        nonce: flow.nonce,
        email: 'liar@corp.example',
        email_verified: true,
      };
      const key = lies.isSignedByAnother ? wrong.privateKey : right.privateKey;
      return say({ access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: signed(lies.claims(good), key) });
    });
  });
  const issuer = await listen(server);
  return { issuer, stop: async () => close(server) };
}

function metadataOf(issuer: string): JsonRecord {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    code_challenge_methods_supported: ['S256'],
  };
}

function signed(claims: JsonRecord, key: Parameters<ReturnType<typeof createSign>['sign']>[0]): string {
  const part = (value: JsonRecord): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', kid: 'k', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createSign('sha256').update(text).sign(key).toString('base64url')}`;
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return new URLSearchParams(text);
}
