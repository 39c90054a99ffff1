import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault } from '../chat/fault.ts';
import { hasBetter, secondTarget } from './hedge.ts';
import type { Health } from './next.ts';
import { UNSEEN, type Observation } from './observation.ts';
import { inputOf, policyOf } from './plan.fixture.ts';
import { plan } from './plan.ts';
import { testTarget } from './target.fixture.ts';

const [p, s, t] = ['p/m', 's/m', 't/m'].map((id) => testTarget(id, { price: { input: 1n, output: 1n } }));
assert.ok(p !== undefined && s !== undefined && t !== undefined);
const SOUND = healthOf({});
const PLAN = plan(inputOf(policyOf([p, s, t])));
const of = (targetId: string, code: 'upstream-slow' | 'upstream-error' = 'upstream-error') => ({
  targetId,
  fault: fault(code),
});
const options = { leftMs: 1000, health: SOUND, random: () => 0 };

/** All others are as if never seen. */
function healthOf(known: Readonly<Record<string, Partial<Observation>>>): Health {
  return { observe: ({ id }) => ({ ...UNSEEN, ...known[id] }) };
}

const DOUBTFUL = healthOf({ 's/m': { isDoubted: true }, 't/m': { isDoubted: true } });

describe('the target that is asked beside a slow one', () => {
  it('is the next of the plan that is sound and was not asked', () => {
    assert.equal(secondTarget(PLAN, { first: p, failures: [], health: SOUND }), s);
    assert.equal(secondTarget(PLAN, { first: p, failures: [of('s/m')], health: SOUND }), t);
    const resting = healthOf({ 's/m': { restMs: 5 } });
    assert.equal(secondTarget(PLAN, { first: p, failures: [], health: resting }), t);
    const full = healthOf({ 's/m': { inFlight: 4, inFlightMax: 4 } });
    assert.equal(secondTarget(PLAN, { first: p, failures: [], health: full }), t);
    assert.equal(secondTarget(PLAN, { first: p, failures: [], health: DOUBTFUL }), 'target');
  });

  it('counts as an attempt', () => {
    const two = { ...PLAN, attemptsMax: 2 };
    assert.equal(secondTarget(two, { first: p, failures: [], health: SOUND }), s);
    assert.equal(secondTarget(two, { first: p, failures: [of('s/m')], health: SOUND }), 'attempts');
  });

  it('has a price where the first one has', () => {
    const free = testTarget('s/m');
    const plan = { ...PLAN, targets: [p, free, t] };
    assert.equal(secondTarget(plan, { first: p, failures: [], health: SOUND }), t);
    assert.equal(secondTarget(plan, { first: testTarget('p/m'), failures: [], health: SOUND }), free);
  });
});

describe('a target that is slow', () => {
  it('is given up for a sound one that can be asked at once', () => {
    assert.equal(hasBetter(PLAN, [of('p/m', 'upstream-slow')], options), true);
    assert.equal(hasBetter({ ...PLAN, targets: [p] }, [of('p/m', 'upstream-slow')], options), false);
    assert.equal(hasBetter({ ...PLAN, attemptsMax: 1 }, [of('p/m', 'upstream-slow')], options), false);
    assert.equal(hasBetter(PLAN, [of('p/m', 'upstream-slow')], { ...options, health: DOUBTFUL }), false);
    const resting = healthOf({ 's/m': { restMs: 100 }, 't/m': { restMs: 100 } });
    assert.equal(hasBetter(PLAN, [of('p/m', 'upstream-slow')], { ...options, health: resting }), false);
  });

  it('is kept where the route does not replace slow ones', () => {
    const plan = { ...PLAN, replaceable: new Set(['upstream-error'] as const) };
    assert.equal(hasBetter(plan, [of('p/m', 'upstream-slow')], options), false);
  });
});
