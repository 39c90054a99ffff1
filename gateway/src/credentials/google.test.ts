import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { asRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import type { GoogleIdentity } from '../routing/identity.ts';
import { googleProof, googleText } from './google.ts';
import { placesOf } from './places.ts';
import { startStub, type Heard, type Said, type Stub } from './stub.fixture.ts';

const NOW_MS = Date.UTC(2026, 10, 27, 12);
const identity: GoogleIdentity = { kind: 'google', provider: 'google-vertex' };
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const GRANTED = {
  ok: true,
  value: { proof: { kind: 'bearer', token: 'ya29.fresh' }, endsAtMs: NOW_MS + 3599_000 },
};

let stub: Stub;
let answer: (heard: Heard) => Said = () => ({});
before(async () => {
  stub = await startStub((heard) => answer(heard));
});
after(() => stub.close());

function serviceAccount(over: JsonRecord = {}): string {
  return stub.file(
    'account.json',
    JSON.stringify({
      type: 'service_account',
      project_id: 'house-models',
      private_key_id: 'key-1',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: 'models@house-models.iam.gserviceaccount.com',
      token_uri: `${stub.url}/token`,
      ...over,
    }),
  );
}

function decoded(part: string | undefined): JsonRecord | undefined {
  return asRecord(parseJson(Buffer.from(part ?? '', 'base64url').toString('utf8')));
}

async function reason(of: GoogleIdentity, env: Readonly<Record<string, string>>): Promise<string> {
  const result = await googleProof(of, stub.around(env), NOW_MS);
  return result.ok ? 'granted' : result.error.reason;
}

describe('Google’s access tokens', () => {
  it('are had by a service account’s signed assertion', async () => {
    answer = () => ({ body: { access_token: 'ya29.fresh', expires_in: 3599, token_type: 'Bearer' } });
    const env = { GOOGLE_APPLICATION_CREDENTIALS: serviceAccount() };
    assert.deepEqual(await googleProof(identity, stub.around(env), NOW_MS), GRANTED);
    const form = new URLSearchParams(stub.heard.at(-1)?.body);
    assert.equal(form.get('grant_type'), 'urn:ietf:params:oauth:grant-type:jwt-bearer');
    const assertion = form.get('assertion') ?? '';
    const [head, claims, signature] = assertion.split('.');
    assert.deepEqual(decoded(head), { alg: 'RS256', typ: 'JWT', kid: 'key-1' });
    assert.deepEqual(decoded(claims), {
      iss: 'models@house-models.iam.gserviceaccount.com',
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      aud: `${stub.url}/token`,
      iat: NOW_MS / 1000,
      exp: NOW_MS / 1000 + 3600,
    });
    const signed = Buffer.from(`${head}.${claims}`);
    assert.ok(verify('sha256', signed, publicKey, Buffer.from(signature ?? '', 'base64url')));
  });

  it('are had by a signed-in user’s refresh token', async () => {
    answer = () => ({ body: { access_token: 'ya29.fresh', expires_in: 3599 } });
    const file = { type: 'authorized_user', client_id: 'id', client_secret: 'secret', refresh_token: '1//r' };
    const credentialsFile = stub.file('user.json', JSON.stringify({ ...file, token_uri: `${stub.url}/token` }));
    assert.deepEqual(await googleProof({ ...identity, credentialsFile }, stub.around({}), NOW_MS), GRANTED);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(stub.heard.at(-1)?.body)), {
      grant_type: 'refresh_token',
      client_id: 'id',
      client_secret: 'secret',
      refresh_token: '1//r',
    });
  });

  it('are had of the metadata service where no file is there', async () => {
    answer = ({ path, headers }) =>
      headers['metadata-flavor'] === 'Google' && path === '/computeMetadata/v1/instance/service-accounts/default/token'
        ? { headers: { 'metadata-flavor': 'Google' }, body: { access_token: 'ya29.fresh', expires_in: 3599 } }
        : { status: 403 };
    const env = { GCE_METADATA_HOST: new URL(stub.url).host };
    assert.deepEqual(await googleProof(identity, stub.around(env), NOW_MS), GRANTED);
  });

  it('are not taken of whoever else answers under the metadata service’s name', async () => {
    answer = () => ({ body: { access_token: 'ya29.captive', expires_in: 3599 } });
    assert.match(
      await reason(identity, { GCE_METADATA_HOST: new URL(stub.url).host }),
      /no metadata service answers\. Set GOOGLE/,
    );
  });

  it('are refused with what to do, and without what the server said', async () => {
    answer = () => ({
      status: 400,
      headers: { date: 'Fri, 27 Nov 2026 12:30:00 GMT' },
      body: { error: 'invalid_grant', error_description: 'Invalid JWT: models@house-models of 10.1.2.3' },
    });
    const env = { GOOGLE_APPLICATION_CREDENTIALS: serviceAccount() };
    assert.deepEqual(await googleProof(identity, stub.around(env), NOW_MS), {
      ok: false,
      error: {
        reason:
          'Google’s token endpoint answered 400 (invalid_grant). Check that the service account’s key is still in force, and the clock of this machine.',
        serverMs: Date.UTC(2026, 10, 27, 12, 30),
      },
    });
    const named = (text: string): Promise<string> =>
      reason({ ...identity, credentialsFile: stub.file('x.json', text) }, {});
    assert.match(await named('{"type":"external_account"}'), /of a kind that is not read here/);
    assert.match(await named('not json'), /it has no `type`/);
    assert.match(await named('{"type":"authorized_user"}'), /user’s file is not whole/);
    assert.match(
      await reason(identity, { GOOGLE_APPLICATION_CREDENTIALS: serviceAccount({ private_key: 'no' }) }),
      /not whole/,
    );
    assert.match(
      await reason({ ...identity, credentialsFile: '/nowhere' }, {}),
      /^the file that `google.credentials_file` names cannot be read\./,
    );
    answer = () => ({ body: { access_token: 'a\r\nx-evil: 1' } });
    assert.match(await reason(identity, { GOOGLE_APPLICATION_CREDENTIALS: serviceAccount() }), /without a token/);
  });

  it('can be told of without being had', async () => {
    const before = stub.heard.length;
    const file = serviceAccount();
    const around = (env: Readonly<Record<string, string>>) => stub.around(env);
    assert.equal(
      await googleText(identity, around({ GOOGLE_APPLICATION_CREDENTIALS: file })),
      'Google access token of a service account (GOOGLE_APPLICATION_CREDENTIALS)',
    );
    assert.equal(await googleText(identity, around({})), 'Google access token of the metadata service');
    assert.match(await googleText({ ...identity, credentialsFile: '/no' }, around({})), /^none: the file that `google/);
    assert.equal(stub.heard.length, before);
  });
});

describe('places', () => {
  it('are read from the clouds’ own files', () => {
    const config = stub.file('config', '[default]\nregion = eu-west-3\n[profile work]\nregion = us-west-2');
    const places = placesOf({ AWS_CONFIG_FILE: config, GOOGLE_APPLICATION_CREDENTIALS: serviceAccount() });
    assert.deepEqual(
      [places.awsRegion(undefined), places.awsRegion('work'), places.awsRegion('no'), places.googleProject(undefined)],
      ['eu-west-3', 'us-west-2', undefined, 'house-models'],
    );
    const odd = placesOf({ GOOGLE_APPLICATION_CREDENTIALS: serviceAccount({ project_id: '../x' }), HOME: '/nowhere' });
    assert.deepEqual([odd.googleProject(undefined), odd.awsRegion(undefined)], [undefined, undefined]);
  });
});
