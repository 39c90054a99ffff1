import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fault, type FaultCode, type FaultDetail } from '../chat/fault.ts';
import { NOTHING_SPENT, type Outcome, type Spent } from '../chat/outcome.ts';
import { testTarget } from '../routing/target.fixture.ts';
import {
  Observatory,
  type Change,
  type End,
  type Heard,
  type ObservatoryOptions,
  type Watched,
} from './observatory.ts';
import { SETTINGS } from './settings.ts';

const MODEL = testTarget('p/m');
const SISTER = testTarget('p/other');
const OTHER_KEY = testTarget('p/m#2', { keyId: 'p#2' });
const PEER = testTarget('s/m', { keyId: 's' });
const TARGETS = [MODEL, SISTER, OTHER_KEY, PEER];

function answered(spent: Partial<Spent> = {}): Outcome {
  return { kind: 'answered', status: 200, spent: { ...NOTHING_SPENT, ...spent } };
}

function refused(code: FaultCode, detail: FaultDetail = {}): Outcome {
  return { kind: 'refused', status: 500, fault: fault(code, { provider: 'p' }, detail) };
}

interface Bench {
  readonly observatory: Observatory;
  readonly changes: Change[];
  nowMs: number;
  /** One attempt that takes so long. */
  ask(target: Watched, end: End, tookMs?: number): Heard | undefined;
}

function bench(options: Partial<ObservatoryOptions> = {}): Bench {
  const changes: Change[] = [];
  const observatory = new Observatory({ random: () => 0.5, changed: (one) => void changes.push(one), ...options });
  const made: Bench = {
    observatory,
    changes,
    nowMs: 0,
    ask(target, end, tookMs = 0) {
      const startedMs = made.nowMs;
      observatory.begin(target, startedMs);
      made.nowMs += tookMs;
      return observatory.ended(target, { end, startedMs, route: 'r' }, made.nowMs);
    },
  };
  return made;
}

function doubted(of: Bench, targets: readonly Watched[]): readonly boolean[] {
  return targets.map((target) => of.observatory.observe(target, of.nowMs).isDoubted);
}

