/** Alerts: what an operator should know of, each put once, and told once to each who was told. */
import { sql, type Kysely, type Selectable } from 'kysely';
import { asRecord, parseJson } from '../lib/json.ts';
import { tell } from './books-alerts.ts';
import type { AlertBooks, AlertRow, NewAlert } from './report-ports.ts';
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
    listAlerts: async ({ kind, isUntold = false, before, limitMax }) => {
      let select = db.selectFrom('alerts').selectAll().orderBy('id', 'desc');
      if (kind !== undefined) select = select.where('kind', '=', kind);
      if (isUntold) select = select.where('told_at', 'is', null);
      if (before !== undefined) select = select.where('id', '<', BigInt(before));
      const rows = await select.limit(Math.max(1, Math.min(limitMax, PAGE_MAX))).execute();
      return rows.map(alertOf);
    },
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

function alertOf(row: Selectable<AlertsTable>): AlertRow {
  return {
    id: Number(row.id),
    kind: row.kind,
    subject: row.subject,
    threshold: Number(row.threshold),
    at: new Date(Number(row.at)).toISOString(),
    body: asRecord(parseJson(row.body)) ?? {},
    told_at: row.told_at === null ? null : new Date(Number(row.told_at)).toISOString(),
  };
}
