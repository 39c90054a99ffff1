import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readUsage, writeUsage } from './usage.ts';

const count = (input: number, output: number, total: number): { [field: string]: number } => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: total,
});

describe('usage of openai-chat', () => {
  it('adds reasoning that was counted apart (xAI)', () => {
    const usage = readUsage({ ...count(12, 1, 241), completion_tokens_details: { reasoning_tokens: 228 } });
    assert.deepEqual([usage?.outputTokens, usage?.reasoningTokens], [229, 228]);
  });

  it('adds sound that was counted apart (Mistral), and thinking that was not named (Google)', () => {
    assert.equal(readUsage({ ...count(11, 15, 401), prompt_tokens_details: { audio_tokens: 375 } })?.inputTokens, 386);
    const hidden = readUsage(count(35, 12, 109));
    assert.deepEqual([hidden?.outputTokens, hidden?.reasoningTokens], [74, 62]);
  });

  it('reads cached tokens by every name, never more than the input', () => {
    for (const named of [
      { prompt_tokens_details: { cached_tokens: 5 } },
      { prompt_cache_hit_tokens: 5 },
      { cache_read_input_tokens: 5 },
      { cached_tokens: 5 },
      { num_cached_tokens: 5 },
    ]) {
      assert.equal(readUsage({ ...count(9, 1, 10), ...named })?.cachedInputTokens, 5);
      assert.equal(readUsage({ ...count(3, 1, 4), ...named })?.cachedInputTokens, 3);
    }
  });

  it('names the counts that it has no word for, which others lose', () => {
    const more = { server_tool_use_details: { web_search_requests: 2, none: 0 }, cost: 0.5 };
    assert.deepEqual(readUsage({ ...count(9, 1, 10), ...more })?.others, [
      'server_tool_use_details.web_search_requests',
    ]);
    assert.equal(readUsage(count(9, 1, 10))?.others, undefined);
  });

  it('drops counts that cannot be', () => {
    for (const wrong of ['9', -1, Number.NaN, 1e15, 1.5, null]) {
      assert.equal(readUsage({ prompt_tokens: wrong, completion_tokens: wrong }), undefined);
    }
  });

  it('never reads a part that is larger than its whole', () => {
    const tokens = fc.oneof(fc.nat(1000), fc.constant(undefined), fc.constant(null), fc.double(), fc.string());
    const details = fc.record({
      cached_tokens: tokens,
      cache_write_tokens: tokens,
      audio_tokens: tokens,
      reasoning_tokens: tokens,
    });
    fc.assert(
      fc.property(
        fc.record({
          prompt_tokens: fc.nat(1000),
          completion_tokens: fc.nat(1000),
          total_tokens: tokens,
          prompt_tokens_details: details,
          completion_tokens_details: details,
        }),
        (raw) => {
          const usage = readUsage(raw);
          assert.ok(usage?.inputTokens !== undefined && usage.outputTokens !== undefined);
          assert.ok((usage.cachedInputTokens ?? 0) + (usage.cacheWriteTokens ?? 0) <= usage.inputTokens);
          assert.ok((usage.reasoningTokens ?? 0) <= usage.outputTokens);
          const again = readUsage(writeUsage(usage));
          assert.deepEqual({ ...again, raw: undefined }, { ...usage, raw: undefined });
        },
      ),
    );
  });

  it('writes no usage where nothing was counted', () => {
    assert.equal(writeUsage({ reasoningTokens: 3 }), undefined);
  });
});