describe('what is learned of a target', () => {
  it('is nothing where nothing was asked', () => {
    const { observatory } = bench();
    assert.deepEqual(observatory.observe(MODEL, 0), { restMs: 0, isDoubted: false, inFlight: 0 });
    assert.deepEqual(observatory.rows(TARGETS, 0), []);
  });

  it('is a rest where the provider says how long, at most a minute, and a pause where it does not', () => {
    const on = bench();
    on.ask(MODEL, refused('upstream-rate-limited', { retryAfterMs: 1000 }));
    const { restMs, isDoubted } = on.observatory.observe(MODEL, 1);
    assert.deepEqual([restMs, isDoubted], [999, false]);
    on.ask(SISTER, refused('upstream-rate-limited', { retryAfterMs: 600_000 }));
    assert.equal(on.observatory.observe(SISTER, 0).restMs, 60_000);
    on.ask(PEER, refused('upstream-overloaded'));
    assert.deepEqual(doubted(on, [MODEL, PEER]), [false, true]);
    assert.deepEqual(on.changes, []);
  });

  it('is a rest of the whole key where a second of its models asks for one meanwhile', () => {
    const on = bench();
    const rest = (target: Watched): number => on.observatory.observe(target, on.nowMs).restMs;
    const third = testTarget('p/third');
    on.ask(MODEL, refused('upstream-rate-limited', { retryAfterMs: 2000 }));
    on.ask(OTHER_KEY, refused('upstream-rate-limited', { retryAfterMs: 9000 }));
    assert.equal(rest(third), 0, 'one model says nothing of the others');
    on.nowMs = 500;
    on.ask(SISTER, refused('upstream-rate-limited', { retryAfterMs: 1000 }));
    assert.deepEqual([third, MODEL, SISTER, PEER].map(rest), [1000, 1500, 1000, 0]);
    on.nowMs = 1500;
    assert.deepEqual([third, MODEL, SISTER].map(rest), [0, 500, 0]);
    // The first has rested: that a second asks now says nothing of the key.
    on.nowMs = 10_000;
    on.ask(SISTER, refused('upstream-rate-limited', { retryAfterMs: 1000 }));
    assert.equal(rest(third), 0);
  });

  it('holds for all models of a key where the key is to blame, and is news once', () => {
    const on = bench();
    const heard = [1, 2].map(() => on.ask(MODEL, refused('upstream-auth')));
    assert.deepEqual(heard, [
      { kind: 'key_refused', text: 'a provider refuses our key', isNews: true },
      { kind: 'key_refused', text: 'a provider refuses our key', isNews: false },
    ]);
    assert.deepEqual(doubted(on, [MODEL, SISTER, OTHER_KEY]), [true, true, false]);
    assert.deepEqual(
      on.observatory.observe(MODEL, on.nowMs).shutMs,
      undefined,
      'the caller is to be told what is wrong',
    );
  });

  it('ends with an answer, of whatever model the key has', () => {
    const on = bench();
    on.ask(MODEL, refused('upstream-quota'));
    on.nowMs = 60_000;
    on.observatory.begin(SISTER, on.nowMs);
    assert.deepEqual(doubted(on, [MODEL]), [true], 'the sister probes the key for both');
    on.observatory.ended(SISTER, { end: answered(), startedMs: on.nowMs, route: '' }, on.nowMs);
    assert.deepEqual(doubted(on, [MODEL]), [false]);
  });

  it('is a model that is gone only where it was ever there', () => {
    const on = bench();
    assert.equal(on.ask(testTarget('p/m', { isKnown: false }), refused('upstream-not-found')), undefined);
    assert.deepEqual(doubted(on, [MODEL]), [false]);
    assert.equal(on.ask(MODEL, refused('upstream-not-found'))?.kind, 'model_gone');
    assert.deepEqual(doubted(on, [MODEL, SISTER]), [true, false]);
  });

  it('is nothing that only words say, which may be the caller’s own', () => {
    for (const code of ['upstream-auth', 'upstream-quota', 'upstream-not-found'] as const) {
      const on = bench();
      assert.equal(on.ask(MODEL, refused(code, { isHearsay: true })), undefined);
      assert.deepEqual(doubted(on, [MODEL, SISTER]), [false, false]);
      assert.deepEqual(on.changes, []);
    }
  });

  it('is told of what could not even be sent', () => {
    const on = bench();
    const end: End = { kind: 'unsent', fault: fault('upstream-credential', { provider: 'p' }) };
    assert.equal(on.ask(MODEL, end)?.kind, 'credential_missing');
    on.ask(PEER, { kind: 'unsent' });
    assert.deepEqual(doubted(on, [MODEL, PEER]), [true, false]);
    assert.equal(on.observatory.observe(PEER, 0).inFlight, 0);
  });

  it('is how fast it is, how much it has to do and how long its answers are', () => {
    const on = bench();
    for (let count = 0; count < 40; count += 1)
      on.ask(MODEL, answered({ ttftMs: 200, usage: { inputTokens: 10, outputTokens: 100 } }), 1200);
    on.observatory.begin(MODEL, on.nowMs);
    const { ttftMs, tokensPerS, inFlight, inFlightMax, errorRate } = on.observatory.observe(MODEL, on.nowMs);
    assert.ok(Math.abs((ttftMs?.p50 ?? 0) - 200) <= 10 && Math.abs((ttftMs?.p95 ?? 0) - 200) <= 10);
    assert.deepEqual([Math.round(tokensPerS ?? 0), inFlight, inFlightMax, errorRate], [100, 1, undefined, 0]);
    assert.equal(on.observatory.lengths.of({ route: 'r', targetId: 'p/m' }, on.nowMs)?.mean, 100);
  });

  it('is the limits that its replies tell, and those of the configuration first', () => {
    const on = bench();
    on.observatory.begin(MODEL, 0);
    on.observatory.told(MODEL, { requests: { limit: 10, left: 5, fullAfterMs: 60_000 } }, 0);
    const allowed = { requestsPerMinute: 1, concurrent: 3 };
    // Another model of the same key uses up what the key may send.
    on.observatory.begin({ ...SISTER, allowed }, 0);
    const seen = on.observatory.observe({ ...MODEL, allowed }, 0);
    assert.equal(on.observatory.observe(MODEL, 0).headroom, 0.5);
    assert.deepEqual([seen.headroom, seen.inFlightMax, seen.restMs], [0, 3, 65_000]);
  });

  it('counts a wait that another answer ended: whoever is slow must not look fast because others are asked beside it', () => {
    const on = bench();
    const hedged: Outcome = { kind: 'left', why: 'hedged', spent: NOTHING_SPENT };
    for (let index = 0; index < 40; index += 1) {
      on.ask(MODEL, answered({ ttftMs: 40 }), 90);
      on.ask(MODEL, index % 4 === 0 ? hedged : { kind: 'left', spent: NOTHING_SPENT }, 300);
    }
    const { p50 = 0, p95 = 0, count = 0 } = on.observatory.observe(MODEL, on.nowMs).ttftMs ?? {};
    assert.ok(p50 < 50 && p95 > 250, `${p50} and ${p95}`);
    // Who went away of his own accord tells nothing.
    assert.ok(count > 45 && count < 51, String(count));
  });

  it('waits for a first token count as slow, though none came', () => {
    const on = bench();
    for (let count = 0; count < 40; count += 1)
      on.ask(
        MODEL,
        {
          kind: 'broke',
          when: 'before-content',
          fault: fault('client-closed'),
          detail: 'first_token_timeout',
          spent: NOTHING_SPENT,
        },
        5000,
      );
    assert.ok((on.observatory.observe(MODEL, on.nowMs).ttftMs?.p50 ?? 0) > 4700);
  });
});

