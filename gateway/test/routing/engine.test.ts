/** The engine of the simulation: virtual time, chance, the model of providers, and the run that joins them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { diceFor, lognormal, wandering } from './chance.ts';
import { percentile } from './measures.ts';
import { priced } from './prices.ts';
import { createProviders, type Ended, type TargetModel } from './provider-model.ts';
import { createQueue } from './queue.ts';
import { ordered, random, trying } from './rivals.ts';
import { simulate, type RouterOf } from './run.ts';
import { traffic, type Request } from './traffic.ts';

const MODEL: TargetModel = {
  id: 'p/m',
  price: priced({ input: 1, output: 2, cacheRead: 0.1 }),
  ttftMs: 400,
  ttftSigma: 0.3,
  prefillMs: 0,
  tokensPerS: 50,
  wordiness: 1,
  quality: {},
  distanceMs: 10,
};

function requestOf(over: Partial<Request> = {}): Request {
  return {
    id: 0,
    atMs: 0,
    task: 'chat',
    inputTokens: 2000,
    inputTokensEstimate: 2000,
    outputTokens: 100,
    outputTokensMax: 4096,
    conversation: 1,
    sharedTokens: 0,
    ...over,
  };
}

describe('virtual time', () => {
  it('has everything happen in the order of its moment, and of its entry where moments are equal', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 200 }), (delays) => {
        const queue = createQueue();
        const seen: { readonly atMs: number; readonly index: number }[] = [];
        for (const [index, delayMs] of delays.entries()) {
          queue.after(delayMs, () => {
            assert.equal(queue.nowMs(), delayMs);
            seen.push({ atMs: delayMs, index });
          });
        }
        queue.run();
        const expected = delays
          .map((atMs, index) => ({ atMs, index }))
          .toSorted((a, b) => a.atMs - b.atMs || a.index - b.index);
        assert.deepEqual(seen, expected);
      }),
    );
  });

  it('knows what is put in on the way, and forgets what is called off', () => {
    const queue = createQueue();
    const seen: string[] = [];
    const off = queue.after(30, () => seen.push('called off'));
    queue.after(10, () => {
      seen.push('first');
      off();
      queue.after(5, () => seen.push(`second at ${queue.nowMs()}`));
    });
    queue.after(20, () => seen.push('third'));
    queue.run();
    assert.deepEqual(seen, ['first', 'second at 15', 'third']);
  });
});

describe('chance', () => {
  it('depends on what it is about alone', () => {
    const throws = (...about: readonly number[]): readonly number[] => {
      const throwDice = diceFor(...about);
      return [throwDice(), throwDice(), throwDice()];
    };
    assert.deepEqual(throws(1, 2, 3), throws(1, 2, 3));
    const firsts = new Set(Array.from({ length: 1000 }, (_, index) => throws(1, index)[0]));
    assert.equal(firsts.size, 1000);
  });

  it('has the median and the tail that it is asked for', () => {
    const throwDice = diceFor(4);
    const drawn = Array.from({ length: 20_000 }, () => lognormal(throwDice, 500, 0.4));
    assert.ok(Math.abs(percentile(drawn, 0.5) / 500 - 1) < 0.02);
    assert.ok(Math.abs(percentile(drawn, 0.975) / (500 * Math.exp(1.96 * 0.4)) - 1) < 0.04);
  });

  it('wanders around one, and remembers', () => {
    const factor = wandering([3], { sigma: 0.5, memoryMs: 60_000, untilMs: 40_000_000 });
    const logs = Array.from({ length: 8000 }, (_, index) => Math.log(factor(index * 5000)));
    const about = logs.reduce((sum, one) => sum + one, 0) / logs.length;
    const deviation = Math.sqrt(logs.reduce((sum, one) => sum + (one - about) ** 2, 0) / logs.length);
    assert.ok(Math.abs(about) < 0.08, String(about));
    assert.ok(Math.abs(deviation - 0.5) < 0.05, String(deviation));
    assert.ok(Math.abs(Math.log(factor(5000) / factor(0))) < 0.8);
  });
});

interface Seen {
  readonly ends: Ended[];
  contents: number;
}

/** Sends requests at their moments, and keeps what came of each. */
function sent(model: TargetModel, requests: readonly Request[]): readonly Seen[] {
  const queue = createQueue();
  const providers = createProviders([model], queue, 1);
  const all = requests.map((request) => {
    const seen: Seen = { ends: [], contents: 0 };
    queue.after(request.atMs, () => {
      providers.send(request, model.id, {
        content: () => {
          seen.contents += 1;
        },
        ended: (end) => seen.ends.push(end),
      });
    });
    return seen;
  });
  queue.run();
  return all;
}

