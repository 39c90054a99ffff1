/** Alerts: what an operator should know of, each put once, told once to each who was told, and acknowledged once. */
import { sql, type Kysely, type Selectable, type Transaction } from 'kysely';
import { asRecord, compact, parseJson } from '../../lib/json.ts';
import { tell } from './alerts.ts';
import { noteDeed } from './audit.ts';
import type { AckDeed, AlertBooks, AlertPage, AlertQuery, AlertRow, NewAlert } from '../report-ports.ts';
import type { AlertsTable } from './schema-people.ts';
import type { Tables } from './schema.ts';

/** Rows of one page, whatever is asked for. */
const PAGE_MAX = 200;

/** Puts an alert; false where it is there already. May stand in the transaction of what it tells. */
export async function putAlert(db: Kysely<Tables>, alert: NewAlert): Promise<boolean> {
  return (await tell(db, { threshold: 0, ...alert })) === 1;
}

export function alertBooks(db: Kysely<Tables>): AlertBooks {
  return {
    putAlert: async (alert) => putAlert(db, alert),
    listAlerts: async (query) => list(db, query),
    getAlert: async (id) => {
      const row = await db.selectFrom('alerts').selectAll().where('id', '=', BigInt(id)).executeTakeFirst();
      return row === undefined ? undefined : alertOf(row);
    },
    ackAlert: async (id, deed) => db.transaction().execute(async (trx) => acknowledge(trx, id, deed)),
    markTold: async (ids, atMs) => {
      if (ids.length === 0) return;
      await db
        .updateTable('alerts')
        .set({ told_at: sql`coalesce(told_at, ${BigInt(Math.floor(atMs))})` })
        .where('id', 'in', ids.map(BigInt))
        .execute();
    },
  };
}

async function list(db: Kysely<Tables>, query: AlertQuery): Promise<AlertPage> {
  const { kind, state, orgId, isUntold = false, before, limitMax } = query;
  const limit = Math.max(1, Math.min(limitMax, PAGE_MAX));
  let select = db.selectFrom('alerts').selectAll().orderBy('id', 'desc');
  if (kind !== undefined) select = select.where('kind', '=', kind);
  if (state !== undefined) select = select.where('acked_at', state === 'open' ? 'is' : 'is not', null);
  if (orgId !== undefined) select = select.where('org_id', '=', orgId);
  if (isUntold) select = select.where('told_at', 'is', null);
  if (before !== undefined) select = select.where('id', '<', BigInt(before));
  const found = (await select.limit(limit + 1).execute()).map(alertOf);
  const alerts = found.slice(0, limit);
  const last = alerts.at(-1);
  return found.length > limit && last !== undefined ? { alerts, next: last.id } : { alerts };
}

async function acknowledge(
  trx: Transaction<Tables>,
  id: number,
  { atMs, by, note }: AckDeed,
): Promise<AlertRow | undefined> {
  const acked = await trx
    .updateTable('alerts')
    .set({ acked_at: Math.floor(atMs), acked_by: by })
    .where('id', '=', BigInt(id))
    .where('acked_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
  if (acked === undefined) return alertBooks(trx).getAlert(id);
  const { kind, subject } = acked;
  const changes = compact({ kind, subject, note });
  const orgId = acked.org_id ?? undefined;
  await noteDeed(trx, { atMs, by, action: 'alert.acknowledged', subject: String(id), orgId, changes });
  return alertOf(acked);
}

function alertOf(row: Selectable<AlertsTable>): AlertRow {
  return {
    id: Number(row.id),
    kind: row.kind,
    subject: row.subject,
    threshold: Number(row.threshold),
    at: timeOf(row.at),
    body: asRecord(parseJson(row.body)) ?? {},
    org: row.org_id,
    told_at: row.told_at === null ? null : timeOf(row.told_at),
    acked_at: row.acked_at === null ? null : timeOf(row.acked_at),
    acked_by: row.acked_by,
  };
}

function timeOf(atMs: bigint): string {
  return new Date(Number(atMs)).toISOString();
}
