/** Whose requests and whose changes they are: an organisation on rows that knew their key or their subject only. */
import { sql, type Kysely } from 'kysely';

export async function createRowOrgs(db: Kysely<unknown>): Promise<void> {
  await widenRequests(db);
  // Entries are hashed as they were written: those from before stay without, and are read by those who run the gateway.
  await db.schema.alterTable('audit').addColumn('org_id', 'text').execute();
  await db.schema.createIndex('audit_org').on('audit').columns(['org_id', 'seq']).execute();
  await db.schema.createIndex('receipts_org').on('receipts').columns(['org_id', 'at', 'id']).execute();
}

/** Each index has all that lists filter by, so that no row is read that is passed over (0008): now the organisation too. */
async function widenRequests(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('requests').addColumn('org_id', 'text').execute();
  await sql`update requests set org_id = (select org_id from keys where keys.id = requests.key_id)`.execute(db);
  const filters = ['key_id', 'outcome', 'route', 'model', 'org_id'];
  for (const name of ['narrow', 'key_id', 'outcome', 'route', 'model'])
    await db.schema.dropIndex(`requests_${name}`).execute();
  await db.schema
    .createIndex('requests_narrow')
    .on('requests')
    .columns(['at', 'seq', ...filters, 'words'])
    .execute();
  for (const name of filters) {
    const others = filters.filter((other) => other !== name);
    // What one organisation searches through is its own.
    const words = name === 'org_id' ? ['words'] : [];
    await db.schema
      .createIndex(`requests_${name}`)
      .on('requests')
      .columns([name, 'at', 'seq', ...others, ...words])
      .execute();
  }
}
