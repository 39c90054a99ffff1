import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Breaker, BREAKER, type BreakerState, type Ending, type Failed } from './breaker.ts';

/** Without luck: each pause is three quarters of its most. */
const random = (): number => 0.5;
const MINUTE_MS = 60_000;

/** An attempt that ended as soon as it began. */
function at(nowMs: number, startedMs: number = nowMs): Ending {
  return { nowMs, startedMs, random };
}

interface Watched {
  readonly breaker: Breaker;
  readonly changes: { readonly to: BreakerState; readonly nowMs: number }[];
}

function watched(): Watched {
  const changes: Watched['changes'] = [];
  return {
    changes,
    breaker: new Breaker(
      () => BREAKER,
      ({ state }, _, nowMs) => void changes.push({ to: state, nowMs }),
    ),
  };
}

function failing(breaker: Breaker, how: Failed, times: number): void {
  for (let nowMs = 1; nowMs <= times; nowMs += 1) {
    breaker.begin(nowMs);
    breaker.failed(how, at(nowMs));
  }
}

/** One request at that moment. */
function ask(breaker: Breaker, isGood: boolean, nowMs: number): void {
  breaker.begin(nowMs);
  if (isGood) breaker.answered(at(nowMs));
  else breaker.failed('error', at(nowMs));
}

/** Milliseconds after `nowMs` until which it is away. */
function awayMs(breaker: Breaker, nowMs: number): number {
  let ms = 0;
  while (breaker.isAway(nowMs + ms)) ms += 1;
  return ms;
}

