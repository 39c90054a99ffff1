import { payerOf } from './payer.ts';
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { openSync, writeSync } from 'node:fs';
import { held, opening, receipt, spendOnce } from '../../test/store-kit.ts';
import { inStore, look, type StorePlace } from '../../test/stores.ts';
import type { Books, DrawOrder } from './books/form.ts';
import { openBooks } from './books/books.ts';
import { openJournal, segmentsOf, type JournalDisk } from './journal.ts';
import { LedgerBook } from './ledger.ts';
import { isHold, type Hold, type KeyRow } from './ports.ts';
import type { Patience } from './purse-ports.ts';
import { StoreError } from './books/sqlite.ts';

const AT = 1_795_000_000_000;

interface Bench {
  readonly ledger: LedgerBook;
  readonly books: Books;
  readonly key: KeyRow;
  readonly draws: readonly DrawOrder[];
  /** Makes the store fail (`busy`) or work again. */
  readonly setBusy: (isBusy: boolean) => void;
  /** Makes the disk refuse bytes, or take them again. */
  readonly setFull: (isFull: boolean) => void;
  readonly passMs: (ms: number) => void;
  /** Resolves when the store has all that was given back so far: the ledger waits for none of it. */
  readonly returned: () => Promise<unknown>;
  readonly warnings: readonly string[];
  readonly dir: string;
  readonly place: StorePlace;
}

/** A ledger over real books and a real journal, with a clock, a store and a disk that the test holds in its hand. */
async function withLedger(budgetNanoUsd: bigint | undefined, run: (bench: Bench) => Promise<void>): Promise<void> {
  await inStore(async (place) => {
    const { dataDir: dir } = place;
    const real = await openBooks({ ...place, busyMs: 100 });
    const draws: DrawOrder[] = [];
    const returns: Promise<void>[] = [];
    const warnings: string[] = [];
    let isBusy = false;
    let isFull = false;
    let nowMs = 0;
    const refuse = (): void => {
      if (isBusy) throw new StoreError('database is locked', 'busy');
    };
    const books: Books = {
      ...real,
      draw: async (order) => {
        refuse();
        draws.push(order);
        return real.draw(order);
      },
      giveBack: async (order) => {
        refuse();
        const given = real.giveBack(order);
        returns.push(given);
        return given;
      },
      takeIn: async (...args) => {
        refuse();
        return real.takeIn(...args);
      },
    };
    const disk: JournalDisk = {
      open: (path) => openSync(path, 'ax', 0o600),
      write: (fd, text) => writeSync(fd, isFull ? text.slice(0, 9) : text),
    };
    const { id, ...row } = await real.createKey({
      id: 'key_a',
      name: 'team "a"',
      isRoot: false,
      createdAtMs: AT,
      tags: [],
      hash: 'h',
      ...(budgetNanoUsd === undefined ? {} : { budgetNanoUsd }),
    });
    const ledger = new LedgerBook({
      books,
      journal: openJournal(dir, 'p1', disk),
      processId: 'p1',
      now: () => AT + nowMs,
      monotonicMs: () => nowMs,
      warn: (text) => warnings.push(text),
    });
    await run({
      ledger,
      books,
      key: { id, ...row },
      draws,
      returned: async () => Promise.all(returns),
      warnings,
      dir,
      place,
      setBusy: (busy) => {
        isBusy = busy;
      },
      setFull: (full) => {
        isFull = full;
      },
      passMs: (ms) => {
        nowMs += ms;
      },
    });
    await real.close();
  });
}

/** The hold, which must be given without any waiting. */
function heldAtOnce(result: ReturnType<LedgerBook['hold']>): Hold {
  assert.ok(!(result instanceof Promise), 'it waited');
  assert.ok(isHold(result), isHold(result) ? '' : result.message);
  return result;
}

