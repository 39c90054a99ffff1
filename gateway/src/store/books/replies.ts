/** Replies to POSTs in the database, by a hash of who asked and of the `Idempotency-Key`. What they say is sealed. */
import type { Kysely } from 'kysely';
import type { ReplyBooks, ReplyState } from './form.ts';
import type { Tables } from './schema.ts';

/** Rows taken away at once, so that pruning never holds the store for long. */
const PRUNE_ROWS = 1000;

export function replyBooks(db: Kysely<Tables>): ReplyBooks {
  return {
    beginReply: async ({ id, digest, atMs, keptFromMs, runningFromMs }) =>
      db.transaction().execute(async (trx): Promise<ReplyState> => {
        const own = trx.deleteFrom('replies').where('id', '=', id);
        await own.where('at', '<', BigInt(keptFromMs)).execute();
        await own
          .where('digest', '=', digest)
          .where('sealed', 'is', null)
          .where('at', '<', BigInt(runningFromMs))
          .execute();
        // Whoever writes the row has begun: of two at the same moment the other waits for it, and then writes none.
        const begun = await trx
          .insertInto('replies')
          .values({ id, digest, at: atMs, sealed: null })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .returning('id')
          .executeTakeFirst();
        if (begun !== undefined) return { state: 'begun' };
        const row = await trx.selectFrom('replies').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
        if (row.digest !== digest) return { state: 'other' };
        return row.sealed === null ? { state: 'running' } : { state: 'done', sealed: row.sealed };
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
