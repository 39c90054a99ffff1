/** Usage by team, model, day and the like: from the sums of hours, and from receipts where it is told by tag or end user. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { asArray, asString, compact, parseJson } from '../../lib/json.ts';
import {
  addedCounts,
  COUNTED_RECEIPTS,
  END_OF_HOURS,
  HOUR_MS,
  HOURS_OF_DAY,
  hourOf,
  listed,
  ofOwner,
  sumsWithin,
  USAGE_COUNTS,
  USAGE_WORDS,
  type CountedReceipt,
  type HourSpan,
  type UsageCounts,
  type UsageHour,
} from './usage.ts';
import { rowsIn } from './differences.ts';
import type { UsageByGroup, UsageByQuery, UsageByReport, UsageDimension, UsageSum } from '../report-ports.ts';
import type { Tables } from './schema.ts';

/** Ids whose names are asked for in one query. */
const IDS_AT_ONCE = 500;

/** A receipt that the database does not have yet. */
export type FreshReceipt = CountedReceipt & { readonly end_user?: string | null; readonly tags?: string | null };

/** A sum, and what it is told apart by, as it is in the database. */
interface Line extends UsageCounts {
  readonly values: readonly string[];
}

type Columns = UsageHour & { readonly end_user: string; readonly tags: string };

interface Dimension {
  /** What the rows are grouped by. */
  readonly column: RawBuilder<unknown>;
  readonly of: (row: Columns) => string;
  /** The value as it is told, of what the database gives. */
  readonly told?: (value: string) => string;
}

/**
 * Gives a report, or undefined where too much would have to be read. The database groups, sorts and cuts: only the groups
 * that are shown are read. `fresh`: receipts in journals; in the database they count once.
 */
export async function usageBy(
  db: Kysely<Tables>,
  query: UsageByQuery,
  fresh: readonly FreshReceipt[],
): Promise<UsageByReport | undefined> {
  const { by } = query;
  const span = spanOf(query);
  const isOfReceipts = by.some((name) => name === 'tag' || name === 'end-user');
  const isByHour = by.includes('hour');
  const stored = isOfReceipts ? receiptsIn(query, span) : sumsWithin(span, { ...query, isByHour });
  if ((isOfReceipts || isByHour) && (await isTooMuch(db, query, stored))) return undefined;
  const waiting = fresh
    .map((receipt): Columns => ({ ...hourOf(receipt), end_user: receipt.end_user ?? '', tags: receipt.tags ?? '' }))
    .filter((row) => row.hour >= span.from && row.hour < span.until && isOf(query, row));
  const names = isOfReceipts ? [...SUMMED, 'end_user', 'tags'] : SUMMED;
  const source = waiting.length === 0 ? stored : sql`${stored} union all ${rowsIn(db, waiting, names)}`;
  const { groups, groupsTotal, total } = by.includes('tag')
    ? await groupedByTag(db, query, source)
    : await groupedBy(db, query, source);
  return compact({
    since: query.sinceMs === undefined ? undefined : timeOf(span.from),
    until: query.untilMs === undefined ? undefined : timeOf(span.until),
    groups: await named(db, by, groups),
    groups_total: groupsTotal,
    total: sumOf(total),
  });
}

const SUMMED = ['hour', ...USAGE_WORDS, ...USAGE_COUNTS] as const;

/** Groups in the order of the report, as many as are shown, and what there is beside them. */
interface Groups {
  readonly groups: readonly Line[];
  readonly groupsTotal: number;
  readonly total: UsageCounts;
}

const NOTHING: UsageCounts = {
  receipts: 0n,
  unpriced: 0n,
  input_tokens: 0n,
  cached_input_tokens: 0n,
  cache_write_tokens: 0n,
  output_tokens: 0n,
  reasoning_tokens: 0n,
  cost_nano_usd: 0n,
  charge_nano_usd: 0n,
  requests: 0n,
  credits_nano_usd: 0n,
};