function patience(requestId: string, more: Partial<Patience> = {}): Patience & { readonly requestId: string } {
  return { requestId, waitMs: 5000, signal: new AbortController().signal, ...more };
}

async function settledSum({ ledger, books }: Bench): Promise<bigint> {
  await ledger.flush();
  const report = await books.verify();
  assert.deepEqual(report.problems, []);
  return report.spent_nano_usd;
}

describe('a hold', () => {
  it('of a key without a budget asks no store and is billed all the same', async () => {
    await withLedger(undefined, async (bench) => {
      const { ledger, key, draws } = bench;
      bench.setBusy(true);
      const hold = heldAtOnce(ledger.hold(payerOf(key), 10n ** 15n, 'r'));
      assert.equal(hold.isBudgeted, false);
      assert.equal(ledger.open(hold, opening('a', { worstNanoUsd: 10n ** 15n })), undefined);
      assert.ok(ledger.settle(hold, receipt('a', { costNanoUsd: 77n })));
      ledger.release(hold);
      bench.setBusy(false);
      assert.equal(await settledSum(bench), 77n);
      assert.equal(draws.length, 0);
    });
  });

  it('waits for one draw at first, and is given at once afterwards', async () => {
    await withLedger(8000n, async ({ ledger, key, draws }) => {
      ledger.release(await held(ledger, key, 100n));
      for (let i = 0; i < 50; i++) ledger.release(heldAtOnce(ledger.hold(payerOf(key), 100n, 'r')));
      assert.equal(draws.length, 1);
    });
  });

  it('shares one draw with all that wait', async () => {
    await withLedger(1_000_000n, async ({ ledger, key, draws }) => {
      const first = ledger.hold(payerOf(key), 10n, 'r0');
      const rest = Array.from({ length: 500 }, (_, i) => ledger.hold(payerOf(key), 700n, `r${i}`));
      const holds = await Promise.all([first, ...rest]);
      assert.ok(holds.every(isHold));
      assert.ok(draws.length <= 2, `${draws.length} draws`);
    });
  });

  it('is refused when the budget cannot cover it, with all figures, and a smaller one is given', async () => {
    await withLedger(2_000_000_000n, async ({ ledger, key }) => {
      const first = await held(ledger, key, 1_500_000_000n);
      const refused = await ledger.hold(payerOf(key), 600_000_000n, 'r');
      assert.ok(!isHold(refused));
      assert.equal(refused.code, 'budget-exceeded');
      assert.match(
        refused.message,
        /budget of key "team "a"" has too little left for this request: limit 2 USD, spent 0 USD, held 1\.5 USD/,
      );
      const small = await held(ledger, key, 500_000_000n);
      ledger.open(first, opening('a'));
      ledger.settle(first, receipt('a', { costNanoUsd: 1_250_000_000n }));
      ledger.release(first);
      const again = await ledger.hold(payerOf(key), 600_000_000n, 'r');
      assert.ok(!isHold(again));
      assert.match(again.message, /spent 1\.25 USD, held 0\.5 USD/);
      ledger.release(small);
    });
  });

  it('refuses only those who do not fit', async () => {
    await withLedger(100n, async ({ ledger, key }) => {
      const results = await Promise.all(
        [150n, 60n, 50n, 40n, 1n].map(async (worst) => ledger.hold(payerOf(key), worst, 'r')),
      );
      assert.deepEqual(results.map(isHold), [false, true, false, true, false]);
    });
  });

  it('is refused from memory for a moment after the store had too little, and asks again later', async () => {
    await withLedger(100n, async ({ ledger, key, draws, passMs }) => {
      await ledger.hold(payerOf(key), 200n, 'r');
      for (let i = 0; i < 1000; i++) assert.ok(!(ledger.hold(payerOf(key), 200n + BigInt(i), 'r') instanceof Promise));
      assert.equal(draws.length, 1);
      assert.ok(isHold(await ledger.hold(payerOf(key), 90n, 'r')), 'a smaller one asks at once');
      passMs(300);
      await ledger.hold(payerOf(key), 200n, 'r');
      assert.equal(draws.length, 3);
    });
  });

  it('gets what a released one gave back, without the store', async () => {
    await withLedger(100n, async (bench) => {
      const { ledger, key } = bench;
      const first = await held(ledger, key, 100n);
      bench.setBusy(true);
      const waiting = ledger.hold(payerOf(key), 100n, 'r');
      assert.ok(waiting instanceof Promise);
      ledger.release(first);
      assert.ok(isHold(await waiting));
    });
  });

  it('books its attempts at one place as one request, and at another as one more', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key, books } = bench;
      const hold = await held(ledger, key, 1000n);
      for (const [id, model] of [
        ['a', 'gpt-5-mini'],
        ['b', 'gpt-5-mini'],
        ['c', 'gpt-5'],
      ] as const) {
        ledger.open(hold, opening(id, { model }));
        ledger.settle(hold, receipt(id, { model, costNanoUsd: 10n, requestId: hold.requestId }));
      }
      ledger.release(hold);
      assert.equal(await settledSum(bench), 30n);
      const found = await look(bench.place, 'select id, is_first from receipts order by id');
      assert.deepEqual(
        found.map(({ id, is_first: isFirst }) => [id, Number(isFirst)]),
        [
          ['a', 1],
          ['b', 0],
          ['c', 1],
        ],
      );
      assert.deepEqual((await books.verify()).problems, []);
    });
  });

  it('that is patient gets what others held and did not spend, in the order of asking', async () => {
    await withLedger(100n, async (bench) => {
      const { ledger, key } = bench;
      const first = await held(ledger, key, 90n);
      const order: string[] = [];
      const waiting = ['a', 'b'].map(async (name) => {
        const hold = await ledger.holdPatiently(payerOf(key), 40n, patience(name));
        order.push(name);
        return hold;
      });
      ledger.open(first, opening('x', { worstNanoUsd: 90n }));
      ledger.settle(first, receipt('x', { costNanoUsd: 10n }));
      ledger.release(first);
      assert.ok((await Promise.all(waiting)).every(isHold));
      assert.deepEqual(order, ['a', 'b']);
      assert.deepEqual(ledger.figures(key.id), { leasedNanoUsd: 80n, heldNanoUsd: 80n });
    });
  });

  it('that is patient is refused at once where all that others hold would not be enough', async () => {
    await withLedger(100n, async (bench) => {
      const { ledger, key } = bench;
      await spendOnce(ledger, key, { attemptId: 'x', worst: 60n, cost: 60n });
      const first = await held(ledger, key, 40n);
      const refused = await ledger.holdPatiently(payerOf(key), 41n, patience('b'));
      assert.ok(!isHold(refused) && refused.code === 'budget-exceeded');
      // From memory now, as the store was asked a moment ago.
      assert.ok(!(ledger.holdPatiently(payerOf(key), 41n, patience('c')) instanceof Promise));
      ledger.release(first);
      assert.ok(isHold(await ledger.hold(payerOf(key), 40n, 'r')));
    });
  });

  it('that is patient is refused when its time is over, or its caller gone, or nobody holds anything any more', async () => {
    await withLedger(100n, async (bench) => {
      const { ledger, key } = bench;
      const first = await held(ledger, key, 90n);
      const gone = new AbortController();
      const late = ledger.holdPatiently(payerOf(key), 40n, patience('late', { waitMs: 100 }));
      const lost = ledger.holdPatiently(payerOf(key), 40n, patience('lost', { signal: gone.signal }));
      const last = ledger.holdPatiently(payerOf(key), 95n, patience('last'));
      gone.abort();
      bench.passMs(101);
      for (const waiting of [late, lost]) {
        const refused = await waiting;
        assert.ok(!isHold(refused) && refused.code === 'budget-exceeded');
      }
      ledger.open(first, opening('x', { worstNanoUsd: 90n }));
      ledger.settle(first, receipt('x', { costNanoUsd: 10n }));
      ledger.release(first);
      const refused = await last;
      assert.ok(!isHold(refused), 'only 90 are left');
      assert.match(refused.message, /spent 0\.00000001 USD, held 0 USD/);
    });
  });

  it('waits while the store is busy, and is served when it is back', async (t) => {
    await withLedger(8000n, async (bench) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      bench.setBusy(true);
      const waiting = bench.ledger.hold(payerOf(bench.key), 10n, 'r');
      for (let i = 0; i < 100; i++) {
        await Promise.resolve();
        bench.passMs(100);
        t.mock.timers.tick(100);
      }
      assert.ok(bench.ledger.health().storeAwayMs > 9000);
      bench.setBusy(false);
      await Promise.resolve();
      bench.passMs(100);
      t.mock.timers.tick(100);
      assert.ok(isHold(await waiting));
      assert.equal(bench.ledger.health().storeAwayMs, 0);
      assert.deepEqual(bench.warnings, ['the store does not work: database is locked', 'the store works again']);
    });
  });

  it('is refused as our trouble, not as the budget, when the store stays away', async (t) => {
    await withLedger(8000n, async (bench) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      bench.setBusy(true);
      const waiting = bench.ledger.hold(payerOf(bench.key), 10n, 'r');
      for (let i = 0; i < 160; i++) {
        await Promise.resolve();
        bench.passMs(100);
        t.mock.timers.tick(100);
      }
      const refused = await waiting;
      assert.ok(!isHold(refused));
      assert.equal(refused.code, 'store-unavailable');
    });
  });

  it('is given from the lease while the store is away', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key } = bench;
      ledger.release(await held(ledger, key, 10n));
      bench.setBusy(true);
      let served = 0;
      for (; served < 40; served++) {
        const hold = heldAtOnce(ledger.hold(payerOf(key), 20n, 'r'));
        ledger.open(hold, opening(`a${served}`));
        ledger.settle(hold, receipt(`a${served}`, { costNanoUsd: 20n }));
        ledger.release(hold);
      }
      bench.setBusy(false);
      assert.equal(await settledSum(bench), 800n);
    });
  });
});

