import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SLOTS, SlidingWindow } from './window.ts';

const WINDOW_MS = 60_000;

/** Requests at these gaps, each taken where the window has room. Gives the times of those that were. */
function admitted(gapsMs: readonly number[], most: number): readonly number[] {
  const window = new SlidingWindow(WINDOW_MS);
  const times: number[] = [];
  let nowMs = 0;
  for (const gapMs of gapsMs) {
    nowMs += gapMs;
    if (window.used(nowMs) >= most) continue;
    window.add(1, nowMs);
    times.push(nowMs);
  }
  return times;
}

const gaps = fc.array(fc.oneof(fc.constant(0), fc.nat(50), fc.nat(5000), fc.nat(90_000)), { maxLength: 300 });

describe('SlidingWindow', () => {
  it('never lets more through than the limit, in whichever window one looks', () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 20 }), (gapsMs, most) => {
        const times = admitted(gapsMs, most);
        for (const [index, from] of times.entries())
          assert.ok(times.slice(index).filter((at) => at < from + WINDOW_MS).length <= most);
      }),
    );
  });

  it('counts for one slot too long at most', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.integer({ min: 1, max: 1000 }), (atMs, count) => {
        const window = new SlidingWindow(WINDOW_MS);
        window.add(count, atMs);
        assert.equal(window.used(atMs + WINDOW_MS - 1), count);
        assert.equal(window.used(atMs + WINDOW_MS + WINDOW_MS / SLOTS), 0);
      }),
    );
  });

  it('says how long to wait, and then there is room, and not a slot before', () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 20 }), fc.nat(60_000), (gapsMs, most, laterMs) => {
        const nowMs = gapsMs.reduce((sum, gapMs) => sum + gapMs, laterMs);
        const waitMs = filled(gapsMs).waitMs(most, nowMs);
        assert.equal(waitMs === 0, filled(gapsMs).used(nowMs) <= most);
        assert.ok(filled(gapsMs).used(nowMs + waitMs) <= most);
        if (waitMs > 1) assert.ok(filled(gapsMs).used(nowMs + waitMs - 1.5) > most);
      }),
    );
  });

  it('stands still where the clock goes back, and forgets where it goes far ahead', () => {
    const window = new SlidingWindow(WINDOW_MS);
    window.add(5, 3_600_000);
    assert.equal(window.used(1000), 5);
    window.add(1, 1000);
    assert.equal(window.used(3_600_000), 6);
    assert.equal(window.used(3_600_000 * 1000), 0);
  });

  it('takes back what was counted too much, in its own slot, and nothing once that is gone', () => {
    const window = new SlidingWindow(WINDOW_MS);
    const slot = window.add(10, 0);
    window.add(3, 30_000);
    window.takeBack(4, slot);
    assert.equal(window.used(30_000), 9);
    assert.equal(window.used(62_000), 3);
    window.takeBack(6, slot);
    assert.equal(window.used(62_000), 3);
    window.takeBack(100, window.add(1, 62_000));
    assert.equal(window.used(62_000), 3);
  });
});

function filled(gapsMs: readonly number[]): SlidingWindow {
  const window = new SlidingWindow(WINDOW_MS);
  let nowMs = 0;
  for (const gapMs of gapsMs) window.add(1, (nowMs += gapMs));
  return window;
}
