/** Stripe's events in our own words. Pure. Shapes: docs.stripe.com/api/events, read leniently: what is not needed is not looked at. */
import { asCount, asRecord, asString, compact, type JsonRecord } from '../lib/json.ts';
import type { NanoUsd } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import type { PaymentDeed, PaymentEvent } from '../store/billing-ports.ts';

const DAY_MS = 86_400_000;
/** Amounts are in cents ("the smallest currency unit"). */
const NANO_PER_CENT = 10_000_000n;
/** Stripe takes eight digits of cents in one payment; ten leave room, and fit a store many times. */
const CENTS_MAX = 9_999_999_999;
/** Longer texts are none of Stripe's ids, nor of ours. */
const ID_LENGTH_MAX = 255;

export interface EventSurroundings {
  readonly nowMs: number;
  /** Credits that are paid for expire after so many days; undefined: never. */
  readonly expireDays?: number;
}

/** What is to be done for an event; undefined where it is none. */
export function paymentEventOf(record: JsonRecord, { nowMs, expireDays }: EventSurroundings): PaymentEvent | undefined {
  const id = idOf(record['id']);
  const kind = idOf(record['type']);
  const subject = asRecord(asRecord(record['data'])?.['object']);
  if (id === undefined || kind === undefined || subject === undefined) return undefined;
  const expiresAtMs = expireDays === undefined ? undefined : nowMs + expireDays * DAY_MS;
  return { id, kind, source: 'stripe', atMs: nowMs, deed: deedOf(kind, subject, expiresAtMs) };
}

function deedOf(kind: string, subject: JsonRecord, expiresAtMs: number | undefined): PaymentDeed {
  switch (kind) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
      if (subject['payment_status'] !== 'paid') return nothing('not paid yet');
      return paid(subject, { payment: paymentOf(subject), amount: subject['amount_total'], expiresAtMs });
    case 'payment_intent.succeeded':
      return paid(subject, { payment: idOf(subject['id']), amount: subject['amount_received'], expiresAtMs });
    case 'charge.refunded':
      return refunded(subject, { amount: subject['amount_refunded'] });
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
    case 'charge.refund.updated':
      return refunded(subject, { amount: subject['amount'], refundId: idOf(subject['id']) });
    case 'charge.dispute.created':
      return { do: 'alert', alert: 'payment-disputed', body: disputeBody(subject) };
    default:
      return nothing('of no matter here');
  }
}

function nothing(why: string): PaymentDeed {
  return { do: 'nothing', why };
}

interface Paid {
  readonly payment: string | undefined;
  readonly amount: unknown;
  readonly expiresAtMs: number | undefined;
}

function paid(subject: JsonRecord, { payment, amount, expiresAtMs }: Paid): PaymentDeed {
  const orgId = idOf(asRecord(subject['metadata'])?.['org_id']) ?? idOf(subject['client_reference_id']);
  // The account may sell other things than credits.
  if (orgId === undefined) return nothing('it names no organisation');
  const amountNanoUsd = nanoUsdOf(amount);
  const body = compact({ payment, org: orgId, currency: currencyOf(subject), amount: asCount(amount) });
  if (currencyOf(subject) !== 'usd') return { do: 'alert', alert: 'payment-currency', body };
  if (payment === undefined || amountNanoUsd === undefined) return { do: 'alert', alert: 'payment-unreadable', body };
  if (amountNanoUsd === 0n) return nothing('of nothing');
  return compact({ do: 'top-up' as const, orgId, payment, amountNanoUsd, expiresAtMs });
}

function refunded(
  subject: JsonRecord,
  { amount, refundId }: { readonly amount: unknown; readonly refundId?: string | undefined },
): PaymentDeed {
  const payment = paymentOf(subject);
  const amountNanoUsd = nanoUsdOf(amount);
  // What was paid in another currency has become no credits.
  if (currencyOf(subject) !== 'usd') return nothing('of another currency');
  if (payment === undefined || amountNanoUsd === undefined) return nothing('it names no payment or amount');
  const status = asString(subject['status']);
  const isVoid = refundId !== undefined && (status === 'failed' || status === 'canceled');
  return compact({ do: 'refund' as const, payment, refundId, amountNanoUsd, isVoid });
}

function disputeBody(subject: JsonRecord): JsonRecord {
  const amountNanoUsd = nanoUsdOf(subject['amount']);
  const currency = currencyOf(subject);
  return compact({
    payment: paymentOf(subject),
    dispute: idOf(subject['id']),
    reason: idOf(subject['reason']),
    currency,
    amount_usd: currency === 'usd' && amountNanoUsd !== undefined ? formatUsd(amountNanoUsd) : undefined,
  });
}

/** The payment that a thing belongs to: what all events of a payment have in common. Older charges have none but themselves. */
function paymentOf(subject: JsonRecord): string | undefined {
  return idOf(subject['payment_intent']) ?? idOf(subject['charge']) ?? idOf(subject['id']);
}

/** An id, or that of an object which stands in its place (an expanded field). */
function idOf(value: unknown): string | undefined {
  const id = asString(value) ?? asString(asRecord(value)?.['id']);
  return id === undefined || id === '' || id.length > ID_LENGTH_MAX ? undefined : id;
}

function currencyOf(subject: JsonRecord): string {
  return (asString(subject['currency']) ?? '').toLowerCase().slice(0, 3);
}

function nanoUsdOf(cents: unknown): NanoUsd | undefined {
  const count = asCount(cents);
  return count === undefined || count > CENTS_MAX ? undefined : BigInt(count) * NANO_PER_CENT;
}
