/** Alerts in the database: what an operator should know of, each once. */
import { sql, type Kysely } from 'kysely';
import type { JsonRecord } from '../../lib/json.ts';
import { formatUsd } from '../../money/usd.ts';
import { creditPurseOf, type TendOrder } from '../billing-ports.ts';
import type { Tables } from './schema.ts';

/** Prepaid organisations that have less left than a part of their newest top-up: once for each part and top-up. */
export async function tellLow(db: Kysely<Tables>, { atMs, lowPercents }: TendOrder): Promise<number> {
  const newest = lowPercents.length === 0 ? [] : await newestTopUps(db);
  if (newest.length === 0) return 0;
  const purses = await db
    .selectFrom('accounts')
    .select(['purse_id', sql<bigint>`sum(balance)`.as('sum')])
    .where('kind', 'in', ['grant', 'spent'])
    .where(
      'purse_id',
      'in',
      newest.map((one) => creditPurseOf(one.org_id)),
    )
    .groupBy('purse_id')
    .execute();
  const left = new Map(purses.map(({ purse_id: purseId, sum }) => [purseId, -sum]));
  let told = 0;
  for (const { org_id: orgId, id, amount_nano_usd: amount } of newest) {
    const leftNanoUsd = left.get(creditPurseOf(orgId)) ?? 0n;
    for (const percent of lowPercents.filter((one) => leftNanoUsd * 100n <= amount * BigInt(one))) {
      const body = { org: orgId, left_usd: formatUsd(leftNanoUsd > 0n ? leftNanoUsd : 0n), top_up: id, percent };
      const subject = `${creditPurseOf(orgId)}@${id}`;
      told += await tell(db, { kind: 'credits-low', subject, threshold: percent, orgId, atMs, body });
    }
  }
  return told;
}

/** Ids of ours grow with time: the last is the newest. */
async function newestTopUps(
  db: Kysely<Tables>,
): Promise<readonly { readonly org_id: string; readonly id: string; readonly amount_nano_usd: bigint }[]> {
  const newest = db
    .selectFrom('credit_grants')
    .innerJoin('orgs', 'orgs.id', 'credit_grants.org_id')
    .select((eb) => eb.fn.max('credit_grants.id').as('id'))
    .where('orgs.billing', '=', 'prepaid')
    .where('orgs.is_removed', '=', 0n)
    .where('credit_grants.kind', 'in', ['top-up', 'gift'])
    .groupBy('credit_grants.org_id');
  return db.selectFrom('credit_grants').select(['org_id', 'id', 'amount_nano_usd']).where('id', 'in', newest).execute();
}

export interface Telling {
  readonly kind: string;
  readonly subject: string;
  readonly threshold: number;
  /** Absent: it is of the whole gateway. */
  readonly orgId?: string | undefined;
  readonly atMs: number;
  readonly body: JsonRecord;
}

/** Writes an alert down, once; gives 1 where it is new. */
export async function tell(db: Kysely<Tables>, alert: Telling): Promise<number> {
  const { kind, subject, threshold, orgId = null, atMs, body } = alert;
  const rows = await db
    .insertInto('alerts')
    .values({ kind, subject, threshold, org_id: orgId, at: Math.floor(atMs), body: JSON.stringify(body) })
    .onConflict((conflict) => conflict.columns(['kind', 'subject', 'threshold']).doNothing())
    .returning('id')
    .execute();
  return rows.length;
}