const codes = (seen: readonly Seen[]): readonly string[] =>
  seen.map(({ ends: [end] }) => (end?.kind === 'failed' ? end.fault.code : (end?.kind ?? 'none')));

describe('the model of providers', () => {
  it('charges what the price says, and a cached part of the input at its own', () => {
    const cached = { ...MODEL, cache: { keptMs: 300_000, tokensMin: 1024 } };
    const second = { sharedTokens: 2100, inputTokens: 3000 };
    const turns = [
      requestOf(),
      requestOf({ id: 1, atMs: 60_000, ...second }),
      requestOf({ id: 2, atMs: 500_000, ...second }),
    ];
    const spent = sent(cached, turns).map(({ ends: [end] }) => (end?.kind === 'answered' ? end.spent : undefined));
    assert.deepEqual(
      spent.map((one) => one?.cachedTokens),
      [0, 2100, 0],
    );
    // 2,000 x 1 + 100 x 2, and 900 x 1 + 2,100 x 0.1 + 100 x 2, and 3,000 x 1 + 100 x 2, all USD a million.
    assert.deepEqual(
      spent.map((one) => one?.nanoUsd),
      [2_200_000n, 1_310_000n, 3_200_000n],
    );
  });

  it('holds nothing of a turn that is still being answered, nor of another conversation', () => {
    const cached = { ...MODEL, cache: { keptMs: 300_000, tokensMin: 1024 } };
    const spent = sent(cached, [
      requestOf(),
      requestOf({ id: 1, atMs: 100, sharedTokens: 2000 }),
      requestOf({ id: 2, atMs: 60_000, sharedTokens: 2000, conversation: 2 }),
    ]);
    for (const {
      ends: [end],
    } of spent)
      assert.equal(end?.kind === 'answered' ? end.spent.cachedTokens : -1, 0);
  });

  it('takes no more in a minute than its limits and what has filled up before it', () => {
    const limits = { requestsPerMinute: 60, tokensPerMinute: 100_000 };
    fc.assert(
      fc.property(fc.array(fc.nat(180_000), { minLength: 100, maxLength: 400 }), (moments) => {
        const requests = moments
          .toSorted((a, b) => a - b)
          .map((atMs, id) => requestOf({ id, atMs, inputTokens: 500 + ((id * 37) % 3000), outputTokens: 1 }));
        const ends = codes(sent({ ...MODEL, limits }, requests));
        const taken = requests.filter((_, index) => ends[index] === 'answered');
        for (const from of [0, 30_000, 60_000, 120_000]) {
          const inMinute = taken.filter(({ atMs }) => atMs >= from && atMs < from + 60_000);
          const tokens = inMinute.reduce((sum, one) => sum + one.inputTokens, 0);
          assert.ok(inMinute.length <= 2 * limits.requestsPerMinute, `${inMinute.length} requests`);
          assert.ok(tokens <= 2 * limits.tokensPerMinute, `${tokens} tokens`);
        }
        assert.ok(taken.length <= 4 * limits.requestsPerMinute);
      }),
      { numRuns: 20 },
    );
  });

  it('says when to come back, and takes a request that does', () => {
    const limits = { requestsPerMinute: 2, tokensPerMinute: 1_000_000 };
    const requests = [0, 1, 2].map((id) => requestOf({ id, atMs: id }));
    const seen = sent({ ...MODEL, limits }, requests);
    assert.deepEqual(codes(seen), ['answered', 'answered', 'upstream-rate-limited']);
    const [end] = seen[2]?.ends ?? [];
    const waitMs = end?.kind === 'failed' ? (end.fault.retryAfterMs ?? 0) : 0;
    assert.ok(waitMs > 0 && waitMs <= 30_000, String(waitMs));
    const again = sent({ ...MODEL, limits }, [...requests, requestOf({ id: 3, atMs: 2 + waitMs })]);
    assert.equal(codes(again)[3], 'answered');
  });

  it('refuses what it has no place for, and is slower when it is nearly full', () => {
    const requests = Array.from({ length: 12 }, (_, id) => requestOf({ id, atMs: id }));
    const seen = codes(sent({ ...MODEL, slots: 10 }, requests));
    assert.equal(seen.filter((code) => code === 'upstream-overloaded').length, 2);
    const ttftMs = (slots: number): number => {
      const [end] = sent({ ...MODEL, slots }, requests)[9]?.ends ?? [];
      return end?.kind === 'answered' ? end.ttftMs : Number.NaN;
    };
    assert.ok(ttftMs(10) > 2 * ttftMs(1000), `${ttftMs(10)} against ${ttftMs(1000)}`);
  });

  it('has the weather that it is given', () => {
    const outages = [
      { fromMs: 1000, toMs: 2000 },
      { fromMs: 3000, toMs: 4000, kind: 'silence' as const },
    ];
    const requests = [500, 1500, 2500, 3500].map((atMs, id) => requestOf({ id, atMs }));
    assert.deepEqual(codes(sent({ ...MODEL, weather: { outages } }, requests)), [
      'answered',
      'upstream-overloaded',
      'answered',
      'none',
    ]);
  });
});