describe('a receipt', () => {
  it('is written once, whatever is called how often', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key } = bench;
      const hold = await held(ledger, key, 100n);
      assert.equal(ledger.open(hold, opening('a')), undefined);
      assert.equal(ledger.open(hold, opening('b')), undefined);
      assert.equal(ledger.settle(hold, receipt('a', { costNanoUsd: 30n })), true);
      assert.equal(ledger.settle(hold, receipt('a', { costNanoUsd: 30n })), false);
      assert.equal(ledger.settle(hold, receipt('never', { costNanoUsd: 30n })), false);
      assert.equal(ledger.discard(hold, 'b'), true);
      assert.equal(ledger.discard(hold, 'b'), false);
      assert.equal(ledger.settle(hold, receipt('b', { costNanoUsd: 30n })), false);
      assert.equal(hold.leftNanoUsd, 70n);
      ledger.release(hold);
      ledger.release(hold);
      assert.deepEqual(ledger.figures(key.id).heldNanoUsd, 0n);
      assert.equal(await settledSum(bench), 30n);
      assert.throws(() => ledger.open(hold, opening('c')), /after its hold was released/);
    });
  });

  it('of another hold is not taken', async () => {
    await withLedger(8000n, async ({ ledger, key }) => {
      const [one, two] = [await held(ledger, key, 100n), await held(ledger, key, 100n)];
      ledger.open(one, opening('a'));
      assert.equal(ledger.settle(two, receipt('a')), false);
      assert.equal(ledger.discard(two, 'a'), false);
      assert.equal(ledger.settle(one, receipt('a')), true);
      assert.throws(() => ledger.release({ ...one }), TypeError);
    });
  });

  it('is written for attempts that a request forgot to settle', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key, books } = bench;
      const hold = await held(ledger, key, 100n);
      ledger.open(hold, opening('a', { estimateNanoUsd: 12n }));
      ledger.open(hold, opening('b', { estimateNanoUsd: 13n }));
      ledger.release(hold);
      assert.equal(ledger.health().openAttempts, 0);
      assert.equal(await settledSum(bench), 25n);
      assert.deepEqual(
        (await books.usage({})).rows.map((row) => row.outcome),
        ['interrupted', 'interrupted'],
      );
    });
  });

  it('of an attempt without a known price costs nothing and says so', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key, books } = bench;
      const hold = await held(ledger, key, 100n);
      const { costNanoUsd: _, ...unpriced } = receipt('a');
      ledger.open(hold, opening('a'));
      ledger.settle(hold, unpriced);
      ledger.release(hold);
      await settledSum(bench);
      assert.equal((await books.usage({})).rows[0]?.cost_nano_usd, null);
    });
  });

  it('of an attempt that puts nothing aside is booked in a purse that nobody has drawn from', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key, books } = bench;
      // A budget of the provider that was made after the money was held, as for a batch that is with it.
      const pursesAt = () => ({ hard: [{ id: 'bud_p', owner: 'budget' }], booked: ['~bud_p'] });
      const hold = await ledger.hold({ ...payerOf(key), pursesAt }, 100n, 'r');
      assert.ok(isHold(hold));
      assert.equal(ledger.open(hold, opening('a')), undefined);
      assert.ok(ledger.settle(hold, receipt('a', { costNanoUsd: 70n })));
      ledger.release(hold);
      assert.equal(await settledSum(bench), 70n);
      assert.equal((await books.balances('bud_p', 'p1')).spentNanoUsd, 70n);
      assert.deepEqual((await books.verify()).problems, []);
    });
  });

  it('with an impossible cost is kept, and charges nobody', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key, books } = bench;
      for (const [index, costNanoUsd] of [-5n, 10n ** 30n].entries()) {
        const hold = await held(ledger, key, 100n);
        ledger.open(hold, opening(`a${index}`, { estimateNanoUsd: costNanoUsd }));
        ledger.settle(hold, receipt(`a${index}`, { costNanoUsd }));
        ledger.release(hold);
      }
      assert.equal(await settledSum(bench), 0n);
      assert.deepEqual(
        (await books.usage({})).rows.map((row) => [row.cost_nano_usd, row.estimated]),
        [
          [null, true],
          [null, true],
        ],
      );
    });
  });

  it('that is dearer than the hold is recorded as it is, and stops what the budget cannot cover', async () => {
    await withLedger(1000n, async (bench) => {
      const { ledger, key } = bench;
      const hold = await held(ledger, key, 900n);
      ledger.open(hold, opening('a'));
      ledger.settle(hold, receipt('a', { costNanoUsd: 1200n }));
      ledger.release(hold);
      const next = await ledger.hold(payerOf(key), 1n, 'r');
      assert.ok(!isHold(next));
      assert.match(next.message, /limit 0\.000001 USD, spent 0\.0000012 USD, held 0 USD/);
      assert.ok(isHold(await ledger.hold(payerOf(key), 0n, 'r')), 'what costs nothing goes on');
      assert.equal(await settledSum(bench), 1200n);
    });
  });

  it('that is dearer than the hold is covered by the rest of the budget where there is one', async () => {
    await withLedger(10_000n, async (bench) => {
      const { ledger, key, books } = bench;
      const hold = await held(ledger, key, 100n);
      ledger.open(hold, opening('a'));
      ledger.settle(hold, receipt('a', { costNanoUsd: 5000n }));
      ledger.release(hold);
      ledger.release(await held(ledger, key, 4000n));
      assert.equal(await settledSum(bench), 5000n);
      const { limitNanoUsd, spentNanoUsd, leasedHereNanoUsd } = await books.balances(key.id, 'p1');
      assert.ok(spentNanoUsd + leasedHereNanoUsd <= limitNanoUsd);
    });
  });
});

