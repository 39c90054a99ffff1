/** What keys say of the answers to their requests: one word a key and request. */
import type { Kysely, Selectable } from 'kysely';
import type { Books } from './form.ts';
import { lockNames } from './lock-purses.ts';
import type { FeedbackRow } from '../ports.ts';
import type { FeedbackTable, Tables } from './schema.ts';

const DAY_MS = 86_400_000;
/** Rows taken away at once, so that pruning never holds the store for long. */
const PRUNE_ROWS = 2000;

type FeedbackBooks = Pick<Books, 'putFeedback' | 'getFeedback' | 'feedbackSums' | 'pruneFeedback'>;

/** Days since 1970. */
export function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}

export function feedbackBooks(db: Kysely<Tables>): FeedbackBooks {
  return {
    putFeedback: async ({ requestId, keyId, atMs, target, task, score }) =>
      db.transaction().execute(async (trx) => {
        await lockNames(trx, [`feedback ${requestId}`]);
        const before = await said(trx, requestId).where('key_id', '=', keyId).executeTakeFirst();
        const word = { at: Math.floor(atMs), day: dayOf(atMs), target, task, score };
        await trx
          .insertInto('feedback')
          .values({ request_id: requestId, key_id: keyId, ...word })
          .onConflict((conflict) => conflict.columns(['request_id', 'key_id']).doUpdateSet(word))
          .execute();
        return before === undefined ? undefined : rowOf(before);
      }),
    getFeedback: async (requestId) => {
      const row = await said(db, requestId).executeTakeFirst();
      return row === undefined ? undefined : rowOf(row);
    },
    feedbackSums: async (sinceDay) => {
      const rows = await db
        .selectFrom('feedback')
        .select((eb) => [
          'day',
          'target',
          'task',
          eb.fn.countAll<bigint>().as('count'),
          eb.fn.sum<number>('score').as('sum'),
        ])
        .where('day', '>=', BigInt(sinceDay))
        .groupBy(['day', 'target', 'task'])
        .execute();
      return rows.map((row) => ({ ...row, day: Number(row.day), count: Number(row.count) }));
    },
    pruneFeedback: async (rowsMax) => {
      const { rows } = await db
        .selectFrom('feedback')
        .select((eb) => eb.fn.countAll<bigint>().as('rows'))
        .executeTakeFirstOrThrow();
      const surplus = Math.min(Number(rows) - rowsMax, PRUNE_ROWS);
      if (surplus <= 0) return;
      const oldest = await db
        .selectFrom('feedback')
        .select(['request_id', 'key_id'])
        .orderBy('day')
        .limit(surplus)
        .execute();
      await db.transaction().execute(async (trx) => {
        for (const { request_id, key_id } of oldest)
          await trx.deleteFrom('feedback').where('request_id', '=', request_id).where('key_id', '=', key_id).execute();
      });
    },
  };
}

function said(db: Kysely<Tables>, requestId: string) {
  return db.selectFrom('feedback').selectAll().where('request_id', '=', requestId);
}

function rowOf({ request_id, key_id, at, target, task, score }: Selectable<FeedbackTable>): FeedbackRow {
  return { requestId: request_id, keyId: key_id, atMs: Number(at), target, task, score };
}