const THREE: readonly TargetModel[] = [
  { ...MODEL, id: 'a/m', weather: { errorRate: 0.3 }, slots: 6 },
  { ...MODEL, id: 'b/m', weather: { errorRate: 0.1, rateLimitRate: 0.2 } },
  { ...MODEL, id: 'c/m', weather: { outages: [{ fromMs: 5000, toMs: 20_000, kind: 'silence' }] } },
];
const IDS = THREE.map(({ id }) => id);

/** Steps, waits, hedges and first-token limits by lot. */
function erratic(seed: number): RouterOf {
  return () => ({
    course(request) {
      const throwDice = diceFor(seed, request.id);
      const id = (): string => IDS[Math.floor(throwDice() * IDS.length)] ?? '';
      return {
        next: (failures) =>
          failures.length >= 4 || throwDice() < 0.1
            ? { do: 'stop' }
            : { do: 'try', targetId: id(), afterMs: throwDice() < 0.5 ? 0 : throwDice() * 3000 },
        ...(throwDice() < 0.5
          ? { hedgeAfterMs: throwDice() * 800, hedge: () => (throwDice() < 0.3 ? undefined : id()) }
          : {}),
        ...(throwDice() < 0.5 ? { firstTokenMs: throwDice() * 900 } : {}),
      };
    },
  });
}

