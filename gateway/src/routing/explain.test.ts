import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { whyOf } from './explain.ts';
import { inputOf, listed, policyOf, seen, TEST_FACTS } from './plan.fixture.ts';
import { plan, type PlanInput } from './plan.ts';
import type { Policy, Rule } from './policy.ts';
import { testTarget } from './target.fixture.ts';

function why(policy: Policy, over: Partial<PlanInput> = {}): string {
  const input = inputOf(policy, over);
  return whyOf(plan(input), input);
}

const PRICE = { input: 1_000_000_000n, output: 2_000_000_000n };
const EU = ['a/m', 'b/m', 'c/m', 'd/m'].map((id, at) =>
  testTarget(id, {
    region: 'eu',
    quality: { general: 0.7 },
    price: { input: PRICE.input * BigInt(at + 1), output: PRICE.output },
  }),
);
const US = testTarget('claude/opus', { region: 'us', quality: { general: 0.9 }, price: PRICE });
const RULE: Rule = { name: 'hard code', source: 'true', holds: () => true, use: { strategy: 'quality' } };

describe('why a plan is as it is', () => {
  const cases: readonly (readonly [name: string, told: string, expected: string])[] = [
    ['one target', why(listed('a/m')), 'the only target there is'],
    ['a list', why(listed('a/m', 'b/m')), 'first of 2'],
    [
      'a price, a floor and a region',
      why(policyOf([...EU, US], { strategy: 'cost', require: { quality: { min: 0.65 }, regions: ['caller'] } }), {
        facts: { ...TEST_FACTS, callerRegion: 'eu', callerRegionFrom: 'header' },
      }),
      'cheapest of 4 that meet quality 0.65, region eu (0.0008 USD expected); claude/opus left out: region us, the caller requires eu',
    ],
    [
      'a rule',
      why(policyOf([...EU.slice(0, 2), US]), { ruling: { rule: RULE, troubles: [] } }),
      'by rule hard code: best of 3 (quality 0.9)',
    ],
    [
      'a rule that refuses',
      why(listed('a/m'), { ruling: { rule: { ...RULE, refuse: 'not here' }, troubles: [] } }),
      'refused by rule hard code: not here',
    ],
    [
      'a rule that cannot be told',
      why(listed('a/m', 'b/m'), { ruling: { troubles: ['odd: division by zero'] } }),
      'first of 2; rule odd: division by zero',
    ],
    [
      'others that are not well',
      why(listed('a/m', 'b/m', 'c/m'), { sightings: seen({ 'a/m': { restMs: 900 }, 'b/m': { isDoubted: true } }) }),
      'the only one; b/m put behind: it has failed lately; a/m put behind: it asked to be left alone',
    ],
    [
      'nobody who is well',
      why(listed('a/m'), { sightings: seen({ 'a/m': { isDoubted: true } }) }),
      'the only one, although it has failed lately',
    ],
    [
      'a cache',
      why(policyOf(EU.slice(0, 2), { strategy: 'latency', isSticky: true }), {
        sightings: seen({ 'b/m': { cachedTokens: 80 } }),
      }),
      'soonest of 2 (first content in about 784 ms), which has 80 tokens of this conversation in its cache',
    ],
    [
      'a later tier',
      why(policyOf([], { tiers: [[{ target: US, weight: 1 }], EU.map((target) => ({ target, weight: 1 }))] }), {
        require: { regions: ['eu'] },
      }),
      'first of 4 of tier 2 that meet region eu; claude/opus left out: region us, required is eu',
    ],
    [
      'more than can be named',
      why(policyOf([US, ...EU]), { require: { regions: ['us'] } }),
      'the only one that meets region us; a/m left out: region eu, required is us; b/m left out: region eu, required is us; c/m left out: region eu, required is us; 1 more left out',
    ],
    [
      'nobody',
      why(policyOf([US]), { require: { regions: ['eu'] } }),
      'nothing is left; claude/opus left out: region us, required is eu',
    ],
  ];
  for (const [name, told, expected] of cases) it(`is told of ${name}`, () => assert.equal(told, expected));
});
