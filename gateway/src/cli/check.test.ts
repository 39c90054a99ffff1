import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { makeCatalog } from '../catalog/catalog.ts';
import { parseConfig } from '../config/load.ts';
import { parseJson } from '../lib/json.ts';
import { checkCommand } from './check.ts';
import type { CommandIo } from './io.ts';
import { knownNames } from './known-names.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'turnout-check-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const CATALOG = makeCatalog({ name: 'test' }, [
  {
    id: 'openai',
    name: 'OpenAI',
    aliases: [],
    dialect: 'openai-chat',
    envKeys: ['OPENAI_API_KEY'],
    envOthers: [],
    models: [
      { id: 'gpt-5', provider: 'openai', name: 'Test', abilities: {}, limits: {} },
      { id: 'gpt-5-latest', provider: 'openai', name: 'Test', abilities: {}, limits: {} },
      {
        id: 'gpt-3',
        provider: 'openai',
        name: 'Test',
        abilities: {},
        limits: {},
        retiresOn: '2026-01-01',
        successor: 'gpt-5',
      },
      { id: 'gpt-4', provider: 'openai', name: 'Test', abilities: {}, limits: {}, retiresOn: '2027-01-01' },
    ],
  },
  { id: 'google', name: 'Google', aliases: ['gemini'], dialect: 'gemini', envKeys: [], envOthers: [], models: [] },
]);
const TODAY = '2026-11-22';
const KNOWN = knownNames(CATALOG, TODAY);

async function check(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; out: string; errors: string }> {
  let out = '';
  let errors = '';
  const io: CommandIo = {
    stdout: (text) => void (out += text),
    stderr: (text) => void (errors += text),
    env,
    cwd: folder,
    isTerminal: false,
  };
  const code = await checkCommand(args, io, { catalog: CATALOG, today: TODAY });
  return { code, out, errors };
}

