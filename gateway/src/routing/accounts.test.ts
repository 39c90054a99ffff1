import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseCatalog, type Catalog } from '../catalog/catalog.ts';
import { parseConfig } from '../config/load.ts';
import { gateDialects } from '../dialects/index.ts';
import { parseJson } from '../lib/json.ts';
import type { Places } from './accounts.ts';
import { compile, type Compiled } from './compile.ts';
import type { Target } from './target.ts';

const catalog: Catalog = parseCatalog(
  parseJson(readFileSync(new URL('../catalog/catalog.generated.json', import.meta.url), 'utf8')),
);
const PLACES: Places = {
  awsRegion: (profile) => (profile === 'work' ? 'us-west-2' : undefined),
  googleProject: (file) => (file === undefined ? 'usual-project' : 'file-project'),
};

interface Machine {
  readonly env?: Readonly<Record<string, string>>;
  readonly places?: Places;
}

function compiled(providers: string, { env = {}, places }: Machine = {}): Compiled {
  const parsed = parseConfig(`providers:\n  ${providers}`, { file: 'turnout.yaml', env });
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const input = { config: parsed.value.config, catalog, env, dialects: gateDialects };
  return compile(places === undefined ? input : { ...input, places });
}

function target(providers: string, machine: Machine = {}): Target {
  const { snapshot, warnings } = compiled(providers, machine);
  const found = snapshot.resolve(`${providers.slice(0, providers.indexOf(':'))}/some-model`);
  assert.ok(found.kind === 'found', warnings.join());
  const [first] = found.policy.tiers.flat();
  assert.ok(first);
  return first.target;
}

describe('who we are at a provider', () => {
  const signed = 'house: {dialect: openai-chat, base_url: "https://bedrock-runtime.eu-west-3.amazonaws.com/v1", aws: {';
  const table: readonly (readonly [string, string, Machine, unknown])[] = [
    [
      'AWS keys of the file',
      `${signed}region: eu-west-1, access_key_id: A, secret_access_key: s, session_token: t, role_arn: "arn:aws:iam::123456789012:role/r"}}`,
      {},
      {
        kind: 'aws',
        provider: 'house',
        region: 'eu-west-1',
        service: 'bedrock',
        accessKeyId: 'A',
        secretAccessKey: 's',
        sessionToken: 't',
        roleArn: 'arn:aws:iam::123456789012:role/r',
      },
    ],
    [
      'an AWS profile and its region',
      `${signed}profile: work, service: other}}`,
      { places: PLACES },
      { kind: 'aws', provider: 'house', region: 'us-west-2', service: 'other', profile: 'work' },
    ],
    [
      'AWS’s usual region',
      `${signed}}}`,
      { env: { AWS_DEFAULT_REGION: 'ap-south-1' } },
      { kind: 'aws', provider: 'house', region: 'ap-south-1', service: 'bedrock' },
    ],
    [
      'the region of the address',
      `${signed}}}`,
      {},
      { kind: 'aws', provider: 'house', region: 'eu-west-3', service: 'bedrock' },
    ],
    [
      'the AWS account of the environment, for Bedrock',
      'amazon-bedrock: {dialect: openai-chat}',
      { env: { AWS_REGION: 'eu-west-1' } },
      { kind: 'aws', provider: 'amazon-bedrock', region: 'eu-west-1', service: 'bedrock' },
    ],
    [
      'nobody, where Bedrock has a key of its own',
      'amazon-bedrock: {dialect: openai-chat}',
      { env: { AWS_REGION: 'eu-west-1', AWS_BEARER_TOKEN_BEDROCK: 'ABSK', AWS_ACCESS_KEY_ID: 'A' } },
      undefined,
    ],
    [
      'a Google account, by the provider alone',
      'google-vertex: {}',
      { places: PLACES },
      { kind: 'google', provider: 'google-vertex' },
    ],
    [
      'an Entra client',
      'azure: {azure: {resource: house, tenant_id: t, client_id: c, client_secret: s}}',
      { env: { AZURE_API_KEY: 'a-key-of-the-environment' } },
      {
        kind: 'azure',
        provider: 'azure',
        tenantId: 't',
        clientId: 'c',
        clientSecret: 's',
        scope: 'https://cognitiveservices.azure.com/.default',
      },
    ],
    [
      'an Entra client of the environment, at an address of one’s own',
      'azure: {base_url: "https://house.openai.azure.com"}',
      { env: { AZURE_CLIENT_ID: 'c' } },
      { kind: 'azure', provider: 'azure', scope: 'https://cognitiveservices.azure.com/.default' },
    ],
    [
      'nobody, at an address of one’s own and without a word of an account',
      'azure: {base_url: "http://127.0.0.1:9/openai/v1"}',
      {},
      undefined,
    ],
    [
      'nobody, where a header of one’s own says who we are',
      'azure: {base_url: "http://127.0.0.1:9/openai/v1", headers: {Authorization: Basic x}}',
      { env: { AZURE_CLIENT_ID: 'c' } },
      undefined,
    ],
    ['nobody, where there is a key', 'azure: {api_key: k, azure: {resource: house}}', {}, undefined],
    [
      'nobody, where there is a key in the environment',
      'google-vertex: {google: {project: p}}',
      { env: { GOOGLE_VERTEX_ACCESS_TOKEN: 'ya29.x', GOOGLE_APPLICATION_CREDENTIALS: '/f' } },
      undefined,
    ],
    ['nobody, where no cloud is meant', 'openai: {api_key: k}', { env: { AWS_ACCESS_KEY_ID: 'A' } }, undefined],
  ];
  for (const [name, providers, machine, expected] of table)
    it(`is ${name}`, () => {
      const made = target(providers, machine);
      assert.deepEqual(made.identity === undefined ? undefined : { ...made.identity }, expected);
      assert.ok(made.identity === undefined || made.secret === undefined);
    });

  it('is what the nearest says: an account of its own before a key of what it is like', () => {
    const { snapshot } = compiled(
      'openai: {api_key: k}\n  signed: {like: openai, base_url: "http://h/v1", aws: {region: r, profile: p}}\n  keyed: {like: signed, api_key: l}',
    );
    const of = (id: string) => snapshot.targets.get(`${id}/gpt-5`);
    assert.deepEqual([of('signed')?.identity?.kind, of('signed')?.secret], ['aws', undefined]);
    assert.deepEqual([of('keyed')?.identity, of('keyed')?.secret], [undefined, 'l']);
  });

  it('is taken over by what is like it, under its own name', () => {
    const { snapshot } = compiled(
      'one: {dialect: openai-chat, base_url: "http://h/v1", aws: {region: r, access_key_id: A, secret_access_key: s}}\n  two: {like: one, models: {m: {}}}',
    );
    const identity = snapshot.targets.get('two/m')?.identity;
    assert.deepEqual(identity?.kind === 'aws' && [identity.provider, identity.accessKeyId], ['two', 'A']);
  });

  it('is one object for all models of a provider: what is fetched is fetched once', () => {
    const { snapshot } = compiled('google-vertex: {google: {project: p}}');
    const targets = [...snapshot.targets.values()];
    assert.ok(targets.length > 10);
    assert.equal(new Set(targets.map(({ identity }) => identity)).size, 1);
  });

  it('needs a region for signing', () => {
    const { warnings } = compiled('house: {dialect: openai-chat, base_url: "http://10.0.0.5/v1", aws: {}}');
    assert.deepEqual(warnings, ['provider house: no AWS region; set AWS_REGION or `providers.house.aws.region`']);
  });
});

