/** Keys in the database. Every change has a revision, so that processes learn of it by asking for what is newer. */
import type { Kysely, Selectable, Transaction, Updateable } from 'kysely';
import { asArray, asString, compact, parseJson, type JsonRecord } from '../lib/json.ts';
import { formatUsd } from '../money/usd.ts';
import { noteDeed } from './books-audit.ts';
import type { KeyPatch } from './ports.ts';
import type { Books, StoredKey } from './books-form.ts';
import { setGrant } from './transfers.ts';
import type { KeysTable, Tables } from './schema.ts';

/** Who changes a key where nobody else does: the gateway, at its first start. */
const SYSTEM = 'system';

type KeyBooks = Pick<Books, 'keyChanges' | 'createKey' | 'changeKey' | 'removeKey'>;

export function keyBooks(db: Kysely<Tables>): KeyBooks {
  return {
    keyChanges: async (revision) => {
      const rows = await db
        .selectFrom('keys')
        .selectAll()
        .where('revision', '>', revision)
        .orderBy('revision')
        .execute();
      return rows.map(keyOf);
    },
    createKey: async (key, by = SYSTEM) =>
      db.transaction().execute(async (trx) => {
        const row = {
          id: key.id,
          name: key.name,
          hash: key.hash,
          is_root: key.isRoot ? 1 : 0,
          is_disabled: 0,
          is_removed: 0,
          created_at: key.createdAtMs,
          expires_at: key.expiresAtMs ?? null,
          budget_nano_usd: key.budgetNanoUsd ?? null,
          allowed_models: key.allowedModels === undefined ? null : JSON.stringify(key.allowedModels),
          tags: JSON.stringify(key.tags),
          region: key.region ?? null,
          revision: await nextRevision(trx),
        };
        const stored = await trx.insertInto('keys').values(row).returningAll().executeTakeFirstOrThrow();
        await setGrant(trx, key.id, { nanoUsd: key.budgetNanoUsd ?? 0n, atMs: key.createdAtMs });
        const changes = changesOf({ ...key, isRoot: key.isRoot });
        await noteDeed(trx, { atMs: key.createdAtMs, by, action: 'key.created', subject: key.id, changes });
        return keyOf(stored);
      }),
    changeKey: async (id, change, { atMs, by = SYSTEM }) =>
      db.transaction().execute(async (trx) => {
        const revision = await nextRevision(trx);
        const stored = await trx
          .updateTable('keys')
          .set({ ...columnsOf(change), revision })
          .where('id', '=', id)
          .where('is_removed', '=', 0n)
          .returningAll()
          .executeTakeFirst();
        if (stored === undefined) return undefined;
        if (change.budgetNanoUsd !== undefined) await setGrant(trx, id, { nanoUsd: change.budgetNanoUsd ?? 0n, atMs });
        await noteDeed(trx, { atMs, by, action: 'key.changed', subject: id, changes: changesOf(change) });
        return keyOf(stored);
      }),
    removeKey: async (id, { atMs, by = SYSTEM }) =>
      db.transaction().execute(async (trx) => {
        const revision = await nextRevision(trx);
        const stored = await trx
          .updateTable('keys')
          .set({ hash: null, is_removed: 1, revision })
          .where('id', '=', id)
          .where('is_removed', '=', 0n)
          .returningAll()
          .executeTakeFirst();
        if (stored === undefined) return undefined;
        await noteDeed(trx, { atMs, by, action: 'key.deleted', subject: id, changes: {} });
        return keyOf(stored);
      }),
  };
}

/** What a change sets, in the words of the API. */
function changesOf(change: KeyPatch & { readonly isRoot?: boolean }): JsonRecord {
  const { name, isRoot, isDisabled, expiresAtMs, budgetNanoUsd, allowedModels, tags, region } = change;
  return compact({
    name,
    root: isRoot === true ? true : undefined,
    disabled: isDisabled,
    expires_at: typeof expiresAtMs === 'number' ? new Date(expiresAtMs).toISOString() : expiresAtMs,
    budget_usd: typeof budgetNanoUsd === 'bigint' ? formatUsd(budgetNanoUsd) : budgetNanoUsd,
    models: allowedModels,
    tags,
    region,
  });
}

/** Counts a revision up, inside a transaction that changes what it is of. */
export async function nextRevision(
  trx: Transaction<Tables>,
  name: 'keys' | 'people' | 'recalls' = 'keys',
): Promise<bigint> {
  const row = await trx
    .insertInto('counters')
    .values({ name, value: 1 })
    .onConflict((conflict) => conflict.column('name').doUpdateSet((eb) => ({ value: eb('counters.value', '+', 1n) })))
    .returning('value')
    .executeTakeFirstOrThrow();
  return row.value;
}

function columnsOf(change: KeyPatch): Updateable<KeysTable> {
  const { name, isDisabled, expiresAtMs, budgetNanoUsd, allowedModels, tags, region } = change;
  return {
    ...(name === undefined ? {} : { name }),
    ...(isDisabled === undefined ? {} : { is_disabled: isDisabled ? 1 : 0 }),
    ...(expiresAtMs === undefined ? {} : { expires_at: expiresAtMs }),
    ...(budgetNanoUsd === undefined ? {} : { budget_nano_usd: budgetNanoUsd }),
    ...(allowedModels === undefined
      ? {}
      : { allowed_models: allowedModels === null ? null : JSON.stringify(allowedModels) }),
    ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
    ...(region === undefined ? {} : { region }),
  };
}

function keyOf(row: Selectable<KeysTable>): StoredKey {
  return {
    id: row.id,
    name: row.name,
    isRoot: row.is_root === 1n,
    isDisabled: row.is_disabled === 1n,
    createdAtMs: Number(row.created_at),
    tags: strings(row.tags),
    revision: row.revision,
    ...(row.hash === null || row.is_removed === 1n ? {} : { hash: row.hash }),
    ...(row.expires_at === null ? {} : { expiresAtMs: Number(row.expires_at) }),
    ...(row.budget_nano_usd === null ? {} : { budgetNanoUsd: row.budget_nano_usd }),
    ...(row.allowed_models === null ? {} : { allowedModels: strings(row.allowed_models) }),
    ...(row.region === null ? {} : { region: row.region }),
  };
}

function strings(json: string): readonly string[] {
  return (asArray(parseJson(json)) ?? []).flatMap((item) => asString(item) ?? []);
}