describe('a run', () => {
  it('ends every request once, and leaves nothing under way, whatever a router does', () => {
    fc.assert(
      fc.property(fc.nat(10_000), (seed) => {
        const requests = traffic({ seed, forMs: 30_000, perSecond: 6, turnsMax: 2 });
        const begun = new Map<string, number>();
        const run = simulate({
          seed,
          models: THREE,
          requests,
          router: (world) => {
            const router = erratic(seed)(world);
            const count = (id: number, by: number): void => {
              begun.set(String(id), (begun.get(String(id)) ?? 0) + by);
            };
            return {
              ...router,
              begun: (request) => count(request.id, 1),
              ended: (request) => count(request.id, -1),
            };
          },
        });
        assert.deepEqual(
          run.rows.map(({ request }) => request.id),
          requests.map(({ id }) => id),
        );
        assert.deepEqual([...new Set(begun.values())], [0]);
        for (const row of run.rows) {
          assert.ok((row.targetId === undefined) === (row.answer === undefined));
          assert.ok((row.targetId === undefined) !== (row.fault === undefined));
          if (row.answer !== undefined) assert.equal(row.nanoUsd - row.lostNanoUsd, row.answer.nanoUsd);
        }
        const attempts = run.rows.reduce((sum, row) => sum + row.attempts.length, 0);
        const arrived = [...run.loads.values()].reduce((sum, load) => sum + load.requests, 0);
        assert.equal(attempts, arrived);
      }),
      { numRuns: 40 },
    );
  });

  it('is the same again with the same seed', () => {
    const requests = traffic({ seed: 3, forMs: 60_000, perSecond: 5, turnsMax: 3 });
    const again = () => simulate({ seed: 3, models: THREE, requests, router: random(IDS) });
    assert.deepEqual(again(), again());
  });

  it('gives a request the same luck at a target, whoever sends it there', () => {
    const models = ['a/m', 'b/m'].map((id) => ({ ...MODEL, id }));
    const requests = traffic({ seed: 4, forMs: 60_000, perSecond: 2 });
    const timesOf = (router: RouterOf): ReadonlyMap<string, number | undefined> => {
      const { rows } = simulate({ seed: 4, models, requests, router });
      return new Map(rows.map((row) => [`${row.request.id} ${row.targetId}`, row.ttftMs]));
    };
    const a = timesOf(ordered(['a/m']));
    const mixed = timesOf(random(['a/m', 'b/m']));
    const both = [...mixed].filter(([key]) => a.has(key));
    assert.ok(both.length > 20);
    for (const [key, ttftMs] of both) assert.equal(ttftMs, a.get(key));
  });

  it('goes on with whichever of two attempts is sooner, and pays for both', () => {
    const models = [
      { ...MODEL, id: 'a/m', ttftMs: 5000 },
      { ...MODEL, id: 'b/m', ttftMs: 100 },
    ];
    const router: RouterOf = () => trying(() => ['a/m', 'b/m'], { hedgeAfterMs: 500 });
    const { rows } = simulate({ seed: 1, models, requests: [requestOf()], router });
    const [row] = rows;
    assert.deepEqual([row?.targetId, row?.attempts, row?.hedged], ['b/m', ['a/m', 'b/m'], true]);
    assert.ok((row?.ttftMs ?? 0) > 500 && (row?.ttftMs ?? 0) < 800);
    // The input of the cancelled one, nothing of its answer.
    assert.equal(row?.lostNanoUsd, 2_000_000n);
  });

  it('gives up a silent target at the first byte’s limit, and a slow one earlier where another is left', () => {
    const silent = {
      ...MODEL,
      id: 'a/m',
      weather: { outages: [{ fromMs: 0, toMs: 99_999, kind: 'silence' as const }] },
    };
    const models = [silent, { ...MODEL, id: 'b/m' }];
    const course =
      (firstTokenMs?: number): RouterOf =>
      () => {
        const router = trying(() => ['a/m', 'b/m']);
        return {
          course: (request, nowMs) => ({
            ...router.course(request, nowMs),
            ...(firstTokenMs === undefined ? {} : { firstTokenMs }),
          }),
        };
      };
    const ttftMs = (router: RouterOf): number =>
      simulate({ seed: 1, models, requests: [requestOf()], router }).rows[0]?.ttftMs ?? Number.NaN;
    const luck = ttftMs(ordered(['b/m']));
    assert.equal(ttftMs(course()), 10_000 + luck);
    assert.equal(ttftMs(course(1500)), 1500 + luck);
  });
});
