/** The tables of people and money (`schema-people.ts`), and what older tables learn of them. */
import { sql, type CreateTableBuilder, type Kysely } from 'kysely';
import { DEFAULT_ORG_ID } from '../../people/permissions.ts';

export async function createPeople(db: Kysely<unknown>): Promise<void> {
  await createOwners(db);
  await createAccess(db);
  await createMoney(db);
  await createSecrets(db);
  await createPurses(db);
  await createReplies(db);
  await widenKeys(db);
  await widenReceipts(db);
}

async function createOwners(db: Kysely<unknown>): Promise<void> {
  await owner(db, 'orgs')
    .addColumn('billing', 'text', (column) => column.notNull())
    .addColumn('plan_id', 'text')
    .execute();
  await owner(db, 'teams')
    .addColumn('org_id', 'text', (column) => column.notNull())
    .execute();
  await owner(db, 'users')
    .addColumn('org_id', 'text', (column) => column.notNull())
    .addColumn('email', 'text', (column) => column.unique())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('password', 'text')
    .addColumn('oidc_subject', 'text', (column) => column.unique())
    .addColumn('last_login_at', 'bigint')
    .execute();
  await db.schema
    .createTable('team_members')
    .addColumn('team_id', 'text', (column) => column.notNull())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('member_once', ['team_id', 'user_id'])
    .execute();
  await sql`
    insert into orgs (id, name, is_disabled, is_removed, created_at, settings, revision, billing)
    values (${DEFAULT_ORG_ID}, 'Default', 0, 0, 0, '{}', 1, 'postpaid')`.execute(db);
  await sql`insert into counters (name, value) values ('people', 1)`.execute(db);
}

