/**
 * Usage by hour and by day: what reports read instead of receipts. Kept in the transaction that takes receipts in, so all
 * always tell the same; made anew from the receipts by `rebuildUsage`, and compared with them by `usageProblems`.
 */
import { sql, type Insertable, type Kysely, type RawBuilder, type Transaction } from 'kysely';
import { DEFAULT_ORG_ID } from '../../people/permissions.ts';
import { creditPurseOf } from '../billing-ports.ts';
import { receiptsFrom } from './horizon.ts';
import { bulkInsert } from './bulk-insert.ts';
import type { ReceiptsTable, Tables } from './schema.ts';
import type { UsageHoursTable } from './schema-people.ts';

export const HOUR_MS = 3_600_000;
export const HOURS_OF_DAY = 24n;
/** A day stands in its table under its first hour. */
type SumsTable = 'usage_hours' | 'usage_days';
/** Problems told; sums that are wrong are wrong in few hours, or in all. */
const TOLD_MAX = 20;

/** What hours are told apart by, beside the hour. */
export const USAGE_WORDS = ['org_id', 'team_id', 'user_id', 'key_id', 'route', 'provider', 'model'] as const;
/** What is summed. Money in nano-dollars. */
export const USAGE_COUNTS = [
  'receipts',
  'unpriced',
  'input_tokens',
  'cached_input_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'cost_nano_usd',
  'charge_nano_usd',
  'requests',
  'credits_nano_usd',
] as const;

/** What of a receipt is counted. */
export type CountedReceipt = Pick<
  Insertable<ReceiptsTable>,
  'at' | 'is_first' | 'purses' | (typeof USAGE_WORDS)[number] | Exclude<(typeof USAGE_COUNTS)[number], Derived>
>;
type Derived = 'receipts' | 'unpriced' | 'requests' | 'credits_nano_usd';

/** One line of the sums. */
export type UsageHour = {
  readonly [Name in keyof UsageHoursTable]: Name extends (typeof USAGE_WORDS)[number] ? string : bigint;
};

export type UsageCounts = Pick<UsageHour, (typeof USAGE_COUNTS)[number]>;

/**
 * Receipts as lines of the sums, one each, with what sums do not tell apart (end user, tags). A price that became known
 * later counts in the hour of its receipt. Names of purses have no spaces, and spaces are between them.
 */
export const COUNTED_RECEIPTS: RawBuilder<UsageHour> = sql`
  select r.at / ${sql.lit(HOUR_MS)} as hour, coalesce(r.org_id, '') as org_id, coalesce(r.team_id, '') as team_id,
    coalesce(r.user_id, '') as user_id, r.key_id as key_id, coalesce(r.route, '') as route,
    r.provider as provider, r.model as model, coalesce(r.end_user, '') as end_user, coalesce(r.tags, '') as tags,
    1 as receipts, case when coalesce(r.cost_nano_usd, p.cost_nano_usd) is null then 1 else 0 end as unpriced,
    coalesce(r.input_tokens, 0) as input_tokens, coalesce(r.cached_input_tokens, 0) as cached_input_tokens,
    coalesce(r.cache_write_tokens, 0) as cache_write_tokens, coalesce(r.output_tokens, 0) as output_tokens,
    coalesce(r.reasoning_tokens, 0) as reasoning_tokens,
    coalesce(r.cost_nano_usd, p.cost_nano_usd, 0) as cost_nano_usd,
    coalesce(r.charge_nano_usd, r.cost_nano_usd, p.charge_nano_usd, 0) as charge_nano_usd, r.is_first as requests,
    case when replace(' ' || r.purses || ' ', ' crd_' || coalesce(r.org_id, ${sql.lit(DEFAULT_ORG_ID)}) || ' ', '')
      <> ' ' || r.purses || ' ' then coalesce(r.charge_nano_usd, r.cost_nano_usd, p.charge_nano_usd, 0) else 0
    end as credits_nano_usd
  from receipts r left join repricings p on p.receipt_id = r.id`;

/**
 * Makes the function that adds receipts to the sums, inside the transaction that writes them. Give it those only that were
 * not there yet.
 */
