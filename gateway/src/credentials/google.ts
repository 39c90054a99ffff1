/** Access tokens of Google Cloud: a service account, a signed-in user, or the metadata service (cloud.google.com/docs/authentication/application-default-credentials). */
import { createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { asRecord, asString, parseJson, type JsonRecord } from '../lib/json.ts';
import { err, type Result } from '../lib/result.ts';
import { originOf } from '../lib/url.ts';
import type { GoogleIdentity } from '../routing/identity.ts';
import type { Fetched, Trouble } from './grant.ts';
import { askToken, readToken } from './tokens.ts';
import { atHome, variable, type Environment, type Surroundings } from './surroundings.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const TOKEN_URL = 'https://oauth2.googleapis.com/token';
const METADATA_HOST = 'metadata.google.internal';
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
const WHO = 'Google’s token endpoint';
/** The most that Google takes. */
const ASSERTION_LIFE_S = 3600;

export type GoogleSource =
  | { readonly from: 'file'; readonly path: string; readonly where: string }
  /** `gcloud auth application-default login` leaves one there; it need not be. */
  | { readonly from: 'usual-file'; readonly path: string };

/** Where a token comes from: the file that is named, else the usual one, else the metadata service. */
export function googleSource(identity: GoogleIdentity, env: Environment): GoogleSource {
  const { credentialsFile } = identity;
  if (credentialsFile !== undefined) return { from: 'file', path: credentialsFile, where: '`google.credentials_file`' };
  const named = variable(env, 'GOOGLE_APPLICATION_CREDENTIALS');
  if (named !== undefined) return { from: 'file', path: named, where: 'GOOGLE_APPLICATION_CREDENTIALS' };
  const folder = variable(env, 'CLOUDSDK_CONFIG') ?? atHome(env, '.config', 'gcloud');
  return { from: 'usual-file', path: `${folder}/application_default_credentials.json` };
}

export async function googleProof(
  identity: GoogleIdentity,
  around: Surroundings,
  nowMs: number,
): Promise<Result<Fetched, Trouble>> {
  const source = googleSource(identity, around.env);
  const text = await around.read(source.path);
  if (text !== undefined) return tokenOfFile(text, around, nowMs);
  if (source.from === 'file')
    return trouble(`the file that ${source.where} names cannot be read. Check its path and rights.`);
  return tokenOfMetadata(around, nowMs);
}

/** For people. */
export async function googleText(
  identity: GoogleIdentity,
  around: Pick<Surroundings, 'env' | 'read'>,
): Promise<string> {
  const source = googleSource(identity, around.env);
  const text = await around.read(source.path);
  if (text === undefined)
    return source.from === 'file'
      ? `none: the file that ${source.where} names cannot be read`
      : 'Google access token of the metadata service';
  const type = asString(asRecord(parseJson(text))?.['type']) ?? 'unknown type';
  const kind =
    type === 'service_account' ? 'a service account' : type === 'authorized_user' ? 'a signed-in user' : type;
  return `Google access token of ${kind} (${source.from === 'file' ? source.where : 'gcloud’s usual file'})`;
}

async function tokenOfFile(text: string, around: Surroundings, nowMs: number): Promise<Result<Fetched, Trouble>> {
  const file = asRecord(parseJson(text));
  switch (file?.['type']) {
    case 'service_account':
      return tokenOfServiceAccount(file, around, nowMs);
    case 'authorized_user':
      return tokenOfUser(file, around, nowMs);
    case undefined:
      return trouble(
        'the Google credentials file is not one: it has no `type`. Make a new key of the service account.',
      );
    default:
      return trouble(
        'the Google credentials file is of a kind that is not read here. Use a service account’s key, or `gcloud auth application-default login`.',
      );
  }
}

/** developers.google.com/identity/protocols/oauth2/service-account#httprest */
async function tokenOfServiceAccount(
  file: JsonRecord,
  around: Surroundings,
  nowMs: number,
): Promise<Result<Fetched, Trouble>> {
  const email = asString(file['client_email']);
  const key = keyOf(asString(file['private_key']));
  const url = tokenUrl(file);
  if (email === undefined || key === undefined || url === undefined)
    return trouble('the service account’s file is not whole. Make a new key of the service account.');
  const iat = Math.floor(nowMs / 1000);
  const claims = { iss: email, scope: SCOPE, aud: url, iat, exp: iat + ASSERTION_LIFE_S };
  const keyId = asString(file['private_key_id']);
  const assertion = jwt({ alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) }, claims, key);
  const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
  const advice = 'Check that the service account’s key is still in force, and the clock of this machine.';
  return askToken({ url, form, who: WHO, advice, nowMs }, around);
}

/** A refresh token (RFC 6749, section 6), as `gcloud auth application-default login` leaves it. */
async function tokenOfUser(file: JsonRecord, around: Surroundings, nowMs: number): Promise<Result<Fetched, Trouble>> {
  const [id, secret, refresh] = ['client_id', 'client_secret', 'refresh_token'].map((name) => asString(file[name]));
  const url = tokenUrl(file);
  const advice = 'Sign in again: `gcloud auth application-default login`.';
  if (id === undefined || secret === undefined || refresh === undefined || url === undefined)
    return trouble(`the Google user’s file is not whole. ${advice}`);
  const form = { grant_type: 'refresh_token', client_id: id, client_secret: secret, refresh_token: refresh };
  return askToken({ url, form, who: WHO, advice, nowMs }, around);
}

/** cloud.google.com/compute/docs/metadata/querying-metadata */
async function tokenOfMetadata({ ask, env }: Surroundings, nowMs: number): Promise<Result<Fetched, Trouble>> {
  const host = variable(env, 'GCE_METADATA_HOST', 'GCE_METADATA_IP') ?? METADATA_HOST;
  const who = 'Google’s metadata service';
  const answer = await ask({
    url: `http://${host}${METADATA_PATH}`,
    method: 'GET',
    headers: { 'metadata-flavor': 'Google' },
    who,
  });
  // Anything else may answer on that name in a network that is not Google's.
  if (!answer.ok || answer.value.headers['metadata-flavor'] !== 'Google')
    return trouble(
      'no credentials file is named, and no metadata service answers. Set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.',
    );
  return readToken(answer, { who, advice: 'Attach a service account to this machine.', nowMs });
}

/** The file's own word, as Google's libraries take it: whoever wrote the file could have written another key as well. */
function tokenUrl(file: JsonRecord): string | undefined {
  const url = asString(file['token_uri']) ?? TOKEN_URL;
  return originOf(url) === undefined ? undefined : url;
}

function keyOf(pem: string | undefined): KeyObject | undefined {
  try {
    return pem === undefined ? undefined : createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** RFC 7515, compact form, RS256. */
function jwt(header: JsonRecord, claims: JsonRecord, key: KeyObject): string {
  const parts = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${parts}.${sign('sha256', Buffer.from(parts), key).toString('base64url')}`;
}

function trouble(reason: string): Result<Fetched, Trouble> {
  return err({ reason });
}
