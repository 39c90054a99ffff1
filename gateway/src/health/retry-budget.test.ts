import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RetryBudget } from './retry-budget.ts';

describe('the budget of repeats', () => {
  it('is a fifth of the requests, beside a small reserve', () => {
    const budget = new RetryBudget(() => 0.2);
    let repeats = 0;
    for (let count = 0; count < 10_000; count += 1) {
      budget.request('r', count);
      for (let tries = 0; tries < 3 && budget.has('r', count); tries += 1) {
        budget.spend('r', count);
        repeats += 1;
      }
    }
    assert.ok(repeats >= 2000 && repeats <= 2000 + 20 + 1, `${repeats} repeats`);
  });

  it('is there for those who ask seldom', () => {
    const budget = new RetryBudget(() => 0.2);
    for (let count = 0; count < 100; count += 1) {
      const nowMs = count * 10_000;
      budget.request('r', nowMs);
      assert.equal(budget.has('r', nowMs), true);
      budget.spend('r', nowMs);
    }
  });

  it('is each name’s own', () => {
    const budget = new RetryBudget(() => 0.2);
    for (let count = 0; count < 20; count += 1) budget.spend('r', 0);
    assert.deepEqual([budget.has('r', 0), budget.has('other', 0)], [false, true]);
  });
});