export function usageAdder(
  db: Kysely<Tables>,
): (trx: Transaction<Tables>, receipts: readonly CountedReceipt[]) => Promise<void> {
  const add = usageHoursAdder(db);
  return async (trx, receipts) => add(trx, receipts.map(hourOf));
}

/** The same for lines of the sums. */
export function usageHoursAdder(
  db: Kysely<Tables>,
): (trx: Transaction<Tables>, lines: readonly UsageHour[]) => Promise<void> {
  const insertInto = (table: SumsTable) =>
    bulkInsert((rows: readonly UsageHour[]) =>
      db
        .insertInto(table)
        .values(rows)
        .onConflict((conflict) => conflict.columns(['hour', ...USAGE_WORDS]).doUpdateSet(addedTo(table)))
        .compile(),
    );
  const [insertHours, insertDays] = [insertInto('usage_hours'), insertInto('usage_days')];
  return async (trx, lines) => {
    const hours = summed(lines);
    await insertHours(trx, hours);
    await insertDays(trx, summed(hours.map((line) => ({ ...line, hour: line.hour - (line.hour % HOURS_OF_DAY) }))));
  };
}

function addedTo(table: SumsTable): Record<(typeof USAGE_COUNTS)[number], RawBuilder<bigint>> {
  const add = (name: string): RawBuilder<bigint> =>
    sql`${sql.ref(`${table}.${name}`)} + ${sql.ref(`excluded.${name}`)}`;
  return {
    receipts: add('receipts'),
    unpriced: add('unpriced'),
    input_tokens: add('input_tokens'),
    cached_input_tokens: add('cached_input_tokens'),
    cache_write_tokens: add('cache_write_tokens'),
    output_tokens: add('output_tokens'),
    reasoning_tokens: add('reasoning_tokens'),
    cost_nano_usd: add('cost_nano_usd'),
    charge_nano_usd: add('charge_nano_usd'),
    requests: add('requests'),
    credits_nano_usd: add('credits_nano_usd'),
  };
}

/** One receipt as a line of the sums. */
export function hourOf(receipt: CountedReceipt): UsageHour {
  const cost = receipt.cost_nano_usd;
  const charge = counted(receipt.charge_nano_usd ?? cost);
  const credits = creditPurseOf(receipt.org_id ?? DEFAULT_ORG_ID);
  return {
    hour: BigInt(receipt.at) / BigInt(HOUR_MS),
    org_id: receipt.org_id ?? '',
    team_id: receipt.team_id ?? '',
    user_id: receipt.user_id ?? '',
    key_id: receipt.key_id,
    route: receipt.route ?? '',
    provider: receipt.provider,
    model: receipt.model,
    receipts: 1n,
    unpriced: cost === null || cost === undefined ? 1n : 0n,
    input_tokens: counted(receipt.input_tokens),
    cached_input_tokens: counted(receipt.cached_input_tokens),
    cache_write_tokens: counted(receipt.cache_write_tokens),
    output_tokens: counted(receipt.output_tokens),
    reasoning_tokens: counted(receipt.reasoning_tokens),
    cost_nano_usd: counted(cost),
    charge_nano_usd: charge,
    requests: counted(receipt.is_first),
    credits_nano_usd: (receipt.purses ?? '').split(' ').includes(credits) ? charge : 0n,
  };
}

/** What was not counted adds nothing to a sum. */
function counted(value: number | bigint | null | undefined): bigint {
  return BigInt(value ?? 0);
}

