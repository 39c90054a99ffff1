/** Replies to POSTs in the database, by a hash of who asked and of the `Idempotency-Key`. What they say is sealed. */
import type { Kysely } from 'kysely';
import type { ReplyBooks, ReplyState } from './books-form.ts';
import type { Tables } from './schema.ts';

/** Rows taken away at once, so that pruning never holds the store for long. */
const PRUNE_ROWS = 1000;

export function replyBooks(db: Kysely<Tables>): ReplyBooks {
  return {
    beginReply: async ({ id, digest, atMs, keptFromMs, runningFromMs }) =>
      db.transaction().execute(async (trx): Promise<ReplyState> => {
        const row = await trx.selectFrom('replies').selectAll().where('id', '=', id).executeTakeFirst();
        if (row !== undefined && row.at >= BigInt(keptFromMs)) {
          if (row.digest !== digest) return { state: 'other' };
          if (row.sealed !== null) return { state: 'done', sealed: row.sealed };
          if (row.at >= BigInt(runningFromMs)) return { state: 'running' };
        }
        const begun = { digest, at: atMs, sealed: null };
        await trx
          .insertInto('replies')
          .values({ id, ...begun })
          .onConflict((conflict) => conflict.column('id').doUpdateSet(begun))
          .execute();
        return { state: 'begun' };
      }),
    endReply: async (id, sealed) => {
      await (sealed === undefined
        ? db.deleteFrom('replies').where('id', '=', id).execute()
        : db.updateTable('replies').set({ sealed }).where('id', '=', id).execute());
    },
    pruneReplies: async (beforeMs, rowsMax) => {
      const beyond = await db
        .selectFrom('replies')
        .select('at')
        .orderBy('at', 'desc')
        .offset(rowsMax)
        .limit(1)
        .executeTakeFirst();
      const before = [BigInt(beforeMs), beyond?.at ?? 0n].reduce((a, b) => (a > b ? a : b));
      const old = db.selectFrom('replies').select('id').where('at', '<', before).orderBy('at').limit(PRUNE_ROWS);
      await db.deleteFrom('replies').where('id', 'in', old).execute();
    },
  };
}
