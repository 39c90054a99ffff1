/** Plans in the database. Every change counts the counter `people` up, so that processes learn of it by asking for what is newer. */
import type { Kysely, Selectable, Transaction, Updateable } from 'kysely';
import { asArray, asNumber, asRecord, asString, compact, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { PlanRule } from '../../money/plan.ts';
import { formatUsd, parseUsd } from '../../money/usd.ts';
import type { BillingBooks, PlanWritten, StoredPlan } from '../billing-ports.ts';
import { noteDeed } from './audit.ts';
import { nextRevision } from './keys.ts';
import type { PeopleDeed } from '../people-ports.ts';
import type { PlansTable } from './schema-people.ts';
import type { Tables } from './schema.ts';

export function planBooks(
  db: Kysely<Tables>,
): Pick<BillingBooks, 'planChanges' | 'createPlan' | 'changePlan' | 'removePlan'> {
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
    createPlan: async ({ id, name, rules }, { atMs, by }) =>
      db.transaction().execute(async (trx) => {
        const revision = await nextRevision(trx, 'people');
        // The answer to an earlier call may have been lost.
        const made = await trx.selectFrom('plans').selectAll().where('id', '=', id).executeTakeFirst();
        if (made !== undefined) return planOf(made);
        const written = rules.map(writtenRule);
        const values = { id, name, rules: JSON.stringify(written), is_removed: 0, created_at: atMs, revision };
        const row = await trx.insertInto('plans').values(values).returningAll().executeTakeFirstOrThrow();
        const noted = { subject: id, orgId: undefined, changes: { name, rules: written } };
        await noteDeed(trx, { atMs, by, action: 'plan.created', ...noted });
        return planOf(row);
      }),
    changePlan: async (id, { name, rules }, deed) => {
      const changes = compact({ name, rules: rules?.map(writtenRule) });
      const set = compact({ name, rules: rules === undefined ? undefined : JSON.stringify(changes.rules) });
      return db.transaction().execute(async (trx) => write(trx, { id, action: 'plan.changed', set, changes }, deed));
    },
    removePlan: async (id, deed) =>
      db
        .transaction()
        .execute(async (trx) => write(trx, { id, action: 'plan.deleted', set: { is_removed: 1 }, changes: {} }, deed)),
  };
}

interface PlanWrite {
  readonly id: string;
  readonly action: 'plan.changed' | 'plan.deleted';
  readonly set: Updateable<PlansTable>;
  readonly changes: JsonRecord;
}

/** The revision is drawn first: until the end nobody else writes, and no organisation takes the plan. */
async function write(
  trx: Transaction<Tables>,
  { id, action, set, changes }: PlanWrite,
  { atMs, by, ifRevision }: PeopleDeed,
): Promise<PlanWritten> {
  const revision = await nextRevision(trx, 'people');
  const known = await trx
    .selectFrom('plans')
    .select('revision')
    .where('id', '=', id)
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  if (known === undefined) return { refused: 'unknown' };
  if (ifRevision !== undefined && known.revision.toString() !== ifRevision) return { refused: 'revision-old' };
  if (action === 'plan.deleted' && (await isTaken(trx, id))) return { refused: 'in-use' };
  const row = await trx
    .updateTable('plans')
    .set({ ...set, revision })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  await noteDeed(trx, { atMs, by, action, subject: id, orgId: undefined, changes });
  return { row: planOf(row) };
}

async function isTaken(trx: Transaction<Tables>, id: string): Promise<boolean> {
  const org = trx.selectFrom('orgs').select('id').where('plan_id', '=', id).where('is_removed', '=', 0n);
  return (await org.executeTakeFirst()) !== undefined;
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
