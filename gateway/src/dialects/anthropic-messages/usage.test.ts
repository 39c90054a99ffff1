import fc from 'fast-check';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Usage } from '../../chat/usage.ts';
import { decodeUsage, encodeUsage, mergeRaw } from './usage.ts';

const counts = fc.record({
  read: fc.nat(1e6),
  written: fc.nat(1e6),
  plain: fc.nat(1e6),
  output: fc.nat(1e6),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe('usage of the Messages API', () => {
  it('sums three input counts, and parts them again', () => {
    fc.assert(
      fc.property(counts, ({ read, written, plain, output, share }) => {
        const usage: Usage = {
          inputTokens: plain + read + written,
          cachedInputTokens: read,
          cacheWriteTokens: written,
          cacheWrite1hTokens: Math.floor(written * share),
          outputTokens: output,
          reasoningTokens: Math.floor(output * share),
        };
        const { raw, ...again } = decodeUsage(encodeUsage(usage));
        assert.deepEqual(again, usage);
        assert.equal(raw?.['input_tokens'], plain);
      }),
    );
  });

  it('writes the provider’s own object as it came, and not one that was amended, or is of another form', () => {
    const raw = { input_tokens: 5, output_tokens: 2, service_tier: 'standard', tomorrow: { x: 1 } };
    assert.equal(encodeUsage(decodeUsage(raw)), raw);
    assert.equal(encodeUsage({ ...decodeUsage(raw), outputTokens: 7 })['output_tokens'], 7);
    const responses = { input_tokens: 5, output_tokens: 2, total_tokens: 7 };
    assert.deepEqual(encodeUsage({ inputTokens: 5, outputTokens: 2, raw: responses })['total_tokens'], undefined);
  });

  it('adds what a compaction cost, which the totals leave out', () => {
    const usage = decodeUsage({
      input_tokens: 10,
      output_tokens: 5,
      cache_read_input_tokens: 1,
      iterations: [
        { type: 'compaction', input_tokens: 100, output_tokens: 20, cache_read_input_tokens: 30 },
        { type: 'message', input_tokens: 10, output_tokens: 5 },
      ],
    });
    assert.deepEqual([usage.inputTokens, usage.cachedInputTokens, usage.outputTokens], [141, 31, 25]);
  });

  it('reads nothing out of strings, negatives and fractions', () => {
    const { raw: _, ...usage } = decodeUsage({ input_tokens: '5', output_tokens: -1, cache_read_input_tokens: 1.5 });
    assert.deepEqual(usage, {});
  });

  it('lays later counts over earlier ones, but not null', () => {
    assert.deepEqual(
      mergeRaw({ input_tokens: 5, output_tokens: 1 }, { output_tokens: 9, input_tokens: null, server_tool_use: null }),
      {
        input_tokens: 5,
        output_tokens: 9,
        server_tool_use: null,
      },
    );
  });
});
