import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { safeText } from './error-text.ts';

describe('safeText of a provider’s error', () => {
  const secrets = [
    'sk-ant-api03-AAAAbbbbCCCC',
    'sk-proj-AAAAbbbbCCCCdddd',
    'gsk_AAAAbbbbCCCCdddd',
    'xai-AAAAbbbbCCCCdddd',
    'AIzaSyAAAAbbbbCCCCddddEEEEffffGGGG',
    'AKIAABCDEFGHIJKLMNOP',
    'Bearer eyJhbGciOi.eyJzdWIi.c2ln',
    'tk_live_AAAAbbbbCCCC',
  ];
  for (const secret of secrets) {
    it(`hides ${secret.slice(0, 8)}…`, () => {
      const shown = safeText(`Incorrect key provided: ${secret}, see docs`);
      assert.ok(!shown.includes(secret.slice(8, 20)), shown);
      assert.match(shown, /^Incorrect key provided: .*\[redacted\].*see docs$/);
    });
  }

  it('hides what is called a key, whatever its form', () => {
    assert.equal(safeText('{"api_key": "0123456789abcdef"}'), '{"api_key": "[redacted]"}');
  });

  it('leaves plain words alone', () => {
    const words = 'max_tokens: 100000 > 64000, which is the maximum for claude-sonnet-4-5';
    assert.equal(safeText(words), words);
  });

  it('shows no control characters and no page', () => {
    assert.equal(safeText('a\u001b[31mred\u0000'), 'a [31mred');
    assert.equal(safeText('<!DOCTYPE html><title>502</title>'), 'an HTML page');
  });
});
