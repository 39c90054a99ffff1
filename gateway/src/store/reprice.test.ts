import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { inFolder, receipt, valueOf } from '../../test/store-kit.ts';
import { ok } from '../lib/result.ts';
import type { Price } from '../money/price.ts';
import { openBooks } from './books/books.ts';
import type { Books } from './books/form.ts';
import { openJournal } from './journal.ts';
import { receiptText } from './journal-entry.ts';
import type { AskReports } from './report-ports.ts';
import { repriceAll, type RepriceOrder } from './reprice.ts';

const PRICE: Price = { input: 2_000_000_000n, output: 10_000_000_000n };

/** 1,200 receipts without a price: 100 tokens in, 20 out. */
async function withUnpriced(test: (books: Books, reports: AskReports) => Promise<void>): Promise<void> {
  await inFolder(async (dataDir) => {
    const books = await openBooks({ dataDir, busyMs: 1000 });
    await books.createKey({
      id: 'key_a',
      name: 'a',
      isRoot: false,
      createdAtMs: 1,
      tags: [],
      hash: 'h',
      budgetNanoUsd: 1000n,
    });
    const journal = openJournal(dataDir, 'p1');
    for (let index = 0; index < 1200; index++) {
      const { costNanoUsd: _, ...unpriced } = receipt(`att_${index}`, { purses: ['bud_x@2026', '~bud_y'] });
      journal.append(receiptText('settled', unpriced));
    }
    await books.endProcess('p1', 1);
    await test(books, async (ask) => ok(await ask(books)));
    await books.close();
  });
}

const order: RepriceOrder = { isDryRun: false, reason: 'test', priceOf: () => PRICE, saleTo: () => ({}), now: () => 5 };

describe('re-pricing', () => {
  it('books what receipts cost in all of their purses, once', async () => {
    await withUnpriced(async (books, reports) => {
      const doubled = { ...order, saleTo: () => ({ chargeOf: (cost: bigint) => cost * 2n }) };
      const { priced, unknown } = valueOf(await repriceAll(reports, doubled));
      // 100 x 2,000 + 20 x 10,000 nano-dollars each.
      const all = 1200n * 400_000n;
      assert.deepEqual(priced, [{ provider: 'openai', model: 'gpt-5-mini', receipts: 1200, costNanoUsd: all }]);
      assert.deepEqual(unknown, []);
      assert.equal((await books.balances('key_a', '')).spentNanoUsd, all * 2n);
      assert.equal((await books.balances('bud_x@2026', '')).spentNanoUsd, all * 2n);
      assert.equal((await books.balances('bud_y', '')).spentNanoUsd, all);
      assert.deepEqual(valueOf(await repriceAll(reports, doubled)).priced, []);
      const { problems, spent_nano_usd } = await books.verify();
      assert.deepEqual(problems, []);
      assert.equal(spent_nano_usd, all);
      const { rows, groups } = await books.usage({ rowsMax: 1 });
      assert.deepEqual([rows[0]?.cost_nano_usd, rows[0]?.charge_nano_usd], [400_000n, 800_000n]);
      assert.deepEqual([groups[0]?.unpriced, groups[0]?.cost_nano_usd], [0, all]);
      const byHour = await books.usageBy({ by: ['hour'] });
      assert.deepEqual([byHour?.total.unpriced, byHour?.total.charge_nano_usd], [0, all * 2n]);
      await books.rebuildUsage();
      assert.deepEqual(await books.usageBy({ by: ['hour'] }), byHour);
    });
  });

  it('only looks in a dry run, and leaves out what it is not asked for', async () => {
    await withUnpriced(async (books, reports) => {
      const seen = valueOf(await repriceAll(reports, { ...order, isDryRun: true }));
      assert.equal(seen.priced[0]?.receipts, 1200);
      for (const other of [{ model: 'other' }, { sinceMs: 1_795_000_000_001 }])
        assert.deepEqual(valueOf(await repriceAll(reports, { ...order, ...other })).priced, []);
      const unknown = valueOf(await repriceAll(reports, { ...order, priceOf: () => undefined }));
      assert.equal(unknown.unknown[0]?.receipts, 1200);
      assert.equal((await books.balances('key_a', '')).spentNanoUsd, 0n);
    });
  });

  it('leaves a price alone that is booked', async () => {
    await withUnpriced(async (books, reports) => {
      valueOf(await repriceAll(reports, order));
      const price = { receiptId: 'att_1', costNanoUsd: 1n, chargeNanoUsd: 1n, laterChargeNanoUsd: 1n };
      assert.equal(await books.reprice([price], { reason: 'again', atMs: 6 }), 0);
      assert.deepEqual((await books.verify()).problems, []);
    });
  });

  it('tells once of each model whose price is not known', async () => {
    await withUnpriced(async (books) => {
      const { alerts } = await books.listAlerts({ limitMax: 10 });
      assert.deepEqual(
        alerts.map(({ kind, subject, told_at }) => [kind, subject, told_at]),
        [['price-unknown', 'openai/gpt-5-mini', null]],
      );
      await books.markTold([alerts[0]?.id ?? 0], 1000);
      assert.deepEqual(await books.listAlerts({ limitMax: 10, isUntold: true }), { alerts: [] });
      const again = { kind: 'price-unknown', subject: 'openai/gpt-5-mini', atMs: 9, body: {} };
      assert.equal(await books.putAlert(again), false);
      assert.equal(await books.putAlert({ ...again, subject: 'other' }), true);
    });
  });
});