describe('attempts of one request', () => {
  it('do not count on the same money', async () => {
    await withLedger(250n, async ({ ledger, key }) => {
      const hold = await held(ledger, key, 100n);
      assert.equal(ledger.open(hold, opening('a', { worstNanoUsd: 100n })), undefined);
      assert.equal(ledger.open(hold, opening('b', { worstNanoUsd: 100n }))?.code, 'budget-exceeded');
      assert.equal(await ledger.extend(hold, opening('b', { worstNanoUsd: 100n })), undefined);
      assert.equal(ledger.open(hold, opening('b', { worstNanoUsd: 100n })), undefined);
      assert.equal(hold.leftNanoUsd, 200n);
      assert.equal((await ledger.extend(hold, opening('x', { worstNanoUsd: 100n })))?.code, 'budget-exceeded');
      ledger.settle(hold, receipt('a', { costNanoUsd: 40n }));
      ledger.discard(hold, 'b');
      assert.equal(await ledger.extend(hold, opening('c', { worstNanoUsd: 160n })), undefined, 'still covered');
      assert.equal(ledger.open(hold, opening('c', { worstNanoUsd: 160n })), undefined);
      ledger.settle(hold, receipt('c', { costNanoUsd: 160n }));
      ledger.release(hold);
      assert.deepEqual(ledger.figures(key.id), { leasedNanoUsd: 0n, heldNanoUsd: 0n });
    });
  });

  it('get back what they were promised when the request ended while it waited', async () => {
    await withLedger(1000n, async ({ ledger, key }) => {
      const hold = await held(ledger, key, 100n);
      const extended = ledger.extend(hold, opening('a', { worstNanoUsd: 900n }));
      ledger.release(hold);
      await extended;
      assert.equal(ledger.figures(key.id).heldNanoUsd, 0n);
    });
  });
});

