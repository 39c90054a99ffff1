/** Logins by OpenID Connect: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9700). */
import { timingSafeEqual } from 'node:crypto';
import type * as OpenId from 'openid-client';
import { fault, type Fault } from '../chat/fault.ts';
import type { OidcConfig } from '../config/schema.ts';
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { ownPath } from './origin.ts';

/** How long a person may take at the provider. */
const FLOW_MS = 10 * 60_000;
/** For its answers: a login must not hang on a provider that does not answer. */
const PROVIDER_TIMEOUT_S = 10;
/** States that were used; each is good for ten minutes anyway. */
const USED_MAX = 10_000;

/** What the provider says of someone, checked. */
export interface Identity {
  /** `issuer subject`: the one name of an account there that never passes to another. */
  readonly subject: string;
  readonly name: string | undefined;
  /** Only where the provider has verified it. */
  readonly email: string | undefined;
  /** What stands in the claim that holds roles. */
  readonly roles: readonly string[];
}

export interface Oidc {
  /** Where to send the browser, and what its cookie has to keep until it is back. */
  start(
    provider: OidcConfig,
    ways: { readonly redirectUri: string; readonly next: string },
  ): Promise<Result<Start, Fault>>;
  /** Who came back. `url`: as it was called. */
  finish(
    provider: OidcConfig,
    back: Back,
  ): Promise<Result<{ readonly identity: Identity; readonly next: string }, Fault>>;
}

export interface Start {
  readonly location: string;
  readonly cookie: string;
  readonly maxAgeS: number;
}

export interface Back {
  readonly url: string;
  readonly redirectUri: string;
  /** What `start` gave to keep. */
  readonly cookie: string | undefined;
}

export interface OidcPorts {
  /** For what must not be forged. */
  readonly sign: (purpose: string, text: string) => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly warn: (text: string, of: Readonly<Record<string, string>>) => void;
}

export function oidc(ports: OidcPorts): Oidc {
  const clients = new Map<string, Promise<OpenId.Configuration>>();
  const used = new Set<string>();
  const clientOf = async (provider: OidcConfig): Promise<OpenId.Configuration> => {
    const id = JSON.stringify([provider.issuer, provider.client_id, provider.client_secret]);
    const known = clients.get(id) ?? discover(provider);
    clients.set(id, known);
    // What failed once is asked again by the next who comes.
    known.catch(() => clients.delete(id));
    return known;
  };
  const failed = (provider: OidcConfig, error: unknown): Result<never, Fault> => {
    ports.warn('a login by a provider failed', { provider: provider.name, error: reasonOf(error) });
    return err(fault('login-refused', { reason: `${provider.label ?? provider.name} did not confirm who you are` }));
  };
  return {
    start: async (provider, { redirectUri, next }) => {
      const client = await clientOf(provider).catch((error: unknown) => error);
      if (!isClient(client)) return unreachable(provider, client, ports);
      const openId = await library();
      const verifier = openId.randomPKCECodeVerifier();
      const [state, nonce] = [openId.randomState(), openId.randomNonce()];
      const location = openId.buildAuthorizationUrl(client, {
        redirect_uri: redirectUri,
        scope: [...new Set(['openid', ...provider.scopes])].join(' '),
        code_challenge: await openId.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
      });
      const flow = { name: provider.name, state, nonce, verifier, next: ownPath(next), until: ports.now() + FLOW_MS };
      return ok({ location: location.href, cookie: seal(flow, ports), maxAgeS: FLOW_MS / 1000 });
    },
    finish: async (provider, { url, redirectUri, cookie }) => {
      const flow = unseal(cookie, ports);
      if (flow === undefined || flow.name !== provider.name || flow.until <= ports.now() || used.has(flow.state))
        return err(fault('login-refused', { reason: 'it was not begun in this browser, or is too old. Begin again' }));
      if (used.size >= USED_MAX) used.clear();
      used.add(flow.state);
      const openId = await library();
      try {
        const back = new URL(redirectUri);
        back.search = new URL(url, redirectUri).search;
        const tokens = await openId.authorizationCodeGrant(await clientOf(provider), back, {
          pkceCodeVerifier: flow.verifier,
          expectedState: flow.state,
          expectedNonce: flow.nonce,
          idTokenExpected: true,
        });
        const claims = asRecord(tokens.claims());
        const identity = claims === undefined ? undefined : identityOf(provider, claims);
        return identity === undefined ? failed(provider, 'no subject') : ok({ identity, next: ownPath(flow.next) });
      } catch (error) {
        return failed(provider, error);
      }
    },
  };
}

/** Read only by who logs in so: it would cost every start some megabytes. */
async function library(): Promise<typeof OpenId> {
  return import('openid-client');
}

async function discover({ issuer, client_id, client_secret }: OidcConfig): Promise<OpenId.Configuration> {
  const openId = await library();
  const url = new URL(issuer);
  const isPlain = url.protocol === 'http:';
  const auth = client_secret === undefined ? openId.None() : openId.ClientSecretBasic(client_secret);
  return openId.discovery(url, client_id, undefined, auth, {
    timeout: PROVIDER_TIMEOUT_S,
    // The signature of an ID token is looked at though it came straight from the provider.
    execute: [openId.enableNonRepudiationChecks, ...(isPlain ? [openId.allowInsecureRequests] : [])],
  });
}

function isClient(value: unknown): value is OpenId.Configuration {
  return typeof value === 'object' && value !== null && 'serverMetadata' in value;
}

function unreachable(provider: OidcConfig, error: unknown, { warn }: OidcPorts): Result<never, Fault> {
  warn('a login provider cannot be reached', { provider: provider.name, error: reasonOf(error) });
  return err(fault('login-provider', { provider: provider.label ?? provider.name }));
}

/** For the log: never a token, a code or a secret, which these errors do not hold in their message. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error.message}${cause}`.slice(0, 500);
}

function identityOf({ role_claim }: OidcConfig, claims: JsonRecord): Identity | undefined {
  const [issuer, subject] = [asString(claims['iss']), asString(claims['sub'])];
  if (issuer === undefined || subject === undefined || subject === '') return undefined;
  const given = role_claim === undefined ? undefined : claims[role_claim];
  const roles = (asArray(given) ?? [given]).flatMap((role) => asString(role) ?? []);
  return {
    subject: `${issuer} ${subject}`,
    name: asString(claims['name']) ?? asString(claims['preferred_username']),
    // A provider that says nothing of it has verified nothing; `"true"` is no word of the standard.
    email: claims['email_verified'] === true ? asString(claims['email']) : undefined,
    roles,
  };
}

interface Flow {
  readonly name: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly next: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

/** The browser keeps it, and cannot change it: so whichever process it comes back to knows what was begun. */
function seal(flow: Flow, { sign }: OidcPorts): string {
  const text = Buffer.from(JSON.stringify(flow)).toString('base64url');
  return `${text}.${sign('oidc', text)}`;
}

function unseal(cookie: string | undefined, { sign }: OidcPorts): Flow | undefined {
  const [text = '', mark = ''] = (cookie ?? '').split('.');
  const [given, right] = [Buffer.from(mark), Buffer.from(sign('oidc', text))];
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  const flow = parseJson(Buffer.from(text, 'base64url').toString('utf8'));
  return isFlow(flow) ? flow : undefined;
}

/** What we have signed is what we have written; a new release may write it otherwise. */
function isFlow(value: unknown): value is Flow {
  if (!isRecord(value)) return false;
  const texts = ['name', 'state', 'nonce', 'verifier', 'next'];
  return texts.every((key) => typeof value[key] === 'string') && typeof value['until'] === 'number';
}
