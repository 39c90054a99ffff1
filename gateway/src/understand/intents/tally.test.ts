import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Tally } from './tally.ts';

describe('a tally', () => {
  it('counts as a map does, in the same order, however many there are', () => {
    const key = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 0xffffffff }));
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.integer({ min: 1, max: 9 })), { maxLength: 500 }), (entries) => {
        const tally = new Tally();
        const map = new Map<number, number>();
        for (const [of, count] of entries) {
          tally.add(of, count);
          map.set(of, (map.get(of) ?? 0) + count);
        }
        assert.deepEqual([...tally.keys.subarray(0, tally.size)], [...map.keys()]);
        assert.deepEqual([...tally.counts.subarray(0, tally.size)], [...map.values()]);
        for (const [at, of] of [...map.keys()].entries()) assert.equal(tally.placeOf(of), at);
      }),
    );
  });

  it('has no place for what never came', () => {
    const tally = new Tally();
    tally.add(7, 1);
    assert.equal(tally.placeOf(7 + 128), -1);
    assert.equal(tally.placeOf(0), -1);
  });
});