describe('a full disk', () => {
  it('loses no receipt, stops new requests, and is noticed when it has room again', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key, setFull, warnings } = bench;
      const hold = await held(ledger, key, 100n);
      ledger.open(hold, opening('a'));
      ledger.open(hold, opening('b'));
      setFull(true);
      assert.equal(ledger.settle(hold, receipt('a', { costNanoUsd: 30n })), true);
      assert.equal(ledger.settle(hold, receipt('b', { costNanoUsd: 20n })), true);
      ledger.release(hold);
      const { isHealthy, unwrittenReceipts, reason } = ledger.health();
      assert.deepEqual([isHealthy, unwrittenReceipts], [false, 2]);
      assert.match(reason ?? '', /disk full/);
      const refused = ledger.hold(payerOf(key), 1n, 'r');
      assert.ok(!(refused instanceof Promise) && !isHold(refused) && refused.code === 'store-unavailable');
      ledger.tend();
      assert.equal(ledger.health().isHealthy, false);
      setFull(false);
      ledger.tend();
      assert.equal(ledger.health().isHealthy, true);
      assert.equal(warnings.length, 2);
      ledger.release(await held(ledger, key, 1n));
      assert.equal(await settledSum(bench), 50n);
    });
  });

  it('stops an attempt before its first byte', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key, setFull } = bench;
      const hold = await held(ledger, key, 100n);
      setFull(true);
      assert.equal(ledger.open(hold, opening('a'))?.code, 'store-unavailable');
      setFull(false);
      assert.equal(ledger.open(hold, opening('a'))?.code, 'store-unavailable', 'until the disk was tried');
      ledger.tend();
      assert.equal(ledger.open(hold, opening('a')), undefined);
      ledger.discard(hold, 'a');
      ledger.release(hold);
      assert.equal(await settledSum(bench), 0n);
    });
  });
});

