/**
 * What is old goes, by ranges and in small steps, and is never read into memory: the database copies and deletes it itself.
 * Receipts leave their sums behind, by posting and purses, so that the ledger can still be proved.
 */
import { sql, type Kysely } from 'kysely';
import { HORIZON } from './horizon.ts';
import { isPostgres } from './differences.ts';
import { lockNames } from './lock-purses.ts';
import { HOUR_MS } from './usage.ts';
import type { ReportBooks } from '../report-ports.ts';
import type { Tables } from './schema.ts';

/**
 * Rows of one step. SQLite's one writer waits for it, some ten milliseconds; PostgreSQL's do not, and each step there passes
 * over what the steps before it have left for vacuum: fewer of them are better.
 */
const STEP_ROWS = { sqlite: 300, postgres: 2000 };

function stepRows(db: Kysely<Tables>): number {
  return isPostgres(db) ? STEP_ROWS.postgres : STEP_ROWS.sqlite;
}

export function retentionBooks(db: Kysely<Tables>): Pick<ReportBooks, 'dropRequests' | 'dropReceipts'> {
  return {
    dropRequests: async (beforeMs) => {
      const rows = stepRows(db);
      const { numDeletedRows } = await db
        .deleteFrom('requests')
        .where('seq', 'in', (of) =>
          of
            .selectFrom('requests')
            .select('seq')
            .where('at', '<', BigInt(Math.floor(beforeMs)))
            .orderBy('at')
            .limit(rows),
        )
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows) === rows;
    },
    dropReceipts: async (beforeMs) => dropReceipts(db, BigInt(Math.floor(beforeMs / HOUR_MS))),
  };
}

/** Whole hours only. False where none is left. */
async function dropReceipts(db: Kysely<Tables>, hour: bigint): Promise<boolean> {
  const rows = stepRows(db);
  return db.transaction().execute(async (trx) => {
    // A price that is booked between two of these statements would go with its receipt, and be in no sum.
    await lockNames(trx, ['repricing']);
    await trx
      .insertInto('counters')
      .values({ name: HORIZON, value: hour })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: hour }).where('counters.value', '<', hour))
      .execute();
    const before = hour * BigInt(HOUR_MS);
    const step = sql`select id from receipts where at < ${before} order by at, id limit ${sql.lit(rows)}`;
    await sql`
      insert into receipt_sums (posting_id, key_id, purses, receipts, cost_nano_usd, charge_nano_usd)
      select posting_id, key_id, purses, count(*), coalesce(sum(cost_nano_usd), 0),
        coalesce(sum(coalesce(charge_nano_usd, cost_nano_usd)), 0)
      from receipts where id in (${step}) group by posting_id, key_id, purses`.execute(trx);
    await sql`
      insert into receipt_sums (posting_id, key_id, purses, receipts, cost_nano_usd, charge_nano_usd)
      select p.posting_id, r.key_id, r.purses, 0, sum(p.cost_nano_usd), sum(p.charge_nano_usd)
      from repricings p join receipts r on r.id = p.receipt_id
      where r.id in (${step}) group by p.posting_id, r.key_id, r.purses`.execute(trx);
    await sql`delete from repricings where receipt_id in (${step})`.execute(trx);
    const { numAffectedRows = 0n } = await sql`delete from receipts where id in (${step})`.execute(trx);
    return Number(numAffectedRows) === rows;
  });
}
