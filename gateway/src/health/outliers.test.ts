import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { outlierAmong, type Peer } from './outliers.ts';

function peer(over: Partial<Peer> = {}): Peer {
  return { errorRate: 0.01, count: 40, ttftMs: 300, ttftCount: 40, isOut: false, ...over };
}

describe('an outlier', () => {
  it('fails far more often than its peers', () => {
    assert.deepEqual(outlierAmong([peer(), peer({ errorRate: 0.35 })], 0.5), { index: 1, reason: 'outlier-errors' });
    assert.equal(outlierAmong([peer({ errorRate: 0.3 }), peer({ errorRate: 0.4 })], 0.5), undefined);
    assert.equal(outlierAmong([peer(), peer({ errorRate: 0.15 })], 0.5), undefined);
  });

  it('is far slower than its peers', () => {
    assert.deepEqual(outlierAmong([peer({ ttftMs: 2000 }), peer(), peer()], 0.5), { index: 0, reason: 'outlier-slow' });
    assert.equal(outlierAmong([peer({ ttftMs: 1200 }), peer(), peer()], 0.5), undefined);
    assert.equal(outlierAmong([peer({ ttftMs: 50_000 }), peer({ ttftMs: 20_000 })], 0.5), undefined);
  });

  it('is known by twenty requests, of its own and of the others', () => {
    assert.equal(outlierAmong([peer(), peer({ errorRate: 1, count: 19 })], 0.5), undefined);
    assert.equal(outlierAmong([peer({ count: 19 }), peer({ errorRate: 1 })], 0.5), undefined);
    assert.equal(outlierAmong([peer(), peer({ ttftMs: undefined, ttftCount: 0 })], 0.5), undefined);
  });

  it('is the worst of several', () => {
    const peers = [peer(), peer({ errorRate: 0.5 }), peer({ errorRate: 0.9 }), peer()];
    assert.equal(outlierAmong(peers, 0.5)?.index, 2);
  });

  it('is never one of more than may be out, and never the last', () => {
    const any = fc.record({
      errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
      count: fc.nat({ max: 60 }),
      ttftMs: fc.option(fc.double({ min: 1, max: 1e6, noNaN: true }), { nil: undefined }),
      ttftCount: fc.nat({ max: 60 }),
      isOut: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), fc.double({ min: 0, max: 1, noNaN: true }), (given, shareMax) => {
        let peers: readonly Peer[] = given.map((one) => ({ ...one, isOut: false }));
        for (let rounds = 0; rounds < 20; rounds += 1) {
          const found = outlierAmong(peers, shareMax);
          if (found === undefined) break;
          assert.equal(peers[found.index]?.isOut, false);
          peers = peers.map((one, index) => (index === found.index ? { ...one, isOut: true } : one));
        }
        const out = peers.filter((one) => one.isOut).length;
        assert.ok(out <= peers.length * shareMax && (out < peers.length || peers.length === 0));
        assert.equal(
          outlierAmong(
            given.filter((one) => one.isOut),
            1,
          ),
          undefined,
          'all are out already',
        );
      }),
    );
  });
});