describe('turnout check', () => {
  it('takes the file bare, or as the other commands take it, and not both', async () => {
    writeFileSync(join(folder, 'other.yaml'), 'atempts: 3\n');
    for (const args of [['other.yaml'], ['--config', 'other.yaml']]) {
      const { code, errors } = await check(args);
      assert.equal(code, 1);
      assert.match(errors, /^other\.yaml:1:1: `atempts` is not a known key/);
    }
    assert.equal((await check(['other.yaml', '--config', 'other.yaml'])).code, 2);
  });

  it('says that a right file is right', async () => {
    writeFileSync(
      join(folder, 'turnout.yaml'),
      'providers: {openai: {api_key: "${K}"}}\naliases: {fast: openai/gpt-5}\n',
    );
    assert.deepEqual(await check([], { K: 'x' }), {
      code: 0,
      out: 'turnout.yaml: ok (1 provider, 1 alias, 0 routes)\n  openai  key of the configuration\n',
      errors: '',
    });
  });

  it('holds routes to their cases where the keys are not', async () => {
    const route =
      '{targets: [mine/gpt-5, openai/gpt-5], expect: [{given: {prompt: hi}, expect: {target: mine/gpt-5}}]}';
    writeFileSync(
      join(folder, 'turnout.yaml'),
      `providers: {openai: {}, mine: {like: openai}}\nroutes: {r: ${route}}\n`,
    );
    const { code, out } = await check([]);
    assert.equal(code, 0, out);
    assert.match(out, /openai {2}none: no key; set OPENAI_API_KEY/);
    assert.match(out, /1 case: 1 as expected, 0 not/);
  });

  it('says where each credential would come from, and shows none', async () => {
    const files = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), AWS_CONFIG_FILE: join(folder, 'config') };
    writeFileSync(
      files.AWS_SHARED_CREDENTIALS_FILE,
      '[work]\naws_access_key_id=AKIDWORK\naws_secret_access_key=hidden-1\n',
    );
    writeFileSync(files.AWS_CONFIG_FILE, '[profile work]\nregion=eu-west-1\n');
    writeFileSync(
      join(folder, 'turnout.yaml'),
      [
        'providers:',
        '  openai: {api_key: "${OPENAI_API_KEY}"}',
        '  two: {like: openai, api_key: [hidden-2, hidden-3]}',
        '  signed: {like: openai, base_url: "http://10.0.0.5/v1", aws: {profile: work}}',
        '  vertex: {like: google, base_url: "http://10.0.0.5/v1", google: {credentials_file: /nowhere}}',
        '  entra: {like: openai, azure: {tenant_id: t, client_id: c, client_secret: hidden-4}, base_url: "http://10.0.0.5/v1"}',
        '  local: {dialect: openai-chat, base_url: "http://10.0.0.5/v1"}',
        '  off: {like: openai, disabled: true}',
        '  lost: {like: openai, api_key: "${NONE:-}"}',
      ].join('\n'),
    );
    const { code, out, errors } = await check([], { OPENAI_API_KEY: 'hidden-0', HOME: folder, ...files });
    assert.deepEqual([code, errors], [0, '']);
    assert.deepEqual(out.split('\n').slice(1), [
      '  openai  key of the environment (OPENAI_API_KEY)',
      '  two     2 keys of the configuration',
      '  signed  AWS keys of the profile work, region eu-west-1',
      '  vertex  none: the file that `google.credentials_file` names cannot be read',
      '  entra   Entra ID token by client secret',
      '  local   none',
      '  off     none: it is disabled',
      '  lost    none: no key; set OPENAI_API_KEY or `providers.lost.api_key`',
      '',
    ]);
    assert.doesNotMatch(out, /hidden|AKID/);
    const json = await check(['--json'], { OPENAI_API_KEY: 'hidden-0', HOME: folder, ...files });
    assert.match(
      json.out,
      /"providers":\[\{"provider":"openai","credential":"key of the environment \(OPENAI_API_KEY\)"\}/,
    );
  });

  it('prints every error with its line and a caret, and fails', async () => {
    writeFileSync(join(folder, 'other.yaml'), 'sever: {}\nproviders:\n  openai: {api_key: "${K}"}\n');
    const { code, out, errors } = await check(['other.yaml']);
    assert.equal(code, 1);
    assert.equal(out, '');
    assert.equal(
      errors,
      [
        'other.yaml:1:1: `sever` is not a known key; did you mean `server`?',
        '  1 | sever: {}',
        '    | ^^^^^',
        '      allowed: server, data, store, shared, providers, aliases, routes, callers, people, intents, topics, understand, health, timeouts, attempts, limits, price_unknown, output, responses, batches, billing, log, retention',
        '',
        'other.yaml:3:22: `providers.openai.api_key` needs the environment variable K, which is not set; set it, or give a default: `${K:-…}`',
        '  3 |   openai: {api_key: "${K}"}',
        '    |                      ^^^',
        '',
        'other.yaml: 2 errors',
        '',
      ].join('\n'),
    );
  });

  it('prints the same as JSON', async () => {
    writeFileSync(join(folder, 'turnout.yaml'), 'attempts: 99\n');
    const { code, out } = await check(['--json']);
    assert.equal(code, 1);
    assert.deepEqual(parseJson(out), {
      ok: false,
      file: 'turnout.yaml',
      errors: [
        {
          file: 'turnout.yaml',
          line: 1,
          column: 11,
          length: 2,
          path: 'attempts',
          message: 'must be at most 10',
          allowed: 'a whole number from 1 to 10',
          text: 'turnout.yaml:1:11: `attempts` must be at most 10',
        },
      ],
      warnings: [],
    });
  });

  it('shows warnings and does not fail for them', async () => {
    writeFileSync(join(folder, 'turnout.yaml'), 'providers: {openai: {api_key: sk-abcdefghijkl1234}}\n');
    const { code, out, errors } = await check([]);
    assert.equal(code, 0);
    assert.match(out, /ok \(1 provider, 0 aliases, 0 routes\), 1 warning/);
    assert.match(errors, /^turnout\.yaml:1:31: warning: `providers\.openai\.api_key` looks like a secret/);
    assert.ok(!errors.includes('abcdefghijkl'));
  });

  it('tries the intents, and says at their line what cannot work', async () => {
    const text = 'providers: {openai: }\nintents:\n  refund: {examples: [money back, refund please]}\n';
    writeFileSync(join(folder, 'turnout.yaml'), text);
    const { code, out, errors } = await check([]);
    assert.equal(code, 0);
    assert.match(
      out,
      /\n  1 intent: of new prompts like the examples 0% should be found, 0% taken for another, 100% for none\n$/,
    );
    const [alone = '', few = ''] = errors.split('\n').filter((line) => line.startsWith('turnout.yaml'));
    assert.match(alone, /^turnout\.yaml:3:3: warning: `intents\.refund` stands alone, /);
    assert.match(few, /^turnout\.yaml:3:3: warning: `intents\.refund` has 2 different examples: 10 to 20 are needed/);
  });

  it('takes TURNOUT_CONFIG, and says what to do about a missing file', async () => {
    const { code, errors } = await check([], { TURNOUT_CONFIG: 'gone.yaml' });
    assert.equal(code, 1);
    assert.match(errors, /gone\.yaml:1:1: There is no such file\. Make one with `turnout init`\./);
  });

  it('does not guess at options that it does not have', async () => {
    const { code, errors } = await check(['--strict']);
    assert.equal(code, 2);
    assert.match(errors, /--strict[\s\S]*usage: turnout check/);
  });
});