describe('a breaker', () => {
  it('opens after ten failures in a row, however far apart they are', () => {
    for (const everyMs of [1, 600_000]) {
      const { breaker } = watched();
      for (let count = 1; count <= 10; count += 1) {
        assert.equal(breaker.state, 'closed', `after ${count - 1} failures, ${everyMs} ms apart`);
        ask(breaker, false, count * everyMs);
      }
      assert.deepEqual([breaker.state, breaker.reason], ['open', 'errors']);
    }
  });

  it('opens where half of the latest requests fail, and not before ten are known', () => {
    const { breaker } = watched();
    for (let count = 1; count <= 9; count += 1) ask(breaker, count % 2 === 0, count);
    assert.equal(breaker.state, 'closed');
    ask(breaker, false, 10);
    assert.equal(breaker.state, 'open');
  });

  it('notices an outage after hours of good service', () => {
    const { breaker } = watched();
    for (let count = 0; count < 10_000; count += 1) ask(breaker, true, count * 10);
    let asked = 0;
    // Six of ten fail: hardly ever ten in a row.
    for (; breaker.state === 'closed' && asked < 1000; asked += 1) ask(breaker, asked % 5 < 2, 100_000 + asked * 10);
    assert.ok(asked <= 100, `${asked} requests`);
  });

  it('stays closed where one in five fails', () => {
    const { breaker, changes } = watched();
    for (let count = 0; count < 10_000; count += 1) ask(breaker, count % 5 !== 0, count * 10);
    assert.deepEqual(changes, []);
  });

  it('is probed by one request at a time, after pauses that grow up to a minute', () => {
    const { breaker } = watched();
    failing(breaker, 'error', 10);
    const pauses: number[] = [];
    let nowMs = 10;
    for (let round = 0; round < 8; round += 1) {
      const pauseMs = awayMs(breaker, nowMs);
      pauses.push(pauseMs);
      nowMs += pauseMs;
      breaker.begin(nowMs);
      assert.equal(breaker.state, 'half-open');
      assert.equal(breaker.isAway(nowMs + 1), true, 'the others stay away while it is probed');
      breaker.failed('error', at(nowMs + 20, nowMs));
      nowMs += 20;
    }
    assert.deepEqual(pauses, [1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000]);
  });

  it('sends another probe after one that nothing is heard of', () => {
    const { breaker } = watched();
    failing(breaker, 'error', 10);
    breaker.begin(2000);
    assert.deepEqual([breaker.isAway(11_999), breaker.isAway(12_000)], [true, false]);
    breaker.begin(12_000);
    breaker.untold(at(12_100, 12_000));
    assert.equal(breaker.isAway(12_100), false, 'the next one need not wait');
    const waiting = watched().breaker;
    failing(waiting, 'error', 10);
    waiting.untold(at(20, 5));
    assert.equal(waiting.isAway(21), true, 'nobody probes before the pause is over');
  });

  it('closes after three good answers in a row, and begins with a new account', () => {
    const { breaker } = watched();
    failing(breaker, 'error', 10);
    for (const nowMs of [2000, 2001]) ask(breaker, true, nowMs);
    assert.equal(breaker.state, 'half-open');
    ask(breaker, true, 2002);
    assert.deepEqual([breaker.state, breaker.rate.count(2002), breaker.isAway(2002)], ['closed', 0, false]);
  });

  it('begins with a longer pause where it was closed for a short time only', () => {
    const { breaker } = watched();
    const pauses = [0, 100_000, 200_000, 1_000_000].map((fromMs) => {
      for (let count = 0; count < 10; count += 1) ask(breaker, false, fromMs + count);
      const pauseMs = awayMs(breaker, fromMs + 9);
      for (let count = 0; count < 3; count += 1) ask(breaker, true, fromMs + 70_000 + count);
      assert.equal(breaker.state, 'closed');
      return pauseMs;
    });
    assert.deepEqual(pauses, [1500, 3000, 6000, 1500]);
  });

  it('learns nothing from what began before it opened', () => {
    const { breaker } = watched();
    failing(breaker, 'error', 10);
    const pauseMs = awayMs(breaker, 10);
    for (let count = 0; count < 20; count += 1) breaker.failed('error', at(11 + count, 5));
    for (let count = 0; count < 5; count += 1) breaker.answered(at(40, 5));
    assert.deepEqual([breaker.state, awayMs(breaker, 10)], ['open', pauseMs]);
  });

  it('takes the word of the probe alone, not of those that began before it opened or were sent meanwhile', () => {
    const { breaker } = watched();
    failing(breaker, 'error', 10);
    breaker.begin(2000);
    breaker.failed('error', at(2010, 5));
    assert.equal(awayMs(breaker, 2010), 9990, 'the probe is still under way');
    breaker.failed('error', at(2020, 2000));
    assert.equal(awayMs(breaker, 2020), 3000);
    for (const nowMs of [2100, 2200, 2300]) ask(breaker, false, nowMs);
    assert.equal(awayMs(breaker, 2020), 3000, 'those who had nobody else say the same again');
  });

  it('says that it is hopeless only where all of the latest failed', () => {
    const half = watched().breaker;
    for (let count = 1; count <= 11; count += 1) ask(half, count % 2 === 0, count);
    const down = watched().breaker;
    failing(down, 'error', 10);
    assert.deepEqual([half.state, half.shutMs(12), down.shutMs(11)], ['open', 0, 1499]);
    assert.equal(down.shutMs(1510), 0, 'a probe is due');
  });

  it('may be asked once in ten seconds where nobody else is left, however long its pause is', () => {
    const { breaker } = watched();
    failing(breaker, 'error', 10);
    let nowMs = 0;
    while (awayMs(breaker, nowMs) < 40_000) {
      nowMs += awayMs(breaker, nowMs);
      breaker.begin(nowMs);
      breaker.failed('error', at(nowMs));
    }
    assert.deepEqual([breaker.shutMs(nowMs), breaker.shutMs(nowMs + 10_000)], [10_000, 0]);
    // One is on its way: the others need not find out the same.
    breaker.begin(nowMs + 10_000);
    assert.equal(breaker.shutMs(nowMs + 10_001), 9999);
    assert.ok(breaker.isAway(nowMs + 10_001), 'where there are others, it is left alone');
    breaker.answered(at(nowMs + 10_500, nowMs + 10_000));
    assert.deepEqual([breaker.state, breaker.isAway(nowMs + 10_501)], ['half-open', false]);
  });

  it('opens at once for what lasts, and one good answer is enough', () => {
    const { breaker } = watched();
    breaker.failedFor('key-refused', at(0));
    assert.deepEqual([breaker.state, breaker.shutMs(1), awayMs(breaker, 0)], ['open', 0, 30_000]);
    // Nobody better was left: it was asked all the same, and the key is good again.
    breaker.begin(100);
    breaker.answered(at(150, 100));
    assert.equal(breaker.state, 'closed');
  });
});

