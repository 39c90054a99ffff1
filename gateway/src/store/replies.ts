/**
 * Replies to POSTs that carry an `Idempotency-Key`, for a day. A reply may hold the token of a new key, which is kept nowhere
 * else: it is sealed with a key made of the caller's own, of which the store has a hash only.
 */
import { createHash, createHmac } from 'node:crypto';
import { ok } from '../lib/result.ts';
import { sealed, unsealed } from './sealed.ts';
import type { ReplyBooks } from './books/form.ts';
import { patiently } from './patience.ts';
import type { Attempted, Replies } from './ports.ts';

const KEPT_MS = 24 * 3_600_000;
/** No admin call takes so long: who began before it has died with its process. What it had done by then stays done. */
const RUNNING_MS = 5 * 60_000;
/** A hundred thousand POSTs a day; beyond that the oldest replies go. */
const ROWS_MAX = 100_000;

interface ReplyPorts {
  readonly books: ReplyBooks;
  /** Of this purpose only. */
  readonly secret: Buffer;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface KeptReplies extends Replies {
  /** Takes away what is too old. For a slow timer. */
  prune(): Promise<void>;
}

export function keptReplies({ books, secret, now }: ReplyPorts): KeptReplies {
  const hmac = (purpose: string, { by, idempotencyKey }: Attempted): Buffer =>
    createHmac('sha256', secret)
      .update(JSON.stringify([purpose, by, idempotencyKey]))
      .digest();
  const idOf = (attempted: Attempted): string => hmac('id', attempted).toString('base64url');
  return {
    async begin(attempted) {
      const atMs = now();
      const order = {
        id: idOf(attempted),
        digest: createHash('sha256').update(attempted.asked).digest('base64url'),
        atMs,
        keptFromMs: atMs - KEPT_MS,
        runningFromMs: atMs - RUNNING_MS,
      };
      const found = await patiently(async () => books.beginReply(order));
      if (!found.ok) return found;
      if (found.value.state !== 'done') return ok({ state: found.value.state });
      const reply = unsealed(found.value.sealed, hmac('seal', attempted));
      // Under another secret (a restored database): it is as unknown as if it had been forgotten.
      return ok(reply === undefined ? { state: 'other' } : { state: 'done', reply });
    },
    async end(attempted, reply) {
      const kept = reply === undefined ? undefined : sealed(reply, hmac('seal', attempted));
      return patiently(async () => {
        await books.endReply(idOf(attempted), kept);
        return undefined;
      });
    },
    prune: async () => books.pruneReplies(now() - KEPT_MS, ROWS_MAX),
  };
}