describe('an outage', () => {
  it('is noticed within twenty requests, probed by one in a hundred at most, and over when it is over', () => {
    const on = bench();
    let reached = 0;
    for (; on.nowMs < 60_000; on.nowMs += 10) {
      if (doubted(on, [MODEL])[0] === true) continue;
      reached += 1;
      on.ask(MODEL, refused('upstream-error'));
    }
    assert.ok(reached <= 20 + 60, `${reached} of 6,000 requests reached it`);
    const atMs = on.nowMs;
    while (on.changes.at(-1)?.to !== 'closed') {
      on.nowMs += 10;
      if (doubted(on, [MODEL])[0] === false) on.ask(MODEL, answered());
    }
    assert.ok(on.nowMs - atMs <= 60_000, `used again after ${on.nowMs - atMs} ms`);
    assert.deepEqual(
      on.changes.map(({ of, id, to, reason }) => `${of} ${id} ${to} ${reason}`),
      ['target p/m open errors', 'target p/m half-open errors', 'target p/m closed errors'],
    );
  });

  it('of one key is not one of the others', () => {
    const on = bench();
    for (let count = 0; count < 20; count += 1) on.ask(MODEL, refused('upstream-error'));
    assert.deepEqual(doubted(on, TARGETS), [true, false, false, false]);
  });

  it('is never made of what callers are to blame for', () => {
    const codes: readonly FaultCode[] = [
      'context-length',
      'upstream-refused',
      'content-filtered',
      'output-invalid',
      'client-closed',
      'not-expressible',
      'upstream-too-big',
    ];
    const event = fc.oneof(
      fc.constantFrom(...codes).map((code) => refused(code)),
      fc.constant<Outcome>({ kind: 'left', spent: NOTHING_SPENT }),
      fc.constant(answered()),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (ends) => {
        const on = bench();
        for (const end of ends) {
          on.ask(MODEL, end, 5);
          assert.equal(on.observatory.observe(MODEL, on.nowMs).isDoubted, false);
        }
        assert.deepEqual(on.changes, []);
        assert.equal(on.observatory.observe(MODEL, on.nowMs).errorRate ?? 0, 0);
      }),
    );
  });

  it('is not one where a caller’s own deadline or our shutdown cut it short', () => {
    const on = bench();
    const end: Outcome = {
      kind: 'broke',
      when: 'before-content',
      fault: fault('upstream-timeout'),
      detail: 'total_timeout',
      spent: NOTHING_SPENT,
    };
    for (let count = 0; count < 30; count += 1) {
      on.observatory.begin(MODEL, count);
      on.observatory.ended(MODEL, { end, startedMs: count, route: '' }, count);
    }
    assert.deepEqual(on.changes, []);
  });
});

describe('a target that is silent', () => {
  const left: Outcome = { kind: 'left', spent: { ...NOTHING_SPENT, wasAccepted: true } };
  const late: Outcome = {
    kind: 'broke',
    when: 'before-content',
    fault: fault('upstream-timeout'),
    detail: 'total_timeout',
    spent: NOTHING_SPENT,
  };

  /** A target of 300 ms, then so many streams that were given up after so long; how many until it was doubted. */
  function givenUp(
    end: Outcome,
    tookMs: number,
    options: { readonly isStreaming?: boolean; readonly before?: number } = {},
  ) {
    const { isStreaming = true, before = 60 } = options;
    const on = bench();
    for (let count = 0; count < before; count += 1) on.ask(MODEL, answered({ ttftMs: 300 }), 300);
    for (let count = 1; count <= 100; count += 1) {
      const startedMs = on.nowMs;
      on.observatory.begin(MODEL, startedMs);
      on.nowMs += tookMs;
      on.observatory.ended(MODEL, { end, startedMs, route: '', isStreaming }, on.nowMs);
      if (on.observatory.observe(MODEL, on.nowMs).isDoubted) return count;
    }
    return undefined;
  }

  it('is found out though its callers are less patient than we are, left or out of their own time', () => {
    for (const end of [left, late])
      for (const tookMs of [3000, 20_000]) {
        const count = givenUp(end, tookMs);
        assert.ok(count !== undefined && count <= 20, `${end.kind} ${tookMs}: ${count}`);
      }
    assert.ok((givenUp(left, 21_000, { before: 0 }) ?? 99) <= 20);
  });

  it('is not one whom nobody gave the time that it takes, nor one who had begun, nor one who answers as a whole', () => {
    assert.equal(givenUp(left, 1900), undefined);
    assert.equal(givenUp(left, 15_000, { before: 0 }), undefined);
    assert.equal(givenUp({ kind: 'left', spent: { ...NOTHING_SPENT, ttftMs: 300 } }, 20_000), undefined);
    assert.equal(givenUp(left, 20_000, { isStreaming: false }), undefined);
    assert.equal(givenUp({ ...late, detail: 'shutdown' }, 20_000), undefined);
    assert.equal(givenUp({ kind: 'left', why: 'hedged', spent: NOTHING_SPENT }, 20_000), undefined);
  });
});