function owner(db: Kysely<unknown>, table: string): CreateTableBuilder<string, string> {
  return db.schema
    .createTable(table)
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('is_disabled', 'integer', (column) => column.notNull())
    .addColumn('is_removed', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('settings', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull());
}

async function createAccess(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sessions')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('agent', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('sessions_user').on('sessions').column('user_id').execute();
  await db.schema
    .createTable('invites')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('org_id', 'text', (column) => column.notNull())
    .addColumn('team_id', 'text')
    .addColumn('user_id', 'text')
    .addColumn('email', 'text')
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .addColumn('by', 'text', (column) => column.notNull())
    .execute();
}

async function createMoney(db: Kysely<unknown>): Promise<void> {
  await createBudgets(db);
  await db.schema
    .createTable('credit_grants')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('org_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('amount_nano_usd', 'bigint', (column) => column.notNull())
    .addColumn('left_nano_usd', 'bigint', (column) => column.notNull().check(sql`left_nano_usd >= 0`))
    .addColumn('reference', 'text', (column) => column.notNull().unique())
    .addColumn('note', 'text', (column) => column.notNull())
    .addColumn('by', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .execute();
  await db.schema.createIndex('credit_grants_org').on('credit_grants').columns(['org_id', 'at']).execute();
  await db.schema
    .createTable('plans')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('rules', 'text', (column) => column.notNull())
    .addColumn('is_removed', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('webhook_events')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('outcome', 'text', (column) => column.notNull())
    .addColumn('payment', 'text')
    .addColumn('is_refund', 'integer', (column) => column.notNull())
    .addColumn('refund', 'text')
    .addColumn('amount_nano_usd', 'bigint')
    .addColumn('is_void', 'integer', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('webhook_events_payment').on('webhook_events').column('payment').execute();
}

async function createBudgets(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('budgets')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('org_id', 'text')
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('limit_nano_usd', 'bigint', (column) => column.notNull().check(sql`limit_nano_usd >= 0`))
    .addColumn('period', 'text', (column) => column.notNull())
    .addColumn('time_zone', 'text', (column) => column.notNull())
    .addColumn('is_hard', 'integer', (column) => column.notNull())
    .addColumn('alerts', 'text', (column) => column.notNull())
    .addColumn('is_disabled', 'integer', (column) => column.notNull())
    .addColumn('is_removed', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('alerts')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('threshold', 'integer', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('told_at', 'bigint')
    .addUniqueConstraint('alert_once', ['kind', 'subject', 'threshold'])
    .execute();
}

async function createSecrets(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('provider_secrets')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('hint', 'text', (column) => column.notNull())
    .addColumn('sealed', 'text', (column) => column.notNull())
    .addColumn('is_disabled', 'integer', (column) => column.notNull())
    .addColumn('is_removed', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('settings', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute();
}

/** What accounts belonged to was a key, and is a purse now. */
async function createPurses(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('accounts').renameColumn('key_id', 'purse_id').execute();
  await db.schema.alterTable('keys').dropColumn('recalls').execute();
  await db.schema
    .createTable('recalls')
    .addColumn('purse_id', 'text', (column) => column.primaryKey())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('recalls_revision').on('recalls').column('revision').execute();
}

/** Replies kept for whoever sends a POST again (`Idempotency-Key`). */
async function createReplies(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('replies')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('sealed', 'text')
    .execute();
  await db.schema.createIndex('replies_at').on('replies').column('at').execute();
}

async function widenKeys(db: Kysely<unknown>): Promise<void> {
  for (const name of ['team_id', 'user_id', 'old_hash'])
    await db.schema.alterTable('keys').addColumn(name, 'text').execute();
  await db.schema
    .alterTable('keys')
    .addColumn('org_id', 'text', (column) => column.notNull().defaultTo(DEFAULT_ORG_ID))
    .execute();
  await db.schema
    .alterTable('keys')
    .addColumn('settings', 'text', (column) => column.notNull().defaultTo('{}'))
    .execute();
  await db.schema.alterTable('keys').addColumn('old_until', 'bigint').execute();
  await db.schema
    .createTable('key_uses')
    .addColumn('key_id', 'text', (column) => column.primaryKey())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .execute();
}

async function widenReceipts(db: Kysely<unknown>): Promise<void> {
  for (const name of ['org_id', 'team_id', 'user_id', 'end_user', 'route', 'conversation', 'experiment', 'tags'])
    await db.schema.alterTable('receipts').addColumn(name, 'text').execute();
  await db.schema.alterTable('receipts').addColumn('charge_nano_usd', 'bigint').execute();
  await db.schema
    .alterTable('receipts')
    .addColumn('purses', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
  await db.schema
    .createTable('repricings')
    .addColumn('receipt_id', 'text', (column) => column.primaryKey())
    .addColumn('posting_id', 'integer', (column) => column.notNull().references('postings.id'))
    .addColumn('cost_nano_usd', 'bigint', (column) => column.notNull().check(sql`cost_nano_usd >= 0`))
    .addColumn('charge_nano_usd', 'bigint', (column) => column.notNull().check(sql`charge_nano_usd >= 0`))
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .execute();
  await sql`update receipts set org_id = ${DEFAULT_ORG_ID}`.execute(db);
  await createUsageSums(db, 'usage_hours');
  await createUsageSums(db, 'usage_days');
  await createReceiptSums(db);
  await createReportIndexes(db);
  await widenRequests(db);
}

/** What is left of receipts once they are too old to be kept. */
async function createReceiptSums(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('receipt_sums')
    .addColumn('posting_id', 'bigint', (column) => column.notNull())
    .addColumn('key_id', 'text', (column) => column.notNull())
    .addColumn('purses', 'text', (column) => column.notNull())
    .addColumn('receipts', 'bigint', (column) => column.notNull())
    .addColumn('cost_nano_usd', 'bigint', (column) => column.notNull())
    .addColumn('charge_nano_usd', 'bigint', (column) => column.notNull())
    .execute();
}

/** Lists of requests look through what is narrow of them, and read the bodies of one page. */
async function widenRequests(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('requests')
    .addColumn('words', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
  const words = sql`lower(id || ' ' || coalesce(model, '') || ' ' || coalesce(route, '') || ' ' || outcome)`;
  await sql`update requests set words = ${words}`.execute(db);
  await db.schema
    .createIndex('requests_narrow')
    .on('requests')
    .columns(['seq', 'at', 'key_id', 'outcome', 'route', 'model', 'words'])
    .execute();
  // Each with all that lists filter by: whichever of them a database takes, it reads no body of a row that is passed over.
  const filters = ['key_id', 'outcome', 'route', 'model'];
  await db.schema.dropIndex('requests_key').execute();
  for (const name of filters)
    await db.schema
      .createIndex(`requests_${name}`)
      .on('requests')
      .columns([name, 'seq', ...filters.filter((other) => other !== name), 'at'])
      .execute();
  await db.schema.createIndex('requests_at').on('requests').columns(['at', 'seq']).execute();
}

/** What lists and reports read by; measured on a million rows (`gateway/test/scale`). */
async function createReportIndexes(db: Kysely<unknown>): Promise<void> {
  // By time, and by id within one moment: reports go on from a receipt.
  await db.schema.dropIndex('receipts_at').execute();
  await db.schema.createIndex('receipts_time').on('receipts').columns(['at', 'id']).execute();
  // Those whose price is not known are few, and asked for whenever a price changes.
  await sql`create index receipts_unpriced on receipts (model, id) where cost_nano_usd is null`.execute(db);
}

async function createUsageSums(db: Kysely<unknown>, name: string): Promise<void> {
  const words = ['org_id', 'team_id', 'user_id', 'key_id', 'route', 'provider', 'model'] as const;
  const counts = [
    'receipts',
    'unpriced',
    'input_tokens',
    'cached_input_tokens',
    'cache_write_tokens',
    'output_tokens',
    'reasoning_tokens',
    'cost_nano_usd',
    'charge_nano_usd',
  ] as const;
  let table: CreateTableBuilder<string, string> = db.schema
    .createTable(name)
    .addColumn('hour', 'integer', (column) => column.notNull());
  for (const word of words) table = table.addColumn(word, 'text', (column) => column.notNull());
  for (const count of counts) table = table.addColumn(count, 'bigint', (column) => column.notNull());
  await table.addPrimaryKeyConstraint(`${name}_once`, ['hour', ...words]).execute();
}
