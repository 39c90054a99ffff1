/**
 * The books: everything that is in the database, and the only code that speaks SQL. Slow by the measure of a request
 * (hundreds of microseconds, and a disk behind it), so the request's way never waits for it but when a lease runs out.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import { alertBooks } from './books-alerts.ts';
import { auditBooks } from './books-audit.ts';
import { batchBooks } from './books-batches.ts';
import { budgetBooks } from './books-budgets.ts';
import { fileBooks } from './books-files.ts';
import { feedbackBooks } from './books-feedback.ts';
import type { Books, BooksOptions } from './books-form.ts';
import { keyBooks } from './books-keys.ts';
import { leaseBooks } from './books-leases.ts';
import { priceBooks } from './books-prices.ts';
import { receiptBooks } from './books-receipts.ts';
import { reportBooks } from './books-reports.ts';
import { requestBooks } from './books-requests.ts';
import { snapshotBooks } from './books-snapshots.ts';
import { migrate } from './migrations.ts';
import type { Tables } from './schema.ts';
import { openSqlite } from './sqlite.ts';

/** Name of the database in the data folder. */
export const DATABASE = 'turnout.db';

/** Opens the books, making or updating the database. */
export async function openBooks(options: BooksOptions): Promise<Books> {
  const { dataDir, busyMs } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = new Kysely<Tables>({ dialect: openSqlite(join(dataDir, DATABASE), busyMs) });
  try {
    await migrate(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return {
    ...keyBooks(db),
    ...budgetBooks(db),
    ...auditBooks(db),
    ...leaseBooks(db),
    ...receiptBooks(db, dataDir),
    ...requestBooks(db),
    ...snapshotBooks(db),
    ...feedbackBooks(db),
    ...fileBooks(db),
    ...batchBooks(db, dataDir),
    ...reportBooks(db, dataDir),
    ...priceBooks(db),
    ...alertBooks(db),
    close: async () => db.destroy(),
  };
}
