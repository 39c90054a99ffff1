/** Sealed credentials in the database. What is in them is no matter here: texts come sealed, and go sealed. */
import { sql, type Kysely, type RawBuilder, type Selectable, type SqlBool, type Transaction } from 'kysely';
import { asNumber, asRecord, asString, compact, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { SecretSettings } from '../../routing/provider-secret.ts';
import { noteDeed } from './audit.ts';
import type { KeyDeed, SecretBooks, StoredSecret } from './form.ts';
import { nextRevision } from './keys.ts';
import type { ProviderSecretsTable } from './schema-people.ts';
import type { Tables } from './schema.ts';

const SYSTEM = 'system';

export function secretBooks(db: Kysely<Tables>): SecretBooks {
  return {
    secretChanges: async (revision) => {
      const counter = await db.selectFrom('counters').select('value').where('name', '=', 'secrets').executeTakeFirst();
      if (counter === undefined || counter.value <= revision) return undefined;
      return { revision: counter.value, secrets: await allSecrets(db) };
    },
    saveSecret: async (secret, { atMs, by = SYSTEM }) =>
      db.transaction().execute(async (trx) => {
        const revision = await nextRevision(trx, 'secrets');
        const { id, provider, name, origin } = secret;
        // The answer to an earlier call may have been lost.
        const saved = await trx.selectFrom('provider_secrets').selectAll().where('id', '=', id).executeTakeFirst();
        if (saved !== undefined) return secretOf(saved);
        await emptied(trx, revision).where('provider', '=', provider).where('name', '=', name).execute();
        const row = await trx
          .insertInto('provider_secrets')
          .values({ ...columnsOf(secret), is_disabled: 0, is_removed: 0, revision })
          .returningAll()
          .executeTakeFirstOrThrow();
        const changes = { provider, name, origin, ...settingsRecord(secret.settings) };
        await noteDeed(trx, { atMs, by, action: 'secret.saved', subject: id, orgId: undefined, changes });
        return secretOf(row);
      }),
    disableSecret: async (id, isDisabled, deed) =>
      db.transaction().execute(async (trx) => {
        const revision = await nextRevision(trx, 'secrets');
        const { atMs, by = SYSTEM, ifRevision } = deed;
        const row = await trx
          .updateTable('provider_secrets')
          .set({ is_disabled: isDisabled ? 1 : 0, revision })
          .where('id', '=', id)
          .where('is_removed', '=', 0n)
          .where(asSeen(ifRevision))
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return undefined;
        const noted = { subject: id, orgId: undefined, changes: { disabled: isDisabled } };
        await noteDeed(trx, { atMs, by, action: 'secret.changed', ...noted });
        return secretOf(row);
      }),
    removeSecret: async (id, { atMs, by = SYSTEM, ifRevision }) =>
      db.transaction().execute(async (trx) => {
        const revision = await nextRevision(trx, 'secrets');
        const { numUpdatedRows } = await emptied(trx, revision)
          .where('id', '=', id)
          .where(asSeen(ifRevision))
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) return false;
        await noteDeed(trx, { atMs, by, action: 'secret.removed', subject: id, orgId: undefined, changes: {} });
        return true;
      }),
    resealSecrets: async (wraps, deed) => resealSecrets(db, wraps, deed),
  };
}

/** Nobody else has changed it meanwhile, or that does not matter. */
function asSeen(ifRevision: string | undefined): RawBuilder<SqlBool> {
  return ifRevision === undefined ? sql`true` : sql`revision = ${BigInt(ifRevision)}`;
}

/** Takes rows away, and what was sealed with them. */
function emptied(trx: Transaction<Tables>, revision: bigint) {
  return trx
    .updateTable('provider_secrets')
    .set({ is_removed: 1, sealed: '', hint: '', revision })
    .where('is_removed', '=', 0n);
}

/** All of them, or none where one of them is not what it was. The revision stays: what is in them is the same. */
async function resealSecrets(
  db: Kysely<Tables>,
  wraps: Parameters<SecretBooks['resealSecrets']>[0],
  { atMs, by = SYSTEM }: KeyDeed,
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    // Drawn first: it keeps other writers away.
    await nextRevision(trx, 'seals');
    const rows = await allSecrets(trx);
    const before = new Map(wraps.map((wrap) => [wrap.id, wrap]));
    if (rows.length !== wraps.length || rows.some(({ id, sealed }) => before.get(id)?.before !== sealed)) return false;
    for (const { id, after } of wraps)
      await trx.updateTable('provider_secrets').set({ sealed: after }).where('id', '=', id).execute();
    const noted = { subject: 'master-key', orgId: undefined, changes: { secrets: wraps.length } };
    await noteDeed(trx, { atMs, by, action: 'secrets.rotated', ...noted });
    return true;
  });
}

async function allSecrets(db: Kysely<Tables>): Promise<readonly StoredSecret[]> {
  const rows = await db
    .selectFrom('provider_secrets')
    .selectAll()
    .where('is_removed', '=', 0n)
    .orderBy('provider')
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(secretOf);
}

function columnsOf(secret: Parameters<SecretBooks['saveSecret']>[0]) {
  const { id, provider, name, origin, hint, sealed, createdAtMs, settings } = secret;
  const text = JSON.stringify(settingsRecord(settings));
  return { id, provider, name, origin, hint, sealed, created_at: Math.floor(createdAtMs), settings: text };
}

function secretOf(row: Selectable<ProviderSecretsTable>): StoredSecret {
  const { id, provider, name, origin, hint, sealed, revision } = row;
  return {
    id,
    provider,
    name,
    origin,
    hint,
    sealed,
    revision,
    isDisabled: row.is_disabled === 1n,
    createdAtMs: Number(row.created_at),
    settings: settingsOf(asRecord(parseJson(row.settings)) ?? {}),
  };
}

/** In the words of the configuration. */
export function settingsRecord(settings: SecretSettings): JsonRecord {
  const { region, weight, requestsPerMinute, tokensPerMinute, concurrent } = settings;
  const limits = compact({ requests_per_minute: requestsPerMinute, tokens_per_minute: tokensPerMinute, concurrent });
  return compact({ region, weight, limits: Object.keys(limits).length === 0 ? undefined : limits });
}

function settingsOf(record: JsonRecord): SecretSettings {
  const limits = asRecord(record['limits']) ?? {};
  return compact({
    region: asString(record['region']),
    weight: asNumber(record['weight']),
    requestsPerMinute: asNumber(limits['requests_per_minute']),
    tokensPerMinute: asNumber(limits['tokens_per_minute']),
    concurrent: asNumber(limits['concurrent']),
  });
}
