/** Keys in the database. Every change has a revision, so that processes learn of it by asking for what is newer. */
import type { Insertable, Kysely, Selectable, Transaction, Updateable } from 'kysely';
import { asArray, asString, compact, parseJson, type JsonRecord } from '../../lib/json.ts';
import { formatUsd } from '../../money/usd.ts';
import { noteDeed, type Deed } from './audit.ts';
import { endLinks } from './links.ts';
import type { KeyBooks, KeyDeed, StoredKey } from './form.ts';
import { settingsRecord, settingsText, storedSettings, withPatch } from '../key-settings.ts';
import { lockPurses } from './lock-purses.ts';
import { DEFAULT_ORG_ID } from '../../people/permissions.ts';
import type { KeyOwner, KeyPatch } from '../ports.ts';
import { setGrant } from './transfers.ts';
import type { KeysTable, Tables } from './schema.ts';

/** Who changes a key where nobody else does: the gateway, at its first start. */
const SYSTEM = 'system';

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
    createKey: async (key, by) => createKey(db, key, by),
    changeKey: async (id, change, deed) =>
      changed(db, { id, action: 'key.changed', ...deed }, async (trx, row) => {
        if (change.budgetNanoUsd !== undefined)
          await setGrant(trx, id, { nanoUsd: change.budgetNanoUsd ?? 0n, atMs: deed.atMs });
        if (change.isDisabled === true) await endLinksOf(trx, id, deed);
        const stored = storedSettings(row.settings);
        const roleMax = change.roleMax === undefined ? stored.roleMax : (change.roleMax ?? undefined);
        const settings = settingsText(compact({ ...withPatch(stored, change), roleMax }));
        return { columns: { ...columnsOf(change), settings }, changes: changesOf(change) };
      }),
    removeKey: async (id, deed) =>
      changed(db, { id, action: 'key.deleted', ...deed }, async (trx) => {
        await endLinksOf(trx, id, deed);
        return { columns: { hash: null, old_hash: null, is_removed: 1 }, changes: {} };
      }),
    rotateKey: async (id, { hash, oldUntilMs, roleMax }, deed) =>
      // Rotated again by a repeated call, the new token would be the old one too, and end with it.
      changed(db, { id, action: 'key.rotated', isDone: (row) => row.hash === hash, ...deed }, async (_, row) => ({
        columns: {
          hash,
          old_hash: row.hash,
          old_until: oldUntilMs,
          settings: settingsText(compact({ ...storedSettings(row.settings), roleMax })),
        },
        changes: { old_until: new Date(oldUntilMs).toISOString() },
      })),
    missingOwner: async (owner) => missingOwner(db, owner),
    ...useBooks(db),
  };
}

/** People do not come by a link of a key that is good no more. */
async function endLinksOf(trx: Transaction<Tables>, id: string, { atMs, by = SYSTEM }: KeyDeed): Promise<void> {
  await endLinks(trx, { madeBy: [id] }, { atMs, by });
}

function useBooks(db: Kysely<Tables>): Pick<KeyBooks, 'noteUses' | 'keyUses'> {
  return {
    noteUses: async (uses) => {
      if (uses.length === 0) return;
      await db
        .insertInto('key_uses')
        .values(uses.map(({ keyId, atMs }) => ({ key_id: keyId, at: atMs })))
        .onConflict((conflict) =>
          conflict
            .column('key_id')
            .doUpdateSet((eb) => ({ at: eb.ref('excluded.at') }))
            .where((eb) => eb('excluded.at', '>', eb.ref('key_uses.at'))),
        )
        .execute();
    },
    keyUses: async () => {
      const rows = await db.selectFrom('key_uses').selectAll().execute();
      return rows.map((row) => ({ keyId: row.key_id, atMs: Number(row.at) }));
    },
  };
}

type NewKeyRow = Parameters<KeyBooks['createKey']>[0];

async function createKey(db: Kysely<Tables>, key: NewKeyRow, by: string = SYSTEM): Promise<StoredKey> {
  return db.transaction().execute(async (trx) => {
    await lockPurses(trx, [key.id]);
    // The answer to an earlier call may have been lost.
    const known = await trx
      .selectFrom('keys')
      .selectAll()
      .where('id', '=', key.id)
      .where('hash', '=', key.hash)
      .executeTakeFirst();
    if (known !== undefined) return keyOf(known);
    const row = { ...columnsOfNew(key), revision: await nextRevision(trx) };
    const stored = await trx.insertInto('keys').values(row).returningAll().executeTakeFirstOrThrow();
    await setGrant(trx, key.id, { nanoUsd: key.budgetNanoUsd ?? 0n, atMs: key.createdAtMs });
    const { isDisabled, ...made } = key;
    const changes = changesOf(isDisabled === true ? key : made);
    await noteDeed(trx, { ...deedOn(stored), atMs: key.createdAtMs, by, action: 'key.created', changes });
    return keyOf(stored);
  });
}

