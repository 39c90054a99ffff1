/** Prices that have become known are booked for the receipts that waited for them. */
import type { Fault } from '../chat/fault.ts';
import { compact } from '../lib/json.ts';
import { ok, type Result } from '../lib/result.ts';
import { costOf } from '../money/cost.ts';
import type { NanoUsd, Price } from '../money/price.ts';
import { DEFAULT_ORG_ID } from '../people/permissions.ts';
import type { Payer } from './ports.ts';
import type { AskReports, Repricing, UnpricedReceipt } from './report-ports.ts';

/** Receipts looked at, and booked, at once. */
const PAGE = 500;
/** A request lasts ten minutes at most, unless `timeouts.total_ms` says otherwise; by then its receipts are in the store. */
const REQUEST_MS = 15 * 60_000;

export interface RepriceOrder {
  readonly sinceMs?: number;
  /** As receipts name it. */
  readonly model?: string;
  /** Looks, and books nothing. */
  readonly isDryRun: boolean;
  /** What is written beside each price: where it came from. */
  readonly reason: string;
  readonly priceOf: (receipt: Pick<UnpricedReceipt, 'target'>) => Price | undefined;
  /** How what an organisation uses is sold to it now. */
  readonly saleTo: (orgId: string) => Pick<Payer, 'chargeOf'>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface RepricedModel {
  readonly provider: string;
  readonly model: string;
  readonly receipts: number;
  readonly costNanoUsd: NanoUsd;
}

export interface RepriceReport {
  /** What was booked, or would be. */
  readonly priced: readonly RepricedModel[];
  /** What still has no price, or nothing that could be multiplied by it; its cost is 0. */
  readonly unknown: readonly RepricedModel[];
}

/** Goes through all receipts without a price, a page at a time. Running it twice books nothing twice. */
export async function repriceAll(reports: AskReports, order: RepriceOrder): Promise<Result<RepriceReport, Fault>> {
  const priced = new Map<string, RepricedModel>();
  const unknown = new Map<string, RepricedModel>();
  let after: string | undefined;
  do {
    const query = compact({ sinceMs: order.sinceMs, model: order.model, after, limitMax: PAGE });
    const page = await reports(async (books) => books.unpriced(query));
    if (!page.ok) return page;
    const found = page.value.map((receipt) => ({ receipt, costNanoUsd: costNow(receipt, order) }));
    for (const { receipt, costNanoUsd } of found)
      count(costNanoUsd === undefined ? unknown : priced, receipt, costNanoUsd ?? 0n);
    const repricings = found.flatMap(({ receipt, costNanoUsd }) => repricingOf(order, receipt, costNanoUsd));
    if (!order.isDryRun && repricings.length > 0) {
      const why = { reason: order.reason, atMs: order.now() };
      const booked = await reports(async (books) => books.reprice(repricings, why));
      if (!booked.ok) return booked;
    }
    after = page.value.length === PAGE ? page.value.at(-1)?.id : undefined;
  } while (after !== undefined);
  return ok({ priced: [...priced.values()], unknown: [...unknown.values()] });
}

function costNow(receipt: UnpricedReceipt, { priceOf }: RepriceOrder): NanoUsd | undefined {
  const price = priceOf(receipt);
  return price === undefined ? undefined : costOf(price, compact(receipt.usage))?.totalNanoUsd;
}

function repricingOf(
  { saleTo, now }: RepriceOrder,
  { id, orgId = DEFAULT_ORG_ID, provider, model, outcome, atMs }: UnpricedReceipt,
  costNanoUsd: NanoUsd | undefined,
): readonly Repricing[] {
  if (costNanoUsd === undefined) return [];
  const { chargeOf } = saleTo(orgId);
  const charge = (isFirst: boolean): NanoUsd => chargeOf?.(costNanoUsd, { provider, model, isFirst }) ?? costNanoUsd;
  // After one that has not answered another may be under way, which is charged what is fixed: that must not be charged twice.
  const isLast = outcome === 'answered' || now() - atMs >= REQUEST_MS;
  return [{ receiptId: id, costNanoUsd, chargeNanoUsd: charge(isLast), laterChargeNanoUsd: charge(false) }];
}

function count(models: Map<string, RepricedModel>, { provider, model }: UnpricedReceipt, costNanoUsd: NanoUsd): void {
  const name = `${provider}/${model}`;
  const known = models.get(name) ?? { provider, model, receipts: 0, costNanoUsd: 0n };
  models.set(name, { ...known, receipts: known.receipts + 1, costNanoUsd: known.costNanoUsd + costNanoUsd });
}