const DIMENSIONS: Readonly<Record<UsageDimension, Dimension>> = {
  org: { column: sql`org_id`, of: (row) => row.org_id },
  team: { column: sql`team_id`, of: (row) => row.team_id },
  user: { column: sql`user_id`, of: (row) => row.user_id },
  key: { column: sql`key_id`, of: (row) => row.key_id },
  route: { column: sql`route`, of: (row) => row.route },
  provider: { column: sql`provider`, of: (row) => row.provider },
  model: { column: sql`model`, of: (row) => row.model },
  day: {
    column: sql`hour / 24`,
    of: (row) => (row.hour / HOURS_OF_DAY).toString(),
    told: (value) => timeOf(BigInt(value) * HOURS_OF_DAY).slice(0, 10),
  },
  hour: { column: sql`hour`, of: (row) => row.hour.toString(), told: (value) => timeOf(BigInt(value)) },
  tag: { column: sql`tags`, of: (row) => row.tags },
  'end-user': { column: sql`end_user`, of: (row) => row.end_user },
};

function spanOf({ sinceMs, untilMs }: UsageByQuery): HourSpan {
  return {
    from: sinceMs === undefined ? 0n : BigInt(Math.floor(sinceMs / HOUR_MS)),
    until: untilMs === undefined ? END_OF_HOURS : BigInt(Math.ceil(untilMs / HOUR_MS)),
  };
}

function timeOf(hour: bigint): string {
  return new Date(Number(hour) * HOUR_MS).toISOString();
}

function isOf({ orgId, keyId }: UsageByQuery, row: UsageHour): boolean {
  return (orgId === undefined || row.org_id === orgId) && (keyId === undefined || row.key_id === keyId);
}

function receiptsIn(query: UsageByQuery, { from, until }: HourSpan): RawBuilder<unknown> {
  const ms = BigInt(HOUR_MS);
  return sql`select ${listed([...SUMMED, 'end_user', 'tags'])} from (
    ${COUNTED_RECEIPTS} where r.at >= ${from * ms} and r.at < ${until * ms} ${ofOwner(query)}) as receipt_lines`;
}

/** Whether there are more rows to be read than may be. */
async function isTooMuch(db: Kysely<Tables>, { rowsMax }: UsageByQuery, rows: RawBuilder<unknown>): Promise<boolean> {
  if (rowsMax === undefined) return false;
  const counted = await sql<{ count: bigint }>`
    select count(*) as count from (select 1 from (${rows}) as found limit ${sql.lit(rowsMax + 1)}) as counted`.execute(
    db,
  );
  return (counted.rows[0]?.count ?? 0n) > BigInt(rowsMax);
}

type Grouped = UsageCounts & { readonly [place: `d${number}`]: string | bigint };
type All = { readonly [Name in keyof UsageCounts as `all_${Name}`]: bigint };

async function groupedBy(
  db: Kysely<Tables>,
  { by, groupsMax }: UsageByQuery,
  source: RawBuilder<unknown>,
): Promise<Groups> {
  const values = by.map((name) => DIMENSIONS[name].column);
  const places = by.map((_, place) => sql.ref(`d${place}`));
  const shown = values.map((column, place) => sql`${column} as ${sql.ref(`d${place}`)}`);
  const sums = USAGE_COUNTS.map((name) => sql`cast(sum(${sql.ref(name)}) as bigint) as ${sql.ref(name)}`);
  const all = USAGE_COUNTS.map((name) => sql`cast(sum(${sql.ref(name)}) as bigint) as ${sql.ref(`all_${name}`)}`);
  const time = by.flatMap((name, place) => (name === 'hour' || name === 'day' ? [places[place]] : [])).slice(0, 1);
  const order = [...time, sql`cost_nano_usd desc`, sql`receipts desc`, ...places];
  const limit = groupsMax === undefined ? sql`` : sql`limit ${sql.lit(groupsMax)}`;
  const { rows } = await sql<Grouped & All & { readonly groups_total: bigint }>`
    with sums as (select ${sql.join([...shown, ...sums])} from (${source}) as counted group by ${sql.join(values)}),
      total as (select count(*) as groups_total, ${sql.join(all)} from sums)
    select * from sums cross join total order by ${sql.join(order)} ${limit}`.execute(db);
  const [first] = rows;
  return {
    groups: rows.map((row) => lineOf(row, by)),
    groupsTotal: Number(first?.groups_total ?? 0n),
    total: first === undefined ? NOTHING : allOf(first),
  };
}

function lineOf(row: Grouped, by: readonly UsageDimension[]): Line {
  return { ...row, values: by.map((_, place) => String(row[`d${place}`])) };
}

