import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inputOf, policyOf, seen, TEST_FACTS } from '../plan.fixture.ts';
import type { Sighting } from '../observation.ts';
import { plan, type PlanInput } from '../plan.ts';
import type { Policy, StrategyName } from '../policy.ts';
import { testTarget } from '../target.fixture.ts';
import type { Target } from '../target.ts';

const USD = 1_000_000_000n;
const priced = (id: string, usd: bigint, over: Partial<Target> = {}): Target =>
  testTarget(id, { price: { input: usd * USD, output: usd * 4n * USD, cacheRead: (usd * USD) / 10n }, ...over });

function order(policy: Policy, over: Partial<PlanInput> = {}): readonly string[] {
  return plan(inputOf(policy, over)).targets.map(({ id }) => id);
}

/** How often each comes first in so many requests. */
function firsts(strategy: StrategyName, weights: readonly number[], over: Partial<PlanInput> = {}): readonly number[] {
  const items = weights.map((weight, index) => ({ target: testTarget(`${'abcdef'[index]}/m`), weight }));
  const counts = new Map<string, number>();
  for (let turn = 0; turn < 1000; turn += 1) {
    const [first = ''] = order(policyOf([], { tiers: [items], strategy }), { turn, seed: turn * 7919, ...over });
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  return items.map(({ target }) => counts.get(target.id) ?? 0);
}

describe('cost', () => {
  it('takes the cheapest for this very request, and what has no price last', () => {
    const policy = policyOf([testTarget('free/m'), priced('b/m', 5n), priced('c/m', 1n)], { strategy: 'cost' });
    assert.deepEqual(order(policy), ['c/m', 'b/m', 'free/m']);
  });

  it('counts the length that a model is known to write', () => {
    const policy = policyOf([priced('a/m', 1n), priced('b/m', 2n)], { strategy: 'cost' });
    const sightings = seen({
      'a/m': { length: { mean: 4000, p90: 6000, count: 100 } },
      'b/m': { length: { mean: 300, p90: 500, count: 100 } },
    });
    assert.deepEqual(order(policy, { sightings }), ['b/m', 'a/m']);
  });

  it('counts what stands in a prompt cache', () => {
    const facts = { ...TEST_FACTS, inputTokensEstimate: 50_000 };
    const policy = policyOf([priced('a/m', 1n), priced('b/m', 2n)], { strategy: 'cost' });
    assert.deepEqual(order(policy, { facts }), ['a/m', 'b/m']);
    assert.deepEqual(order(policy, { facts, sightings: seen({ 'b/m': { cachedTokens: 49_000 } }) }), ['b/m', 'a/m']);
  });
});

describe('latency', () => {
  it('takes who answers soonest, and believes little of what was measured long ago', () => {
    const policy = policyOf([testTarget('a/m'), testTarget('b/m'), testTarget('c/m')], {
      strategy: 'latency',
      explore: 0,
    });
    const facts = { ...TEST_FACTS, isStreaming: true };
    const ttft = (p50: number, count: number): { ttftMs: { p50: number; p95: number; count: number } } => ({
      ttftMs: { p50, p95: p50 * 2, count },
    });
    const sightings = seen({ 'a/m': ttft(900, 50), 'b/m': ttft(300, 50), 'c/m': ttft(3000, 0.1) });
    assert.deepEqual(order(policy, { facts, sightings }), ['b/m', 'a/m', 'c/m']);
    const old = seen({ 'a/m': ttft(900, 50), 'b/m': ttft(3000, 50), 'c/m': ttft(9000, 0.01) });
    assert.equal(order(policy, { facts, sightings: old })[0], 'a/m');
  });
});

describe('a trial', () => {
  const policy = policyOf([testTarget('a/m'), testTarget('b/m'), testTarget('c/m')], { strategy: 'latency' });
  const ttft = (p50: number, count: number): Partial<Sighting> => ({ ttftMs: { p50, p95: p50 * 2, count } });
  // `b` was slower once, and little is known of it by now; of `c` it is known well that it is slow.
  const sightings = seen({ 'a/m': ttft(500, 80), 'b/m': ttft(900, 0.3), 'c/m': ttft(2000, 80) });
  const firsts = (of: Policy): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (let seed = 0; seed < 2000; seed += 1) {
      const { targets, propensity } = plan(inputOf(of, { sightings, seed: seed * 7919 }));
      const id = targets[0]?.id ?? '';
      counts[id] = (counts[id] ?? 0) + 1;
      assert.equal(propensity, id === 'a/m' ? 0.97 : 0.03);
    }
    return counts;
  };

  it('goes to who might be sooner than the first for all that is known, and to nobody else', () => {
    const { 'a/m': best = 0, 'b/m': tried = 0, ...others } = firsts(policy);
    assert.deepEqual(others, {});
    assert.ok(tried > 30 && tried < 100 && best + tried === 2000, String(tried));
  });

  it('is none where the route says itself how much is tried, nobody might be sooner, or little is known of the first', () => {
    const never = { ...policy, explore: 0 };
    const quiet = seen({ 'a/m': ttft(500, 8), 'b/m': ttft(900, 0.3), 'c/m': ttft(2000, 80) });
    const certain = seen({ 'a/m': ttft(500, 80), 'b/m': ttft(1900, 80), 'c/m': ttft(2000, 80) });
    for (let seed = 0; seed < 500; seed += 1) {
      const inputs = [
        inputOf(never, { sightings, seed }),
        inputOf(policy, { sightings: certain, seed }),
        inputOf(policy, { sightings: quiet, seed }),
      ];
      for (const made of inputs.map(plan)) {
        assert.deepEqual([made.targets[0]?.id, made.propensity], ['a/m', 1]);
      }
    }
  });
});

