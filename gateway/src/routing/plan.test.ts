import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { REPLACEABLE } from '../dialects/dialect.ts';
import { inputOf, listed, policyOf, seen, TEST_FACTS } from './plan.fixture.ts';
import { plan, type Plan, type PlanInput } from './plan.ts';
import type { StrategyName } from './policy.ts';
import { NOT_ALLOWED } from './requirements/barred.ts';
import type { Sighting } from './observation.ts';
import { testTarget } from './target.fixture.ts';

function ids(of: Plan): readonly string[] {
  return of.targets.map((target) => target.id);
}

describe('plan', () => {
  it('keeps the order that was listed, each target once', () => {
    assert.deepEqual(ids(plan(inputOf(listed('a/m', 'b/m', 'a/m')))), ['a/m', 'b/m']);
  });

  it('puts targets that are full after sound ones, then doubted ones, and those that must be waited for last', () => {
    const sightings = seen({
      'a/m': { restMs: 900 },
      'b/m': { restMs: 0.1 },
      'c/m': { isDoubted: true },
      'd/m': { inFlight: 4, inFlightMax: 4 },
      'e/m': { headroom: 0 },
    });
    const made = plan(inputOf(listed('a/m', 'b/m', 'c/m', 'd/m', 'e/m', 'f/m'), { sightings }));
    assert.deepEqual(ids(made), ['f/m', 'd/m', 'e/m', 'c/m', 'b/m', 'a/m']);
    assert.deepEqual(
      made.placed.map(({ fitness }) => fitness),
      ['sound', 'full', 'full', 'doubted', 'resting', 'resting'],
    );
  });

  it('takes of the doubted the one that fails least, whatever its tier, and of equals the earlier tier', () => {
    const tiers = [['a/m'], ['b/m'], ['c/m']].map((tier) => tier.map((id) => ({ target: testTarget(id), weight: 1 })));
    const sightings = seen({
      'a/m': { isDoubted: true, errorRate: 0.8 },
      'b/m': { isDoubted: true, errorRate: 0.12 },
      'c/m': { isDoubted: true, errorRate: 0.08 },
    });
    assert.deepEqual(ids(plan(inputOf(policyOf([], { tiers }), { sightings }))), ['b/m', 'c/m', 'a/m']);
  });

  it('leaves out everybody where a rule refuses, with the rule as the reason', () => {
    const rule = { name: 'no health data', source: 'true', holds: () => true, refuse: 'Not here.' };
    const made = plan(
      inputOf({ ...listed('a/m', 'b/m'), hedge: { after: 100, budget: 1 } }, { ruling: { rule, troubles: [] } }),
    );
    assert.deepEqual([ids(made), made.refusal, made.hedge], [[], 'Not here.', undefined]);
    assert.deepEqual(
      made.rejected.map(({ target, reason }) => `${target}: ${reason}`),
      ['a/m', 'b/m'].map((id) => `${id}: the rule \`no health data\` refuses such requests`),
    );
  });

  it('keeps to the request’s own order of providers before everything else, and tells the chances within the first', () => {
    const known = seen({ 'b/m': { isDoubted: true } });
    const policy = policyOf(
      ['a/m', 'b/m', 'b/n', 'c/m'].map((id) => testTarget(id)),
      { strategy: 'round-robin', explore: 0.1 },
    );
    const made = plan(inputOf(policy, { sightings: known, preferences: { order: ['b', 'c'] } }));
    assert.deepEqual(ids(made), ['b/n', 'b/m', 'c/m', 'a/m']);
    assert.equal(made.propensity, 1);
  });

  it('uses a later tier only after the earlier, and before what is unfit of either', () => {
    const tiers = [['a/m', 'b/m'], ['c/m'], ['a/m', 'd/m']].map((tier) =>
      tier.map((id) => ({ target: testTarget(id), weight: 1 })),
    );
    const sightings = seen({ 'a/m': { isDoubted: true } });
    const made = plan(inputOf(policyOf([], { tiers }), { sightings }));
    assert.deepEqual(ids(made), ['b/m', 'c/m', 'd/m', 'a/m']);
    assert.deepEqual(
      made.placed.map(({ tier }) => tier),
      [0, 1, 2, 0],
    );
  });

  it('leaves out a model from its last day on, but not where something else may stand at its address', () => {
    const gone = testTarget('a/m', { retiresOn: '2026-11-22' });
    const elsewhere = testTarget('b/m', { retiresOn: '2025-01-01', isElsewhere: true });
    const going = testTarget('c/m', { retiresOn: '2026-11-23' });
    const made = plan(inputOf(policyOf([gone, elsewhere, going])));
    assert.deepEqual(ids(made), ['b/m', 'c/m']);
    assert.deepEqual(made.rejected, [{ target: 'a/m', reason: 'it ended on 2026-11-22', retired: gone }]);
    assert.deepEqual(plan(inputOf(policyOf([gone]))).targets, []);
  });

  it('leaves out what cannot do it, and says why', () => {
    const blind = testTarget('a/m', { abilities: new Set(['tools']) });
    const facts = { ...TEST_FACTS, needs: ['image'] as const };
    const made = plan(inputOf(policyOf([blind, testTarget('b/m')]), { facts }));
    assert.deepEqual(ids(made), ['b/m']);
    assert.deepEqual(made.rejected, [{ target: 'a/m', reason: 'it has no ability `image`' }]);
  });

  it('leaves no target out for want of a schema, which is made good here', () => {
    const plain = testTarget('a/m', { abilities: new Set(['tools']) });
    const facts = { ...TEST_FACTS, needs: ['json-schema'] as const };
    const made = plan(inputOf(policyOf([plain, testTarget('b/m')]), { facts }));
    assert.deepEqual([ids(made), made.rejected], [['a/m', 'b/m'], []]);
  });

  it('lets the providers judge where the catalog speaks against all of them', () => {
    const small = testTarget('a/m', { limits: { contextTokens: 10 } });
    const made = plan(inputOf(policyOf([small])));
    assert.deepEqual([ids(made), made.rejected], [['a/m'], []]);
  });

  it('never overrules what the key may not use', () => {
    const made = plan(inputOf(listed('a/m'), { barred: new Map([['a/m', NOT_ALLOWED]]) }));
    assert.deepEqual([ids(made), made.rejected.length], [[], 1]);
  });

  it('follows order, only, ignore and allow_fallbacks of the request', () => {
    const of = (preferences: PlanInput['preferences']): readonly string[] =>
      ids(plan(inputOf(listed('a/m', 'b/m', 'c/m'), { preferences })));
    assert.deepEqual(of({ order: ['c', 'b'] }), ['c/m', 'b/m', 'a/m']);
    assert.deepEqual(of({ only: ['b'] }), ['b/m']);
    assert.deepEqual(of({ ignore: ['b'] }), ['a/m', 'c/m']);
    assert.deepEqual(of({ only: ['b'], ignore: ['b'] }), []);
    assert.deepEqual(of({ order: ['b'], allowFallbacks: false }), ['b/m']);
  });

  it('keeps fallbacks within the price guard of the route', () => {
    const cheap = testTarget('a/m', { price: { input: 100_000_000n, output: 100_000_000n } });
    const dear = testTarget('b/m', { price: { input: 900_000_000n, output: 900_000_000n } });
    const fallback = { replaceable: REPLACEABLE, priceFactorMax: 3 };
    const made = plan(inputOf(policyOf([cheap, dear, testTarget('c/m')], { fallback })));
    assert.deepEqual(ids(made), ['a/m']);
    assert.deepEqual(
      made.rejected.map(({ reason }) => reason),
      ['it costs more than 3 times the first choice', 'its price is not known, and the route guards prices'],
    );
  });

  it('hedges after what was learned of the first target, and not before it is known', () => {
    const hedge = { after: 'p95', budget: 0.05 } as const;
    const policy = policyOf([testTarget('a/m'), testTarget('b/m')], { hedge });
    const hedged = (sighting: Partial<Sighting>, isStreaming: boolean): Plan['hedge'] =>
      plan(inputOf(policy, { facts: { ...TEST_FACTS, isStreaming }, sightings: seen({ 'a/m': sighting }) })).hedge;
    const ttftMs = { p50: 300, p95: 900.4, count: 50 };
    assert.deepEqual(hedged({ ttftMs }, true), { afterMs: 901, budget: 0.05 });
    assert.equal(hedged({ ttftMs: { ...ttftMs, count: 5 } }, true), undefined);
    // A whole answer is not late before a long one would be complete.
    assert.equal(hedged({ ttftMs }, false), undefined);
    const length = { mean: 100, p90: 200, count: 50 };
    assert.deepEqual(hedged({ ttftMs, tokensPerS: 50, length }, false), { afterMs: 4901, budget: 0.05 });
    const alone = plan(inputOf(policyOf([testTarget('a/m')], { hedge: { after: 100, budget: 0.05 } })));
    assert.equal(alone.hedge, undefined);
  });

  it('puts preferred tags first, and lets the strategy order within', () => {
    const price = (usd: bigint): { input: bigint; output: bigint } => ({ input: usd, output: usd });
    const made = plan(
      inputOf(
        policyOf(
          [
            testTarget('a/m', { price: price(1_000_000_000n) }),
            testTarget('b/m', { price: price(9_000_000_000n), tags: ['code'] }),
            testTarget('c/m', { price: price(5_000_000_000n), tags: ['code', 'fast'] }),
          ],
          { strategy: 'cost', prefer: ['code'] },
        ),
      ),
    );
    assert.deepEqual(ids(made), ['c/m', 'b/m', 'a/m']);
    assert.equal(made.propensity, 1);
  });

  it('refuses what a rule refuses, in its words', () => {
    const rule = { name: 'no cards', source: 'true', holds: () => true, refuse: 'cards go nowhere' };
    const made = plan(inputOf(listed('a/m'), { ruling: { rule, troubles: [] } }));
    assert.deepEqual([made.targets, made.rule, made.refusal], [[], 'no cards', 'cards go nowhere']);
  });

  it('explores as often as it says, and logs the chance of what it did', () => {
    const policy = policyOf([testTarget('a/m'), testTarget('b/m'), testTarget('c/m')], { explore: 0.3 });
    const firsts = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed += 1) {
      const made = plan(inputOf(policy, { seed }));
      const [first = ''] = ids(made);
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
      assert.equal(made.propensity, first === 'a/m' ? 0.8 : 0.1);
    }
    const [a = 0, b = 0, c = 0] = ['a/m', 'b/m', 'c/m'].map((id) => firsts.get(id));
    assert.ok(a > 4650 && a < 4950 && b > 500 && b < 700 && c > 500 && c < 700, JSON.stringify([a, b, c]));
  });

  it('never invents, doubles or revives a target, and accounts for each', () => {
    const names = fc.uniqueArray(fc.constantFrom<string>('a/m', 'b/m', 'c/m', 'd/m', 'e/m'));
    const strategies = fc.constantFrom<StrategyName[]>(
      'ordered',
      'weighted',
      'cost',
      'balanced',
      'least-busy',
      'round-robin',
    );
    fc.assert(
      fc.property(fc.array(names, { maxLength: 3 }), names, strategies, fc.nat(), (groups, banned, strategy, seed) => {
        const tiers = groups.map((group) => group.map((id) => ({ target: testTarget(id), weight: 1 })));
        const barred = new Map(banned.map((id) => [id, NOT_ALLOWED]));
        const input = inputOf(policyOf([], { tiers, strategy, explore: 0.5 }), { barred, seed, turn: seed });
        const made = plan(input);
        const all = new Set(groups.flat());
        assert.equal(new Set(ids(made)).size, made.targets.length);
        for (const id of ids(made)) assert.ok(all.has(id) && !banned.includes(id));
        assert.equal(made.targets.length + made.rejected.length, all.size);
        assert.deepEqual(plan(input), made);
      }),
    );
  });
});
