/** Receipts whose price was not known, and what they cost once it is. A receipt is never changed: its price is a row beside it. */
import { sql, type Insertable, type Kysely, type Selectable, type Transaction } from 'kysely';
import { compact } from '../../lib/json.ts';
import type { NanoUsd } from '../../money/price.ts';
import { sumsOf } from './booked.ts';
import { putAlert } from './alert-list.ts';
import { hourOf, usageHoursAdder } from './usage.ts';
import { noteThresholds } from './thresholds.ts';
import { lockNames } from './lock-purses.ts';
import { termsOf } from './purse-terms.ts';
import type { ReportBooks, Repricing, UnpricedQuery, UnpricedReceipt } from '../report-ports.ts';
import type { ReceiptsTable, Tables } from './schema.ts';
import { accountOf, newPosting, transfer } from './transfers.ts';

/** Rows of one page, whatever is asked for, and receipts booked in one transaction. */
const PAGE_MAX = 500;

/** Puts an alert, once, for each model that something was counted of and whose price is not known. */
export async function noteUnpriced(
  trx: Transaction<Tables>,
  receipts: readonly Insertable<ReceiptsTable>[],
  atMs: number,
): Promise<void> {
  const models = new Map<string, Insertable<ReceiptsTable>>();
  for (const receipt of receipts) {
    const isCounted = (receipt.input_tokens ?? receipt.output_tokens ?? null) !== null;
    if ((receipt.cost_nano_usd ?? null) === null && isCounted)
      models.set(`${receipt.provider}/${receipt.model}`, receipt);
  }
  for (const [subject, { provider, model, target }] of [...models].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    await putAlert(trx, { kind: 'price-unknown', subject, atMs, body: { provider, model, target } });
}

export function priceBooks(db: Kysely<Tables>): Pick<ReportBooks, 'unpriced' | 'reprice'> {
  const addHours = usageHoursAdder(db);
  return {
    unpriced: async (query) => unpriced(db, query),
    reprice: async (repricings, { reason, atMs }) => {
      let count = 0;
      for (let at = 0; at < repricings.length; at += PAGE_MAX) {
        const some = repricings.slice(at, at + PAGE_MAX);
        count += await db.transaction().execute(async (trx) => {
          const booked = await book(trx, some, { reason, atMs });
          await addHours(trx, booked.map(correctionOf));
          return booked.length;
        });
      }
      return count;
    },
  };
}

async function unpriced(db: Kysely<Tables>, query: UnpricedQuery): Promise<readonly UnpricedReceipt[]> {
  const { sinceMs, model, after, limitMax } = query;
  let select = db
    .selectFrom('receipts')
    .leftJoin('repricings', 'repricings.receipt_id', 'receipts.id')
    .selectAll('receipts')
    .where('receipts.cost_nano_usd', 'is', null)
    .where('repricings.receipt_id', 'is', null);
  if (sinceMs !== undefined) select = select.where('receipts.at', '>=', BigInt(Math.ceil(sinceMs)));
  if (model !== undefined) select = select.where('receipts.model', '=', model);
  if (after !== undefined) select = select.where('receipts.id', '>', after);
  const rows = await select
    .orderBy('receipts.id')
    .limit(Math.max(1, Math.min(limitMax, PAGE_MAX)))
    .execute();
  return rows.map(unpricedOf);
}

function unpricedOf(row: Selectable<ReceiptsTable>): UnpricedReceipt {
  const { id, provider, model, target, outcome } = row;
  const usage = {
    inputTokens: countOf(row.input_tokens),
    cachedInputTokens: countOf(row.cached_input_tokens),
    cacheWriteTokens: countOf(row.cache_write_tokens),
    outputTokens: countOf(row.output_tokens),
    reasoningTokens: countOf(row.reasoning_tokens),
  };
  return {
    ...compact({ id, provider, model, target, outcome, orgId: row.org_id ?? undefined, atMs: Number(row.at) }),
    usage,
  };
}

function countOf(value: bigint | null): number | undefined {
  return value === null ? undefined : Number(value);
}

interface Priced extends Selectable<ReceiptsTable> {
  readonly cost_nano_usd: NanoUsd;
  readonly charge_nano_usd: NanoUsd;
}

/** Writes the prices of those that have none, and moves the money. Gives what was booked. */
async function book(
  trx: Transaction<Tables>,
  repricings: readonly Repricing[],
  { reason, atMs }: { readonly reason: string; readonly atMs: number },
): Promise<readonly Priced[]> {
  const prices = new Map(repricings.map((one) => [one.receiptId, one]));
  const found = await waiting(trx, [...prices.keys()]);
  const purses = sumsOf(found).map(([purseId]) => `purse ${purseId}`);
  await lockNames(trx, [...purses, 'repricing']);
  const rows = await waiting(trx, [...prices.keys()]);
  const priced = pricedOf(rows, prices, await chargedRequests(trx, rows));
  if (priced.length === 0) return [];
  const postingId = await newPosting(trx, '', atMs);
  const values = priced.map(({ id, cost_nano_usd, charge_nano_usd }) => ({
    receipt_id: id,
    posting_id: postingId,
    cost_nano_usd,
    charge_nano_usd,
    at: Math.floor(atMs),
    reason,
  }));
  await trx.insertInto('repricings').values(values).execute();
  for (const [purseId, nanoUsd] of sumsOf(priced)) await spendLate(trx, { postingId, purseId, nanoUsd, atMs });
  return priced;
}

/** Each with its price; what is fixed a request with the first of its attempts, unless one was charged before. */
function pricedOf(
  rows: readonly Selectable<ReceiptsTable>[],
  prices: ReadonlyMap<string, Repricing>,
  charged: ReadonlySet<string>,
): readonly Priced[] {
  const done = new Set(charged);
  return rows.flatMap((row): readonly Priced[] => {
    const price = prices.get(row.id);
    if (price === undefined) return [];
    const charge = done.has(row.request_id) ? price.laterChargeNanoUsd : price.chargeNanoUsd;
    if (charge > 0n) done.add(row.request_id);
    return [{ ...row, cost_nano_usd: price.costNanoUsd, charge_nano_usd: charge }];
  });
}

/** The requests of some receipts of which an attempt was charged for already. */
async function chargedRequests(
  trx: Transaction<Tables>,
  receipts: readonly Selectable<ReceiptsTable>[],
): Promise<ReadonlySet<string>> {
  const charge = sql<bigint>`coalesce(receipts.charge_nano_usd, receipts.cost_nano_usd, repricings.charge_nano_usd)`;
  const ids = [...new Set(receipts.map((receipt) => receipt.request_id))];
  if (ids.length === 0) return new Set();
  const rows = await trx
    .selectFrom('receipts')
    .leftJoin('repricings', 'repricings.receipt_id', 'receipts.id')
    .select('request_id')
    .distinct()
    .where('request_id', 'in', ids)
    .where(charge, '>', 0n)
    .execute();
  return new Set(rows.map((row) => row.request_id));
}

/** Those of them that have no price yet, in the order in which they came. */
async function waiting(
  trx: Transaction<Tables>,
  ids: readonly string[],
): Promise<readonly Selectable<ReceiptsTable>[]> {
  return trx
    .selectFrom('receipts')
    .leftJoin('repricings', 'repricings.receipt_id', 'receipts.id')
    .selectAll('receipts')
    .where('receipts.id', 'in', ids)
    .where('receipts.cost_nano_usd', 'is', null)
    .where('repricings.receipt_id', 'is', null)
    .orderBy('receipts.at')
    .orderBy('receipts.id')
    .execute();
}

interface LateSpend {
  readonly postingId: bigint;
  readonly purseId: string;
  readonly nanoUsd: NanoUsd;
  readonly atMs: number;
}

/** Nothing was held for it: all of it comes from the funds. */
async function spendLate(trx: Transaction<Tables>, { postingId, purseId, nanoUsd, atMs }: LateSpend): Promise<void> {
  if (nanoUsd === 0n) return;
  const funds = await accountOf(trx, { kind: 'funds', purseId });
  const spent = await accountOf(trx, { kind: 'spent', purseId });
  const { isOpen } = await termsOf(trx, purseId);
  await transfer(trx, { postingId, kind: isOpen ? 'open-spend' : 'overspend', from: funds, to: spent, nanoUsd });
  await noteThresholds(trx, purseId, { before: spent.balance, after: spent.balance + nanoUsd, atMs });
}

/** What the sums of its hour lack: the price, and one receipt fewer without it. */
function correctionOf(receipt: Priced): ReturnType<typeof hourOf> {
  return {
    ...hourOf(receipt),
    receipts: 0n,
    unpriced: -1n,
    input_tokens: 0n,
    cached_input_tokens: 0n,
    cache_write_tokens: 0n,
    output_tokens: 0n,
    reasoning_tokens: 0n,
    requests: 0n,
  };
}
