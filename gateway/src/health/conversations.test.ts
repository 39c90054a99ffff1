import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CACHE_MS, Conversations } from './conversations.ts';

const UNASKED = { input: 100n, cacheRead: 10n };
const ASKED = { input: 100n, cacheRead: 10n, cacheWrite: 125n };

function told(price: typeof UNASKED | typeof ASKED, ...usages: readonly object[]): number {
  const conversations = new Conversations();
  for (const usage of usages) conversations.answered('c', { targetId: 't', price, usage }, 0);
  return conversations.cachedAt('c', 't', 1000);
}

describe('what stands in a prompt cache', () => {
  it('is all of the last prompt, where the provider told that it read or wrote one', () => {
    assert.equal(told(ASKED, { inputTokens: 5000, cacheWriteTokens: 4900 }), 5000);
    assert.equal(
      told(ASKED, { inputTokens: 5000, cacheWriteTokens: 4900 }, { inputTokens: 6000, cachedInputTokens: 5000 }),
      6000,
    );
  });

  it('is guessed of providers that cache by themselves, until one disappoints', () => {
    assert.equal(told(UNASKED, { inputTokens: 5000, cachedInputTokens: 0 }), 5000);
    assert.equal(told(UNASKED, { inputTokens: 5000 }, { inputTokens: 6000, cachedInputTokens: 0 }), 0);
    assert.equal(told(ASKED, { inputTokens: 5000, cachedInputTokens: 0 }), 0);
  });

  it('is nothing of short prompts, elsewhere, or later', () => {
    assert.equal(told(UNASKED, { inputTokens: 1000 }), 0);
    const conversations = new Conversations();
    conversations.answered('c', { targetId: 't', price: UNASKED, usage: { inputTokens: 5000 } }, 0);
    assert.deepEqual(
      [
        conversations.cachedAt('c', 'other', 1),
        conversations.cachedAt('d', 't', 1),
        conversations.cachedAt('c', 't', CACHE_MS),
        conversations.cachedAt('c', 't', CACHE_MS + 1),
      ],
      [0, 0, 5000, 0],
    );
  });

  it('remembers a few places of a conversation, and forgets the oldest', () => {
    const conversations = new Conversations();
    for (const [at, targetId] of ['a', 'b', 'c', 'd', 'e'].entries())
      conversations.answered('c', { targetId, price: UNASKED, usage: { inputTokens: 2000 } }, at);
    assert.deepEqual(
      ['a', 'b', 'e'].map((targetId) => conversations.cachedAt('c', targetId, 10)),
      [0, 2000, 2000],
    );
  });
});
