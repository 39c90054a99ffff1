/** Plans in the database. Every change counts the counter `people` up, so that processes learn of it by asking for what is newer. */
import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { asArray, asNumber, asRecord, asString, parseJson, type JsonRecord } from '../lib/json.ts';
import type { PlanRule } from '../money/plan.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import type { BillingBooks, BillingDeed, StoredPlan } from './billing-ports.ts';
import { noteDeed } from './books-audit.ts';
import type { PlansTable } from './schema-people.ts';
import type { Tables } from './schema.ts';

export function planBooks(db: Kysely<Tables>): Pick<BillingBooks, 'planChanges' | 'putPlan' | 'removePlan'> {
  return {
    planChanges: async (revision) => {
      const rows = await db
        .selectFrom('plans')
        .selectAll()
        .where('revision', '>', revision)
        .orderBy('revision')
        .execute();
      return rows.map(planOf);
    },
    putPlan: async ({ id, name, rules }, deed) =>
      db.transaction().execute(async (trx) => {
        const revision = await nextRevision(trx);
        const written = rules.map(writtenRule);
        const values = { name, rules: JSON.stringify(written), is_removed: 0, revision };
        const row = await trx
          .insertInto('plans')
          .values({ id, ...values, created_at: deed.atMs })
          .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
          .returningAll()
          .executeTakeFirstOrThrow();
        await noteDeed(trx, { ...deed, action: 'plan.put', subject: id, changes: { name, rules: written } });
        return planOf(row);
      }),
    removePlan: async (id, deed) => db.transaction().execute(async (trx) => remove(trx, id, deed)),
  };
}

async function remove(trx: Transaction<Tables>, id: string, deed: BillingDeed): Promise<boolean> {
  const user = await trx
    .selectFrom('orgs')
    .select('id')
    .where('plan_id', '=', id)
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  if (user !== undefined) return false;
  const { numUpdatedRows } = await trx
    .updateTable('plans')
    .set({ is_removed: 1, revision: await nextRevision(trx) })
    .where('id', '=', id)
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await noteDeed(trx, { ...deed, action: 'plan.deleted', subject: id, changes: {} });
  return true;
}

async function nextRevision(trx: Transaction<Tables>): Promise<bigint> {
  const row = await trx
    .updateTable('counters')
    .set({ value: sql`value + 1` })
    .where('name', '=', 'people')
    .returning('value')
    .executeTakeFirstOrThrow();
  return row.value;
}

function writtenRule({ models, basisPoints, fixedNanoUsd }: PlanRule): JsonRecord {
  return { models, basis_points: basisPoints, fixed_usd: formatUsd(fixedNanoUsd) };
}

function planOf(row: Selectable<PlansTable>): StoredPlan {
  const { id, name, is_removed, revision } = row;
  const rules = (asArray(parseJson(row.rules)) ?? []).flatMap((item) => ruleOf(asRecord(item) ?? {}));
  return { id, name, rules, isRemoved: is_removed === 1n, revision };
}

function ruleOf(record: JsonRecord): readonly PlanRule[] {
  const models = asString(record['models']);
  const basisPoints = asNumber(record['basis_points']);
  const fixedNanoUsd = parseUsd(asString(record['fixed_usd']) ?? '');
  if (models === undefined || basisPoints === undefined || fixedNanoUsd === undefined) return [];
  return [{ models, basisPoints, fixedNanoUsd }];
}
