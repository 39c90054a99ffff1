import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Weather, WeatherOptions } from './weather.ts';
import { weatherOf } from './weather.ts';

function sky(options: WeatherOptions, seed: number, count: number): (Weather | undefined)[] {
  return Array.from({ length: count }, (_, index) =>
    weatherOf(options, seed, { sequence: index + 1, elapsedMs: index, provider: 'p', model: () => 'm' }),
  );
}

describe('the weather', () => {
  it('is fair where nothing is said', () => {
    assert.deepEqual(new Set(sky({}, 1, 100)), new Set([undefined]));
  });

  it('brings errors at their rate, the same for the same seed', () => {
    const errors = sky({ errorRate: 0.3 }, 7, 2_000).filter((weather) => weather !== undefined);
    assert.ok(Math.abs(errors.length / 2_000 - 0.3) < 0.04, `${errors.length} of 2000`);
    assert.deepEqual(sky({ errorRate: 0.3 }, 7, 100), sky({ errorRate: 0.3 }, 7, 100));
    assert.notDeepEqual(sky({ errorRate: 0.3 }, 7, 100), sky({ errorRate: 0.3 }, 8, 100));
  });

  it('brings rate limits that say how long to wait', () => {
    const all = sky({ rateLimitRate: 1, retryAfterS: 3 }, 1, 5);
    assert.deepEqual(
      new Set(all.map((weather) => JSON.stringify(weather))),
      new Set(['{"kind":"error","status":429,"retryAfterS":3}']),
    );
  });

  it('always fails at a rate of one, never at zero', () => {
    assert.ok(sky({ errorRate: 1 }, 1, 200).every((weather) => weather?.kind === 'error'));
    assert.ok(sky({ errorRate: 0 }, 1, 200).every((weather) => weather === undefined));
  });

  it('has outages by schedule, once or again and again', () => {
    const during = (atMs: number, everyMs?: number): boolean =>
      weatherOf({ outages: [{ fromMs: 10, toMs: 20, ...(everyMs === undefined ? {} : { everyMs }) }] }, 1, {
        sequence: 1,
        elapsedMs: atMs,
        provider: undefined,
        model: () => undefined,
      }) !== undefined;
    assert.deepEqual(
      [9, 10, 19, 20, 115].map((atMs) => during(atMs)),
      [false, true, true, false, false],
    );
    assert.deepEqual(
      [9, 10, 19, 20, 115].map((atMs) => during(atMs, 100)),
      [false, true, true, false, true],
    );
  });

  it('has outages of one provider or model alone', () => {
    const hit = (outage: { provider?: string; model?: string; kind?: 'reset' }): unknown =>
      weatherOf({ outages: [{ fromMs: 0, toMs: 1, ...outage }] }, 1, {
        sequence: 1,
        elapsedMs: 0,
        provider: 'p',
        model: () => 'm',
      });
    assert.deepEqual(hit({ provider: 'p', model: 'm', kind: 'reset' }), { kind: 'reset' });
    assert.deepEqual([hit({ provider: 'q' }), hit({ model: 'n' })], [undefined, undefined]);
  });
});
