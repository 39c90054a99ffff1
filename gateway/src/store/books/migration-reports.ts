/** What lists and reports of very many rows need beside the tables of people and money. */
import { sql, type Kysely } from 'kysely';
import { refillUsage } from './usage.ts';
import type { Tables } from './schema.ts';

export async function widenReports(db: Kysely<Tables>): Promise<void> {
  // Other attempts of the same request: asked for of each receipt that is taken in, and when a price becomes known.
  await db.schema.createIndex('receipts_request').on('receipts').column('request_id').execute();
  // What one key has used, newest first.
  await db.schema.createIndex('receipts_key').on('receipts').columns(['key_id', 'at', 'id']).execute();
  await orderRequests(db);
  await widenAlerts(db);
}

/** What invoices tell, in the sums; the sums are made from the receipts here. Of hours whose receipts are gone each attempt is a request. */
export async function widenSums(db: Kysely<Tables>): Promise<void> {
  const count = (table: string, name: string): Promise<void> =>
    db.schema
      .alterTable(table)
      .addColumn(name, 'bigint', (column) => column.notNull().defaultTo(0))
      .execute();
  await count('receipts', 'is_first');
  for (const table of ['usage_hours', 'usage_days'])
    for (const name of ['requests', 'credits_nano_usd']) await count(table, name);
  await sql`
    update receipts set is_first = 1 where not exists (
      select 1 from receipts o where o.request_id = receipts.request_id and o.provider = receipts.provider
        and o.model = receipts.model and (o.at < receipts.at or (o.at = receipts.at and o.id < receipts.id)))`.execute(
    db,
  );
  await sql`update usage_hours set requests = receipts`.execute(db);
  await refillUsage(db);
}

/** Lists go by time: each of their indexes is in that order, and has all that lists filter by. */
async function orderRequests(db: Kysely<Tables>): Promise<void> {
  const filters = ['key_id', 'outcome', 'route', 'model'];
  for (const name of ['narrow', 'at', ...filters]) await db.schema.dropIndex(`requests_${name}`).execute();
  await db.schema
    .createIndex('requests_narrow')
    .on('requests')
    .columns(['at', 'seq', ...filters, 'words'])
    .execute();
  for (const name of filters)
    await db.schema
      .createIndex(`requests_${name}`)
      .on('requests')
      .columns([name, 'at', 'seq', ...filters.filter((other) => other !== name)])
      .execute();
}

/** Alerts of before are those of the whole gateway: what they are about says no organisation for sure. */
async function widenAlerts(db: Kysely<Tables>): Promise<void> {
  for (const name of ['org_id', 'acked_by']) await db.schema.alterTable('alerts').addColumn(name, 'text').execute();
  await db.schema.alterTable('alerts').addColumn('acked_at', 'bigint').execute();
  await db.schema.createIndex('alerts_kind').on('alerts').columns(['kind', 'id']).execute();
  await db.schema.createIndex('alerts_org').on('alerts').columns(['org_id', 'id']).execute();
  // Most are dealt with; those that are not are what is looked for.
  await sql`create index alerts_open on alerts (id) where acked_at is null`.execute(db);
}
