/** Whether what was spent is what the receipts say: of every purse, and of every posting. Reads all receipts once, a page at a time. */
import { sql, type Kysely } from 'kysely';
import { sumsOf, type Booked } from './booked.ts';
import { toldOf, usd } from './ledger-problems.ts';
import type { Tables } from './schema.ts';

const PAGE = 10_000;

export async function receiptProblems(db: Kysely<Tables>): Promise<readonly string[]> {
  const purses = new Map<string, bigint>();
  const postings = new Map<string, bigint>();
  for await (const page of allPagesOf(db))
    for (const receipt of page)
      for (const [purseId, nanoUsd] of sumsOf([receipt])) {
        add(purses, purseId, nanoUsd);
        add(postings, String(receipt.posting_id), nanoUsd);
      }
  const spent = await db.selectFrom('accounts').select(['purse_id', 'balance']).where('kind', '=', 'spent').execute();
  const moved = await db
    .selectFrom('transfers')
    .select(['posting_id', sql<bigint>`sum(amount)`.as('sum')])
    .where('kind', 'in', ['spend', 'open-spend', 'overspend'])
    .groupBy('posting_id')
    .execute();
  return [
    ...toldOf(
      unequal(new Map(spent.map((row) => [row.purse_id, row.balance])), purses),
      ({ name, is, ought }) => `${name} has spent ${usd(is)}, its receipts sum to ${usd(ought)}`,
    ),
    ...toldOf(
      unequal(new Map(moved.map((row) => [String(row.posting_id), row.sum])), postings),
      ({ name, is, ought }) => `posting ${name} moved ${usd(is)}, its receipts sum to ${usd(ought)}`,
    ),
  ];
}

interface Unequal {
  readonly name: string;
  readonly is: bigint;
  readonly ought: bigint;
}

function unequal(found: ReadonlyMap<string, bigint>, expected: ReadonlyMap<string, bigint>): readonly Unequal[] {
  return [...new Set([...found.keys(), ...expected.keys()])]
    .map((name) => ({ name, is: found.get(name) ?? 0n, ought: expected.get(name) ?? 0n }))
    .filter(({ is, ought }) => is !== ought);
}

function add(sums: Map<string, bigint>, name: string, amount: bigint): void {
  sums.set(name, (sums.get(name) ?? 0n) + amount);
}

type Posted = Booked & { readonly posting_id: bigint };

/** Receipts, prices that became known later, and the sums of receipts that are gone: whatever was booked. */
async function* allPagesOf(db: Kysely<Tables>): AsyncGenerator<readonly Posted[]> {
  yield* pagesById(async (after) => receiptsAfter(db, after));
  yield* pagesById(async (after) => lateAfter(db, after));
  yield* gonePagesOf(db);
}

/** Page after page: each asked for by the id that the one before ended with. */
async function* pagesById<Row extends { readonly id: string }>(
  pageAfter: (id: string) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  for (let rows = await pageAfter(''); ;) {
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    rows = await pageAfter(last.id);
  }
}

async function receiptsAfter(db: Kysely<Tables>, id: string): Promise<readonly (Posted & { readonly id: string })[]> {
  return db
    .selectFrom('receipts')
    .select(['id', 'posting_id', 'key_id', 'cost_nano_usd', 'charge_nano_usd', 'purses'])
    .where('id', '>', id)
    .orderBy('id')
    .limit(PAGE)
    .execute();
}

/** Prices that became known later, each with the keys and purses of its receipt, and with its own posting. */
async function lateAfter(db: Kysely<Tables>, id: string): Promise<readonly (Posted & { readonly id: string })[]> {
  return db
    .selectFrom('repricings')
    .innerJoin('receipts', 'receipts.id', 'repricings.receipt_id')
    .select(['receipts.id', 'receipts.key_id', 'receipts.purses', 'repricings.posting_id'])
    .select(['repricings.cost_nano_usd', 'repricings.charge_nano_usd'])
    .where('receipts.id', '>', id)
    .orderBy('receipts.id')
    .limit(PAGE)
    .execute();
}

async function* gonePagesOf(db: Kysely<Tables>): AsyncGenerator<readonly Posted[]> {
  let after = -1n;
  for (;;) {
    // A posting's sums may be on two pages' border: by whole postings, some at a time.
    const postings = await db
      .selectFrom('receipt_sums')
      .select('posting_id')
      .distinct()
      .where('posting_id', '>', after)
      .orderBy('posting_id')
      .limit(PAGE)
      .execute();
    const last = postings.at(-1);
    if (last === undefined) return;
    yield await db
      .selectFrom('receipt_sums')
      .select(['posting_id', 'key_id', 'purses', 'cost_nano_usd', 'charge_nano_usd'])
      .where('posting_id', '>', after)
      .where('posting_id', '<=', last.posting_id)
      .execute();
    after = last.posting_id;
  }
}
