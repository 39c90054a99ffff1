import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DecayingQuantiles, QUANTILE_ERROR } from './quantiles.ts';

const value = fc.double({ min: 1, max: 2_000_000, noNaN: true });

function exact(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

describe('decaying quantiles', () => {
  it('lie within five percent of the true ones, whatever the numbers are', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 500 }), (values) => {
        const quantiles = new DecayingQuantiles(1000);
        for (const one of values) quantiles.add(one, 0);
        const [low, high] = quantiles.pair(0.5, 0.95) ?? [0, 0];
        for (const [found, share] of [
          [low, 0.5],
          [high, 0.95],
        ] as const) {
          const truth = exact(values, share);
          assert.ok(Math.abs(found - truth) <= QUANTILE_ERROR * truth * 1.001, `${found} for ${truth}`);
        }
      }),
    );
  });

  it('follow a change within a few half-lives', () => {
    const quantiles = new DecayingQuantiles(1000);
    for (let nowMs = 0; nowMs < 10_000; nowMs += 10) quantiles.add(100, nowMs);
    for (let nowMs = 10_000; nowMs < 12_000; nowMs += 10) quantiles.add(1000, nowMs);
    const [p50] = quantiles.pair(0.5, 0.95) ?? [0];
    assert.ok(p50 > 950, `after two half-lives the median is ${p50}`);
  });

  it('count what they rest on, faded, for years', () => {
    const quantiles = new DecayingQuantiles(1000);
    quantiles.add(5, 0);
    quantiles.add(5, 1000);
    assert.deepEqual([quantiles.count(1000), quantiles.count(2000)], [1.5, 0.75]);
    for (let nowMs = 0; nowMs < 1e9; nowMs += 1e7) quantiles.add(7, nowMs);
    assert.ok(Math.abs(quantiles.count(99e7) - 1) < 1e-6);
    assert.ok(Math.abs((quantiles.pair(0.5, 0.9)?.[0] ?? 0) - 7) <= 0.35);
  });

  it('are the same after they were saved', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, fc.nat({ max: 500 })), { minLength: 1 }), (events) => {
        const quantiles = new DecayingQuantiles(1000);
        let nowMs = 0;
        for (const [one, afterMs] of events) quantiles.add(one, (nowMs += afterMs));
        const again = new DecayingQuantiles(1000);
        again.load(quantiles.save(nowMs), 0);
        assert.deepEqual(again.pair(0.5, 0.95), quantiles.pair(0.5, 0.95));
        assert.ok(
          Math.abs(again.count(0) - quantiles.count(nowMs)) <= 0.001 * events.length + 0.001 * quantiles.count(nowMs),
        );
      }),
    );
  });

  it('know nothing where nothing was told', () => {
    assert.equal(new DecayingQuantiles(1000).pair(0.5, 0.95), undefined);
    assert.equal(new DecayingQuantiles(1000).count(5), 0);
  });
});