describe('knownNames', () => {
  const doubts = (text: string): readonly string[] => {
    const result = parseConfig(text, { file: 'f', env: {}, known: KNOWN });
    const found = result.ok ? result.value.warnings : result.error;
    return found.map(
      ({ line, column, message, suggestion }) =>
        `${result.ok ? 'warning' : 'error'} ${line}:${column} ${message}${suggestion === undefined ? '' : ` ?${suggestion}`}`,
    );
  };
  const cases: readonly { name: string; text: string; found: readonly string[] }[] = [
    {
      name: 'is content with models that are served',
      text: 'providers: {openai: }\naliases: {a: openai/gpt-5, b: gpt-5, c: auto, d: "gpt-5:floor"}',
      found: [],
    },
    {
      name: 'names a model that no provider of the file serves',
      text: 'providers: {openai: }\naliases: {a: gpt-55}',
      found: ['warning 2:14 names `gpt-55`, which no provider of this file is known to serve ?gpt-5'],
    },
    {
      name: 'names a provider that is not in the file',
      text: 'providers: {openai: }\naliases: {a: gemini/flash}',
      found: ['warning 2:14 names `gemini/flash`, but there is no `gemini` under `providers`'],
    },
    {
      name: 'names a model that a catalog provider may or may not have',
      text: 'providers: {openai: , eu: {like: openai}}\nroutes: {r: {targets: [eu/gpt-6]}}',
      found: [
        'warning 2:24 names `eu/gpt-6`, which is not in the catalog: it is passed on, but its price is not known ?eu/gpt-3',
      ],
    },
    {
      name: 'leaves the models of a server of one’s own alone',
      text: 'providers: {house: {dialect: ollama, base_url: "http://h:1", models: {own: {}}}}\naliases: {a: house/own, b: house/other, c: own}',
      found: [],
    },
    {
      name: 'names models that move, end or have ended',
      text: 'providers: {openai: }\naliases: {a: openai/gpt-5-latest, b: gpt-3, c: gpt-4}',
      found: [
        'warning 2:14 names `openai/gpt-5-latest`, which means another model from time to time; pin a dated version',
        'warning 2:38 names `gpt-3`, which ended on 2026-01-01; its successor is `gpt-5`',
        'warning 2:48 names `gpt-4`, which ends on 2027-01-01',
      ],
    },
    {
      name: 'takes other ids of a catalog provider, and refuses ids of nobody',
      text: 'providers: {gemini: , opnai: }',
      found: [
        'error 1:23 is not in the catalog. Give `like` (a catalog provider), or `dialect` and `base_url` ?openai',
      ],
    },
  ];
  for (const { name, text, found } of cases) it(name, () => assert.deepEqual(doubts(text), found));
});
