/** Leases: slices of budgets, handed out to processes. `spent + leased <= limit` holds after every transaction here. */
import { sql, type Kysely, type Transaction } from 'kysely';
import type { NanoUsd } from '../money/price.ts';
import { nextRevision } from './books-keys.ts';
import type { Balances, Books, Draw, DrawOrder, ReturnOrder } from './books-form.ts';
import { lockPurses } from './lock-purses.ts';
import type { Tables } from './schema.ts';
import { accountOf, newPosting, transfer } from './transfers.ts';

/**
 * A draw takes at most this part of what is left, unless it needs more: enough in reserve that a process works on while
 * the store is away, little enough that several processes share a budget to its end.
 */
const RESERVE_PART = 8n;

type LeaseBooks = Pick<Books, 'draw' | 'giveBack' | 'balances'>;

export function leaseBooks(db: Kysely<Tables>): LeaseBooks {
  return {
    draw: async (order) => db.transaction().execute(async (trx) => draw(trx, order)),
    giveBack: async (order) =>
      db.transaction().execute(async (trx) => {
        await lockPurses(trx, [order.keyId]);
        await giveBack(trx, order);
      }),
    balances: async (keyId, processId) => balancesOf(db, keyId, processId),
  };
}

async function draw(trx: Transaction<Tables>, order: DrawOrder): Promise<Draw> {
  const { processId, keyId, needNanoUsd, leastNanoUsd, atMs } = order;
  await lockPurses(trx, [keyId]);
  const key = await trx
    .selectFrom('keys')
    .select(['budget_nano_usd', 'is_removed'])
    .where('id', '=', keyId)
    .executeTakeFirst();
  const funds = await accountOf(trx, { kind: 'funds', keyId });
  const isOpen = key !== undefined && key.is_removed === 0n && key.budget_nano_usd === null;
  const given = isOpen ? needNanoUsd : slice(funds.balance, needNanoUsd, leastNanoUsd);
  if (given > 0n) {
    const lease = await accountOf(trx, { kind: 'lease', keyId, processId });
    const postingId = await newPosting(trx, processId, atMs);
    await transfer(trx, { postingId, kind: isOpen ? 'open-draw' : 'draw', from: funds, to: lease, nanoUsd: given });
  }
  const balances = await balancesOf(trx, keyId, processId);
  if (given < needNanoUsd && balances.leasedElsewhereNanoUsd > 0n) await recall(trx, keyId);
  return { ...balances, givenNanoUsd: given };
}

function slice(left: NanoUsd, need: NanoUsd, least: NanoUsd): NanoUsd {
  if (left < least || left <= 0n) return 0n;
  if (left < need) return left;
  const reserve = left / RESERVE_PART;
  return reserve > need ? reserve : need;
}

/** Asks all processes to give back what they hold in reserve: they see it at their next look at the keys. */
async function recall(trx: Transaction<Tables>, keyId: string): Promise<void> {
  const revision = await nextRevision(trx);
  await trx
    .updateTable('keys')
    .set({ recalls: sql`recalls + 1`, revision })
    .where('id', '=', keyId)
    .execute();
}

async function giveBack(trx: Transaction<Tables>, order: ReturnOrder): Promise<void> {
  const { keyId, processId, amountNanoUsd, atMs } = order;
  const lease = await accountOf(trx, { kind: 'lease', keyId, processId });
  const nanoUsd = amountNanoUsd === 'all' || amountNanoUsd > lease.balance ? lease.balance : amountNanoUsd;
  if (nanoUsd <= 0n) return;
  const funds = await accountOf(trx, { kind: 'funds', keyId });
  const postingId = await newPosting(trx, processId, atMs);
  await transfer(trx, { postingId, kind: 'return', from: lease, to: funds, nanoUsd });
}

/** Gives all leases of a process back. For one that has ended, and whose receipts are all taken in. */
export async function returnLeases(trx: Transaction<Tables>, processId: string, atMs: number): Promise<void> {
  const leases = await trx
    .selectFrom('accounts')
    .select('key_id')
    .where('process_id', '=', processId)
    .where('kind', '=', 'lease')
    .where('balance', '>', 0n)
    .execute();
  await lockPurses(
    trx,
    leases.map((lease) => lease.key_id),
  );
  for (const lease of leases) await giveBack(trx, { keyId: lease.key_id, processId, amountNanoUsd: 'all', atMs });
}

async function balancesOf(db: Kysely<Tables>, keyId: string, processId: string): Promise<Balances> {
  const accounts = await db
    .selectFrom('accounts')
    .select(['kind', 'process_id', 'balance'])
    .where('key_id', '=', keyId)
    .where('balance', '!=', 0n)
    .execute();
  let limitNanoUsd = 0n;
  let spentNanoUsd = 0n;
  let leasedHereNanoUsd = 0n;
  let leasedElsewhereNanoUsd = 0n;
  for (const { kind, process_id: holder, balance } of accounts) {
    if (kind === 'grant') limitNanoUsd -= balance;
    else if (kind === 'spent') spentNanoUsd += balance;
    else if (kind === 'lease' && holder === processId) leasedHereNanoUsd += balance;
    else if (kind === 'lease') leasedElsewhereNanoUsd += balance;
  }
  return { limitNanoUsd, spentNanoUsd, leasedHereNanoUsd, leasedElsewhereNanoUsd };
}
