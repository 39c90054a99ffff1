import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { AwsIdentity } from '../routing/identity.ts';
import { awsProof } from './aws.ts';
import { startStub, type Heard, type Said, type Stub } from './stub.fixture.ts';

const NOW_MS = Date.UTC(2026, 10, 27, 12);
const ENDS = '2026-11-27T13:00:00Z';
const ROLE = 'arn:aws:iam::123456789012:role/models';
const identity: AwsIdentity = { kind: 'aws', provider: 'amazon-bedrock', region: 'eu-west-1', service: 'bedrock' };
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'secret-env', AWS_SESSION_TOKEN: 'session-env' };

const STS_ANSWER = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
  <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/models/turnout</Arn></AssumedRoleUser>
  <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>secret/role+1</SecretAccessKey>
  <SessionToken>session/role==</SessionToken><Expiration>${ENDS}</Expiration></Credentials>
</AssumeRoleResult></AssumeRoleResponse>`;
const FROM_ROLE = {
  ok: true,
  value: {
    proof: {
      kind: 'keys',
      keys: { accessKeyId: 'ASIAROLE', secretAccessKey: 'secret/role+1', sessionToken: 'session/role==' },
    },
    endsAtMs: Date.parse(ENDS),
  },
};
const JSON_ANSWER = {
  Code: 'Success',
  AccessKeyId: 'ASIAROLE',
  SecretAccessKey: 'secret/role+1',
  Token: 'session/role==',
  Expiration: ENDS,
};

let stub: Stub;
let answer: (heard: Heard) => Said = () => ({});
before(async () => {
  stub = await startStub((heard) => answer(heard));
});
after(() => stub.close());

/** The signature of a POST to `/`, computed here by the standard's text and not by our signer. */
function signatureOf(heard: Heard, secret: string): string {
  const authorization = String(heard.headers.authorization);
  const names = (/SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? '').split(';');
  const scope = /Credential=[^/]+\/([^,]+)/.exec(authorization)?.[1] ?? '';
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
  const headers = names.map((name) => `${name}:${String(heard.headers[name])}\n`).join('');
  const canonical = `${heard.method}\n/\n\n${headers}\n${names.join(';')}\n${sha(heard.body)}`;
  const toSign = `AWS4-HMAC-SHA256\n${String(heard.headers['x-amz-date'])}\n${scope}\n${sha(canonical)}`;
  let key: Buffer | string = `AWS4${secret}`;
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  return createHmac('sha256', key).update(toSign).digest('hex');
}

describe('AWS keys', () => {
  it('of the environment are taken as they are', async () => {
    assert.deepEqual(await awsProof(identity, stub.around(KEYS), NOW_MS), {
      ok: true,
      value: {
        proof: {
          kind: 'keys',
          keys: { accessKeyId: 'AKIDENV', secretAccessKey: 'secret-env', sessionToken: 'session-env' },
        },
      },
    });
  });

  it('of the shared files are read anew each time', async () => {
    const around = stub.around({
      AWS_SHARED_CREDENTIALS_FILE: stub.file('mine', '[default]\naws_access_key_id=A\naws_secret_access_key=one'),
    });
    const secret = async (): Promise<string> => JSON.stringify(await awsProof(identity, around, NOW_MS));
    assert.match(await secret(), /"one"/);
    stub.file('mine', '[default]\naws_access_key_id=A\naws_secret_access_key=two');
    assert.match(await secret(), /"two"/);
  });

  it('of a role are asked of STS with a request that is signed', async () => {
    answer = () => ({ body: STS_ANSWER });
    const around = stub.around({ ...KEYS, AWS_ENDPOINT_URL_STS: stub.url });
    const proof = await awsProof({ ...identity, roleArn: ROLE, externalId: 'outside' }, around, NOW_MS);
    assert.deepEqual(proof, FROM_ROLE);
    const heard = stub.heard.at(-1);
    assert.ok(heard);
    assert.deepEqual(Object.fromEntries(new URLSearchParams(heard.body)), {
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: ROLE,
      RoleSessionName: 'turnout',
      ExternalId: 'outside',
      DurationSeconds: '3600',
    });
    assert.match(
      String(heard.headers.authorization),
      /^AWS4-HMAC-SHA256 Credential=AKIDENV\/20261127\/eu-west-1\/sts\/aws4_request, /,
    );
    assert.equal(heard.headers['x-amz-security-token'], 'session-env');
    assert.ok(String(heard.headers.authorization).endsWith(`Signature=${signatureOf(heard, 'secret-env')}`));
  });

  it('of a web identity are asked of STS with its token, and no signature', async () => {
    answer = () => ({ body: STS_ANSWER });
    const tokenFile = stub.file('token', 'eyJ.web.identity\n');
    const env = { AWS_ENDPOINT_URL_STS: stub.url, AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile };
    assert.deepEqual(await awsProof(identity, stub.around(env), NOW_MS), FROM_ROLE);
    const heard = stub.heard.at(-1);
    const form = new URLSearchParams(heard?.body);
    assert.deepEqual(
      [form.get('Action'), form.get('WebIdentityToken')],
      ['AssumeRoleWithWebIdentity', 'eyJ.web.identity'],
    );
    assert.equal(heard?.headers.authorization, undefined);
  });

  it('of a container are asked of its agent, with the token of the file as it is now', async () => {
    answer = ({ headers }) => (headers.authorization === 'Basic later' ? { body: JSON_ANSWER } : { status: 401 });
    const file = stub.file('agent', 'Basic now');
    const around = stub.around({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${stub.url}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    });
    const refused = await awsProof(identity, around, NOW_MS);
    assert.equal(
      !refused.ok && refused.error.reason,
      'the container’s credential service answered 401. Check the role.',
    );
    stub.file('agent', 'Basic later\n');
    assert.deepEqual(await awsProof(identity, around, NOW_MS), FROM_ROLE);
  });

  it('of an instance are asked of its metadata service, version 2', async () => {
    answer = ({ method, path, headers }) => {
      if (
        method === 'PUT' &&
        path === '/latest/api/token' &&
        headers['x-aws-ec2-metadata-token-ttl-seconds'] === '21600'
      )
        return { body: 'imds-token' };
      if (headers['x-aws-ec2-metadata-token'] !== 'imds-token') return { status: 401 };
      if (path === '/latest/meta-data/iam/security-credentials/') return { body: 'models-role\n' };
      return path === '/latest/meta-data/iam/security-credentials/models-role'
        ? { body: JSON_ANSWER }
        : { status: 404 };
    };
    const around = stub.around({ AWS_EC2_METADATA_SERVICE_ENDPOINT: stub.url });
    assert.deepEqual(await awsProof(identity, around, NOW_MS), FROM_ROLE);
  });

  it('are refused with what to do: no role, a bad answer, a refusal with its date, a redirect, nobody there', async () => {
    const instance = stub.around({ AWS_EC2_METADATA_SERVICE_ENDPOINT: stub.url });
    const role = { ...identity, roleArn: ROLE };
    const sts = stub.around({ ...KEYS, AWS_ENDPOINT_URL_STS: stub.url });
    const trouble = async (of: AwsIdentity, around: typeof sts): Promise<unknown> => {
      const result = await awsProof(of, around, NOW_MS);
      return result.ok ? result : result.error;
    };

    answer = ({ method }) => (method === 'PUT' ? { body: 't' } : { status: 404 });
    assert.deepEqual(await trouble(identity, instance), {
      reason: 'this instance has no role. Attach one, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    });
    answer = ({ path }) => ({ body: path.endsWith('/') ? '../../user-data' : JSON_ANSWER });
    assert.match(JSON.stringify(await trouble(identity, instance)), /has no role/);
    answer = () => ({ body: '<html>proxy</html>' });
    assert.deepEqual(await trouble(role, sts), { reason: 'AWS STS gave an answer without keys. Check the role.' });
    const date = 'Fri, 27 Nov 2026 12:30:00 GMT';
    const refusal =
      '<ErrorResponse><Error><Code>AccessDenied</Code><Message>User AKIDENV secret</Message></Error></ErrorResponse>';
    answer = () => ({ status: 403, headers: { date }, body: refusal });
    assert.deepEqual(await trouble(role, sts), {
      reason: 'AWS STS answered 403 (AccessDenied). Check the role’s trust policy and the keys.',
      serverMs: Date.parse(date),
    });
    answer = () => ({ status: 302, headers: { location: 'http://evil.example/' } });
    assert.match(JSON.stringify(await trouble(role, sts)), /redirect, which is not followed/);
    answer = () => ({ body: 'x'.repeat(300_000) });
    assert.match(JSON.stringify(await trouble(role, sts)), /larger than 262144 bytes/);
    const nobody = stub.around({ AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' });
    assert.match(
      JSON.stringify(await trouble(identity, nobody)),
      /no metadata service answers\. Set AWS_ACCESS_KEY_ID/,
    );
  });
});