describe('where a provider is', () => {
  const vertex = 'https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4';
  const table: readonly (readonly [string, Machine, string])[] = [
    ['google-vertex: {google: {project: p, location: europe-west4}}', {}, vertex],
    ['google-vertex-anthropic: {google: {project: p, location: europe-west4}}', {}, vertex],
    [
      'google-vertex: {api_key: ya29.x}',
      { env: { GOOGLE_CLOUD_PROJECT: 'p', GOOGLE_CLOUD_LOCATION: 'europe-west4' } },
      vertex,
    ],
    [
      'google-vertex: {google: {credentials_file: /f}}',
      { places: PLACES },
      'https://aiplatform.googleapis.com/v1/projects/file-project/locations/global',
    ],
    ['google-vertex: {base_url: "http://h/v1", google: {project: p}}', {}, 'http://h/v1'],
    [
      'amazon-bedrock: {dialect: openai-chat, api_key: ABSK, aws: {region: eu-west-1}}',
      {},
      'https://bedrock-runtime.eu-west-1.amazonaws.com',
    ],
    ['azure: {azure: {resource: house}}', {}, 'https://house.openai.azure.com/openai/v1'],
    ['azure: {api_key: k}', { env: { AZURE_RESOURCE_NAME: 'of-env' } }, 'https://of-env.openai.azure.com/openai/v1'],
    [
      'azure: {base_url: "https://house.openai.azure.com", api_key: k, azure: {api_version: 2024-10-21}}',
      {},
      'https://house.openai.azure.com?api-version=2024-10-21',
    ],
  ];
  for (const [providers, machine, expected] of table)
    it(`${expected}, by ${providers}`, () => {
      const made = target(providers, machine);
      assert.equal(made.baseUrl, expected);
      assert.equal(made.origin, new URL(expected).origin);
    });

  it('is asked for where it is not known', () => {
    const { warnings } = compiled('google-vertex: {}');
    assert.deepEqual(warnings, [
      'provider google-vertex: set GOOGLE_VERTEX_LOCATION and GOOGLE_VERTEX_PROJECT, or give it a `base_url`; its address depends on your account',
    ]);
  });
});
