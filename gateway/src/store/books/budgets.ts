/** Budgets in the database. Every change has a revision, so that processes learn of it by asking for what is newer. */
import type { Insertable, Kysely, Selectable } from 'kysely';
import { asArray, asCount, compact, parseJson, type JsonRecord } from '../../lib/json.ts';
import { formatUsd } from '../../money/usd.ts';
import { noteDeed } from './audit.ts';
import type { Books, KeyDeed, StoredBudget } from './form.ts';
import { nextRevision } from './keys.ts';
import { EACH, type BudgetPatch, type BudgetRow, type BudgetScope } from '../budget-ports.ts';
import { ROOT_KEY_ID } from './ledger-problems.ts';
import { lockNames } from './lock-purses.ts';
import type { BudgetsTable } from './schema-people.ts';
import type { Tables } from './schema.ts';

const SYSTEM = 'system';

type BudgetBooks = Pick<Books, 'budgetChanges' | 'createBudget' | 'missingOfBudget' | 'changeBudget' | 'removeBudget'>;

export function budgetBooks(db: Kysely<Tables>): BudgetBooks {
  return {
    budgetChanges: async (revision) => {
      const rows = await db
        .selectFrom('budgets')
        .selectAll()
        .where('revision', '>', revision)
        .orderBy('revision')
        .execute();
      return rows.map(budgetOf);
    },
    createBudget: async (budget, { atMs, by = SYSTEM }) =>
      db.transaction().execute(async (trx) => {
        const row = { ...columnsOf(budget), id: budget.id, created_at: Math.floor(budget.createdAtMs), is_removed: 0 };
        const revision = await nextRevision(trx, 'people');
        // The answer to an earlier call may have been lost.
        const made = await trx.selectFrom('budgets').selectAll().where('id', '=', budget.id).executeTakeFirst();
        if (made !== undefined) return budgetOf(made);
        const stored = await trx
          .insertInto('budgets')
          .values({ ...row, revision })
          .returningAll()
          .executeTakeFirstOrThrow();
        const changes = changesOf(budget);
        const { id: subject, orgId } = budget;
        await noteDeed(trx, { atMs, by, action: 'budget.created', subject, orgId, changes });
        return budgetOf(stored);
      }),
    missingOfBudget: async (budget) => missingOf(db, budget),
    changeBudget: async (id, patch, deed) => update(db, { id, deed, action: 'budget.changed', patch }),
    removeBudget: async (id, deed) => update(db, { id, deed, action: 'budget.deleted', patch: {} }),
  };
}

/** Whose subjects are ids of rows. */
type Owned = 'org' | 'team' | 'user' | 'key';

async function missingOf(
  db: Kysely<Tables>,
  { orgId, scope, subject }: BudgetRow,
): Promise<'org' | 'subject' | undefined> {
  if (orgId !== undefined && (await orgOf(db, 'org', orgId)) === undefined) return 'org';
  if (subject === EACH || subject === ROOT_KEY_ID || !isOwned(scope)) return undefined;
  const found = await orgOf(db, scope, subject);
  return found !== undefined && (orgId ?? found) === found ? undefined : 'subject';
}

function isOwned(scope: BudgetScope): scope is Owned {
  return scope === 'org' || scope === 'team' || scope === 'user' || scope === 'key';
}

/** The organisation of what is there. */
async function orgOf(db: Kysely<Tables>, scope: Owned, id: string): Promise<string | undefined> {
  if (scope === 'org') {
    const orgs = db.selectFrom('orgs').select('id').where('id', '=', id).where('is_removed', '=', 0n);
    return (await orgs.executeTakeFirst())?.id;
  }
  const rows = db.selectFrom(`${scope}s`).select('org_id').where('id', '=', id).where('is_removed', '=', 0n);
  return (await rows.executeTakeFirst())?.org_id;
}

interface Update {
  readonly id: string;
  readonly deed: KeyDeed;
  readonly action: 'budget.changed' | 'budget.deleted';
  readonly patch: BudgetPatch;
}

async function update(db: Kysely<Tables>, { id, deed, action, patch }: Update): Promise<StoredBudget | undefined> {
  const { atMs, by = SYSTEM, ifRevision } = deed;
  return db.transaction().execute(async (trx) => {
    await lockNames(trx, [`budget ${id}`]);
    const row = await trx.selectFrom('budgets').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined || row.is_removed === 1n) return undefined;
    if (ifRevision !== undefined && row.revision.toString() !== ifRevision) return undefined;
    const revision = await nextRevision(trx, 'people');
    const stored = await trx
      .updateTable('budgets')
      .set({
        ...columnsOf({ ...budgetOf(row), ...patch }),
        is_removed: action === 'budget.deleted' ? 1 : 0,
        revision,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const orgId = stored.org_id ?? undefined;
    await noteDeed(trx, { atMs, by, action, subject: id, orgId, changes: changesOf(patch) });
    return budgetOf(stored);
  });
}

function columnsOf(
  budget: Omit<BudgetRow, 'id' | 'createdAtMs'>,
): Omit<Insertable<BudgetsTable>, 'id' | 'created_at' | 'is_removed' | 'revision'> {
  return {
    name: budget.name,
    org_id: budget.orgId ?? null,
    scope: budget.scope,
    subject: budget.subject,
    limit_nano_usd: budget.limitNanoUsd,
    period: budget.period,
    time_zone: budget.timeZone,
    is_hard: budget.isHard ? 1 : 0,
    alerts: JSON.stringify(budget.alerts),
    is_disabled: budget.isDisabled ? 1 : 0,
  };
}

function budgetOf(row: Selectable<BudgetsTable>): StoredBudget {
  return compact({
    id: row.id,
    name: row.name,
    orgId: row.org_id ?? undefined,
    scope: row.scope,
    subject: row.subject,
    limitNanoUsd: row.limit_nano_usd,
    period: row.period,
    timeZone: row.time_zone,
    isHard: row.is_hard === 1n,
    alerts: (asArray(parseJson(row.alerts)) ?? []).flatMap((item) => asCount(item) ?? []),
    isDisabled: row.is_disabled === 1n,
    isRemoved: row.is_removed === 1n,
    createdAtMs: Number(row.created_at),
    revision: row.revision,
  });
}

/** What a change sets, in the words of the API. */
function changesOf(change: BudgetPatch & Partial<BudgetRow>): JsonRecord {
  const { name, orgId, scope, subject, limitNanoUsd, period, timeZone, isHard, alerts, isDisabled } = change;
  return compact({
    name,
    org: orgId,
    scope,
    subject,
    limit_usd: limitNanoUsd === undefined ? undefined : formatUsd(limitNanoUsd),
    period,
    time_zone: timeZone,
    hard: isHard,
    alerts,
    disabled: isDisabled,
  });
}
