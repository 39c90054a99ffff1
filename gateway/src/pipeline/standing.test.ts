import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault, type FaultCode, type FaultDetail } from '../chat/fault.ts';
import { doubts } from '../health/doubts.ts';
import { rests } from '../health/rests.ts';
import { testTarget } from '../routing/target.fixture.ts';
import { healthNow, noteAnswered, noteBegun, noteFailed, type Lessons } from './standing.ts';

const MODEL = testTarget('p/m');
const SISTER = testTarget('p/other');
const OTHER_KEY = testTarget('p/m#2', { keyId: 'p#2' });

function lessons(): Lessons & { nowMs: number; readonly told: string[]; readonly counted: string[] } {
  const told: string[] = [];
  const counted: string[] = [];
  const world = {
    nowMs: 0,
    told,
    counted,
    health: rests(),
    doubts: doubts(),
    random: () => 0.5,
    clock: { monotonicMs: () => world.nowMs, unixMs: () => 0 },
    log: (_level: string, text: string) => void told.push(text),
    meters: {
      warnings: { add: (labels: Readonly<Record<string, string>>) => void counted.push(labels['kind'] ?? '') },
    },
  };
  return world;
}

function of(code: FaultCode, detail: FaultDetail = {}): ReturnType<typeof fault> {
  return fault(code, { provider: 'p' }, detail);
}

describe('what is learned of a target', () => {
  it('is a rest where the provider says how long, and a doubt where it does not', () => {
    const world = lessons();
    noteFailed(world, MODEL, of('upstream-rate-limited', { retryAfterMs: 1000 }));
    assert.deepEqual(
      [healthNow(world).observe(MODEL).restMs, healthNow(world).observe(MODEL).isDoubted],
      [1000, false],
    );
    noteFailed(world, MODEL, of('upstream-overloaded'));
    assert.deepEqual(
      [healthNow(world).observe(MODEL).isDoubted, healthNow(world).observe(SISTER).isDoubted],
      [true, false],
    );
    assert.deepEqual([world.told, world.counted], [[], []]);
  });

  it('holds for all models of a key, told once and counted each time', () => {
    const world = lessons();
    for (const code of ['upstream-auth', 'upstream-auth'] as const) noteFailed(world, MODEL, of(code));
    const health = healthNow(world);
    assert.deepEqual(
      [MODEL, SISTER, OTHER_KEY].map((target) => health.observe(target).isDoubted),
      [true, true, false],
    );
    assert.deepEqual(world.told, ['a provider refuses our key']);
    assert.deepEqual(world.counted, ['key_refused', 'key_refused']);
  });

  it('ends with an answer, of whatever model the key has', () => {
    const world = lessons();
    noteFailed(world, MODEL, of('upstream-quota'));
    world.nowMs = 60_000;
    noteBegun(world, SISTER);
    assert.equal(healthNow(world).observe(MODEL).isDoubted, true, 'the sister probes the key for both');
    noteAnswered(world, SISTER);
    assert.equal(healthNow(world).observe(MODEL).isDoubted, false);
  });

  it('is nothing where the request was to blame, or the name was the caller’s idea', () => {
    const world = lessons();
    for (const code of ['context-length', 'upstream-refused', 'content-filtered', 'upstream-cut'] as const)
      noteFailed(world, MODEL, of(code));
    noteFailed(world, testTarget('p/m', { isKnown: false }), of('upstream-not-found'));
    assert.equal(healthNow(world).observe(MODEL).isDoubted, false);
    noteFailed(world, MODEL, of('upstream-not-found'));
    assert.deepEqual(
      [healthNow(world).observe(MODEL).isDoubted, world.told],
      [true, ['a provider does not know a model any more']],
    );
  });
});
