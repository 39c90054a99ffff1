/** Invoices of organisations, from the books. */
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { isTimeZone } from '../money/period.ts';
import type { AskBilling, InvoicedOrg } from '../store/billing-ports.ts';
import { invoiceOf, monthSpan, type Invoice } from './invoice.ts';

export interface InvoiceOrder {
  /** `2026-10`. */
  readonly month: string;
  /** Absent: of every organisation that has used anything. */
  readonly orgId?: string;
}

/** Faults: `field-invalid` for what is no month or organisation; `store-unavailable`. */
export async function invoicesFor(
  { month, orgId }: InvoiceOrder,
  ask: AskBilling,
): Promise<Result<readonly Invoice[], Fault>> {
  if (monthSpan(month, 'UTC') === undefined) return refused('month', 'it must be a month as in 2026-10');
  const orgs = await ask(async (books) => books.invoicedOrgs());
  if (!orgs.ok) return orgs;
  const asked = orgs.value.filter(({ id }) => orgId === undefined || id === orgId);
  if (asked.length === 0) return refused('org', 'there is no such organisation');
  const invoices: Invoice[] = [];
  for (const org of asked) {
    const invoice = await invoiceFor(org, month, ask);
    if (!invoice.ok) return invoice;
    if (invoice.value !== undefined && (orgId !== undefined || invoice.value.lines.length > 0))
      invoices.push(invoice.value);
  }
  return ok(invoices);
}

async function invoiceFor(
  { id: orgId, name: orgName, timeZone: wanted }: InvoicedOrg,
  month: string,
  ask: AskBilling,
): Promise<Result<Invoice | undefined, Fault>> {
  const timeZone = wanted !== undefined && isTimeZone(wanted) ? wanted : 'UTC';
  const span = monthSpan(month, timeZone);
  if (span === undefined) return ok(undefined);
  const sums = await ask(async (books) => books.invoiceSums({ orgId, fromMs: span.startMs, toMs: span.endMs }));
  if (!sums.ok) return sums;
  // It may have been removed meanwhile.
  if (sums.value === undefined) return ok(undefined);
  return ok(invoiceOf({ orgId, orgName, month, timeZone, span, lines: sums.value.lines }));
}

function refused(param: string, reason: string): Result<never, Fault> {
  return err(fault('field-invalid', { reason }, { param }));
}
