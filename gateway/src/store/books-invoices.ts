/** What an invoice is made of: the receipts of an organisation in a stretch of time, summed by model. Only reads. */
import { sql, type Kysely } from 'kysely';
import { asRecord, asString, parseJson } from '../lib/json.ts';
import { creditPurseOf, type BillingBooks, type InvoiceQuery, type InvoiceSums } from './billing-ports.ts';
import { DEFAULT_ORG_ID } from '../people/permissions.ts';
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

/** The cost of a receipt, or what it became when its price was known later. */
const COST = sql<bigint | null>`coalesce(p.cost_nano_usd, r.cost_nano_usd)`;
const CHARGE = sql<bigint | null>`coalesce(p.charge_nano_usd, r.charge_nano_usd, r.cost_nano_usd)`;

async function sums(db: Kysely<Tables>, { orgId, fromMs, toMs }: InvoiceQuery): Promise<InvoiceSums | undefined> {
  const org = await db
    .selectFrom('orgs')
    .select(['name', 'billing'])
    .where('id', '=', orgId)
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  if (org === undefined) return undefined;
  // Names of purses have no spaces, and spaces are between them.
  const isOnCredits = sql<boolean>`replace(' ' || r.purses || ' ', ${` ${creditPurseOf(orgId)} `}, '') <> ' ' || r.purses || ' '`;
  const rows = await db
    .selectFrom('receipts as r')
    .leftJoin('repricings as p', 'p.receipt_id', 'r.id')
    .select([
      'r.provider',
      'r.model',
      sql<bigint>`count(distinct r.request_id)`.as('requests'),
      sql<bigint>`count(*)`.as('attempts'),
      sql<bigint>`count(${COST})`.as('priced'),
      sql<bigint>`coalesce(sum(r.input_tokens), 0)`.as('input'),
      sql<bigint>`coalesce(sum(r.cached_input_tokens), 0)`.as('cached'),
      sql<bigint>`coalesce(sum(r.output_tokens), 0)`.as('output'),
      sql<bigint>`coalesce(sum(${COST}), 0)`.as('cost'),
      sql<bigint>`coalesce(sum(${CHARGE}), 0)`.as('charge'),
      sql<bigint>`coalesce(sum(case when ${isOnCredits} then ${CHARGE} end), 0)`.as('credits'),
    ])
    .where(sql<boolean>`coalesce(r.org_id, ${DEFAULT_ORG_ID}) = ${orgId}`)
    .where('r.at', '>=', BigInt(fromMs))
    .where('r.at', '<', BigInt(toMs))
    .groupBy(['r.provider', 'r.model'])
    .orderBy('r.provider')
    .orderBy('r.model')
    .execute();
  const lines = rows.map((row) => ({
    provider: row.provider,
    model: row.model,
    requests: Number(row.requests),
    attempts: Number(row.attempts),
    unpriced: Number(row.attempts - row.priced),
    inputTokens: Number(row.input),
    cachedInputTokens: Number(row.cached),
    outputTokens: Number(row.output),
    costNanoUsd: row.cost,
    chargeNanoUsd: row.charge,
    creditsNanoUsd: row.credits,
  }));
  return { orgName: org.name, billing: org.billing, lines };
}
