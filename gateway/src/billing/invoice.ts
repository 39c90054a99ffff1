/** An invoice: what an organisation is charged for a month, by model. Pure. Its sums are those of the ledger, to the nano-dollar. */
import { csvLine } from '../lib/csv.ts';
import type { JsonRecord } from '../lib/json.ts';
import { periodAt, type Span } from '../money/period.ts';
import type { NanoUsd } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import type { InvoiceSum } from '../store/billing-ports.ts';

/** Before it there was nothing to invoice; after it no calendar is certain. */
const YEAR_MIN = 2020;
const YEAR_MAX = 2199;
/** No zone is further ahead of UTC: half of a month later is in it everywhere. */
const MID_MONTH = 15;

export interface InvoiceAmounts {
  readonly requests: number;
  readonly attempts: number;
  /** Attempts whose price was not known when this was written: they are in no sum of money. */
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: NanoUsd;
  readonly chargeNanoUsd: NanoUsd;
  readonly creditsNanoUsd: NanoUsd;
}

export interface Invoice {
  /** The organisation and the month: an invoice of the same month is the same. */
  readonly number: string;
  readonly orgId: string;
  readonly orgName: string;
  /** `2026-10`. */
  readonly month: string;
  readonly timeZone: string;
  readonly span: Span;
  readonly lines: readonly InvoiceSum[];
  readonly total: InvoiceAmounts;
  /** What is left to pay: the charge less what was paid with credits. */
  readonly dueNanoUsd: NanoUsd;
}

/** The month `2026-10` in a time zone; undefined where the text is none. Throws for a time zone that is not known. */
export function monthSpan(month: string, timeZone: string): Span | undefined {
  const [, year = '', number = ''] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month) ?? [];
  if (year === '' || Number(year) < YEAR_MIN || Number(year) > YEAR_MAX) return undefined;
  return periodAt('month', timeZone, Date.UTC(Number(year), Number(number) - 1, MID_MONTH));
}

export function invoiceOf(of: Omit<Invoice, 'number' | 'total' | 'dueNanoUsd'>): Invoice {
  const total = of.lines.reduce<InvoiceAmounts>(added, NOTHING);
  const dueNanoUsd = total.chargeNanoUsd - total.creditsNanoUsd;
  return { ...of, number: `${of.month}-${of.orgId}`, total, dueNanoUsd };
}

const NOTHING: InvoiceAmounts = {
  requests: 0,
  attempts: 0,
  unpriced: 0,
  inputTokens: 0,
  cachedInputTokens: 0,
  outputTokens: 0,
  costNanoUsd: 0n,
  chargeNanoUsd: 0n,
  creditsNanoUsd: 0n,
};

function added(sum: InvoiceAmounts, line: InvoiceAmounts): InvoiceAmounts {
  return {
    requests: sum.requests + line.requests,
    attempts: sum.attempts + line.attempts,
    unpriced: sum.unpriced + line.unpriced,
    inputTokens: sum.inputTokens + line.inputTokens,
    cachedInputTokens: sum.cachedInputTokens + line.cachedInputTokens,
    outputTokens: sum.outputTokens + line.outputTokens,
    costNanoUsd: sum.costNanoUsd + line.costNanoUsd,
    chargeNanoUsd: sum.chargeNanoUsd + line.chargeNanoUsd,
    creditsNanoUsd: sum.creditsNanoUsd + line.creditsNanoUsd,
  };
}

const COLUMNS = [
  'month',
  'org',
  'name',
  'provider',
  'model',
  'requests',
  'attempts',
  'unpriced',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'cost_usd',
  'markup_usd',
  'discount_usd',
  'charge_usd',
  'credits_usd',
] as const;

/** Invoices as one table, a line a model, without totals: a sum over a column is right. */
export function invoicesCsv(invoices: readonly Invoice[]): string {
  const lines = invoices.flatMap(({ month, orgId, orgName, lines: sums }) =>
    sums.map((line) =>
      csvLine([
        month,
        orgId,
        orgName,
        line.provider,
        line.model,
        line.requests,
        line.attempts,
        line.unpriced,
        line.inputTokens,
        line.cachedInputTokens,
        line.outputTokens,
        formatUsd(line.costNanoUsd),
        formatUsd(positive(line.chargeNanoUsd - line.costNanoUsd)),
        formatUsd(positive(line.costNanoUsd - line.chargeNanoUsd)),
        formatUsd(line.chargeNanoUsd),
        formatUsd(line.creditsNanoUsd),
      ]),
    ),
  );
  return csvLine(COLUMNS) + lines.join('');
}

/** What is not below nothing. A sheet would take a leading minus for a formula, so markup and discount have columns of their own. */
function positive(amount: NanoUsd): NanoUsd {
  return amount > 0n ? amount : 0n;
}

/** As `turnout invoices --json` and the admin API give it: money in decimal text. */
export function invoiceRecord(invoice: Invoice): JsonRecord {
  const { number, orgId, orgName, month, timeZone, span, lines, total, dueNanoUsd } = invoice;
  return {
    number,
    org: orgId,
    name: orgName,
    month,
    time_zone: timeZone,
    from: new Date(span.startMs).toISOString(),
    to: new Date(span.endMs).toISOString(),
    lines: lines.map((line) => ({ provider: line.provider, model: line.model, ...amountsRecord(line) })),
    total: amountsRecord(total),
    due_usd: formatUsd(dueNanoUsd),
  };
}

function amountsRecord(amounts: InvoiceAmounts): JsonRecord {
  return {
    requests: amounts.requests,
    attempts: amounts.attempts,
    unpriced: amounts.unpriced,
    input_tokens: amounts.inputTokens,
    cached_input_tokens: amounts.cachedInputTokens,
    output_tokens: amounts.outputTokens,
    cost_usd: formatUsd(amounts.costNanoUsd),
    markup_usd: formatUsd(amounts.chargeNanoUsd - amounts.costNanoUsd),
    charge_usd: formatUsd(amounts.chargeNanoUsd),
    credits_usd: formatUsd(amounts.creditsNanoUsd),
  };
}
