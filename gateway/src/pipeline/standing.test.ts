import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault, type FaultCode } from '../chat/fault.ts';
import { NOTHING_SPENT, type Outcome } from '../chat/outcome.ts';
import { Observatory } from '../health/observatory.ts';
import { testTarget } from '../routing/target.fixture.ts';
import { changeTeller, healthNow, noteBegun, noteEnded, noteHead, type Lessons } from './standing.ts';

const MODEL = testTarget('p/m');
const SISTER = testTarget('p/other');

interface Bench extends Lessons {
  nowMs: number;
  readonly told: string[];
  readonly counted: string[];
}

function bench(): Bench {
  const told: string[] = [];
  const counted: string[] = [];
  const log = (level: string, text: string): void => void told.push(`${level}: ${text}`);
  const meters = {
    warnings: { add: (labels: Readonly<Record<string, string>>) => void counted.push(Object.values(labels).join(' ')) },
  };
  const made = {
    nowMs: 0,
    told,
    counted,
    log,
    meters,
    health: new Observatory({ random: () => 0.5, changed: changeTeller({ log, meters }) }),
    clock: { monotonicMs: () => made.nowMs, unixMs: () => 0 },
  };
  return made;
}

function refused(code: FaultCode): Outcome {
  return { kind: 'refused', status: 500, fault: fault(code, { provider: 'p' }) };
}

describe('what is learned of a target', () => {
  it('of a key is told once and counted each time, and ends with an answer', () => {
    const world = bench();
    for (const code of ['upstream-auth', 'upstream-auth'] as const)
      noteEnded(world, noteBegun(world, MODEL), refused(code));
    assert.deepEqual(
      world.told.filter((line) => line.startsWith('warn')),
      ['warn: a provider is left alone for a while', 'warn: a provider refuses our key'],
    );
    assert.deepEqual(world.counted, ['p breaker_open', 'p key_refused', 'p key_refused']);
    assert.equal(healthNow(world).observe(SISTER).isDoubted, true);
    noteEnded(world, noteBegun(world, SISTER), { kind: 'answered', status: 200, spent: NOTHING_SPENT });
    assert.equal(healthNow(world).observe(MODEL).isDoubted, false);
    assert.equal(world.told.at(-1), 'info: a provider that was left alone is used again');
  });

  it('is told where a target is left alone, probed and used again', () => {
    const world = bench();
    for (; world.nowMs < 10; world.nowMs += 1) noteEnded(world, noteBegun(world, MODEL), refused('upstream-error'));
    world.nowMs = 5000;
    for (let count = 0; count < 3; count += 1)
      noteEnded(world, noteBegun(world, MODEL), { kind: 'answered', status: 200, spent: NOTHING_SPENT });
    assert.deepEqual(world.told, [
      'warn: a provider is left alone for a while',
      'info: a provider that was left alone is probed',
      'info: a provider that was left alone is used again',
    ]);
    assert.deepEqual(world.counted, ['p breaker_open']);
  });

  it('is how much is left of a limit, as soon as the head of a reply tells it', () => {
    const world = bench();
    noteBegun(world, MODEL);
    noteHead(world, MODEL, { 'x-ratelimit-limit-requests': '10', 'x-ratelimit-remaining-requests': '4' });
    assert.equal(healthNow(world).observe(MODEL).headroom, 0.4);
    const fewer = { 'x-ratelimit-limit-requests': '10', 'x-ratelimit-remaining-requests': '1' };
    noteHead(world, MODEL, fewer);
    assert.equal(healthNow(world).observe(MODEL).headroom, 0.4, 'it was told a moment ago');
    world.nowMs = 50;
    noteHead(world, MODEL, fewer);
    assert.equal(healthNow(world).observe(MODEL).headroom, 0.1);
    assert.equal(healthNow(world).observe(MODEL).inFlight, 1);
  });
});
