import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecayingRate } from './rates.ts';

describe('a decaying rate', () => {
  it('counts half of what was half a minute ago', () => {
    const rate = new DecayingRate();
    rate.add(true, 0);
    assert.deepEqual([rate.count(0), rate.count(30_000), rate.count(60_000)], [1, 0.5, 0.25]);
    rate.add(false, 30_000);
    assert.equal(rate.share(), 0.5 / 1.5);
  });

  it('forgets by number as well as by time', () => {
    const rate = new DecayingRate();
    for (let count = 0; count < 100_000; count += 1) rate.add(false, 0);
    for (let count = 0; count < 28; count += 1) rate.add(true, 0);
    assert.equal(rate.count(0), 40);
    assert.ok(rate.share() > 0.49 && rate.share() < 0.52, String(rate.share()));
  });

  it('is a share, rests on forty at most, and is the same after it was saved', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 20_000 }))), (events) => {
        const rate = new DecayingRate();
        let nowMs = 0;
        for (const [isFailure, afterMs] of events) rate.add(isFailure, (nowMs += afterMs));
        assert.ok(rate.share() >= 0 && rate.share() <= 1 && rate.count(nowMs) <= 40 + 1e-9);
        const again = new DecayingRate();
        again.load(rate.save(nowMs), 7);
        assert.ok(Math.abs(again.share() - rate.share()) < 1e-9);
        assert.ok(Math.abs(again.count(1007) - rate.count(nowMs + 1000)) < 1e-9);
      }),
    );
  });
});