/** Lines of the same hour and the same words as one, in one order: two that write at the same time never wait in a circle. */
function summed(lines: readonly UsageHour[]): readonly UsageHour[] {
  const sums = new Map<string, UsageHour>();
  let last: { readonly name: string; readonly line: UsageHour } | undefined;
  for (const line of lines) {
    // Most are like the one before.
    const isLike = last !== undefined && isAlike(last.line, line);
    const name = isLike && last !== undefined ? last.name : nameOf(line);
    last = { name, line };
    const known = sums.get(name);
    sums.set(name, known === undefined ? line : { ...line, ...addedCounts(known, line) });
  }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

function nameOf(line: UsageHour): string {
  return JSON.stringify([line.hour.toString(), ...USAGE_WORDS.map((word) => line[word])]);
}

function isAlike(a: UsageHour, b: UsageHour): boolean {
  return a.hour === b.hour && USAGE_WORDS.every((word) => a[word] === b[word]);
}

export function addedCounts(a: UsageCounts, b: UsageCounts): UsageCounts {
  return {
    receipts: a.receipts + b.receipts,
    unpriced: a.unpriced + b.unpriced,
    input_tokens: a.input_tokens + b.input_tokens,
    cached_input_tokens: a.cached_input_tokens + b.cached_input_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    reasoning_tokens: a.reasoning_tokens + b.reasoning_tokens,
    cost_nano_usd: a.cost_nano_usd + b.cost_nano_usd,
    charge_nano_usd: a.charge_nano_usd + b.charge_nano_usd,
    requests: a.requests + b.requests,
    credits_nano_usd: a.credits_nano_usd + b.credits_nano_usd,
  };
}

/** Hours since 1970 beyond which there is none: the year 10000. */
export const END_OF_HOURS = 70_389_528n;

/** Whole hours since 1970; `until` is not one of them. */
export interface HourSpan {
  readonly from: bigint;
  readonly until: bigint;
}

export interface SumsOf {
  /** Absent: of all. */
  readonly orgId?: string | undefined;
  /** Also what names no organisation. */
  readonly isWithUnnamed?: boolean;
  readonly keyId?: string | undefined;
  /** Hours are told apart: then none are summed to days. */
  readonly isByHour?: boolean;
}

/** The sums of a span: whole days from the sums of days, and the hours before the first and after the last of them. */
export function sumsWithin({ from, until }: HourSpan, of: SumsOf): RawBuilder<unknown> {
  const between = (table: SumsTable, first: bigint, end: bigint): RawBuilder<unknown> =>
    sql`select ${SUMS_COLUMNS} from ${sql.table(table)} where hour >= ${first} and hour < ${end} ${ofOwner(of)}`;
  const firstDay = ((from + HOURS_OF_DAY - 1n) / HOURS_OF_DAY) * HOURS_OF_DAY;
  const endDay = (until / HOURS_OF_DAY) * HOURS_OF_DAY;
  if (of.isByHour === true || firstDay >= endDay) return between('usage_hours', from, until);
  return sql`
    ${between('usage_days', firstDay, endDay)}
    union all ${between('usage_hours', from, firstDay)}
    union all ${between('usage_hours', endDay, until)}`;
}

/** Further conditions on sums or receipts: whose they are. */
export function ofOwner({ orgId, isWithUnnamed = false, keyId }: Omit<SumsOf, 'isByHour'>): RawBuilder<unknown> {
  const own = isWithUnnamed ? sql`and org_id in (${orgId}, '')` : sql`and org_id = ${orgId}`;
  const ofOrg = orgId === undefined ? sql`` : own;
  return keyId === undefined ? ofOrg : sql`${ofOrg} and key_id = ${keyId}`;
}

const SUMS_COLUMNS = listed(['hour', ...USAGE_WORDS, ...USAGE_COUNTS]);

/** Makes the sums anew from the receipts, in one transaction. Gives how many lines there are now. */
export async function rebuildUsage(db: Kysely<Tables>): Promise<number> {
  return db.transaction().execute(async (trx) => {
    await refillUsage(trx);
    const { lines } = await trx
      .selectFrom('usage_hours')
      .select((eb) => eb.fn.countAll<bigint>().as('lines'))
      .executeTakeFirstOrThrow();
    return Number(lines);
  });
}

/** The same, in the transaction of someone else. Hours whose receipts are gone stay as they are. */
export async function refillUsage(trx: Kysely<Tables>): Promise<void> {
  const from = await receiptsFrom(trx);
  await trx.deleteFrom('usage_hours').where('hour', '>=', from).execute();
  await trx.deleteFrom('usage_days').execute();
  const words = listed(['hour', ...USAGE_WORDS]);
  const sums = sql.join(USAGE_COUNTS.map((name) => sql`cast(sum(${sql.ref(name)}) as bigint)`));
  await sql`
    insert into usage_hours (${words}, ${listed(USAGE_COUNTS)})
    select ${words}, ${sums} from (${COUNTED_RECEIPTS} where r.at >= ${from * BigInt(HOUR_MS)}) as counted
    group by ${words}`.execute(trx);
  await sql`
    insert into usage_days (${words}, ${listed(USAGE_COUNTS)})
    select ${FIRST_HOUR} as hour, ${listed(USAGE_WORDS)}, ${sums} from usage_hours
    group by ${FIRST_HOUR}, ${listed(USAGE_WORDS)}`.execute(trx);
}

const FIRST_HOUR = sql`hour - hour % 24`;

/** Hours whose sums are not those of their receipts, and days whose are not those of their hours; empty where all agree. */
export async function usageProblems(db: Kysely<Tables>): Promise<readonly string[]> {
  const words = ['hour', ...USAGE_WORDS];
  const from = await receiptsFrom(db);
  const table = sql`(select * from usage_hours where hour >= ${from}) as hours`;
  const hours = await unequal(db, table, sql`${COUNTED_RECEIPTS} where r.at >= ${from * BigInt(HOUR_MS)}`);
  const ofHours = sql`select ${FIRST_HOUR} as hour, ${listed([...words.slice(1), ...USAGE_COUNTS])} from usage_hours`;
  const days = await unequal(db, sql`usage_days`, ofHours);
  return [
    ...hours.map((line) => `${whereOf(line)} in the hour of ${timeOf(line)} is not the sum of its receipts: ${REMEDY}`),
    ...(await goneProblems(db, from)),
    ...days.map((line) => `${whereOf(line)} on the day of ${timeOf(line)} is not the sum of its hours: ${REMEDY}`),
  ];
}

/** Hours whose receipts are gone, in part or all: together they are what was kept of those, and what is still there. */
async function goneProblems(db: Kysely<Tables>, from: bigint): Promise<readonly string[]> {
  const { rows } = await sql<{ receipts: bigint; cost: bigint; charge: bigint }>`
    select cast(coalesce(sum(receipts), 0) as bigint) as receipts, cast(coalesce(sum(cost), 0) as bigint) as cost,
      cast(coalesce(sum(charge), 0) as bigint) as charge
    from (
      select receipts, cost_nano_usd as cost, charge_nano_usd as charge from usage_hours where hour < ${from}
      union all select -receipts, -cost_nano_usd, -charge_nano_usd from receipt_sums
      union all select -receipts, -cost_nano_usd, -charge_nano_usd
        from (${COUNTED_RECEIPTS} where r.at < ${from * BigInt(HOUR_MS)}) as counted
    ) as both_books`.execute(db);
  const { receipts = 0n, cost = 0n, charge = 0n } = rows[0] ?? {};
  if (receipts === 0n && cost === 0n && charge === 0n) return [];
  return [
    `the usage of hours whose receipts are gone is not the sum that was kept of them (${receipts} receipts, ${cost} nano-dollars more)`,
  ];
}

const REMEDY = 'run "turnout ledger rebuild"';

function whereOf({ provider, model, key_id }: UsageHour): string {
  return `the usage of ${provider}/${model} by key ${key_id}`;
}

function timeOf({ hour }: UsageHour): string {
  return new Date(Number(hour) * HOUR_MS).toISOString();
}

/** Some of the lines in which a table of sums is not what its parts sum to. */
async function unequal(
  db: Kysely<Tables>,
  table: RawBuilder<unknown>,
  parts: RawBuilder<unknown>,
): Promise<readonly UsageHour[]> {
  const words = ['hour', ...USAGE_WORDS];
  const taken = sql.join(USAGE_COUNTS.map((name) => sql`-${sql.ref(name)}`));
  const differs = sql.join(
    USAGE_COUNTS.map((name) => sql`sum(${sql.ref(name)}) <> 0`),
    sql` or `,
  );
  const { rows } = await sql<UsageHour>`
    select ${listed(words)} from (
      select ${listed([...words, ...USAGE_COUNTS])} from ${table}
      union all select ${listed(words)}, ${taken} from (${parts}) as parts
    ) as both_books group by ${listed(words)} having ${differs}
    order by hour limit ${sql.lit(TOLD_MAX)}`.execute(db);
  return rows;
}

export function listed(names: readonly string[]): RawBuilder<unknown> {
  return sql.join(names.map((name) => sql.ref(name)));
}
