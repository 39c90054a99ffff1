/** A store as it lies there: looked at, brought up to date by itself, or copied, without serving from it. */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { compact } from '../../lib/json.ts';
import { DATABASE } from './books.ts';
import { migrate, migrationSteps, type MigrationSteps } from './migrations.ts';
import type { Tables } from './schema.ts';
import { openSqlite } from './sqlite.ts';

/** A command has nothing else to do than to wait for a gateway's write. */
const BUSY_MS = 5000;

export interface StoreAt {
  readonly dataDir: string;
  /** `postgres://…`; absent: SQLite in the data folder. */
  readonly url?: string;
}

export interface StoreState extends MigrationSteps {
  /** Of each table that pending steps go through. */
  readonly rows: Readonly<Record<string, number>>;
  /** The store's clock, in milliseconds since 1970. */
  readonly clockMs: number;
  /** Of the secret that its keys were made with (`secretMark`); absent where none was, or where steps are pending. */
  readonly secretMark?: bigint;
  /** Secrets of providers that are kept in it. */
  readonly sealed: number;
}

/** Changes nothing. Undefined where there is no database yet; throws for people where it cannot be used. */
export async function inspectStore(at: StoreAt): Promise<StoreState | undefined> {
  if (at.url === undefined && !existsSync(join(at.dataDir, DATABASE))) return undefined;
  return withStore(at, async (db) => {
    const steps = await migrationSteps(db);
    const rows: Record<string, number> = {};
    for (const table of steps.through) {
      const { count } = await db.selectFrom(table).select(db.fn.countAll().as('count')).executeTakeFirstOrThrow();
      rows[table] = Number(count);
    }
    const kept = steps.pending.length === 0 ? await keptIn(db) : { sealed: 0 };
    return { ...steps, rows, clockMs: at.url === undefined ? Date.now() : await serverMs(db), ...kept };
  });
}

async function keptIn(db: Kysely<Tables>): Promise<Pick<StoreState, 'secretMark' | 'sealed'>> {
  const mark = await db.selectFrom('counters').select('value').where('name', '=', 'secret').executeTakeFirst();
  const { count } = await db
    .selectFrom('provider_secrets')
    .select(db.fn.countAll().as('count'))
    .where('is_removed', '=', 0n)
    .executeTakeFirstOrThrow();
  return compact({ secretMark: mark?.value, sealed: Number(count) });
}

/** Brings it up to date. Throws as `migrate` does. */
export async function migrateStore(at: StoreAt): Promise<void> {
  await withStore(at, migrate);
}

/** One consistent copy of a SQLite database, also while gateways write to it. Throws where the file is there already. */
export function backupStore(dataDir: string, file: string): void {
  // For its owner only, and never over another file: SQLite fills an empty one.
  closeSync(openSync(file, 'wx', 0o600));
  const database = new DatabaseSync(join(dataDir, DATABASE), { timeout: BUSY_MS });
  try {
    database.prepare('vacuum into ?').run(file);
  } finally {
    database.close();
  }
}

async function serverMs(db: Kysely<Tables>): Promise<number> {
  const query = sql<{ ms: unknown }>`select cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as ms`;
  return Number((await query.execute(db)).rows[0]?.ms);
}

async function withStore<T>({ dataDir, url }: StoreAt, work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
  // Read only where it is asked for: `pg` would cost every other start its time.
  const dialect =
    url === undefined
      ? openSqlite(join(dataDir, DATABASE), BUSY_MS)
      : (await import('./postgres.ts')).openPostgres(url);
  const db = new Kysely<Tables>({ dialect });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}
