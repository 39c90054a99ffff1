import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { discounted } from './discount.ts';
import type { Price } from './price.ts';

describe('a discount', () => {
  it('is of every rate of tokens, in every tier, rounded up', () => {
    const price: Price = { input: 101n, output: 400n, cacheRead: 10n, tiers: [{ aboveContextTokens: 9, input: 7n }] };
    assert.deepEqual(discounted(price, 50n), {
      input: 51n,
      output: 200n,
      cacheRead: 5n,
      tiers: [{ aboveContextTokens: 9, input: 4n }],
    });
  });

  it('leaves alone what is sold by the piece, and what nobody knows', () => {
    const price: Price = { request: 30n, units: { image: 7n } };
    assert.deepEqual(discounted(price, 50n), price);
  });
});
