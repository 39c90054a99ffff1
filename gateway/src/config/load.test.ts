import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { KnownNames } from './checks.ts';
import type { LoadedConfig, ParseOptions } from './load.ts';
import { parseConfig } from './load.ts';
import type { ConfigError } from './finding.ts';
import { tiersOf, timeoutsOf } from './schema.ts';
import type { Config } from './schema.ts';

const KNOWN: KnownNames = { providers: ['openai', 'anthropic', 'mistral'], doubtAbout: () => undefined };

function load(text: string, options: Partial<ParseOptions> = {}): LoadedConfig {
  const result = parseConfig(text, { file: 'turnout.yaml', env: {}, ...options });
  assert.ok(result.ok, result.ok ? '' : result.error.map((error) => `${error.path} ${error.message}`).join('\n'));
  return result.value;
}

/** `line:column path message`, with the suggestion behind `?`. */
function brief({ line, column, path, message, suggestion }: ConfigError): string {
  return `${line}:${column} ${path} | ${message}${suggestion === undefined ? '' : ` ?${suggestion}`}`;
}

/** As the loader makes a table. */
const NONE: unknown = Object.create(null);

function configOf(text: string, env: Readonly<Record<string, string>> = {}): Config {
  return load(text, { env }).config;
}

describe('parseConfig on good files', () => {
  it('fills in the defaults of the reference page for an empty file', () => {
    for (const text of ['', '\n', '# nothing\n', '{}', '---\n', 'server:\nproviders:\nroutes:\n']) {
      const config = configOf(text);
      assert.deepEqual(
        { ...config, providers: {}, aliases: {}, routes: {}, intents: {}, topics: {} },
        {
          server: {
            host: '127.0.0.1',
            port: 8787,
            body_max_bytes: 33_554_432,
            header_max_bytes: 16_384,
            trusted_proxies: [],
            header_timeout_ms: 10_000,
            body_timeout_ms: 60_000,
            write_idle_ms: 60_000,
            keep_alive_ms: 65_000,
            requests_max: 10_000,
            heartbeat_ms: 10_000,
            drain_ms: 30_000,
            upstream_client: 'own',
            workers: 1,
          },
          data: './data',
          store: 'sqlite',
          shared: 'memory',
          providers: {},
          aliases: {},
          routes: {},
          callers: { regions: [] },
          intents: {},
          topics: {},
          understand: { content: 'auto' },
          health: {
            error_rate: 0.5,
            requests_min: 10,
            open_ms: 2000,
            open_max_ms: 60_000,
            eject_max: 0.5,
            in_flight: 'auto',
            retry_budget: 0.2,
          },
          timeouts: {
            connect_ms: 2000,
            first_byte_ms: 60_000,
            first_token_ms: 60_000,
            idle_ms: 60_000,
            total_ms: 600_000,
          },
          attempts: 3,
          limits: { response_max_bytes: 67_108_864, defaults: {}, routes: NONE, models: NONE, providers: NONE },
          people: {
            passwords: true,
            sign_up: 'closed',
            domains: [],
            sign_up_role: 'developer',
            session: { idle_minutes: 720, days: 14 },
            oidc: [],
          },
          price_unknown: 'refuse',
          output: { validate: 'emulated', invalid: 'repair' },
          responses: { store: 'memory' },
          batches: {
            concurrency: 32,
            file_max_mb: 200,
            key_max_mb: 2048,
            keep_days: 30,
            folder: 'files',
            native: 'auto',
          },
          billing: { plan: [], credits: { alerts: [20, 5, 0] }, stripe: { webhook_secret: [], tolerance_s: 300 } },
          log: { requests: 'metadata' },
          retention: {},
        },
      );
      assert.equal(Object.keys({ ...config.providers, ...config.aliases, ...config.routes }).length, 0);
    }
  });

  it('reads its own defaults back to the same configuration', () => {
    const config = configOf('');
    assert.deepEqual(configOf(JSON.stringify(config)), config);
  });

  it('takes the outer shape of the design as it stands there', () => {
    const text = [
      'server: {host: 127.0.0.1, port: 8787}',
      'data: ./data                                   # SQLite file, journal',
      'store: sqlite                                  # or postgres://…',
      'shared: memory                                 # or redis://…',
      'providers:',
      '  openai: {api_key: "${OPENAI_API_KEY}"}       # the rest comes from the catalog',
      '  openai-eu: {like: openai, base_url: https://eu.api.openai.com/v1, api_key: "${OPENAI_EU_KEY}", region: eu, compliance: [gdpr]}',
      '  house: {dialect: openai-chat, base_url: http://10.0.0.5:8000/v1, models: {llama-70b: {price: {input: 0.2, output: 0.4}, limits: {context: 131072}, tags: [code], quality: {code: 0.6}}}}',
      'aliases: {fast: openai/gpt-5-mini}',
      'routes: {}',
      'timeouts: {connect_ms: 2000, first_byte_ms: 60000, first_token_ms: 60000, idle_ms: 60000, total_ms: 600000}',
      'attempts: 3',
      'log: {requests: metadata}                      # none, metadata, full (with retention and redaction)',
    ].join('\n');
    const { config, warnings } = load(text, { env: { OPENAI_API_KEY: 'k1', OPENAI_EU_KEY: 'k2' }, known: KNOWN });
    assert.deepEqual(warnings, []);
    assert.deepEqual(config.providers['openai-eu']?.api_key, [{ key: 'k2', weight: 1 }]);
    assert.equal(config.providers['openai-eu']?.base_url, 'https://eu.api.openai.com/v1');
    assert.deepEqual(config.providers['house']?.models['llama-70b']?.price, {
      input: 200_000_000n,
      output: 400_000_000n,
    });
    assert.equal(config.aliases['fast'], 'openai/gpt-5-mini');
  });

  it('reads prices digit by digit, quoted or not', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 99_999 }),
        fc.stringMatching(/^\d{0,9}$/),
        fc.boolean(),
        (whole, decimals, isQuoted) => {
          const digits = decimals === '' ? `${whole}` : `${whole}.${decimals}`;
          const written = isQuoted ? `"${digits}"` : digits;
          const config = configOf(
            `providers: {openai: {models: {m: {price: {input: ${written}, request: ${written}}}}}}`,
          );
          const expected = BigInt(whole) * 1_000_000_000n + BigInt(decimals.padEnd(9, '0') || '0');
          assert.deepEqual(config.providers['openai']?.models['m']?.price, { input: expected, request: expected });
        },
      ),
    );
  });

  it('reads prices that no float can hold', () => {
    const price = (input: string): unknown =>
      configOf(`providers: {openai: {models: {m: {price: {input: ${input}}}}}}`).providers['openai']?.models['m']?.price
        ?.input;
    assert.equal(price('0.1'), 100_000_000n);
    assert.equal(price('99999.999999999'), 99_999_999_999_999n);
    assert.equal(price('0.000000001'), 1n);
    assert.equal(price('100000'), 100_000_000_000_000n);
    assert.equal(price('0'), 0n);
    assert.equal(price('"${NOT_SET:-0.30}"'), 300_000_000n);
  });

  it('keeps every class of a price, and sorts its tiers', () => {
    const text =
      'providers: {openai: {models: {m: {price: {input: 1, output: 2, cache_read: 3, cache_write: 4, cache_write_1h: 5, reasoning: 6, input_audio: 7, output_audio: 8, request: 9,' +
      ' tiers: [{above_context_tokens: 20, input: 2}, {above_context_tokens: 10, output: 3, cache_read: 0.5}]}}}}}';
    const G = 1_000_000_000n;
    assert.deepEqual(configOf(text).providers['openai']?.models['m']?.price, {
      input: G,
      output: 2n * G,
      cacheRead: 3n * G,
      cacheWrite: 4n * G,
      cacheWrite1h: 5n * G,
      reasoning: 6n * G,
      inputAudio: 7n * G,
      outputAudio: 8n * G,
      request: 9n * G,
      tiers: [
        { aboveContextTokens: 10, output: 3n * G, cacheRead: 500_000_000n },
        { aboveContextTokens: 20, input: 2n * G },
      ],
    });
  });

  it('fills in the environment, once, with defaults and escapes', () => {
    const env = { HOST: '0.0.0.0', PORT: '9000', EMPTY: '', NESTED: '${HOST}', ON: 'true' };
    const text = [
      'server: {host: "${HOST}", port: "${PORT}"}',
      'data: ${EMPTY:-/var}/${MISSING:-lib}/$${X}',
      'attempts: ${MISSING:-5}',
      'providers:',
      '  openai: {api_key: "${NESTED}", disabled: "${ON}", headers: {X-A: "a${EMPTY:-}b"}}',
    ].join('\n');
    const config = configOf(text, env);
    assert.equal(config.server.host, '0.0.0.0');
    assert.equal(config.server.port, 9000);
    assert.equal(config.data, '/var/lib/${X}');
    assert.equal(config.attempts, 5);
    assert.equal(config.providers['openai']?.api_key?.[0]?.key, '${HOST}');
    assert.equal(config.providers['openai']?.disabled, true);
    assert.equal(config.providers['openai']?.headers?.['x-a'], 'ab');
  });

  it('takes keys in all their spellings, and drops empty ones', () => {
    const keys = (written: string): unknown =>
      configOf(`providers: {openai: {api_key: ${written}}}`).providers['openai']?.api_key;
    assert.deepEqual(keys('a'), [{ key: 'a', weight: 1 }]);
    assert.deepEqual(keys('[a, {key: b, weight: 3}]'), [
      { key: 'a', weight: 1 },
      { key: 'b', weight: 3 },
    ]);
    assert.deepEqual(keys('"${NO:-}"'), []);
    assert.deepEqual(keys('["${NO:-}", b]'), [{ key: 'b', weight: 1 }]);
  });

  it('follows YAML anchors', () => {
    const config = configOf('providers: {openai: {models: {a: {price: &p {input: 1}}, b: {price: *p}}}}');
    assert.deepEqual(config.providers['openai']?.models['b']?.price, { input: 1_000_000_000n });
  });

  it('keeps names of models as they are written', () => {
    const config = configOf('providers: {openai: {models: {1.0: {}, gpt-4.1: {}, meta/Llama@x: {}}}}\naliases: {4: a}');
    assert.deepEqual(Object.keys(config.providers['openai']?.models ?? {}), ['1.0', 'gpt-4.1', 'meta/Llama@x']);
    assert.equal(config.aliases['4'], 'a');
  });

  it('cannot be changed, and finds nothing under names of the language', () => {
    const config = configOf('aliases: {a: b}\nproviders: {openai: {models: {m: {price: {input: 1}}}}}');
    assert.equal(config.aliases['toString'], undefined);
    assert.equal(config.providers['hasOwnProperty'], undefined);
    assert.equal(config.providers['openai']?.models['valueOf'], undefined);
    const parts: readonly object[] = [
      config,
      config.server,
      config.aliases,
      config.providers['openai'] ?? {},
      config.providers['openai']?.models['m']?.price ?? {},
    ];
    for (const part of parts) assert.ok(Object.isFrozen(part));
  });

  it('takes away the slashes at the end of a base URL', () => {
    assert.equal(configOf('providers: {a: {base_url: "https://h/v1//"}}').providers['a']?.base_url, 'https://h/v1');
  });

  it('warns about secrets in the file, and about names that can be mixed up', () => {
    const text = [
      'providers:',
      '  openai: {api_key: sk-abcdefghijklmnopqrstuvwx}',
      '  mistral: {api_key: ["${K}", {key: 0123456789abcdef0123456789abcdef}], headers: {x-token: 3f2504e0-4f89-11d3-9a0c-0305e82c3301}}',
      '  anthropic: {api_key: none, headers: {x-version: "2023-06-01"}}',
      'aliases: {openai: openai/gpt-5}',
      'routes: {mistral: {targets: [mistral/x]}}',
      'store: postgres://turnout:hunter2@db/turnout',
      'limits: {routes: {mistal: {rpm: 5}, mistral: {rpm: 5}, auto: {rpm: 5}}}',
    ].join('\n');
    const { warnings } = load(text, { env: { K: 'sk-abcdefghijklmnopqrstuvwx' }, known: KNOWN });
    assert.deepEqual(warnings.map(brief), [
      '2:21 providers.openai.api_key | looks like a secret. Put it in the environment and write "${NAME}" here',
      '3:37 providers.mistral.api_key[1].key | looks like a secret. Put it in the environment and write "${NAME}" here',
      '3:92 providers.mistral.headers.x-token | looks like a secret. Put it in the environment and write "${NAME}" here',
      '5:11 aliases.openai | has the name of a provider; `openai` is the alias, `openai/…` the provider’s models',
      '6:10 routes.mistral | has the name of a provider; `mistral` is the route, `mistral/…` the provider’s models',
      '7:8 store | holds a password. Put it in the environment and write "${NAME}" here',
      '8:19 limits.routes.mistal | is the limit of a route that is not there ?mistral',
    ]);
  });
});

