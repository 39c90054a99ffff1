/**
 * Locks that SQLite's single writer makes needless and PostgreSQL needs: of what is read before it is written. They are
 * held to the end of the transaction, so they come first in it, before any row is written; the audit log comes last.
 */
import { sql, type Transaction } from 'kysely';
import { isPostgres, lockOf } from './differences.ts';
import type { Tables } from './schema.ts';

/** Keeps other transactions from the money of these purses until this one ends. All of them at once: never a second time. */
export async function lockPurses(trx: Transaction<Tables>, ids: Iterable<string>): Promise<void> {
  await lockNames(
    trx,
    Array.from(ids, (id) => `purse ${id}`),
  );
}

/** The same for whatever else has a name. */
export async function lockNames(trx: Transaction<Tables>, names: readonly string[]): Promise<void> {
  if (names.length === 0 || !isPostgres(trx)) return;
  // In one order for all transactions, that of the locks: two that want the same ones cannot then wait for each other.
  const locks = [...new Set(names.map(lockOf))].toSorted((a, b) => (a < b ? -1 : 1));
  await sql`select pg_advisory_xact_lock(lock) from unnest(${`{${locks.join(',')}}`}::bigint[]) as lock`.execute(trx);
}
