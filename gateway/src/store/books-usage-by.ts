/** Usage by team, model, day and the like: from the sums of hours, and from receipts where it is told by tag or end user. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { asArray, asString, compact, parseJson } from '../lib/json.ts';
import {
  addedCounts,
  COUNTED_RECEIPTS,
  HOUR_MS,
  HOURS_OF_DAY,
  hourOf,
  USAGE_COUNTS,
  type CountedReceipt,
  type UsageCounts,
  type UsageHour,
} from './books-usage.ts';
import type { UsageByGroup, UsageByQuery, UsageByReport, UsageDimension, UsageSum } from './report-ports.ts';
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
 * Gives a report, or undefined where too many receipts would have to be read. `fresh`: receipts in journals; in the
 * database they count once.
 */
export async function usageBy(
  db: Kysely<Tables>,
  query: UsageByQuery,
  fresh: readonly FreshReceipt[],
): Promise<UsageByReport | undefined> {
  const span = spanOf(query);
  const isOfReceipts = query.by.some((name) => name === 'tag' || name === 'end-user');
  if (isOfReceipts && (await isTooMuch(db, query, span))) return undefined;
  const stored = await storedLines(db, query, isOfReceipts ? receiptsIn(query, span) : hoursIn(query, span));
  const waiting = fresh
    .map((receipt): Columns => ({ ...hourOf(receipt), end_user: receipt.end_user ?? '', tags: receipt.tags ?? '' }))
    .filter((row) => row.hour >= span.from && row.hour < span.until && isOf(query, row))
    .map((row): Line => ({ ...row, values: query.by.map((name) => DIMENSIONS[name].of(row)) }));
  const lines = [...stored, ...waiting];
  const groups = grouped(query.by, lines);
  const shown = groups.slice(0, query.groupsMax);
  return compact({
    since: query.sinceMs === undefined ? undefined : timeOf(span.from),
    until: query.untilMs === undefined ? undefined : timeOf(span.until),
    groups: await named(db, query.by, shown),
    groups_total: groups.length,
    total: sumOf(lines.reduce<UsageCounts>(addedCounts, NOTHING)),
  });
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

/** Whole hours, since 1970; `until` is not one of them. */
interface Span {
  readonly from: bigint;
  readonly until: bigint;
}

/** Hours since 1970 beyond which there is none: the year 10000. */
const LAST_HOUR = 70_389_528n;

function spanOf({ sinceMs, untilMs }: UsageByQuery): Span {
  return {
    from: sinceMs === undefined ? 0n : BigInt(Math.floor(sinceMs / HOUR_MS)),
    until: untilMs === undefined ? LAST_HOUR : BigInt(Math.ceil(untilMs / HOUR_MS)),
  };
}

function timeOf(hour: bigint): string {
  return new Date(Number(hour) * HOUR_MS).toISOString();
}

function isOf({ orgId, keyId }: UsageByQuery, row: UsageHour): boolean {
  return (orgId === undefined || row.org_id === orgId) && (keyId === undefined || row.key_id === keyId);
}

/** The same in SQL, of the sums or of receipts. */
function whose({ orgId, keyId }: UsageByQuery): RawBuilder<unknown> {
  const ofOrg = orgId === undefined ? sql`` : sql` and org_id = ${orgId}`;
  return keyId === undefined ? ofOrg : sql`${ofOrg} and key_id = ${keyId}`;
}

/** Whole days from the sums of days, unless hours are told; the hours before the first and after the last of them. */
function hoursIn(query: UsageByQuery, { from, until }: Span): RawBuilder<unknown> {
  const between = (table: string, first: bigint, end: bigint): RawBuilder<unknown> =>
    sql`select * from ${sql.table(table)} where hour >= ${first} and hour < ${end}${whose(query)}`;
  const firstDay = ((from + HOURS_OF_DAY - 1n) / HOURS_OF_DAY) * HOURS_OF_DAY;
  const endDay = (until / HOURS_OF_DAY) * HOURS_OF_DAY;
  if (query.by.includes('hour') || firstDay >= endDay) return between('usage_hours', from, until);
  return sql`
    ${between('usage_days', firstDay, endDay)}
    union all ${between('usage_hours', from, firstDay)}
    union all ${between('usage_hours', endDay, until)}`;
}

function receiptsIn(query: UsageByQuery, span: Span): RawBuilder<unknown> {
  return sql`${COUNTED_RECEIPTS} where ${receiptsOf(query, span)}`;
}

function receiptsOf(query: UsageByQuery, { from, until }: Span): RawBuilder<unknown> {
  const ms = BigInt(HOUR_MS);
  return sql`r.at >= ${from * ms} and r.at < ${until * ms}${whose(query)}`;
}

async function isTooMuch(db: Kysely<Tables>, query: UsageByQuery, span: Span): Promise<boolean> {
  const { receiptsMax } = query;
  if (receiptsMax === undefined) return false;
  const { rows } = await sql<{ count: bigint }>`
    select count(*) as count from (
      select 1 from receipts r where ${receiptsOf(query, span)} limit ${sql.lit(receiptsMax + 1)}
    ) as counted`.execute(db);
  return (rows[0]?.count ?? 0n) > BigInt(receiptsMax);
}

type Grouped = UsageCounts & { readonly [place: `d${number}`]: string | bigint };

async function storedLines(
  db: Kysely<Tables>,
  { by }: UsageByQuery,
  source: RawBuilder<unknown>,
): Promise<readonly Line[]> {
  const columns = by.map((name, place) => sql`${DIMENSIONS[name].column} as ${sql.ref(`d${place}`)}`);
  const sums = USAGE_COUNTS.map((name) => sql`cast(sum(${sql.ref(name)}) as bigint) as ${sql.ref(name)}`);
  const { rows } = await sql<Grouped>`
    select ${sql.join([...columns, ...sums])} from (${source}) as counted
    group by ${sql.join(by.map((name) => DIMENSIONS[name].column))}`.execute(db);
  return rows.map((row) => ({ ...row, values: by.map((_, place) => String(row[`d${place}`])) }));
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

/** Lines with the same values as one, each tag of a receipt for itself, in the order of the report. */
function grouped(by: readonly UsageDimension[], lines: readonly Line[]): readonly Line[] {
  const place = by.indexOf('tag');
  const apart = place === -1 ? lines : lines.flatMap((line) => byTag(line, place));
  const groups = new Map<string, Line>();
  for (const line of apart) {
    const name = JSON.stringify(line.values);
    const known = groups.get(name);
    groups.set(name, known === undefined ? line : { ...line, ...addedCounts(known, line) });
  }
  const time = by.findIndex((name) => name === 'hour' || name === 'day');
  return [...groups.values()].toSorted((a, b) => (time === -1 ? 0 : timeOrder(a, b, time)) || dearer(a, b));
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