describe('money that lies idle', () => {
  it('goes back to the store after a minute, also where the store counts a little more', async () => {
    await withLedger(8000n, async (bench) => {
      const { ledger, key, books, passMs, returned } = bench;
      await spendOnce(ledger, key, { attemptId: 'a', worst: 100n, cost: 60n });
      passMs(59_000);
      ledger.tend();
      assert.ok((await books.balances(key.id, 'p1')).leasedHereNanoUsd > 0n);
      passMs(2000);
      ledger.tend();
      assert.ok(
        (await books.balances(key.id, 'p1')).leasedHereNanoUsd > 0n,
        'not before the store knows what was spent',
      );
      await ledger.flush();
      ledger.tend();
      await returned();
      assert.equal((await books.balances(key.id, 'p1')).leasedHereNanoUsd, 0n);
      await spendOnce(ledger, key, { attemptId: 'b', worst: 100n, cost: 60n });
      assert.equal(await settledSum(bench), 120n);
    });
  });

  it('goes back at once when another process lacks it, but for what is held', async () => {
    await withLedger(8000n, async ({ ledger, key, books, returned }) => {
      const hold = await held(ledger, key, 100n);
      ledger.recall(key.id);
      await returned();
      assert.equal((await books.balances(key.id, 'p1')).leasedHereNanoUsd, 100n);
      ledger.release(hold);
      ledger.release(await held(ledger, key, 100n));
    });
  });
});

