/** What docs/reference/routing-simulation.md shows, in small: the claims hold at each change. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkCompliance } from './compliance/check.ts';
import type { Section } from './measures.ts';
import { SCENARIOS } from './sections.ts';
import { WEIGHTS } from './suites/balanced.ts';

type Figure = (router: string, key: string) => number;

function figuresOf(section: Section | undefined): Figure {
  return (router, key) => {
    const value = section?.figures[router]?.[key];
    assert.ok(value !== undefined, `${section?.title}: ${router} has no ${key}`);
    return value;
  };
}

/** Shown where a claim does not hold. */
function told(section: Section | undefined): string {
  return `${section?.title}: ${JSON.stringify(section?.figures, undefined, 1)}`;
}

describe('simulated routing', () => {
  it('spends little more than who knows every length, and far less than by list prices, above the same floor', () => {
    const [section] = SCENARIOS.cost('fast');
    const of = figuresOf(section);
    const spend = of('Turnout, `cost`', 'spend');
    assert.ok(spend <= 1.12 * of('knows every length', 'spend'), told(section));
    assert.ok(spend <= 0.75 * of('lowest list price', 'spend'), told(section));
    assert.ok(spend <= 0.25 * of('always the strongest', 'spend'), told(section));
    assert.ok(of('lowest list price', 'spend') <= 0.7 * of('random', 'spend'), told(section));
    assert.deepEqual([of('Turnout, `cost`', 'below'), of('Turnout, `cost`', 'failed')], [0, 0]);
  });

  it('begins sooner than any order and any guess by the last value, through drift and an outage', () => {
    const [section] = SCENARIOS.latency('fast');
    const of = figuresOf(section);
    for (const key of ['p50', 'p95']) {
      for (const rival of ['as listed', 'random'])
        assert.ok(of('Turnout, `latency`', key) <= 0.85 * of(rival, key), told(section));
    }
    assert.ok(of('Turnout, `latency`', 'p50') <= of('last value', 'p50'), told(section));
    assert.ok(of('Turnout, `latency`', 'failed') <= 0.002, told(section));
    assert.ok(of('knows each median', 'p95') <= 0.8 * of('last value', 'p95'), told(section));
  });

  it('fills instances evenly, and meets hardly a refusal', () => {
    const [instances, keys] = SCENARIOS.balancing('fast');
    const of = figuresOf(instances);
    for (const router of ['Turnout, `least-busy`', 'Turnout, `weighted`']) {
      assert.ok(of(router, 'uneven') <= 1.25, told(instances));
      assert.ok(of(router, 'overloaded') <= 0.1 * of('plain round-robin', 'overloaded'), told(instances));
      assert.ok(of(router, 'failed') <= 0.001, told(instances));
      assert.equal(figuresOf(keys)(router, 'refused'), 0, told(keys));
      assert.ok(figuresOf(keys)(router, 'uneven') <= 1.25, told(keys));
    }
    assert.ok(figuresOf(keys)('plain round-robin', 'refused') > 100, told(keys));
  });

  it('lets callers see at most one failure in a hundred, and asks providers little more than once', () => {
    const sections = SCENARIOS.fallback('fast');
    for (const section of sections) {
      const of = figuresOf(section);
      assert.ok(of('Turnout, `ordered`', 'failed') <= 0.01, told(section));
      assert.ok(of('Turnout, `ordered`', 'upstream') <= 1.2, told(section));
      assert.ok(of('Turnout, `ordered`', 'changes') <= 6, told(section));
    }
    for (const section of sections.slice(0, 3))
      assert.ok(figuresOf(section)('no fallback', 'failed') > 0.2, told(section));
    const [flaky, out, silent, , all] = sections.map(figuresOf);
    assert.ok((flaky?.('Turnout, `ordered`', 'upstream') ?? 9) <= 1.05);
    for (const figure of [out, silent]) {
      assert.ok((figure?.('Turnout, `ordered`', 'upstreamInTrouble') ?? 9) <= 1.05);
      assert.ok((figure?.('Turnout, `ordered`', 'backS') ?? 999) <= 75);
    }
    assert.ok((all?.('Turnout, `ordered`', 'upstreamInTrouble') ?? 9) <= 0.2);
    assert.ok((all?.('Turnout, `ordered`', 'failMs') ?? 999) < 200);
  });

  it('cuts the longest waits by hedges, within the budget, and does not hedge a crisis', () => {
    const [slow, crisis] = SCENARIOS.hedging('fast');
    const hedging = 'Turnout, hedge after p95 within 5.00 %';
    const of = figuresOf(slow);
    assert.ok(of(hedging, 'p99') <= 0.6 * of('Turnout, no hedge', 'p99'), told(slow));
    for (const section of [slow, crisis]) {
      const figure = figuresOf(section);
      assert.ok(figure(hedging, 'hedged') <= 0.052, told(section));
      assert.ok(figure(hedging, 'lost') <= 0.05, told(section));
      assert.ok(figure(hedging, 'failed') <= 0.001, told(section));
    }
  });

  it('keeps conversations where their cache is', () => {
    const [section] = SCENARIOS.sticky('fast');
    const of = figuresOf(section);
    for (const strategy of ['cost', 'least-busy']) {
      const [sticky, plain] = [`Turnout, \`${strategy}\`, sticky`, `Turnout, \`${strategy}\``];
      assert.ok(of(sticky, 'cached') >= of(plain, 'cached') + 0.1, told(section));
      assert.ok(of(sticky, 'spend') <= 0.95 * of(plain, 'spend'), told(section));
    }
  });

  it('is worth more by the weights that it is given than by any one criterion', () => {
    const sections = SCENARIOS.balanced('fast');
    assert.equal(sections.length, WEIGHTS.length);
    for (const section of sections) {
      const of = figuresOf(section);
      const utility = of('Turnout, `balanced`', 'utility');
      for (const single of ['quality', 'cost', 'latency'])
        assert.ok(utility >= of(`Turnout, \`${single}\``, 'utility') - 0.01, told(section));
      assert.ok(utility >= of('random', 'utility') + 0.03, told(section));
    }
  });

  it('never plans or asks a target that a requirement forbids, and leaves out none that all allow', () => {
    const { violations, needless, ...counts } = checkCompliance(3000, 2);
    assert.deepEqual([violations, needless], [[], []]);
    // Chances to fail, not silence.
    assert.ok(counts.forbidden > 500 && counts.planned > 2000 && counts.attempts > 2000, JSON.stringify(counts));
  });
});
