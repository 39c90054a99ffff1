/** Double entry: money of a purse moves between its accounts and is never made nor lost. Used inside transactions only. */
import { sql, type Transaction } from 'kysely';
import type { NanoUsd } from '../../money/price.ts';
import type { AccountsTable, Tables, TransfersTable } from './schema.ts';

export interface Account {
  readonly id: bigint;
  readonly balance: NanoUsd;
}

export interface AccountName {
  readonly kind: AccountsTable['kind'];
  readonly purseId: string;
  /** For leases. */
  readonly processId?: string;
}

/** The account of that name, made where there is none. */
export async function accountOf(trx: Transaction<Tables>, name: AccountName): Promise<Account> {
  const { kind, purseId, processId = '' } = name;
  const known = await trx
    .selectFrom('accounts')
    .select(['id', 'balance'])
    .where('purse_id', '=', purseId)
    .where('kind', '=', kind)
    .where('process_id', '=', processId)
    .executeTakeFirst();
  if (known !== undefined) return known;
  return trx
    .insertInto('accounts')
    .values({ kind, purse_id: purseId, process_id: processId, balance: 0 })
    .returning(['id', 'balance'])
    .executeTakeFirstOrThrow();
}

/** One batch, to which transfers and receipts belong. */
export async function newPosting(trx: Transaction<Tables>, processId: string, atMs: number): Promise<bigint> {
  const values = { process_id: processId, at: Math.floor(atMs) };
  return (await trx.insertInto('postings').values(values).returning('id').executeTakeFirstOrThrow()).id;
}

export interface Transfer {
  readonly postingId: bigint;
  readonly kind: TransfersTable['kind'];
  readonly from: Account;
  readonly to: Account;
  readonly nanoUsd: NanoUsd;
}

/** Moves an amount and keeps both balances. Zero moves nothing. Throws where a lease would fall below nothing. */
export async function transfer(
  trx: Transaction<Tables>,
  { postingId, kind, from, to, nanoUsd }: Transfer,
): Promise<void> {
  if (nanoUsd === 0n) return;
  await trx
    .insertInto('transfers')
    .values({ posting_id: postingId, kind, from_account: from.id, to_account: to.id, amount: nanoUsd })
    .execute();
  await trx
    .updateTable('accounts')
    .set({ balance: sql`balance - ${nanoUsd}` })
    .where('id', '=', from.id)
    .execute();
  await trx
    .updateTable('accounts')
    .set({ balance: sql`balance + ${nanoUsd}` })
    .where('id', '=', to.id)
    .execute();
}

/** Makes what a purse was granted what it now is. What was spent and handed out stays, so the funds may fall below nothing. */
export async function setGrant(
  trx: Transaction<Tables>,
  purseId: string,
  budget: { readonly nanoUsd: NanoUsd; readonly atMs: number },
): Promise<void> {
  const grant = await accountOf(trx, { kind: 'grant', purseId });
  const funds = await accountOf(trx, { kind: 'funds', purseId });
  const more = budget.nanoUsd + grant.balance;
  if (more === 0n) return;
  const postingId = await newPosting(trx, '', budget.atMs);
  const [from, to] = more > 0n ? [grant, funds] : [funds, grant];
  await transfer(trx, { postingId, kind: 'grant', from, to, nanoUsd: more > 0n ? more : -more });
}
