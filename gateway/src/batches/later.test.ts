import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createLater } from './later.ts';

describe('things that are due later', () => {
  it('come in the order of their times, not before them, and in the order in which they came where times are equal', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), fc.nat(20), (dues, nowMs) => {
        const later = createLater<number>();
        for (const [index, dueMs] of dues.entries()) later.add(index, dueMs);
        const expected = dues
          .map((dueMs, index) => ({ dueMs, index }))
          .filter(({ dueMs }) => dueMs <= nowMs)
          .toSorted((a, b) => a.dueMs - b.dueMs || a.index - b.index);
        for (const { index } of expected) assert.equal(later.take(nowMs), index);
        assert.equal(later.take(nowMs), undefined);
        assert.equal(later.size, dues.length - expected.length);
        assert.ok((later.nextMs() ?? Infinity) > nowMs);
      }),
    );
  });
});
