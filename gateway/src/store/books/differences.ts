/** Where SQLite and PostgreSQL differ in what they must be told. All else of the books is the same for both. */
import { createHash } from 'node:crypto';
import { PostgresAdapter, sql, type Kysely, type RawBuilder } from 'kysely';
import { jsonText } from '../../lib/json-text.ts';
import type { Tables } from './schema.ts';

/** Whether this database is PostgreSQL; else it is SQLite. */
export function isPostgres(db: Kysely<Tables>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/** Rows that the database does not have as a table with columns of these names, whole numbers and texts; sent as one parameter. */
export function rowsIn<Name extends string>(
  db: Kysely<Tables>,
  rows: readonly Readonly<Record<Name, string | bigint>>[],
  names: readonly Name[],
): RawBuilder<unknown> {
  const first = rows[0];
  const columns = names.map((name) => {
    const type = typeof first?.[name] === 'bigint' ? sql`bigint` : sql`text`;
    return sql`cast(value ->> ${sql.lit(name)} as ${type}) as ${sql.ref(name)}`;
  });
  const text = jsonText(rows);
  const table = isPostgres(db)
    ? sql`json_array_elements(cast(${text} as json)) as sent(value)`
    : sql`json_each(${text}) as sent`;
  return sql`select ${sql.join(columns)} from ${table}`;
}

/** One view of the database for several queries, without keeping writers out. */
export async function oneView<T>(db: Kysely<Tables>, read: (view: Kysely<Tables>) => Promise<T>): Promise<T> {
  if (isPostgres(db))
    return db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (view) => {
        // Sums by many words are hashed in memory; with the usual 4 MB they would be sorted on the disk.
        await sql`set local work_mem = '64MB'`.execute(view);
        return read(view);
      });
  return db.connection().execute(async (connection) => {
    await sql`begin deferred`.execute(connection);
    try {
      return await read(connection);
    } finally {
      await sql`commit`.execute(connection);
    }
  });
}

/**
 * Does something on one connection while no other process does the same, however long it takes. Nothing in SQLite, where
 * what is done is a transaction, and keeps other writers out.
 */
export async function alone(db: Kysely<Tables>, work: (held: Kysely<Tables>) => Promise<void>): Promise<void> {
  if (!isPostgres(db)) return work(db);
  await db.connection().execute(async (held) => {
    await sql`set statement_timeout = 0; set lock_timeout = 0`.execute(held);
    await sql`select pg_advisory_lock(${lockOf('migration')})`.execute(held);
    try {
      await work(held);
    } finally {
      await sql`select pg_advisory_unlock(${lockOf('migration')})`.execute(held);
      await sql`reset statement_timeout; reset lock_timeout`.execute(held);
    }
  });
}

/**
 * Brings all commits so far to the disk. What is taken away afterwards (journals) would else be missing after a power cut.
 * In SQLite one commit in full mode syncs the log that holds them all; PostgreSQL has synced each when it was made.
 */
export async function syncToDisk(db: Kysely<Tables>): Promise<void> {
  if (isPostgres(db)) return;
  await db.connection().execute(async (connection) => {
    await sql`pragma synchronous = full`.execute(connection);
    try {
      const conflict = sql`on conflict (name) do update set value = value + 1`;
      await sql`insert into counters (name, value) values ('syncs', 1) ${conflict}`.execute(connection);
    } finally {
      await sql`pragma synchronous = normal`.execute(connection);
    }
  });
}

/** The number of an advisory lock: 64 bits of a hash. Two names with one number only wait for each other needlessly. */
export function lockOf(name: string): bigint {
  return createHash('sha256').update(`turnout ${name}`).digest().readBigInt64BE(0);
}
