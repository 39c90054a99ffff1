/** What was in force when: the settings of each snapshot, once, so that a decision can be made again as it was made. */
import type { Kysely } from 'kysely';
import { asRecord, parseJson } from '../../lib/json.ts';
import type { Books } from './form.ts';
import type { Tables } from './schema.ts';

/** Ten changes a day for a quarter of a year; a row has some kilobytes. */
const ROWS_MAX = 1000;

export function snapshotBooks(db: Kysely<Tables>): Pick<Books, 'putSnapshot' | 'getSnapshot'> {
  return {
    putSnapshot: async ({ id, atMs, release, catalog, settings }) =>
      db.transaction().execute(async (trx) => {
        const row = { id, at: Math.floor(atMs), release, catalog, settings: JSON.stringify(settings) };
        await trx
          .insertInto('snapshots')
          .values(row)
          .onConflict((conflict) => conflict.column('id').doNothing())
          .execute();
        await trx
          .deleteFrom('snapshots')
          .where('id', 'not in', (eb) => eb.selectFrom('snapshots').select('id').orderBy('at', 'desc').limit(ROWS_MAX))
          .execute();
      }),
    getSnapshot: async (id) => {
      const row = await db.selectFrom('snapshots').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) return undefined;
      const { at, release, catalog, settings } = row;
      return { id, atMs: Number(at), release, catalog, settings: asRecord(parseJson(settings)) ?? {} };
    },
  };
}