describe('a journal that hardly grows', () => {
  it('is read again at the end without what was taken in long ago, and may be gone', async () => {
    await withLedger(undefined, async ({ ledger, key, books, passMs }) => {
      const spend = (id: string): void => {
        const hold = heldAtOnce(ledger.hold(payerOf(key), 0n, id));
        ledger.open(hold, opening(id));
        ledger.settle(hold, receipt(id, { costNanoUsd: 5n }));
        ledger.release(hold);
      };
      for (let day = 0; day < 40; day++) {
        spend(`a${day}`);
        await ledger.pump();
        passMs(24 * 3_600_000);
        await ledger.pump();
        await ledger.flush();
      }
      while (await books.dropReceipts(AT + 3_600_000));
      await ledger.stop();
      await books.endProcess('p1', AT);
      assert.equal((await books.balances(key.id, 'p1')).spentNanoUsd, 200n);
      assert.deepEqual((await books.verify()).problems, []);
    });
  });
});

describe('a journal that grows', () => {
  it('keeps the attempts that are open across its segments, for a crash', async () => {
    await withLedger(undefined, async ({ ledger, key, books, dir }) => {
      const long = heldAtOnce(ledger.hold(payerOf(key), 0n, 'r'));
      ledger.open(long, opening('long', { estimateNanoUsd: 3n }));
      const model = 'm'.repeat(200_000);
      for (let i = 0; i < 100; i++) {
        const hold = heldAtOnce(ledger.hold(payerOf(key), 0n, 'r'));
        ledger.open(hold, opening(`a${i}`));
        ledger.settle(hold, receipt(`a${i}`, { costNanoUsd: 1n, model }));
        ledger.release(hold);
        if (i % 10 === 0) await ledger.pump();
      }
      await ledger.flush();
      await ledger.pump();
      assert.ok(
        segmentsOf(dir, 'p1').every((segment) => segment > 1),
        `segments ${segmentsOf(dir, 'p1').join()}`,
      );
      // The process dies here: it never held a lock, so it counts as dead.
      await books.recover(AT);
      const { total_nano_usd, receipts, rows } = await books.usage({});
      assert.deepEqual([total_nano_usd, receipts], [103n, 101]);
      assert.equal(rows.find((row) => row.id === 'long')?.outcome, 'interrupted');
      assert.deepEqual((await books.verify()).problems, []);
    });
  });
});