describe('one who has too much to do', () => {
  it('is given short pauses that grow, without being opened', () => {
    const { breaker, changes } = watched();
    const pauses: number[] = [];
    let nowMs = 0;
    for (let round = 0; round < 9; round += 1) {
      breaker.begin(nowMs);
      breaker.failed('limit', at(nowMs));
      const pauseMs = awayMs(breaker, nowMs);
      pauses.push(pauseMs);
      nowMs += pauseMs;
    }
    assert.deepEqual(pauses, [375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
    assert.deepEqual(changes, []);
  });

  it('is told so once, however many were under way', () => {
    const { breaker } = watched();
    for (const nowMs of [1, 2, 3, 4, 5]) breaker.failed('overload', at(nowMs));
    assert.equal(awayMs(breaker, 0), 376);
  });

  it('is trusted again with an answer, and after a long silence begins small', () => {
    const { breaker } = watched();
    breaker.failed('overload', at(0));
    breaker.begin(400);
    assert.equal(breaker.isAway(401), true);
    breaker.answered(at(402, 400));
    assert.equal(breaker.isAway(403), false);
    breaker.failed('overload', at(500));
    breaker.begin(900);
    breaker.failed('overload', at(900));
    breaker.failed('overload', at(60_000));
    assert.equal(awayMs(breaker, 60_000), 375);
  });

  it('is opened where it says nothing else', () => {
    const { breaker } = watched();
    failing(breaker, 'overload', 10);
    assert.equal(breaker.state, 'open');
  });
});

describe('flapping', () => {
  /** A minute's worth of changes that follow upon each other most closely. */
  function mostInAMinute(changes: Watched['changes']): number {
    return Math.max(
      0,
      ...changes.map(
        ({ nowMs }) => changes.filter((one) => one.nowMs >= nowMs && one.nowMs < nowMs + MINUTE_MS).length,
      ),
    );
  }

  it('is not seen where one in two fails, at a hundred requests a second', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { breaker, changes } = watched();
      let dice = seed;
      let reached = 0;
      for (let nowMs = 0; nowMs < 10 * MINUTE_MS; nowMs += 10) {
        if (breaker.isAway(nowMs)) continue;
        dice = (dice * 1_103_515_245 + 12_345) % 2_147_483_648;
        reached += 1;
        ask(breaker, dice > 1_073_741_824, nowMs);
      }
      assert.ok(mostInAMinute(changes) <= 6, `${mostInAMinute(changes)} changes in a minute`);
      assert.ok(reached < 1200, `${reached} of 60,000 requests reached it`);
    }
  });

  it('never comes to more than six changes a minute, whatever happens', () => {
    const event = fc.record({
      afterMs: fc.nat({ max: 8000 }),
      tookMs: fc.nat({ max: 3000 }),
      what: fc.constantFrom('good', 'good', 'error', 'overload', 'limit', 'key-refused', 'outlier-slow', 'untold'),
      luck: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 300 }), (events) => {
        const { breaker, changes } = watched();
        let nowMs = 0;
        for (const { afterMs, tookMs, what, luck } of events) {
          nowMs += afterMs;
          breaker.begin(nowMs);
          const ending = { nowMs: nowMs + tookMs, startedMs: nowMs, random: () => luck };
          nowMs += tookMs;
          if (what === 'good') breaker.answered(ending);
          else if (what === 'untold') breaker.untold(ending);
          else if (what === 'key-refused') breaker.failedFor(what, ending);
          else if (what === 'outlier-slow') breaker.open(what, ending);
          else breaker.failed(what, ending);
        }
        assert.ok(mostInAMinute(changes) <= 6);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a breaker that was saved', () => {
  it('goes on as if nothing had been', () => {
    const { breaker } = watched();
    failing(breaker, 'error', 10);
    breaker.begin(2000);
    breaker.failed('error', at(2010, 2000));
    const again = watched().breaker;
    again.load(breaker.save(3000), 1_000_000);
    const shift = 1_000_000 - 3000;
    assert.deepEqual(again.row(1_000_000), { ...breaker.row(3000), sinceMs: breaker.row(3000).sinceMs + shift });
    for (const one of [1, 2, 3]) {
      ask(breaker, true, 6000 + one);
      ask(again, true, 6000 + one + shift);
    }
    assert.deepEqual([again.state, again.state], [breaker.state, 'closed']);
  });

  it('keeps nobody away for long, whatever the file says', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.double({ noNaN: true }))), (saved) => {
        const { breaker } = watched();
        breaker.load(saved, 1000);
        assert.ok(!breaker.isAway(61_001));
      }),
    );
  });
});
