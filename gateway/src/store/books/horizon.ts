/** From when on all receipts are there: what is older may be gone, and is told by its sums alone. */
import type { Kysely } from 'kysely';
import type { Tables } from './schema.ts';

/** Name of the counter. */
export const HORIZON = 'receipts from hour';

/** The hour since 1970 before which receipts may be gone; 0: none is. */
export async function receiptsFrom(db: Kysely<Tables>): Promise<bigint> {
  const row = await db.selectFrom('counters').select('value').where('name', '=', HORIZON).executeTakeFirst();
  return row?.value ?? 0n;
}
