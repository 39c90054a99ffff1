import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parseCatalog } from '../catalog/catalog.ts';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { gateDialects } from '../dialects/index.ts';
import { asRecord, parseJson } from '../lib/json.ts';
import type { Places } from '../routing/accounts.ts';
import { compile } from '../routing/compile.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import { recompiled, settingsOf, watched } from './settings.ts';

const catalog = parseCatalog(
  parseJson(readFileSync(new URL('../catalog/catalog.generated.json', import.meta.url), 'utf8')),
);
const NOWHERE: Places = { awsRegion: () => undefined, googleProject: () => undefined };
const PLACES: Places = {
  awsRegion: (profile) => (profile === 'work' ? 'eu-west-3' : undefined),
  googleProject: () => 'house-project',
};

function configOf(text: string): Config {
  const parsed = parseConfig(text, { file: 'turnout.yaml', env: {} });
  assert.ok(parsed.ok, parsed.ok ? '' : JSON.stringify(parsed.error));
  return parsed.value.config;
}

/** Compiles as the gateway does, keeps it as text, and compiles that again, where nothing is known of this machine. */
function again(config: Config, env: Readonly<Record<string, string>> = {}, places = NOWHERE) {
  const { seen, ...around } = watched({ env, places });
  const { snapshot } = compile({ config, catalog, dialects: gateDialects, ...around });
  const text = JSON.stringify(settingsOf(config, seen()));
  const made = recompiled(asRecord(parseJson(text)) ?? {}, catalog);
  assert.ok(made);
  return { snapshot, made, text };
}

/** All that a plan looks at. */
function decisive(snapshot: Snapshot) {
  const targets = [...snapshot.targets.values()].map(
    ({ provider, secret, identity, headers, otherWires, ...rest }) => ({
      ...rest,
      dialect: provider.dialect.id,
      isKnown: secret !== undefined,
      account: identity?.kind,
      headers: Object.keys(headers),
      wires: Object.keys(otherWires ?? {}),
    }),
  );
  return { targets, names: snapshot.listed.map(({ id }) => id), attempts: snapshot.attemptsMax };
}

const FULL = `
providers:
  openai: {api_key: [sk-first-0123456789, {key: sk-second-0123456789, weight: 3}], headers: {x-team: very-secret-0815}}
  house: {dialect: openai-chat, base_url: "http://10.0.0.5/v1", models: {m: {price: {input: 0.123456789, output: 2}}}}
  amazon-bedrock: {aws: {region: eu-central-1, access_key_id: AKIAXXXXXXXXXXXXXXXX, secret_access_key: wJalrXUtnFEMI}}
aliases: {token: openai/gpt-5}
people: {oidc: [{name: corp, issuer: https://id.example, client_id: gate, client_secret: very-secret-0816}]}
routes: {key: {description: "5 or #", targets: [house/m, {target: openai/gpt-5, weight: 2}]}}
`;

describe('settings that are kept', () => {
  it('compile to the same targets, keys and names, and hold no secret', () => {
    const { snapshot, made, text } = again(configOf(FULL));
    assert.deepEqual(decisive(made), decisive(snapshot));
    assert.equal(made.targets.get('openai/gpt-5#2')?.weight, 3);
    assert.equal(made.targets.get('house/m')?.price?.input, 123_456_789n);
    assert.equal(made.targets.get('openai/gpt-5')?.secret, '***');
    const found = made.resolve('token');
    assert.equal(found.kind === 'found' && found.policy.tiers.flat()[0]?.target.id, 'openai/gpt-5');
    assert.doesNotMatch(text, /sk-|very-secret|AKIA|wJalr/);
  });

  it('are the same to the last byte where there is no secret', () => {
    const config = configOf(
      FULL.replace(/(?: {2}(openai|amazon)|people).*\n/g, '').replaceAll('openai/gpt-5', 'house/n'),
    );
    const { snapshot, made } = again(config);
    assert.equal(made.id, snapshot.id);
  });

  it('say what was read of the environment and the clouds’ files, and nothing else of them', () => {
    const env = {
      OPENAI_API_KEY: 'sk-of-the-environment',
      AWS_PROFILE: 'work',
      CLOUDFLARE_API_TOKEN: 'secret-token',
      CLOUDFLARE_ACCOUNT_ID: 'house',
      EDITOR: 'vi',
      DATABASE_URL: 'postgres://u:p@h/',
    };
    const config = configOf(
      'providers: {openai: {}, amazon-bedrock: {aws: {profile: work}}, cloudflare-workers-ai: {}, google-vertex: {google: {location: europe-west4}}}',
    );
    const { snapshot, made, text } = again(config, env, PLACES);
    assert.deepEqual(decisive(made), decisive(snapshot));
    assert.equal(made.id, snapshot.id);
    assert.ok(made.providerIds.size === 4, [...made.providerIds].join());
    assert.match(made.targets.get('amazon-bedrock/amazon.nova-lite-v1:0')?.baseUrl ?? '', /eu-west-3/);
    assert.doesNotMatch(text, /sk-of|secret-token|EDITOR|postgres/);
  });

  it('are none where they are of another form', () => {
    assert.equal(recompiled({}, catalog), undefined);
  });
});
