import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BASIS_POINTS_MAX, BASIS_POINTS_MIN, FIXED_NANO_USD_MAX, chargeOf, ruleFor, type PlanRule } from './plan.ts';

const rule = (basisPoints: number, fixedNanoUsd = 0n, models = '*'): PlanRule => ({
  models,
  basisPoints,
  fixedNanoUsd,
});
const anyRule = fc
  .record({
    points: fc.integer({ min: BASIS_POINTS_MIN, max: BASIS_POINTS_MAX }),
    fixed: fc.bigInt({ min: 0n, max: FIXED_NANO_USD_MAX }),
  })
  .map(({ points, fixed }) => rule(points, fixed));
const anyCost = fc.bigInt({ min: 0n, max: 2n ** 62n });

describe('the charge of a cost', () => {
  it('has the basis points of its rule, half up to a nano-dollar', () => {
    const cases: readonly (readonly [cost: bigint, points: number, charge: bigint])[] = [
      [1000n, 0, 1000n],
      [1000n, 2500, 1250n],
      [1000n, -1000, 900n],
      [1000n, -10_000, 0n],
      [1n, 4999, 1n],
      [1n, 5000, 2n],
      [3n, -5000, 2n],
      [1n, -5001, 0n],
      [10_000n, 1, 10_001n],
      [4999n, 1, 4999n],
      [5000n, 1, 5001n],
    ];
    for (const [cost, points, charge] of cases) assert.equal(chargeOf(cost, rule(points)), charge, `${cost} ${points}`);
  });

  it('has what is fixed once a request', () => {
    assert.equal(chargeOf(100n, rule(1000, 7n)), 117n);
    assert.equal(chargeOf(100n, rule(1000, 7n), { isFirst: false }), 110n);
    assert.equal(chargeOf(0n, rule(-10_000, 7n)), 7n);
  });

  it('is the cost where there is no rule', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), (cost) => assert.equal(chargeOf(cost, undefined), cost)),
    );
  });

  it('is never less than nothing and fits a store, whatever it is given', () => {
    fc.assert(
      fc.property(fc.bigInt(), anyRule, fc.boolean(), (cost, of, isFirst) => {
        const charge = chargeOf(cost, of, { isFirst });
        assert.ok(charge >= 0n && charge < 2n ** 62n, `${charge}`);
      }),
    );
    assert.equal(chargeOf(-5n, undefined), 0n);
    assert.equal(chargeOf(1000n, rule(-20_000)), 0n);
  });

  it('grows with the cost, so that a hold of the worst case covers it', () => {
    fc.assert(
      fc.property(anyCost, anyCost, anyRule, fc.boolean(), (a, b, of, isFirst) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        assert.ok(chargeOf(less, of, { isFirst }) <= chargeOf(more, of));
      }),
    );
  });

  it('is off by half a nano-dollar at most', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 13n }), anyRule, (cost, of) => {
        const exact = cost * (10_000n + BigInt(of.basisPoints));
        const off = (chargeOf(cost, of) - of.fixedNanoUsd) * 10_000n - exact;
        assert.ok(off > -5000n && off <= 5000n, `${off}`);
      }),
    );
  });
});

describe('the rule of a target', () => {
  const rules = [rule(1, 0n, 'openai/gpt-5*'), rule(2, 0n, 'openai'), rule(3, 0n, '*/claude-*'), rule(4, 0n, 'x*')];
  const points = (provider: string, model: string): number | undefined =>
    ruleFor(rules, { provider, model })?.basisPoints;

  it('is the first whose provider or pattern fits', () => {
    assert.equal(points('openai', 'gpt-5-mini'), 1);
    assert.equal(points('openai', 'o3'), 2);
    assert.equal(points('bedrock', 'claude-haiku'), 3);
    assert.equal(points('xai', 'grok'), 4);
    assert.equal(points('google', 'gemini'), undefined);
    assert.equal(ruleFor(undefined, { provider: 'a', model: 'b' }), undefined);
  });
});