describe('tiersOf', () => {
  const tiers = (route: string): unknown => {
    const found = configOf(`routes: {r: ${route}}`).routes['r'];
    return found === undefined
      ? undefined
      : tiersOf(found).map((tier) => tier.map((one) => `${'target' in one ? one.target : 'select'}*${one.weight}`));
  };
  it('makes one group of plain targets', () => {
    assert.deepEqual(tiers('{targets: [a/x, {target: b/y, weight: 3}]}'), [['a/x*1', 'b/y*3']]);
  });
  it('keeps the weights of targets that tiers name, and puts the others last', () => {
    assert.deepEqual(tiers('{targets: [a/x, {target: b/y, weight: 3}, c/z], tiers: [[b/y], [a/x]]}'), [
      ['b/y*3'],
      ['a/x*1'],
      ['c/z*1'],
    ]);
  });
  it('takes the targets from the tiers where they stand alone', () => {
    assert.deepEqual(tiers('{tiers: [[b/y, a/x]]}'), [['b/y*1', 'a/x*1']]);
  });
});

describe('timeoutsOf', () => {
  it('takes the provider’s own limits where it has them', () => {
    const config = configOf('timeouts: {idle_ms: 5}\nproviders: {a: {timeouts: {connect_ms: 7}}}');
    assert.deepEqual(timeoutsOf(config, 'a'), { ...config.timeouts, connect_ms: 7, idle_ms: 5 });
    assert.deepEqual(timeoutsOf(config, 'b'), config.timeouts);
  });
});
