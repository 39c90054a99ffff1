import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AzureIdentity } from '../routing/identity.ts';
import { azureProof, azureText } from './azure.ts';
import { startStub, type Heard, type Said, type Stub } from './stub.fixture.ts';

const NOW_MS = Date.UTC(2026, 10, 27, 12);
const SCOPE = 'https://cognitiveservices.azure.com/.default';
const identity: AzureIdentity = { kind: 'azure', provider: 'azure', scope: SCOPE };
const CLIENT = { tenantId: 'tenant-1', clientId: 'client-1' };
const GRANTED = {
  ok: true,
  value: { proof: { kind: 'bearer', token: 'eyJ.entra.token' }, endsAtMs: NOW_MS + 3599_000 },
};

let stub: Stub;
let answer: (heard: Heard) => Said = () => ({});
before(async () => {
  stub = await startStub((heard) => answer(heard));
});
after(() => stub.close());

describe('Entra’s tokens', () => {
  it('are had by a client’s secret, of the configuration or the environment', async () => {
    answer = () => ({ body: { token_type: 'Bearer', expires_in: 3599, access_token: 'eyJ.entra.token' } });
    const authority = { AZURE_AUTHORITY_HOST: `${stub.url}/` };
    const env = { AZURE_TENANT_ID: 'tenant-1', AZURE_CLIENT_ID: 'client-1', AZURE_CLIENT_SECRET: 'secret-1' };
    for (const [of, more] of [
      [{ ...identity, ...CLIENT, clientSecret: 'secret-1' }, {}],
      [identity, env],
    ] as const) {
      assert.deepEqual(await azureProof(of, stub.around({ ...authority, ...more }), NOW_MS), GRANTED);
      const heard = stub.heard.at(-1);
      assert.equal(heard?.path, '/tenant-1/oauth2/v2.0/token');
      assert.deepEqual(Object.fromEntries(new URLSearchParams(heard?.body)), {
        grant_type: 'client_credentials',
        client_id: 'client-1',
        scope: SCOPE,
        client_secret: 'secret-1',
      });
    }
  });

  it('are had by a workload’s federated token', async () => {
    answer = () => ({ body: { expires_in: 3599, access_token: 'eyJ.entra.token' } });
    const env = { AZURE_AUTHORITY_HOST: stub.url, AZURE_FEDERATED_TOKEN_FILE: stub.file('federated', 'eyJ.pod\n') };
    assert.deepEqual(await azureProof({ ...identity, ...CLIENT }, stub.around(env), NOW_MS), GRANTED);
    const form = new URLSearchParams(stub.heard.at(-1)?.body);
    assert.deepEqual([form.get('client_assertion'), form.get('client_secret')], ['eyJ.pod', null]);
  });

  it('are had of a managed identity: a service’s, and a machine’s', async () => {
    answer = ({ path, headers }) => {
      const url = new URL(path, 'http://stub');
      const isRight = url.searchParams.get('resource') === 'https://cognitiveservices.azure.com';
      const isService = url.pathname === '/msi/token' && headers['x-identity-header'] === 'header-1';
      const isMachine = url.pathname === '/metadata/identity/oauth2/token' && headers['metadata'] === 'true';
      if (!isRight || !(isService || isMachine)) return { status: 400 };
      const ends = isService ? { expires_on: String(NOW_MS / 1000 + 3599) } : { expires_in: '3599' };
      return { body: { access_token: 'eyJ.entra.token', ...ends } };
    };
    const service = { IDENTITY_ENDPOINT: `${stub.url}/msi/token`, IDENTITY_HEADER: 'header-1' };
    assert.deepEqual(await azureProof(identity, stub.around(service), NOW_MS), GRANTED);
    const machine = { AZURE_POD_IDENTITY_AUTHORITY_HOST: stub.url };
    assert.deepEqual(await azureProof({ ...identity, clientId: 'c' }, stub.around(machine), NOW_MS), GRANTED);
    assert.match(stub.heard.at(-1)?.path ?? '', /client_id=c/);
  });

  it('are refused with Entra’s number, and without its words', async () => {
    answer = () => ({
      status: 401,
      body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret for app client-1.' },
    });
    const env = { AZURE_AUTHORITY_HOST: stub.url };
    const result = await azureProof({ ...identity, ...CLIENT, clientSecret: 'wrong' }, stub.around(env), NOW_MS);
    assert.match(
      result.ok ? '' : result.error.reason,
      /^Entra ID answered 401 \(invalid_client, AADSTS7000215\)\. Check tenant, client and its secret\.$/,
    );
    const nobody = await azureProof(
      identity,
      stub.around({ AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://127.0.0.1:1' }),
      NOW_MS,
    );
    assert.match(nobody.ok ? '' : nobody.error.reason, /no managed identity\. Set AZURE_API_KEY/);
  });

  it('can be told of without being had', () => {
    assert.deepEqual(
      [
        azureText({ ...identity, ...CLIENT, clientSecret: 's' }, {}),
        azureText({ ...identity, ...CLIENT }, { AZURE_FEDERATED_TOKEN_FILE: '/f' }),
        azureText(identity, { IDENTITY_ENDPOINT: 'http://x', IDENTITY_HEADER: 'h' }),
        azureText(identity, {}),
      ],
      [
        'Entra ID token by client secret',
        'Entra ID token by workload identity',
        'Entra ID token of this service’s managed identity',
        'Entra ID token of this machine’s managed identity',
      ],
    );
  });
});
