/** How the tables came to be. Forward only: a database of a newer Turnout is refused. */
import { sql, type Kysely } from 'kysely';
import { DEFAULT_MIGRATION_TABLE, Migrator, type Migration } from 'kysely/migration';
import { alone, isPostgres } from './differences.ts';
import { createRowOrgs } from './migration-orgs.ts';
import { createPeople } from './migration-people.ts';
import { widenReports, widenSums } from './migration-reports.ts';
import type { Tables } from './schema.ts';

const migrations: Readonly<Record<string, Migration>> = {
  '0001-keys-ledger-requests': { up: createTables },
  '0002-audit': { up: createAudit },
  '0003-batches': { up: createBatches },
  '0004-decisions': { up: createDecisions },
  '0005-batch-places': { up: createBatchPlaces },
  '0006-people-and-money': { up: createPeople },
  '0008-reports': { up: widenReports },
  '0009-orgs-of-rows': { up: createRowOrgs },
  '0010-invoices-in-sums': { up: widenSums },
};

/**
 * Brings a database up to date; one that is, is only read. All or nothing, and by one of those that start together. Throws
 * where it cannot, where a newer Turnout wrote the database, and where it is none that this program can have left.
 */
export async function migrate(db: Kysely<Tables>): Promise<void> {
  if (isUpToDate(await executed(db))) return;
  await alone(db, async (held) => {
    // Another one may have done it meanwhile.
    const done = await executed(held);
    if (isUpToDate(done)) return;
    if (done.length === 0 && (await hasTable(held, FIRST_TABLE))) throw new Error(`The database ${HALFWAY}`);
    const migrator = new Migrator({ db: held, provider: { getMigrations: async () => ({ ...migrations }) } });
    const { error } = await migrator.migrateToLatest();
    if (error === undefined) return;
    throw error instanceof Error ? error : new Error('the database could not be brought up to date');
  });
}

/** Large tables that a step goes through row by row, by making an index over them or by writing them anew. */
const GOES_THROUGH: Readonly<Record<string, readonly LargeTable[]>> = {
  '0006-people-and-money': ['receipts', 'accounts'],
  '0008-reports': ['receipts', 'requests'],
  '0009-orgs-of-rows': ['receipts', 'requests'],
  '0010-invoices-in-sums': ['receipts'],
};

/** Tables that may have millions of rows. */
export type LargeTable = 'receipts' | 'accounts' | 'requests' | 'transfers';

export interface MigrationSteps {
  readonly done: readonly string[];
  readonly pending: readonly string[];
  /** What pending steps go through, where it is there already. */
  readonly through: readonly LargeTable[];
}

/** What `migrate` would do, without doing it. Throws as it does. */
export async function migrationSteps(db: Kysely<Tables>): Promise<MigrationSteps> {
  const done = await executed(db);
  isUpToDate(done);
  if (done.length === 0 && (await hasTable(db, FIRST_TABLE))) throw new Error(`The database ${HALFWAY}`);
  const pending = Object.keys(migrations).slice(done.length);
  const through = done.length === 0 ? [] : pending.flatMap((name) => GOES_THROUGH[name] ?? []);
  return { done, pending, through: [...new Set(through)] };
}

/** Every database of ours has it from its first moment. */
const FIRST_TABLE = 'accounts';
const HALFWAY =
  'has tables of Turnout, but not as any Turnout leaves them. Restore its backup, or name an empty database.';

/** Throws where what was done is no beginning of what is to be done. */
function isUpToDate(done: readonly string[]): boolean {
  const names = Object.keys(migrations);
  const unknown = done.find((name) => !(name in migrations));
  if (unknown !== undefined)
    throw new Error(
      `The database was written by a newer Turnout (${unknown}). Use that version, or restore the backup that was made before its first start.`,
    );
  const missing = names.slice(0, done.length).find((name) => !done.includes(name));
  if (missing !== undefined) throw new Error(`The database ${HALFWAY} It lacks the step ${missing}.`);
  return done.length === names.length;
}

async function executed(db: Kysely<Tables>): Promise<readonly string[]> {
  if (!(await hasTable(db, DEFAULT_MIGRATION_TABLE))) return [];
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(db);
  return rows.map((row) => row.name);
}

async function hasTable(db: Kysely<Tables>, name: string): Promise<boolean> {
  // Only where our queries would find it: another schema of the database may be another program's.
  const query = isPostgres(db)
    ? sql`select 1 where to_regclass(${name}) is not null`
    : sql`select 1 from sqlite_master where type = 'table' and name = ${name}`;
  return (await query.execute(db)).rows.length > 0;
}

async function createTables(db: Kysely<unknown>): Promise<void> {
  await createKeys(db);
  await createLedger(db);
  await createReceipts(db);
  await createRequests(db);
}