function allOf(row: All): UsageCounts {
  return {
    receipts: row.all_receipts,
    unpriced: row.all_unpriced,
    input_tokens: row.all_input_tokens,
    cached_input_tokens: row.all_cached_input_tokens,
    cache_write_tokens: row.all_cache_write_tokens,
    output_tokens: row.all_output_tokens,
    reasoning_tokens: row.all_reasoning_tokens,
    cost_nano_usd: row.all_cost_nano_usd,
    charge_nano_usd: row.all_charge_nano_usd,
    requests: row.all_requests,
    credits_nano_usd: row.all_credits_nano_usd,
  };
}

function sumOf(row: UsageCounts): UsageSum {
  return {
    receipts: Number(row.receipts),
    unpriced: Number(row.unpriced),
    input_tokens: Number(row.input_tokens),
    cached_input_tokens: Number(row.cached_input_tokens),
    cache_write_tokens: Number(row.cache_write_tokens),
    output_tokens: Number(row.output_tokens),
    reasoning_tokens: Number(row.reasoning_tokens),
    cost_nano_usd: row.cost_nano_usd,
    charge_nano_usd: row.charge_nano_usd,
  };
}

/** Receipts have their tags as one text: groups of such texts are read, and told apart by each tag here. */
async function groupedByTag(db: Kysely<Tables>, query: UsageByQuery, source: RawBuilder<unknown>): Promise<Groups> {
  const { by, groupsMax } = query;
  const { groups: lines, total } = await groupedBy(db, { by }, source);
  const place = by.indexOf('tag');
  const groups = new Map<string, Line>();
  for (const line of lines.flatMap((one) => byTag(one, place))) {
    const name = JSON.stringify(line.values);
    const known = groups.get(name);
    groups.set(name, known === undefined ? line : { ...line, ...addedCounts(known, line) });
  }
  const time = by.findIndex((name) => name === 'hour' || name === 'day');
  const sorted = [...groups.values()].toSorted((a, b) => (time === -1 ? 0 : timeOrder(a, b, time)) || dearer(a, b));
  return { groups: sorted.slice(0, groupsMax), groupsTotal: sorted.length, total };
}

function byTag(line: Line, place: number): readonly Line[] {
  const tags = new Set(tagsOf(line.values[place] ?? ''));
  return [...(tags.size === 0 ? [''] : tags)].map((tag) => ({ ...line, values: line.values.with(place, tag) }));
}

/** Tags as a receipt has them: a JSON array, or nothing. */
export function tagsOf(text: string): readonly string[] {
  return text === '' ? [] : (asArray(parseJson(text)) ?? []).flatMap((tag) => asString(tag) ?? []);
}

function timeOrder(a: Line, b: Line, place: number): number {
  return Number(a.values[place] ?? 0) - Number(b.values[place] ?? 0);
}

function dearer(a: Line, b: Line): number {
  if (a.cost_nano_usd !== b.cost_nano_usd) return a.cost_nano_usd < b.cost_nano_usd ? 1 : -1;
  if (a.receipts !== b.receipts) return a.receipts < b.receipts ? 1 : -1;
  return JSON.stringify(a.values) < JSON.stringify(b.values) ? -1 : 1;
}

const NAMED = { org: 'orgs', team: 'teams', user: 'users', key: 'keys' } as const;

async function named(
  db: Kysely<Tables>,
  by: readonly UsageDimension[],
  lines: readonly Line[],
): Promise<readonly UsageByGroup[]> {
  const books: ReadonlyMap<string, string>[] = [];
  for (const [place, name] of by.entries())
    books.push(await namesOf(db, name, new Set(lines.map((line) => line.values[place] ?? ''))));
  return lines.map((line) => ({
    ...sumOf(line),
    values: line.values.map((value, place) => DIMENSIONS[by[place] ?? 'model'].told?.(value) ?? value),
    names: line.values.map((value, place) => books[place]?.get(value)),
  }));
}

async function namesOf(
  db: Kysely<Tables>,
  dimension: UsageDimension,
  values: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  if (!(dimension === 'org' || dimension === 'team' || dimension === 'user' || dimension === 'key')) return names;
  const ids = [...values];
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    const rows = await db
      .selectFrom(NAMED[dimension])
      .select(['id', 'name'])
      .where('id', 'in', ids.slice(at, at + IDS_AT_ONCE))
      .execute();
    for (const { id, name } of rows) names.set(id, name);
  }
  return names;
}
