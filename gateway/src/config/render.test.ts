import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseConfig } from './load.ts';
import { renderErrors, summary } from './render.ts';
import { looksLikeSecret, maskSecrets } from './secrets.ts';

function rendered(text: string, env: Readonly<Record<string, string>> = {}): string {
  const result = parseConfig(text, { file: 'turnout.yaml', env });
  return renderErrors(result.ok ? result.value.warnings : result.error, text);
}

describe('renderErrors', () => {
  it('shows place, sentence, line, caret and what is allowed', () => {
    const text = 'server:\n  prot: 8787\nattempts: 99\n';
    assert.equal(
      rendered(text),
      [
        'turnout.yaml:2:3: `server.prot` is not a known key; did you mean `port`?',
        '  2 |   prot: 8787',
        '    |   ^^^^',
        '      allowed: host, port, trusted_proxies, body_max_bytes, header_max_bytes, header_timeout_ms, body_timeout_ms, write_idle_ms, keep_alive_ms, requests_max, heartbeat_ms, drain_ms, region, workers, upstream_client',
        '',
        'turnout.yaml:3:11: `attempts` must be at most 10',
        '  3 | attempts: 99',
        '    |           ^^',
        '      allowed: a whole number from 1 to 10',
        '',
      ].join('\n'),
    );
  });

  it('puts the caret right behind tabs, a byte-order mark and CRLF', () => {
    assert.equal(
      rendered('\ufeffdata:\t3\r\n'),
      [
        'turnout.yaml:1:7: `data` must be a text, not a number; put it in quotes',
        '  1 | data:\t3',
        '    |      \t^',
        '      allowed: a text',
        '',
      ].join('\n'),
    );
  });

  it('shows the part of a long line that matters', () => {
    const text = `aliases: {${Array.from({ length: 100 }, (_, index) => `name-${index}: model-${index}`).join(', ')}, bad: 5}`;
    const lines = rendered(text).split('\n');
    const shown = lines[1] ?? '';
    const caret = lines[2] ?? '';
    assert.ok(shown.length < 130, shown);
    assert.equal(shown.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1), '5');
  });

  it('shows no secret of the file, whatever else is wrong on its line', () => {
    const text = [
      'providers:',
      '  openai: {api_key: "sk-proj-Zk3jf9Qm2LxW8vRt", wieght: 1}',
      '  a: {api_key: [plainword, "${K:-otherword}"], wieght: 1, headers: {Authorization: Bearer shortword}}',
      '  b: {base_url: "https://user:hunter2@host/v1"}',
      '  c:',
      '    api_key: &k [',
      '      0123456789abcdef0123456789abcdef, 5]',
      'store: postgres://admin:hunter2@db/turnout',
      'data: "AIzaSyA1234567890abcdef" "sk-ant-api03-abcdefgh"',
    ].join('\n');
    const shown = `${rendered(text)}\n${rendered(text.split('\n').slice(0, 8).join('\n'), { K: 'fromenvironment' })}`;
    for (const secret of [
      'Zk3jf9',
      'plainword',
      'otherword',
      'shortword',
      'hunter2',
      '0123456789abcdef',
      'AIzaSy',
      'api03',
      'fromenvironment',
    ]) {
      assert.ok(!shown.includes(secret), `${secret} in\n${shown}`);
    }
    assert.ok(shown.includes('wieght: 1'), shown);
    assert.ok(shown.includes('${K:-'), shown);
  });

  it('shows no value of a header that is named like a secret', () => {
    const shown = rendered('providers:\n  a: {headers: {x-secret: plain, X-Auth-Token: "other word"}, wieght: 1}\n');
    assert.ok(shown.includes('wieght: 1'), shown);
    assert.doesNotMatch(shown, /plain|other|word/);
  });

  it('has a short form without a line of the file', () => {
    const text = 'providers:\n  openai: {headers: {x-any: hunter2}, wieght: 1}\n';
    const result = parseConfig(text, { file: 'turnout.yaml', env: {} });
    assert.ok(!result.ok);
    assert.equal(
      summary(result.error),
      'turnout.yaml:2:39: `providers.openai.wieght` is not a known key; did you mean `weight`?',
    );
  });

  it('sends no control character to the terminal', () => {
    const shown = rendered('"\\e[2J\u001b[31m": 1\n\u009b: 2\n');
    // eslint-disable-next-line no-control-regex
    assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(shown), JSON.stringify(shown));
  });
});

describe('maskSecrets', () => {
  it('keeps the length of every text, so that carets stay right', () => {
    const part = fc.constantFrom(
      'api_key: ',
      'sk-',
      'abcdefgh12345678',
      '://u:p@',
      '"',
      '${A:-',
      '}',
      '[',
      ', ',
      'x',
      '€',
      'key: ',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 5 })), { maxLength: 20 }), (parts) => {
        const text = parts.join('');
        assert.equal(maskSecrets(text).length, text.length);
      }),
    );
  });

  it('leaves names of models, dates, numbers and references alone', () => {
    for (const text of [
      'targets: [openai/gpt-5-mini, anthropic/claude-sonnet-4-5-20250929, meta-llama/Llama-3.3-70B-Instruct-Turbo]',
      'models: {accounts/fireworks/models/deepseek-v3p1: {limits: {context: 131072}}}',
      'api_key: "${OPENAI_API_KEY}"',
      'tiers: [{above_context_tokens: 200000}]',
    ]) {
      assert.equal(maskSecrets(text), text);
    }
  });
});

describe('looksLikeSecret', () => {
  for (const [value, expected] of [
    ['sk-abcdefgh', true],
    ['gsk_abcdefgh12', true],
    ['AKIAIOSFODNN7EXAMPLE', true],
    ['0123456789abcdef', true],
    ['3f2504e0-4f89-11d3-9a0c-0305e82c3301', true],
    ['none', false],
    ['local', false],
    ['2023-06-01', false],
    ['lm-studio', false],
  ] as const) {
    it(`${expected ? 'sees' : 'sees none in'} ${value}`, () => assert.equal(looksLikeSecret(value), expected));
  }
});