async function createKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('counters')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('keys')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.unique())
    .addColumn('is_root', 'integer', (column) => column.notNull())
    .addColumn('is_disabled', 'integer', (column) => column.notNull())
    .addColumn('is_removed', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('budget_nano_usd', 'bigint', (column) => column.check(sql`budget_nano_usd >= 0`))
    .addColumn('allowed_models', 'text')
    .addColumn('tags', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('recalls', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('keys_revision').on('keys').column('revision').execute();
}

async function createLedger(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('process_id', 'text', (column) => column.notNull())
    .addColumn('balance', 'bigint', (column) => column.notNull())
    // What was handed out to a process, and what was spent, can never be less than nothing.
    .addCheckConstraint('balance_possible', sql`balance >= 0 or kind in ('grant', 'funds')`)
    .addUniqueConstraint('account_once', ['key_id', 'kind', 'process_id'])
    .execute();
  await db.schema.createIndex('accounts_process').on('accounts').column('process_id').execute();
  await db.schema
    .createTable('postings')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('process_id', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('transfers')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('posting_id', 'integer', (column) => column.notNull().references('postings.id'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('from_account', 'integer', (column) => column.notNull().references('accounts.id'))
    .addColumn('to_account', 'integer', (column) => column.notNull().references('accounts.id'))
    .addColumn('amount', 'bigint', (column) => column.notNull().check(sql`amount > 0`))
    .execute();
}

async function createReceipts(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('receipts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('posting_id', 'integer', (column) => column.notNull().references('postings.id'))
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('target', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('finish', 'text')
    .addColumn('is_estimated', 'integer', (column) => column.notNull())
    .addColumn('input_tokens', 'bigint')
    .addColumn('cached_input_tokens', 'bigint')
    .addColumn('cache_write_tokens', 'bigint')
    .addColumn('output_tokens', 'bigint')
    .addColumn('reasoning_tokens', 'bigint')
    .addColumn('cost_nano_usd', 'bigint', (column) => column.check(sql`cost_nano_usd >= 0`))
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('receipts_at').on('receipts').column('at').execute();
}

async function createRequests(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('requests')
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('route', 'text')
    .addColumn('model', 'text')
    .addColumn('body', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('requests_key').on('requests').columns(['key_id', 'seq']).execute();
}

async function createAudit(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('by', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('changes', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .execute();
}

async function createBatches(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('files')
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('purpose', 'text', (column) => column.notNull())
    .addColumn('filename', 'text', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('files_key').on('files').columns(['key_id', 'seq']).execute();
  await db.schema.createIndex('files_expiry').on('files').column('expires_at').execute();
  await createBatchTable(db);
  await db.schema.createIndex('batches_key').on('batches').columns(['key_id', 'seq']).execute();
  await db.schema.createIndex('batches_end').on('batches').columns(['ended_at', 'process_id']).execute();
  await db.schema
    .createTable('batch_results')
    .addColumn('batch_id', 'text', (column) => column.notNull())
    .addColumn('line', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('bytes', 'integer', (column) => column.notNull())
    .addColumn('text', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('result_once', ['batch_id', 'line'])
    .execute();
}

async function createBatchTable(db: Kysely<unknown>): Promise<void> {
  const count = [
    'keep_ms',
    'total',
    'succeeded',
    'errored',
    'canceled',
    'expired',
    'created_at',
    'expires_at',
  ] as const;
  const words = ['key_id', 'form', 'endpoint', 'status', 'process_id', 'input_file_id'] as const;
  let table = db.schema
    .createTable('batches')
    .addColumn('seq', 'integer', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull().unique());
  for (const name of words) table = table.addColumn(name, 'text', (column) => column.notNull());
  for (const name of count) table = table.addColumn(name, 'bigint', (column) => column.notNull());
  for (const name of ['started_at', 'finalizing_at', 'cancelling_at', 'ended_at'])
    table = table.addColumn(name, 'bigint');
  for (const name of ['output_file_id', 'error_file_id', 'errors', 'metadata', 'native'])
    table = table.addColumn(name, 'text');
  await table.execute();
}

async function createDecisions(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('keys').addColumn('region', 'text').execute();
  await db.schema
    .createTable('snapshots')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('release', 'text', (column) => column.notNull())
    .addColumn('catalog', 'text', (column) => column.notNull())
    .addColumn('settings', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('feedback')
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('day', 'integer', (column) => column.notNull())
    .addColumn('target', 'text', (column) => column.notNull())
    .addColumn('task', 'text', (column) => column.notNull())
    .addColumn('score', 'double precision', (column) => column.notNull().check(sql`score between 0 and 1`))
    .addPrimaryKeyConstraint('feedback_once', ['request_id', 'key_id'])
    .execute();
  await db.schema.createIndex('feedback_sums').on('feedback').columns(['day', 'target', 'task', 'score']).execute();
}

async function createBatchPlaces(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('batches').addColumn('seen', 'text').execute();
}
