import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseConfig } from '../config/load.ts';
import { readCatalog } from './catalog-file.ts';
import { accountsInEnvironment } from './discover.ts';
import { starterConfig } from './init.ts';

const { catalog } = readCatalog('/nowhere');
let home = '';
before(() => {
  home = mkdtempSync(join(tmpdir(), 'turnout-discover-'));
});
after(() => rmSync(home, { recursive: true, force: true }));

function found(env: Readonly<Record<string, string>>): readonly string[] {
  return accountsInEnvironment(catalog, { HOME: home, ...env }).map((one) => `${one.provider} by ${one.env}`);
}

describe('clouds of the environment', () => {
  it('are found where it says who we are and where', () => {
    const account = join(home, 'account.json');
    writeFileSync(account, '{"type": "service_account", "project_id": "house"}');
    assert.deepEqual(found({ GOOGLE_APPLICATION_CREDENTIALS: account }), [
      'google-vertex by GOOGLE_APPLICATION_CREDENTIALS',
    ]);
    assert.deepEqual(found({ AZURE_API_KEY: 'k', AZURE_RESOURCE_NAME: 'house' }), ['azure by AZURE_API_KEY']);
    const hasBedrock = catalog.provider('amazon-bedrock')?.dialect !== undefined;
    const keys = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 's', AWS_REGION: 'eu-west-1' };
    assert.deepEqual(found(keys), hasBedrock ? ['amazon-bedrock by AWS_ACCESS_KEY_ID'] : []);
  });

  it('are not found by half of it', () => {
    assert.deepEqual(found({}), []);
    assert.deepEqual(found({ GOOGLE_APPLICATION_CREDENTIALS: join(home, 'no.json') }), []);
    assert.deepEqual(found({ GOOGLE_CLOUD_PROJECT: 'house' }), []);
    assert.deepEqual(found({ AZURE_RESOURCE_NAME: 'house' }), []);
    assert.deepEqual(found({ AZURE_CLIENT_ID: 'c' }), []);
    assert.deepEqual(found({ AWS_REGION: 'eu-west-1' }), []);
    assert.deepEqual(found({ AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 's' }), []);
  });

  it('go into a first configuration without a key', () => {
    const text = starterConfig({
      envKeys: [],
      locals: [],
      accounts: [{ provider: 'google-vertex', env: 'GOOGLE_APPLICATION_CREDENTIALS' }],
    });
    assert.match(
      text,
      /^ {2}google-vertex: \{\} +# the account of the environment \(GOOGLE_APPLICATION_CREDENTIALS\)$/m,
    );
    const parsed = parseConfig(text, { file: 'turnout.yaml', env: {} });
    assert.deepEqual(parsed.ok && Object.keys(parsed.value.config.providers), ['google-vertex']);
  });
});
