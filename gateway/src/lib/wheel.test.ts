import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createWheel, timerLinks, type Timer, type Wheel } from './wheel.ts';

interface Probe extends Timer {
  readonly fired: number[];
}

function probe(clock: { now: number }, onExpire?: (self: Timer) => void): Probe {
  const fired: number[] = [];
  const self: Probe = {
    fired,
    links: timerLinks(),
    expire: () => {
      fired.push(clock.now);
      onExpire?.(self);
    },
  };
  return self;
}

function runTo(wheel: Wheel, clock: { now: number }, to: number): void {
  for (; clock.now < to; clock.now += 1) wheel.advance(clock.now);
  wheel.advance(clock.now);
}

describe('wheel', () => {
  it('expires a timer once, not before its deadline and at most two ticks after', () => {
    const clock = { now: 1000 };
    const wheel = createWheel({ tickMs: 10, slotCount: 8, nowMs: clock.now });
    const timer = probe(clock);
    wheel.set(timer, 1234);
    runTo(wheel, clock, 2000);
    assert.equal(timer.fired.length, 1);
    const at = timer.fired[0] ?? 0;
    assert.ok(at >= 1234 && at <= 1254, `fired at ${at}`);
    assert.equal(wheel.size(), 0);
  });

  it('moves a deadline later without looking at it, and earlier at once', () => {
    const clock = { now: 0 };
    const wheel = createWheel({ tickMs: 10, slotCount: 16, nowMs: 0 });
    const later = probe(clock);
    const earlier = probe(clock);
    wheel.set(later, 50);
    wheel.set(earlier, 5000);
    runTo(wheel, clock, 30);
    wheel.set(later, 300);
    wheel.set(earlier, 100);
    runTo(wheel, clock, 200);
    assert.deepEqual(later.fired, []);
    assert.deepEqual(earlier.fired, [100]);
    runTo(wheel, clock, 400);
    assert.deepEqual(later.fired, [300]);
  });

  it('lets an expiring timer arm itself again and clear its neighbour in the same slot', () => {
    const clock = { now: 0 };
    const wheel = createWheel({ tickMs: 10, slotCount: 8, nowMs: 0 });
    const neighbours = [probe(clock), probe(clock)];
    const first = probe(clock, (self) => {
      for (const neighbour of neighbours) wheel.clear(neighbour);
      wheel.set(self, clock.now); // due at once: comes with the next tick, not in this one for ever
    });
    for (const neighbour of neighbours) wheel.set(neighbour, 40);
    wheel.set(first, 40); // linked last, so it is the head of the slot
    runTo(wheel, clock, 60);
    assert.deepEqual(first.fired, [40, 50, 60]);
    assert.deepEqual(
      neighbours.map((neighbour) => neighbour.fired),
      [[], []],
    );
  });

  it('expires everything that is due after a long stop, in one call', () => {
    const clock = { now: 0 };
    const wheel = createWheel({ tickMs: 10, slotCount: 8, nowMs: 0 });
    const timers = Array.from({ length: 50 }, () => probe(clock));
    timers.forEach((timer, index) => wheel.set(timer, index * 37));
    clock.now = 1_000_000;
    wheel.advance(clock.now);
    assert.ok(timers.every((timer) => timer.fired.length === 1));
  });

  it('agrees with a plain list of deadlines for any sequence of set, clear and advance', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('set'), which: fc.nat(5), by: fc.nat(2000) }),
      fc.record({ do: fc.constant('clear'), which: fc.nat(5), by: fc.constant(0) }),
      fc.record({ do: fc.constant('advance'), which: fc.constant(0), by: fc.nat(700) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = { now: 0 };
        const wheel = createWheel({ tickMs: 10, slotCount: 8, nowMs: 0 });
        const timers = Array.from({ length: 6 }, () => probe(clock));
        const deadlines = timers.map(() => Infinity);
        for (const { do: action, which, by } of steps) {
          const timer = timers[which];
          assert.ok(timer);
          if (action === 'set') {
            deadlines[which] = clock.now + by;
            wheel.set(timer, clock.now + by);
          } else if (action === 'clear') {
            deadlines[which] = Infinity;
            wheel.clear(timer);
          } else {
            clock.now += by;
            const before = timers.map((one) => one.fired.length);
            wheel.advance(clock.now);
            timers.forEach((one, index) => {
              const fired = one.fired.length - (before[index] ?? 0);
              const deadline = deadlines[index] ?? Infinity;
              if (fired > 0) assert.ok(fired === 1 && deadline <= clock.now);
              else assert.ok(deadline > clock.now - 20);
              if (fired > 0) deadlines[index] = Infinity;
            });
          }
        }
        assert.equal(wheel.size(), deadlines.filter((deadline) => deadline !== Infinity).length);
      }),
    );
  });
});
