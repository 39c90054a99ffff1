/** The scenarios tell routers apart: who knows more does better, so that a good place among them means something. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Figures } from './measures.ts';
import { ordered } from './rivals.ts';
import type { RouterOf } from './run.ts';
import { balancedSections } from './suites/balanced.ts';
import { balancingSections } from './suites/balancing.ts';
import { costSections } from './suites/cost.ts';
import { fallbackSections } from './suites/fallback.ts';
import { hedgingSections } from './suites/hedging.ts';
import { latencySections } from './suites/latency.ts';
import { stickySections } from './suites/sticky.ts';

const stands = (models: readonly { readonly id: string }[]): RouterOf => ordered(models.map(({ id }) => id));

function figure(figures: Figures | undefined, router: string, key: string): number {
  const value = figures?.[router]?.[key];
  assert.ok(value !== undefined, `${router} has no ${key}`);
  return value;
}

describe('the scenarios', () => {
  it('are cheaper for who knows lengths than for who reads a list', () => {
    const [cost] = costSections('fast', stands([{ id: 'acme/strong' }]));
    const spend = (router: string): number => figure(cost?.figures, router, 'spend');
    assert.ok(spend('knows every length') < 0.8 * spend('lowest list price'));
    assert.ok(spend('lowest list price') < 0.7 * spend('random'));
    assert.equal(figure(cost?.figures, 'lowest list price', 'below'), 0);
  });

  it('are faster for who knows speeds', () => {
    const [latency] = latencySections('fast', stands);
    const p95 = (router: string): number => figure(latency?.figures, router, 'p95');
    assert.ok(p95('knows each median') < 0.8 * p95('last value'));
    assert.ok(p95('last value') < p95('random'));
  });

  it('are calmer for who knows loads', () => {
    const turnout = { leastBusy: stands, weighted: stands, roundRobin: stands };
    const [instances, keys] = balancingSections('fast', turnout);
    const overloaded = (router: string): number => figure(instances?.figures, router, 'overloaded');
    assert.ok(overloaded('knows each load') < 0.1 * overloaded('plain round-robin'));
    assert.equal(figure(keys?.figures, 'knows each load', 'refused'), 0);
    assert.ok(figure(keys?.figures, 'plain round-robin', 'refused') > 100);
  });

  it('hurt who does not fall back, and providers of who falls back without memory', () => {
    const sections = fallbackSections('fast', stands);
    for (const { figures, title } of sections.slice(0, 3))
      assert.ok(figure(figures, 'no fallback', 'failed') > 0.2, title);
    const out = sections.at(-1);
    assert.ok(figure(out?.figures, 'next after each failure', 'upstreamInTrouble') > 2.5);
  });

  it('show what hedges without a budget cost', () => {
    const [slow] = hedgingSections('fast', stands);
    assert.ok(figure(slow?.figures, 'two at once, always', 'lost') > 0.15);
    assert.ok(
      figure(slow?.figures, 'two at once, always', 'p99') < 0.3 * figure(slow?.figures, 'Turnout, no hedge', 'p99'),
    );
  });

  it('lose caches where turns change place', () => {
    const [sticky] = stickySections('fast', () => stands);
    assert.ok(figure(sticky?.figures, 'round-robin', 'cached') < 0.6);
  });

  it('are no place for one criterion alone', () => {
    const [balanced] = balancedSections('fast', { balanced: stands, single: stands });
    assert.ok(
      figure(balanced?.figures, 'random', 'utility') > figure(balanced?.figures, 'Turnout, `quality`', 'utility'),
    );
  });
});
