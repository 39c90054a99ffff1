import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lengths } from './lengths.ts';

const PAIR = { route: 'r', targetId: 'p/m' };

describe('lengths of answers', () => {
  it('are learned by route and target', () => {
    const lengths = new Lengths();
    for (let count = 1; count <= 100; count += 1) lengths.add(PAIR, count, 0);
    const { mean, p90, count } = lengths.of(PAIR, 0) ?? { mean: 0, p90: 0, count: 0 };
    assert.ok(Math.abs(mean - 50.5) < 1e-9, `mean ${mean}`);
    assert.ok(Math.abs(p90 - 90) <= 4.5, `p90 ${p90}`);
    assert.equal(count, 100);
    assert.equal(lengths.of({ ...PAIR, route: '' }, 0), undefined);
    assert.equal(lengths.of({ ...PAIR, targetId: 'p/other' }, 0), undefined);
  });

  it('follow what is asked now', () => {
    const lengths = new Lengths();
    for (let count = 0; count < 1000; count += 1) lengths.add(PAIR, 100, count * 1000);
    for (let count = 0; count < 1000; count += 1) lengths.add(PAIR, 1000, 12 * 3_600_000 + count * 1000);
    const mean = lengths.of(PAIR, 12 * 3_600_000)?.mean ?? 0;
    assert.ok(mean > 990, `mean ${mean}`);
  });

  it('are kept for five thousand pairs at most, those last used', () => {
    const lengths = new Lengths();
    lengths.add(PAIR, 7, 0);
    for (let count = 0; count < 5000; count += 1) {
      if (count === 2500) lengths.add(PAIR, 7, 0);
      lengths.add({ route: 'other', targetId: `p/${count}` }, 7, 0);
    }
    assert.equal(lengths.of(PAIR, 0)?.count, 2);
    assert.equal(lengths.of({ route: 'other', targetId: 'p/0' }, 0), undefined);
    assert.ok(lengths.save(0, 10_000).length <= 5000);
  });

  it('are the same after they were saved', () => {
    const lengths = new Lengths();
    for (const tokens of [10, 20, 400]) lengths.add(PAIR, tokens, 0);
    const again = new Lengths();
    again.load(lengths.save(0, 10), 500);
    assert.deepEqual(again.of(PAIR, 500), { ...lengths.of(PAIR, 0), mean: 143.3 });
  });
});