/** All but the revision. */
function columnsOfNew(key: NewKeyRow): Omit<Insertable<KeysTable>, 'revision'> {
  return {
    id: key.id,
    name: key.name,
    hash: key.hash,
    is_root: key.isRoot ? 1 : 0,
    is_disabled: key.isDisabled === true ? 1 : 0,
    is_removed: 0,
    created_at: key.createdAtMs,
    expires_at: key.expiresAtMs ?? null,
    budget_nano_usd: key.budgetNanoUsd ?? null,
    allowed_models: key.allowedModels === undefined ? null : JSON.stringify(key.allowedModels),
    tags: JSON.stringify(key.tags),
    region: key.region ?? null,
    org_id: key.orgId ?? DEFAULT_ORG_ID,
    team_id: key.teamId ?? null,
    user_id: key.userId ?? null,
    settings: settingsText(key),
  };
}

interface Change {
  readonly columns: Updateable<KeysTable>;
  /** For the audit log. */
  readonly changes: JsonRecord;
}

interface KeyAct extends KeyDeed {
  readonly id: string;
  readonly action: Deed['action'];
  /** Whether an earlier call has done it whose answer was lost. */
  readonly isDone?: (row: Selectable<KeysTable>) => boolean;
}

/** Changes a key that is there, and notes it, in one transaction. The revision is drawn first: it keeps other writers away. */
async function changed(
  db: Kysely<Tables>,
  { id, action, atMs, by = SYSTEM, ifRevision, isDone }: KeyAct,
  change: (trx: Transaction<Tables>, row: Selectable<KeysTable>) => Promise<Change>,
): Promise<StoredKey | undefined> {
  return db.transaction().execute(async (trx) => {
    await lockPurses(trx, [id]);
    const revision = await nextRevision(trx);
    const row = await trx
      .selectFrom('keys')
      .selectAll()
      .where('id', '=', id)
      .where('is_removed', '=', 0n)
      .executeTakeFirst();
    if (row !== undefined && isDone?.(row) === true) return keyOf(row);
    if (row === undefined || (ifRevision !== undefined && row.revision.toString() !== ifRevision)) return undefined;
    const { columns, changes } = await change(trx, row);
    const stored = await trx
      .updateTable('keys')
      .set({ ...columns, revision })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await noteDeed(trx, { ...deedOn(stored), atMs, by, action, changes });
    return keyOf(stored);
  });
}

/** Root keys are of the gateway. */
function deedOn({ id, org_id, is_root }: Selectable<KeysTable>): Pick<Deed, 'subject' | 'orgId'> {
  return { subject: id, orgId: is_root === 1n ? undefined : org_id };
}

async function missingOwner(
  db: Kysely<Tables>,
  { orgId = DEFAULT_ORG_ID, teamId, userId }: KeyOwner,
): Promise<keyof KeyOwner | undefined> {
  const isThere = async (table: 'teams' | 'users', id: string): Promise<boolean> => {
    const found = db.selectFrom(table).select('id').where('id', '=', id).where('org_id', '=', orgId);
    return (await found.where('is_removed', '=', 0n).executeTakeFirst()) !== undefined;
  };
  const org = db.selectFrom('orgs').select('id').where('id', '=', orgId).where('is_removed', '=', 0n);
  if ((await org.executeTakeFirst()) === undefined) return 'orgId';
  if (teamId !== undefined && !(await isThere('teams', teamId))) return 'teamId';
  return userId !== undefined && !(await isThere('users', userId)) ? 'userId' : undefined;
}

/** What a change sets, in the words of the API. */
function changesOf(change: KeyPatch & { readonly isRoot?: boolean; readonly orgId?: string }): JsonRecord {
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
    org: change.orgId,
    team: change.teamId,
    user: change.userId,
    ...settingsRecord(change),
  });
}

/**
 * Counts a revision up, inside a transaction that changes what it is of. The row stays locked to its end, so that revisions
 * are seen in the order in which they were counted.
 */
export async function nextRevision(
  trx: Transaction<Tables>,
  name: 'keys' | 'people' | 'recalls' | 'secrets' | 'seals' = 'keys',
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
  const { name, isDisabled, expiresAtMs, budgetNanoUsd, allowedModels, tags, region, teamId, userId } = change;
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
    ...(teamId === undefined ? {} : { team_id: teamId }),
    ...(userId === undefined ? {} : { user_id: userId }),
  };
}

function keyOf(row: Selectable<KeysTable>): StoredKey {
  const { old_hash: oldHash, old_until: oldUntil } = row;
  return {
    ...storedSettings(row.settings),
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
    orgId: row.org_id,
    ...(row.team_id === null ? {} : { teamId: row.team_id }),
    ...(row.user_id === null ? {} : { userId: row.user_id }),
    ...(oldHash === null || oldUntil === null ? {} : { oldHash, oldUntilMs: Number(oldUntil) }),
  };
}

function strings(json: string): readonly string[] {
  return (asArray(parseJson(json)) ?? []).flatMap((item) => asString(item) ?? []);
}
