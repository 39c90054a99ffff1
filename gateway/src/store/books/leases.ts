/** Leases: slices of purses, handed out to processes. `spent + leased <= limit` holds after every transaction here. */
import type { Kysely, Transaction } from 'kysely';
import type { NanoUsd } from '../../money/price.ts';
import { nextRevision } from './keys.ts';
import type { Balances, Books, Draw, DrawOrder, Recalls, ReturnOrder } from './form.ts';
import { lockPurses } from './lock-purses.ts';
import { termsOf } from './purse-terms.ts';
import type { Tables } from './schema.ts';
import { accountOf, newPosting, setGrant, transfer } from './transfers.ts';

/**
 * A draw takes at most this part of what is left, unless it needs more: enough in reserve that a process works on while
 * the store is away, little enough that several processes share a budget to its end.
 */
const RESERVE_PART = 8n;

type LeaseBooks = Pick<Books, 'draw' | 'giveBack' | 'balances' | 'recalls'>;

export function leaseBooks(db: Kysely<Tables>): LeaseBooks {
  return {
    draw: async (order) => db.transaction().execute(async (trx) => draw(trx, order)),
    giveBack: async (order) =>
      db.transaction().execute(async (trx) => {
        await lockPurses(trx, [order.purseId]);
        await giveBack(trx, order);
      }),
    balances: async (purseId, processId) => balancesOf(db, purseId, processId),
    recalls: async (revision) => recallsSince(db, revision),
  };
}

async function draw(trx: Transaction<Tables>, order: DrawOrder): Promise<Draw> {
  const { processId, purseId, needNanoUsd, leastNanoUsd, atMs } = order;
  await lockPurses(trx, [purseId]);
  const { isOpen, grantNanoUsd } = await termsOf(trx, purseId);
  // A period begins with its first draw; and a budget that was changed is what it now is.
  if (grantNanoUsd !== undefined) await setGrant(trx, purseId, { nanoUsd: grantNanoUsd, atMs });
  const funds = await accountOf(trx, { kind: 'funds', purseId });
  const given = isOpen ? needNanoUsd : slice(funds.balance, needNanoUsd, leastNanoUsd);
  if (given > 0n) {
    const lease = await accountOf(trx, { kind: 'lease', purseId, processId });
    const postingId = await newPosting(trx, processId, atMs);
    await transfer(trx, { postingId, kind: isOpen ? 'open-draw' : 'draw', from: funds, to: lease, nanoUsd: given });
  }
  const balances = await balancesOf(trx, purseId, processId);
  if (given < needNanoUsd && balances.leasedElsewhereNanoUsd > 0n) await recall(trx, purseId);
  return { ...balances, givenNanoUsd: given };
}

function slice(left: NanoUsd, need: NanoUsd, least: NanoUsd): NanoUsd {
  if (left < least || left <= 0n) return 0n;
  if (left < need) return left;
  const reserve = left / RESERVE_PART;
  return reserve > need ? reserve : need;
}

/** Asks all processes to give back what they hold in reserve: they see it when they next ask, within a second. */
export async function recall(trx: Transaction<Tables>, purseId: string): Promise<void> {
  const revision = await nextRevision(trx, 'recalls');
  await trx
    .insertInto('recalls')
    .values({ purse_id: purseId, revision })
    .onConflict((conflict) => conflict.column('purse_id').doUpdateSet({ revision }))
    .execute();
}

/** The purses that were called back since, and the revision to ask from next. */
async function recallsSince(db: Kysely<Tables>, revision: bigint): Promise<Recalls> {
  const rows = await db
    .selectFrom('recalls')
    .selectAll()
    .where('revision', '>', revision)
    .orderBy('revision')
    .execute();
  return { purseIds: rows.map((row) => row.purse_id), revision: rows.at(-1)?.revision ?? revision };
}

async function giveBack(trx: Transaction<Tables>, order: ReturnOrder): Promise<void> {
  const { purseId, processId, amountNanoUsd, atMs } = order;
  const lease = await accountOf(trx, { kind: 'lease', purseId, processId });
  const nanoUsd = amountNanoUsd === 'all' || amountNanoUsd > lease.balance ? lease.balance : amountNanoUsd;
  if (nanoUsd <= 0n) return;
  const funds = await accountOf(trx, { kind: 'funds', purseId });
  const postingId = await newPosting(trx, processId, atMs);
  await transfer(trx, { postingId, kind: 'return', from: lease, to: funds, nanoUsd });
}

/** Gives all leases of a process back. For one that has ended, and whose receipts are all taken in. */
export async function returnLeases(trx: Transaction<Tables>, processId: string, atMs: number): Promise<void> {
  const leases = await trx
    .selectFrom('accounts')
    .select('purse_id')
    .where('process_id', '=', processId)
    .where('kind', '=', 'lease')
    .where('balance', '>', 0n)
    .execute();
  await lockPurses(
    trx,
    leases.map((lease) => lease.purse_id),
  );
  for (const lease of leases) await giveBack(trx, { purseId: lease.purse_id, processId, amountNanoUsd: 'all', atMs });
}

async function balancesOf(db: Kysely<Tables>, purseId: string, processId: string): Promise<Balances> {
  const accounts = await db
    .selectFrom('accounts')
    .select(['kind', 'process_id', 'balance'])
    .where('purse_id', '=', purseId)
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