describe('a target far worse than its peers', () => {
  it('is out for half a minute, and is judged by what it does afterwards', () => {
    const on = bench();
    for (let count = 0; count < 200; count += 1) {
      if (on.changes.length === 0) on.ask(MODEL, count % 3 === 0 ? refused('upstream-error') : answered(), 20);
      on.ask(PEER, answered(), 20);
    }
    assert.deepEqual(
      on.changes.map(({ id, to, reason }) => `${id} ${to} ${reason}`),
      ['p/m open outlier-errors'],
    );
    on.nowMs += 29_000;
    assert.deepEqual(doubted(on, [MODEL]), [false]);
    for (let count = 0; count < 100; count += 1) {
      on.ask(MODEL, answered(), 20);
      on.ask(PEER, answered(), 20);
    }
    assert.deepEqual(
      on.changes.map(({ to }) => to),
      ['open', 'half-open', 'closed'],
    );
  });

  it('is out for its slowness', () => {
    const on = bench();
    for (let count = 0; count < 60; count += 1) {
      on.ask(MODEL, answered({ ttftMs: on.changes.length === 0 ? 4000 : 300 }), 20);
      on.ask(PEER, answered({ ttftMs: 300 }), 20);
    }
    assert.equal(on.changes[0]?.reason, 'outlier-slow');
  });

  it('is never every one of them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), fc.boolean()), { maxLength: 600 }), (events) => {
        const on = bench({
          settings: () => ({ ...SETTINGS, breaker: { ...SETTINGS.breaker, errorRate: 2, requestsMin: 1e9 } }),
        });
        const peers = [MODEL, OTHER_KEY, PEER];
        for (const [index, isGood] of events) {
          const target = peers[index];
          if (target !== undefined) on.ask(target, isGood ? answered() : refused('upstream-error'), 300);
          const out = on.observatory.rows(peers, on.nowMs).filter(({ state }) => state !== 'closed');
          assert.ok(out.length <= 1, `${out.length} of 3`);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('what was learned', () => {
  const end = fc.oneof(
    fc
      .record({ ttftMs: fc.integer({ min: 1, max: 5000 }), outputTokens: fc.nat({ max: 2000 }) })
      .map(({ ttftMs, outputTokens }) => answered({ ttftMs, usage: { outputTokens } })),
    fc
      .constantFrom<FaultCode>('upstream-error', 'upstream-overloaded', 'upstream-not-found')
      .map((code) => refused(code)),
  );
  const events = fc.array(fc.tuple(fc.nat({ max: 3 }), end, fc.nat({ max: 2000 })), { maxLength: 150 });

  function after(given: readonly (readonly [number, Outcome, number])[]): Bench {
    const on = bench();
    for (const [index, how, tookMs] of given) on.ask(TARGETS[index] ?? MODEL, how, tookMs);
    return on;
  }

  it('outlasts a restart: the same doubts and states, and the same order by failures, speed and length', () => {
    fc.assert(
      fc.property(events, (given) => {
        const { observatory, nowMs } = after(given);
        const again = bench().observatory;
        const file = JSON.parse(JSON.stringify(observatory.save(nowMs, 1_000_000)));
        assert.equal(again.restore(file, { nowMs: 300, unixMs: 1_000_000 }), true);
        const order = (of: Observatory, atMs: number): unknown =>
          ['errorRate', 'p50', 'tokensPerS', 'mean'].map((by) => {
            const value = (target: Watched): number => {
              const { ttftMs, errorRate = -1, tokensPerS = -1 } = of.observe(target, atMs);
              const mean = of.lengths.of({ route: 'r', targetId: target.id }, atMs)?.mean ?? -1;
              return { errorRate, tokensPerS, mean, p50: ttftMs?.p50 ?? -1 }[by] ?? -1;
            };
            return TARGETS.toSorted((a, b) => Number(value(a).toPrecision(2)) - Number(value(b).toPrecision(2))).map(
              ({ id }) => id,
            );
          });
        assert.deepEqual(order(again, 300), order(observatory, nowMs));
        const states = (of: Observatory, atMs: number): unknown =>
          TARGETS.map((target) => [of.observe(target, atMs).isDoubted, of.rows([target], atMs)[0]?.state]);
        assert.deepEqual(states(again, 300), states(observatory, nowMs));
      }),
      { numRuns: 60 },
    );
  });

  it('is as old as the wall clock says, and a clock that goes back or far ahead keeps nobody away', () => {
    for (const [aheadMs, isDoubted] of [
      [0, true],
      [-3_600_000, true],
      [3_600_000, false],
    ] as const) {
      const on = bench();
      on.ask(MODEL, refused('upstream-not-found'));
      on.ask(PEER, refused('upstream-auth'));
      const again = bench().observatory;
      again.restore(on.observatory.save(on.nowMs, 10_000_000), { nowMs: 5, unixMs: 10_000_000 + aheadMs });
      assert.equal(again.observe(MODEL, 5).isDoubted, isDoubted, `${aheadMs} ms`);
      assert.equal(again.observe(MODEL, 60_005).isDoubted, false);
      assert.equal(again.observe(PEER, 5).isDoubted, false, 'whoever starts us anew may have brought another key');
    }
  });

  it('is not taken from a file that is cut, strange or of another release', () => {
    const { observatory } = bench();
    for (const file of [undefined, null, [], 'x', {}, { version: 99, saved_at_ms: 1 }, { version: 1 }])
      assert.equal(observatory.restore(file, { nowMs: 0, unixMs: 0 }), false);
    const odd = {
      version: 1,
      saved_at_ms: 0,
      targets: [7, ['p/m', 'x', [[1]], null, -5], []],
      keys: {},
      lengths: [[1, 'a', 5]],
      all: [[-1, 9, 3]],
    };
    assert.equal(observatory.restore(odd, { nowMs: 0, unixMs: 0 }), true);
    assert.deepEqual(observatory.observe(MODEL, 0), { restMs: 0, isDoubted: false, inFlight: 0 });
  });

  it('is not pushed out by names that callers make up, nor are those written down', () => {
    const on = bench();
    const usage = { inputTokens: 1, outputTokens: 20 };
    for (let count = 0; count < 300; count += 1) on.ask(testTarget(`p/m${count}`), answered({ usage }), 1);
    on.ask(MODEL, refused('upstream-overloaded'));
    const own = testTarget('p/own', { isKnown: false });
    for (let count = 0; count < 6000; count += 1) {
      on.ask(testTarget(`p/made-up-${count}`, { isKnown: false }), refused('upstream-not-found'));
      if (count % 100 === 0) on.ask(own, answered({ usage }), 1);
    }
    assert.deepEqual(doubted(on, [MODEL]), [true]);
    const speeds = [testTarget('p/m0'), own].map((target) => on.observatory.observe(target, on.nowMs).tokensPerS);
    assert.deepEqual(speeds, [20_000, 20_000]);
    const saved = JSON.stringify(on.observatory.save(on.nowMs, 0));
    assert.ok(saved.includes('p/m299') && !saved.includes('made-up'));
    assert.ok(saved.length < 200_000, String(saved.length));
    const known = Array.from({ length: 6000 }, (_, count) => testTarget(`p/made-up-${count}`, { isKnown: false }));
    assert.ok(on.observatory.rows(known, on.nowMs).length <= 500);
  });

  it('is written down for the last two thousand targets', () => {
    const on = bench();
    for (let count = 0; count < 2100; count += 1) {
      on.nowMs += 1;
      on.ask(testTarget(`p/m${count}`, { keyId: 'p' }), answered({ usage: { outputTokens: 20 } }), 1);
    }
    const again = bench().observatory;
    again.restore(on.observatory.save(on.nowMs, 0), { nowMs: 0, unixMs: 0 });
    const known = (name: string): unknown => again.observe(testTarget(`p/${name}`), 0).tokensPerS;
    assert.deepEqual([known('m99'), known('m100'), known('m2099')], [undefined, 20_000, 20_000]);
    assert.equal(again.lengths.of({ route: 'r', targetId: 'p/m99' }, 0), undefined);
  });
});
