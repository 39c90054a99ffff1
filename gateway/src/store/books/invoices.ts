/** What an invoice is made of: what an organisation used in a stretch of time, summed by model. Only reads. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { asRecord, asString, parseJson } from '../../lib/json.ts';
import type { BillingBooks, InvoiceQuery, InvoiceSums } from '../billing-ports.ts';
import { receiptsFrom } from './horizon.ts';
import {
  COUNTED_RECEIPTS,
  HOUR_MS,
  listed,
  sumsWithin,
  USAGE_COUNTS,
  type UsageCounts,
  type UsageHour,
} from './usage.ts';
import { DEFAULT_ORG_ID } from '../../people/permissions.ts';
import type { Tables } from './schema.ts';

export function invoiceBooks(db: Kysely<Tables>): Pick<BillingBooks, 'invoicedOrgs' | 'invoiceSums'> {
  return {
    invoicedOrgs: async () => {
      const rows = await db
        .selectFrom('orgs')
        .select(['id', 'name', 'settings'])
        .where('is_removed', '=', 0n)
        .orderBy('created_at')
        .orderBy('id')
        .execute();
      return rows.map(({ id, name, settings }) => {
        const timeZone = asString(asRecord(parseJson(settings))?.['time_zone']);
        return { id, name, ...(timeZone === undefined ? {} : { timeZone }) };
      });
    },
    invoiceSums: async (query) => sums(db, query),
  };
}

async function sums(db: Kysely<Tables>, query: InvoiceQuery): Promise<InvoiceSums | undefined> {
  const org = await db
    .selectFrom('orgs')
    .select(['name', 'billing'])
    .where('id', '=', query.orgId)
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  if (org === undefined) return undefined;
  const { rows } = await sql<UsageCounts & Pick<UsageHour, 'provider' | 'model'>>`
    select provider, model, ${SUMS} from (${await linesOf(db, query)}) as counted
    group by provider, model order by provider, model`.execute(db);
  const lines = rows.map((row) => ({
    provider: row.provider,
    model: row.model,
    requests: Number(row.requests),
    attempts: Number(row.receipts),
    unpriced: Number(row.unpriced),
    inputTokens: Number(row.input_tokens),
    cachedInputTokens: Number(row.cached_input_tokens),
    outputTokens: Number(row.output_tokens),
    costNanoUsd: row.cost_nano_usd,
    chargeNanoUsd: row.charge_nano_usd,
    creditsNanoUsd: row.credits_nano_usd,
  }));
  return { orgName: org.name, billing: org.billing, lines };
}

const SUMS = sql.join(USAGE_COUNTS.map((name) => sql`cast(sum(${sql.ref(name)}) as bigint) as ${sql.ref(name)}`));
const COLUMNS = listed(['provider', 'model', ...USAGE_COUNTS]);

/**
 * The whole hours of the time from the sums, which have every receipt, also those that are gone; what it has of the hours at
 * its ends (there are zones of half hours) from their receipts. Where those are gone, the hour is the time's in which it began.
 */
async function linesOf(db: Kysely<Tables>, { orgId, fromMs, toMs }: InvoiceQuery): Promise<RawBuilder<unknown>> {
  const from = BigInt(Math.ceil(fromMs / HOUR_MS));
  const last = BigInt(Math.floor(toMs / HOUR_MS));
  const isGone = (await receiptsFrom(db)) > last;
  const until = isGone ? BigInt(Math.ceil(toMs / HOUR_MS)) : last;
  // Receipts that name no organisation are those of the one that everyone is in where there is no other.
  const isWithUnnamed = orgId === DEFAULT_ORG_ID;
  const between = (first: number | bigint, end: number | bigint): RawBuilder<unknown> => sql`
    select ${COLUMNS} from (${COUNTED_RECEIPTS} where coalesce(r.org_id, ${DEFAULT_ORG_ID}) = ${orgId}
      and r.at >= ${BigInt(first)} and r.at < ${BigInt(end)}) as part_of_hour`;
  const ms = BigInt(HOUR_MS);
  return sql`
    select ${COLUMNS} from (${sumsWithin({ from, until }, { orgId, isWithUnnamed })}) as whole_hours
    union all ${between(fromMs, from * ms)}
    union all ${between(until * ms, toMs)}`;
}
