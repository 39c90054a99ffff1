import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseJson } from '../lib/json.ts';
import { saneUsage } from './cost.ts';

const LIMITS = { inputTokensMax: 1000, outputTokensMax: 500 };

describe('usage that can be believed', () => {
  it('is left as it came, raw words and all', () => {
    const usage = { inputTokens: 100, cachedInputTokens: 60, outputTokens: 20, reasoningTokens: 20, raw: { x: 1 } };
    assert.deepEqual(saneUsage(usage, LIMITS), usage);
  });

  it('has no count that is nonsense, nor the parts of it', () => {
    for (const text of ['"12"', '-1', '1e15', '1.5', 'null', '1e999', '{}', '[3]', '1001', 'true']) {
      const usage = { inputTokens: 0, cachedInputTokens: 5, outputTokens: 7 };
      Object.assign(usage, { inputTokens: parseJson(text) });
      assert.deepEqual(saneUsage(usage, LIMITS), { outputTokens: 7 }, text);
    }
  });

  it('has no part that is larger than its whole', () => {
    const usage = {
      inputTokens: 10,
      cachedInputTokens: 11,
      cacheWriteTokens: 4,
      cacheWrite1hTokens: 5,
      outputTokens: 5,
      reasoningTokens: 6,
    };
    assert.deepEqual(saneUsage(usage, LIMITS), { inputTokens: 10, cacheWriteTokens: 4, outputTokens: 5 });
  });

  it('has no pieces that are nonsense', () => {
    const units = { images: -1, seconds: 1.5, characters: 12, searches: 1e12 };
    assert.deepEqual(saneUsage({ units }), { units: { characters: 12 } });
    assert.deepEqual(saneUsage({ units: { images: -1 } }), {});
  });

  it('has a limit where none is given', () => {
    assert.deepEqual(saneUsage({ inputTokens: 1e15, outputTokens: 2_000_000 }), { outputTokens: 2_000_000 });
    assert.deepEqual(saneUsage({ inputTokens: 1e9, outputTokens: 1 }, { inputTokensMax: 1e12 }), { outputTokens: 1 });
  });

  it('has counts within the limits and parts within their wholes, whatever was sent', () => {
    const anything = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.string(),
      fc.constant(null),
      fc.nat(2000),
      fc.constant(1e15),
    );
    const names = [
      'inputTokens',
      'cachedInputTokens',
      'cacheWriteTokens',
      'cacheWrite1hTokens',
      'inputAudioTokens',
    ] as const;
    const more = ['outputTokens', 'reasoningTokens', 'outputAudioTokens'] as const;
    const sent = fc.dictionary(fc.constantFrom(...names, ...more), anything);
    fc.assert(
      fc.property(sent, (values) => {
        const usage = saneUsage(Object.assign({}, values), LIMITS);
        const { inputTokens, outputTokens } = usage;
        assert.ok((inputTokens ?? 0) <= 1000 && (outputTokens ?? 0) <= 500);
        for (const [name, value] of Object.entries(usage)) assert.ok(Number.isSafeInteger(value) && value >= 0, name);
        for (const name of names) assert.ok((usage[name] ?? 0) <= (inputTokens ?? 0), name);
        for (const name of more) assert.ok((usage[name] ?? 0) <= (outputTokens ?? 0), name);
      }),
    );
  });
});