describe('a trial under cost', () => {
  it('finds out how long the answers of a target are that nobody knows', () => {
    const length = (mean: number): Partial<Sighting> => ({ length: { mean, p90: mean, count: 100 } });
    const policy = policyOf([priced('long/m', 1n), priced('new/m', 2n), priced('dear/m', 9n)], { strategy: 'cost' });
    const sightings = seen({ 'long/m': length(600) });
    const firsts = Array.from({ length: 1000 }, (_, seed) => plan(inputOf(policy, { sightings, seed: seed * 7919 })));
    const tried = firsts.filter(({ targets }) => targets[0]?.id === 'new/m');
    assert.ok(tried.length > 10 && tried.length < 60, String(tried.length));
    assert.ok(firsts.every(({ targets }) => targets[0]?.id !== 'dear/m'));
  });
});

describe('quality', () => {
  it('takes the best at the task, the cheaper of equals, and the unknown last', () => {
    const policy = policyOf(
      [
        priced('a/m', 1n, { quality: { code: 0.6, general: 0.9 } }),
        priced('b/m', 9n, { quality: { code: 0.8 } }),
        priced('c/m', 3n, { quality: { code: 0.8 } }),
        priced('d/m', 1n),
      ],
      { strategy: 'quality' },
    );
    const content = { task: 'code', difficulty: 0.5, topics: [], sensitive: [], origins: {} } as const;
    assert.deepEqual(order(policy, { facts: { ...TEST_FACTS, content } }), ['c/m', 'b/m', 'a/m', 'd/m']);
    assert.equal(order(policy)[0], 'a/m');
  });
});

