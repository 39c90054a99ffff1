/** Quality of a target: what is known before, moved by ratings of answers as far as it is uncertain. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UNSEEN, type Rating } from './observation.ts';
import { qualityAt } from './quality.ts';
import { quality as floorOf } from './requirements/quality.ts';
import { UNASKED } from './select.ts';
import { testTarget } from './target.fixture.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });

function rated(
  quality: Readonly<Record<string, number>>,
  counts: Readonly<Record<string, number>>,
  rating: Rating,
): number {
  return qualityAt(testTarget('a/m', { quality, qualityCounts: counts }), 'code', { ...UNSEEN, rating }) ?? Number.NaN;
}

describe('qualityAt', () => {
  it('moves with what callers say, the more of them the further, and never past them', () => {
    fc.assert(
      fc.property(
        share,
        fc.integer({ min: 1, max: 100 }),
        share,
        fc.integer({ min: 1, max: 10_000 }),
        (known, sure, mean, count) => {
          const after = rated({ code: known }, { code: sure }, { mean, count });
          const later = rated({ code: known }, { code: sure }, { mean, count: count + 1 });
          assert.ok(after >= Math.min(known, mean) - 1e-9 && after <= Math.max(known, mean) + 1e-9);
          assert.ok(Math.abs(later - mean) <= Math.abs(after - mean) + 1e-9);
        },
      ),
    );
  });

  it('lets go sooner of what was less sure', () => {
    const rating = { mean: 0, count: 20 };
    const [rating100, figures40, figures4] = [100, 40, 4].map((sure) => rated({ code: 0.8 }, { code: sure }, rating));
    assert.deepEqual(
      [rating100, figures40, figures4].map((score) => score?.toFixed(3)),
      ['0.667', '0.533', '0.133'],
    );
  });

  it('knows nothing of a target without scores until enough answers were rated', () => {
    assert.ok(Number.isNaN(rated({}, {}, { mean: 1, count: 9 })));
    assert.equal(rated({}, {}, { mean: 0.7, count: 10 }), 0.7);
  });
});

describe('a floor of quality', () => {
  it('is held against what is known before, whatever callers say', () => {
    const whyNot = (quality: Readonly<Record<string, number>>, rating: Rating): string | undefined =>
      floorOf.whyNot(testTarget('a/m', { quality, qualityCounts: { code: 4 } }), {
        ...UNASKED,
        requires: [{ quality: { task: 'code', min: 0.6 } }],
        seen: () => ({ ...UNSEEN, rating }),
      });
    fc.assert(
      fc.property(share, share, fc.integer({ min: 1, max: 10_000 }), (known, mean, count) => {
        assert.equal(whyNot({ code: known }, { mean, count }) === undefined, known >= 0.6);
      }),
    );
    assert.match(whyNot({}, { mean: 1, count: 1000 }) ?? '', /is not known/);
  });
});
