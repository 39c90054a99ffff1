/** What invoices say against a plain sum of the receipts: any span, any attempts, credits or not; and after receipts are gone. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { creditPurseOf, type InvoiceSums } from '../../src/store/billing-ports.ts';
import { openBooks } from '../../src/store/books/books.ts';
import type { Books } from '../../src/store/books/form.ts';
import { receiptText } from '../../src/store/journal-entry.ts';
import { openJournal } from '../../src/store/journal.ts';
import { receipt } from '../store-kit.ts';
import { STORES } from '../stores.ts';

const HOUR_MS = 3_600_000;
const QUARTER_MS = HOUR_MS / 4;
/** Each round has days of its own. */
const ROUND_MS = 20 * 24 * HOUR_MS;
const FIRST_MS = Date.parse('2026-10-01T00:00:00Z');

const used = fc.record({
  request: fc.integer({ min: 0, max: 5 }),
  model: fc.constantFrom('m', 'n'),
  /** In quarters of an hour, some of them to the millisecond. */
  quarter: fc.integer({ min: 0, max: 260 }),
  extraMs: fc.constantFrom(0, 0, 1, 1234),
  cost: fc.option(fc.bigInt({ min: 0n, max: 10n ** 12n }), { nil: undefined }),
  markup: fc.constantFrom(0n, 7n),
  isOnCredits: fc.boolean(),
  org: fc.constantFrom(undefined, 'default', 'other'),
});
type Used = typeof used extends fc.Arbitrary<infer T> ? T : never;
const batches = fc.array(fc.array(used, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 });
const spans = fc.array(fc.tuple(fc.integer({ min: -4, max: 270 }), fc.integer({ min: 8, max: 280 })), {
  minLength: 3,
  maxLength: 3,
});

/** By model: requests, attempts, unpriced, cost, charge, what credits paid. */
type Sums = ReadonlyMap<string, readonly (number | bigint)[]>;

function expected(all: readonly Used[], from: number, to: number): Sums {
  const seen = new Set<string>();
  const sums = new Map<string, [number, number, number, bigint, bigint, bigint]>();
  for (const one of all) {
    const name = `${one.request} ${one.model}`;
    const isFirst = !seen.has(name);
    seen.add(name);
    const at = one.quarter * QUARTER_MS + one.extraMs;
    if (one.org === 'other' || at < from || at >= to) continue;
    const sum = sums.get(one.model) ?? [0, 0, 0, 0n, 0n, 0n];
    const charge = one.cost === undefined ? 0n : one.cost + one.markup;
    sums.set(one.model, [
      sum[0] + (isFirst ? 1 : 0),
      sum[1] + 1,
      sum[2] + (one.cost === undefined ? 1 : 0),
      sum[3] + (one.cost ?? 0n),
      sum[4] + charge,
      sum[5] + (one.isOnCredits ? charge : 0n),
    ]);
  }
  return sums;
}

function told(sums: InvoiceSums | undefined): Sums {
  return new Map(
    sums?.lines.map((line) => [
      line.model,
      [line.requests, line.attempts, line.unpriced, line.costNanoUsd, line.chargeNanoUsd, line.creditsNanoUsd],
    ]),
  );
}

for (const kind of STORES)
  describe(`sums of invoices: ${kind.name}`, { skip: kind.skip }, () => {
    it('are those of the receipts, whenever the time begins and ends, and stay when the receipts go', async () => {
      const { place, remove } = await kind.make();
      const books = await openBooks({ ...place, busyMs: 1000 });
      await books.createKey({ id: 'key_a', name: 'a', isRoot: false, createdAtMs: 1, tags: [], hash: 'h' });
      let round = 0;
      try {
        await fc.assert(
          fc.asyncProperty(batches, spans, async (given, asked) => {
            round += 1;
            const startMs = FIRST_MS + round * ROUND_MS;
            const seen = new Set<string>();
            for (const [index, batch] of given.entries())
              await takenIn(books, { dataDir: place.dataDir, round, index, startMs, seen }, batch);
            const ask = async (from: number, to: number): Promise<Sums> =>
              told(await books.invoiceSums({ orgId: 'default', fromMs: startMs + from, toMs: startMs + to }));
            for (const [a, b] of asked) {
              const [from, to] = [Math.min(a, b - 8) * QUARTER_MS, b * QUARTER_MS];
              assert.deepEqual(await ask(from, to), expected(given.flat(), from, to), `${from} to ${to}`);
            }
            const day = 24 * HOUR_MS;
            const before = [await ask(0, day), await ask(day, 3 * day)];
            while (await books.dropReceipts(startMs + 2 * day + HOUR_MS));
            assert.deepEqual([await ask(0, day), await ask(day, 3 * day)], before);
            assert.deepEqual((await books.verify()).problems, []);
          }),
          { numRuns: 25 },
        );
      } finally {
        await books.close();
        await remove();
      }
    });
  });

interface Where {
  readonly dataDir: string;
  readonly round: number;
  readonly index: number;
  readonly startMs: number;
  /** Requests and models that have receipts: the ledger marks those after the first. */
  readonly seen: Set<string>;
}

/** As one process settles them: written, taken in, and once more, which changes nothing. */
async function takenIn(
  books: Books,
  { dataDir, round, index, startMs, seen }: Where,
  batch: readonly Used[],
): Promise<void> {
  const processId = `p${round}_${index}`;
  const journal = openJournal(dataDir, processId);
  for (const [place, one] of batch.entries()) {
    const name = `${one.request} ${one.model}`;
    const isRepeat = seen.has(name);
    seen.add(name);
    const { costNanoUsd: _, ...plain } = receipt(`r${round}_${index}_${place}`, {
      requestId: `r${round}_${one.request}`,
      model: one.model,
      atMs: startMs + one.quarter * QUARTER_MS + one.extraMs,
      purses: one.isOnCredits ? [creditPurseOf(one.org ?? 'default'), 'bud_x'] : ['bud_x'],
      labels: one.org === undefined ? {} : { orgId: one.org },
      isRepeat,
    });
    const money = one.cost === undefined ? {} : { costNanoUsd: one.cost, chargeNanoUsd: one.cost + one.markup };
    assert.ok(journal.append(receiptText('settled', { ...plain, ...money })));
  }
  journal.close();
  for (const _ of [1, 2]) await books.takeIn(processId, { segment: 1, offset: 0 }, startMs);
  await books.endProcess(processId, startMs);
}