describe('balanced', () => {
  it('weighs what it is told to weigh', () => {
    const good = priced('good/m', 10n, { quality: { general: 0.9 } });
    const cheap = priced('cheap/m', 1n, { quality: { general: 0.5 } });
    const by = (weigh: Policy['weigh']): string | undefined =>
      order(policyOf([good, cheap], { strategy: 'balanced', ...(weigh === undefined ? {} : { weigh }) }))[0];
    assert.equal(by({ quality: 1, cost: 0, latency: 0 }), 'good/m');
    assert.equal(by({ quality: 0.5, cost: 0.5, latency: 0 }), 'cheap/m');
  });

  it('is not led astray by one that costs next to nothing', () => {
    const fine = priced('fine/m', 1000n, { quality: { general: 0.85 } });
    const dear = priced('dear/m', 5000n, { quality: { general: 0.9 } });
    const free = priced('free/m', 0n, { quality: { general: 0.4 } });
    assert.equal(order(policyOf([free, dear, fine], { strategy: 'balanced' }))[0], 'fine/m');
  });
});

describe('weighted', () => {
  it('gives each its share, as evenly as can be', () => {
    const counts = firsts('weighted', [3, 1, 0, 6]);
    for (const [index, share] of [300, 100, 0, 600].entries())
      assert.ok(Math.abs((counts[index] ?? 0) - share) <= 5, counts.join());
  });

  it('says how likely its choice was', () => {
    const items = [3, 1].map((weight, index) => ({ target: testTarget(`${'ab'[index]}/m`), weight }));
    for (const turn of [0, 1, 2, 3, 4]) {
      const made = plan(inputOf(policyOf([], { tiers: [items], strategy: 'weighted' }), { turn }));
      assert.equal(made.propensity, made.targets[0]?.id === 'a/m' ? 0.75 : 0.25);
    }
  });
});

describe('round-robin', () => {
  it('takes turns, whatever the weights', () => {
    assert.deepEqual(firsts('round-robin', [3, 1]), [500, 500]);
    const policy = policyOf([testTarget('a/m'), testTarget('b/m'), testTarget('c/m')], { strategy: 'round-robin' });
    assert.deepEqual(order(policy, { turn: 4 }), ['b/m', 'c/m', 'a/m']);
  });
});

describe('least-busy', () => {
  it('takes the less busy of two, so never the busiest, and says how likely that was', () => {
    const sightings = seen({ 'a/m': { inFlight: 9 }, 'b/m': { inFlight: 2 }, 'c/m': { inFlight: 5 } });
    const [a = 0, b = 0, c = 0] = firsts('least-busy', [1, 1, 1], { sightings });
    assert.ok(a === 0 && Math.abs(b - 667) < 60 && Math.abs(c - 333) < 60, [a, b, c].join());
  });

  it('reads capacity and rate limits, not only how many are under way', () => {
    const sightings = seen({ 'a/m': { inFlight: 8, inFlightMax: 100 }, 'b/m': { inFlight: 4, inFlightMax: 5 } });
    assert.equal(firsts('least-busy', [1, 1], { sightings })[0], 1000);
    const left = seen({ 'a/m': { headroom: 0.9 }, 'b/m': { headroom: 0.1 } });
    assert.equal(firsts('least-busy', [1, 1], { sightings: left })[0], 1000);
  });
});

describe('sticky', () => {
  const policy = (strategy: StrategyName): Policy =>
    policyOf([priced('a/m', 1n, { quality: { general: 0.9 } }), priced('b/m', 1n, { quality: { general: 0.88 } })], {
      strategy,
      isSticky: true,
    });
  const facts = { ...TEST_FACTS, inputTokensEstimate: 20_000 };
  const sightings = seen({ 'b/m': { cachedTokens: 18_000 } });

  it('keeps a conversation where its cache is, under every strategy', () => {
    for (const strategy of ['ordered', 'cost', 'quality', 'weighted', 'round-robin', 'least-busy'] as const)
      assert.equal(order(policy(strategy), { facts, sightings })[0], 'b/m', strategy);
  });

  it('gives it up where another is cheaper all the same', () => {
    const cheap = policyOf([testTarget('a/m', { price: { input: 1n, output: 1n } }), priced('b/m', 1n)], {
      strategy: 'ordered',
      isSticky: true,
    });
    assert.equal(order(cheap, { facts, sightings })[0], 'a/m');
  });
});
