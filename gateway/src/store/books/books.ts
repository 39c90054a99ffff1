/**
 * The books: everything that is in the database, and the only code that speaks SQL. Slow by the measure of a request
 * (hundreds of microseconds, and a disk behind it), so the request's way never waits for it but when a lease runs out.
 */
import { join } from 'node:path';
import { Kysely, type Dialect } from 'kysely';
import { accessBooks } from './access.ts';
import { alertBooks } from './alert-list.ts';
import { auditBooks } from './audit.ts';
import { batchBooks, type Deaths } from './batches.ts';
import { budgetBooks } from './budgets.ts';
import { creditBooks } from './credits.ts';
import { fileBooks } from './files.ts';
import { feedbackBooks } from './feedback.ts';
import type { Books, BooksOptions } from './form.ts';
import { invoiceBooks } from './invoices.ts';
import { keyBooks } from './keys.ts';
import { leaseBooks } from './leases.ts';
import { priceBooks } from './prices.ts';
import { peopleBooks } from './people.ts';
import { paymentBooks } from './payments.ts';
import { planBooks } from './plans.ts';
import { receiptBooks } from './receipts.ts';
import { releaseBooks } from './release.ts';
import { replyBooks } from './replies.ts';
import { reportBooks } from './reports.ts';
import { retentionBooks } from './retention.ts';
import { requestBooks } from './requests.ts';
import { secretBooks } from './secrets.ts';
import { ensureDataDir } from '../secret.ts';
import { snapshotBooks } from './snapshots.ts';
import { migrate } from './migrations.ts';
import { isAlive } from './process-lock.ts';
import type { Tables } from './schema.ts';
import { openSqlite } from './sqlite.ts';

/** Name of the database in the data folder. */
export const DATABASE = 'turnout.db';

/** Opens the books, making or updating the database. */
export async function openBooks(options: BooksOptions): Promise<Books> {
  const { dataDir } = options;
  ensureDataDir(dataDir);
  const { db, deaths, close } = await openDatabase(options);
  return {
    ...keyBooks(db),
    ...secretBooks(db),
    ...budgetBooks(db),
    ...peopleBooks(db),
    ...accessBooks(db),
    ...auditBooks(db),
    ...leaseBooks(db),
    ...receiptBooks(db, dataDir),
    ...requestBooks(db),
    ...snapshotBooks(db),
    ...feedbackBooks(db),
    ...fileBooks(db),
    ...batchBooks(db, deaths),
    ...releaseBooks(db, { dataDir, deaths }),
    ...replyBooks(db),
    agree: async (mark, value) => agree(db, mark, value),
    ...creditBooks(db),
    ...paymentBooks(db),
    ...planBooks(db),
    ...invoiceBooks(db),
    ...reportBooks(db, dataDir),
    ...priceBooks(db),
    ...retentionBooks(db),
    ...alertBooks(db),
    close,
  };
}

async function agree(db: Kysely<Tables>, name: string, value: bigint): Promise<bigint> {
  await db
    .insertInto('counters')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  return (await db.selectFrom('counters').select('value').where('name', '=', name).executeTakeFirstOrThrow()).value;
}

interface Database {
  readonly db: Kysely<Tables>;
  readonly deaths: Deaths;
  readonly close: () => Promise<void>;
}

async function openDatabase({ dataDir, busyMs, url, ...more }: BooksOptions): Promise<Database> {
  if (url !== undefined) return openServer(url, more);
  const db = await migrated(openSqlite(join(dataDir, DATABASE), busyMs));
  const deaths: Deaths = async (ids) => ids.filter((id) => !isAlive(dataDir, id));
  return { db, deaths, close: async () => db.destroy() };
}

/** Read only where it is asked for: `pg` would cost every other start its time. */
async function openServer(
  url: string,
  { processId, deadAfterMs }: Pick<BooksOptions, 'processId' | 'deadAfterMs'>,
): Promise<Database> {
  const { openPostgres } = await import('./postgres.ts');
  const { deathsIn, proveLife } = await import('./postgres-life.ts');
  const db = await migrated(openPostgres(url));
  try {
    const life = processId === undefined ? undefined : await proveLife(url, processId);
    const close = async (): Promise<void> => {
      await life?.end();
      await db.destroy();
    };
    return { db, deaths: deathsIn(db, deadAfterMs), close };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function migrated(dialect: Dialect): Promise<Kysely<Tables>> {
  const db = new Kysely<Tables>({ dialect });
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return db;
}
