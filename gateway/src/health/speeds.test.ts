import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Speeds } from './speeds.ts';

function near(found: number | undefined, wanted: number): void {
  assert.ok(found !== undefined && Math.abs(found - wanted) <= wanted * 0.051, `${found} is not near ${wanted}`);
}

describe('speeds', () => {
  it('are the time to first token in the middle and at its worst, and the tokens a second after it', () => {
    const speeds = new Speeds();
    for (let count = 1; count <= 100; count += 1)
      speeds.add({ ttftMs: count * 10, durationMs: count * 10 + 2000, outputTokens: 100 }, count);
    const { p50, p95, count } = speeds.ttft(100) ?? { p50: 0, p95: 0, count: 0 };
    near(p50, 500);
    near(p95, 950);
    near(count, 100);
    near(speeds.tokensPerS(), 50);
  });

  it('of whole replies are what callers have of them, and tell no time to first token', () => {
    const speeds = new Speeds();
    speeds.add({ durationMs: 4000, outputTokens: 100 }, 0);
    assert.deepEqual([speeds.ttft(0), speeds.tokensPerS()], [undefined, 25]);
    speeds.add({ durationMs: 3000, ttftMs: 1000, outputTokens: 100 }, 0);
    assert.equal(speeds.tokensPerS(), 50);
  });

  it('are taken from no answer of a few tokens', () => {
    const speeds = new Speeds();
    speeds.add({ durationMs: 4000, outputTokens: 3 }, 0);
    assert.equal(speeds.tokensPerS(), undefined);
  });

  it('lean on those of the others while they are few', () => {
    const others = new Speeds();
    for (let count = 0; count < 200; count += 1) others.add({ ttftMs: 1000, durationMs: 2000 }, 0);
    const speeds = new Speeds();
    near(speeds.ttft(0, others)?.p50, 1000);
    assert.equal(speeds.ttft(0, others)?.count, 0);
    speeds.add({ ttftMs: 100, durationMs: 200 }, 0);
    near(speeds.ttft(0, others)?.p50, 1000);
    for (let count = 0; count < 9; count += 1) speeds.add({ ttftMs: 100, durationMs: 200 }, 0);
    near(speeds.ttft(0, others)?.p50, 100);
    near(speeds.ttft(0, others)?.p95, 1000);
    for (let count = 0; count < 30; count += 1) speeds.add({ ttftMs: 100, durationMs: 200 }, 0);
    near(speeds.ttft(0, others)?.p95, 100);
  });
});
