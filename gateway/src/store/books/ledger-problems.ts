/** Recomputes the ledger from its single entries and tells where it does not agree with itself. Each check is one query. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { formatUsd } from '../../money/usd.ts';
import { isPostgres } from './differences.ts';
import type { Tables } from './schema.ts';

/** Problems told of one kind; a broken ledger has either few or countless. */
const TOLD_MAX = 20;
/** The key of `TURNOUT_ADMIN_KEY` has receipts and no row. */
export const ROOT_KEY_ID = 'root';

interface Check {
  readonly query: RawBuilder<Found>;
  readonly text: (found: Found) => string;
}

interface Found {
  readonly name: string;
  readonly is: bigint | null;
  readonly ought: bigint | null;
}

/** What is wrong with the ledger; empty where nothing is. */
export async function ledgerProblems(db: Kysely<Tables>): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const check of isPostgres(db) ? checks : [fileCheck, ...checks]) {
    const { rows } = await check.query.execute(db);
    problems.push(...toldOf(rows, check.text));
  }
  return problems;
}

/** A sentence each, and how many more there are where they are many. */
export function toldOf<Row>(rows: readonly Row[], text: (row: Row) => string): readonly string[] {
  const told = rows.slice(0, TOLD_MAX).map(text);
  return rows.length > TOLD_MAX ? [...told, `… and ${rows.length - TOLD_MAX} more like the last`] : told;
}

export function usd(amount: bigint | null): string {
  return amount === null ? 'nothing' : `${formatUsd(amount)} USD`;
}

/** Of SQLite's file. PostgreSQL looks after its own. */
const fileCheck: Check = {
  query: sql`select quick_check as name, null as "is", null as ought from pragma_quick_check where quick_check <> 'ok'`,
  text: ({ name }) => `the database file is damaged: ${name}`,
};

const checks: readonly Check[] = [
  {
    query: sql`
      select a.kind || ' of ' || a.purse_id as name, a.balance as "is", coalesce(i.sum, 0) - coalesce(o.sum, 0) as ought
      from accounts a
      left join (select to_account, sum(amount) as sum from transfers group by to_account) i on i.to_account = a.id
      left join (select from_account, sum(amount) as sum from transfers group by from_account) o on o.from_account = a.id
      where a.balance <> coalesce(i.sum, 0) - coalesce(o.sum, 0)`,
    text: ({ name, is, ought }) => `account ${name} has ${usd(is)}, its transfers make ${usd(ought)}`,
  },
  {
    query: sql`select purse_id as name, sum(balance) as "is", 0 as ought from accounts group by purse_id having sum(balance) <> 0`,
    text: ({ name, is }) => `the accounts of ${name} sum to ${usd(is)}, not to zero`,
  },
  {
    query: sql`
      select k.id as name, -coalesce(a.balance, 0) as "is", coalesce(k.budget_nano_usd, 0) as ought
      from keys k left join accounts a on a.purse_id = k.id and a.kind = 'grant'
      where -coalesce(a.balance, 0) <> coalesce(k.budget_nano_usd, 0)`,
    text: ({ name, is, ought }) => `key ${name} was granted ${usd(is)}, its budget is ${usd(ought)}`,
  },
  {
    // Funds below nothing have a reason: a budget that was lowered, spending from before there was one, a dear surprise.
    query: sql`
      select a.purse_id as name, a.balance as "is", -coalesce(sum(t.amount), 0) as ought
      from accounts a left join transfers t on t.from_account = a.id and t.kind in ('grant', 'open-spend', 'overspend', 'open-draw')
      where a.kind = 'funds' and a.balance < 0
      group by a.id having a.balance < -coalesce(sum(t.amount), 0)`,
    text: ({ name, is, ought }) => `the funds of ${name} are ${usd(is)}, and only ${usd(ought)} is accounted for`,
  },
  {
    query: sql`
      select cast(t.id as text) as name, null as "is", null as ought from transfers t
      left join accounts f on f.id = t.from_account left join accounts o on o.id = t.to_account
      left join postings p on p.id = t.posting_id
      where p.id is null or f.id is null or o.id is null or f.purse_id <> o.purse_id or t.amount <= 0
      or (t.kind || ':' || f.kind || ':' || o.kind) not in (
        'grant:grant:funds', 'grant:funds:grant', 'draw:funds:lease', 'open-draw:funds:lease', 'return:lease:funds',
        'spend:lease:spent', 'open-spend:funds:spent', 'overspend:funds:spent')`,
    text: ({ name }) => `transfer ${name} is not one that the ledger makes`,
  },
  {
    query: sql`
      select kind || ' of ' || purse_id as name, balance as "is", 0 as ought
      from accounts where kind in ('lease', 'spent') and balance < 0`,
    text: ({ name, is }) => `account ${name} has ${usd(is)}, less than nothing`,
  },
  {
    query: sql`
      select r.id as name, r.cost_nano_usd as "is", null as ought from receipts r
      left join keys k on k.id = r.key_id left join postings p on p.id = r.posting_id
      where p.id is null or r.cost_nano_usd < 0 or (k.id is null and r.key_id <> ${ROOT_KEY_ID})`,
    text: ({ name }) => `receipt ${name} belongs to no key or posting, or has an impossible cost`,
  },
];
