/**
 * What a payment provider tells, taken in: each event once, and each payment once, however often and in whatever order they
 * come. An event, what it does and what is told of it are one transaction.
 */
import type { Kysely, Transaction } from 'kysely';
import type { NanoUsd } from '../../money/price.ts';
import { formatUsd } from '../../money/usd.ts';
import type { BillingBooks, CreditRow, PaymentDeed, PaymentEvent, PaymentOutcome } from '../billing-ports.ts';
import { tell } from './alerts.ts';
import { byReference, byReferencePrefix, takeBack, topUp } from './credits.ts';
import { refundedOf } from './credit-lots.ts';
import { lockNames } from './lock-purses.ts';
import type { Tables } from './schema.ts';

export function paymentBooks(db: Kysely<Tables>): Pick<BillingBooks, 'takePayment'> {
  return {
    takePayment: async (event) => db.transaction().execute(async (trx) => takeEvent(trx, event)),
  };
}

async function takeEvent(trx: Transaction<Tables>, event: PaymentEvent): Promise<PaymentOutcome> {
  const { id, source, kind, atMs, deed } = event;
  const isRefund = deed.do === 'refund';
  // Of two events of a payment each would see the payment without the other. A purse is locked behind it, by all who want both.
  if ('payment' in deed) await lockNames(trx, [`payment ${deed.payment}`]);
  const fresh = await trx
    .insertInto('webhook_events')
    .values({
      id,
      source,
      kind,
      at: atMs,
      outcome: deed.do,
      payment: 'payment' in deed ? deed.payment : null,
      is_refund: isRefund ? 1 : 0,
      refund: isRefund ? (deed.refundId ?? null) : null,
      amount_nano_usd: 'amountNanoUsd' in deed ? deed.amountNanoUsd : null,
      is_void: isRefund && deed.isVoid ? 1 : 0,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .execute();
  if (fresh.length === 0) return { outcome: 'repeated' };
  const done = await act(trx, event, deed);
  await trx.updateTable('webhook_events').set({ outcome: done.outcome }).where('id', '=', id).execute();
  return done;
}

async function act(trx: Transaction<Tables>, event: PaymentEvent, deed: PaymentDeed): Promise<PaymentOutcome> {
  switch (deed.do) {
    case 'top-up':
      return paid(trx, event, deed);
    case 'refund':
      return refunded(trx, event, deed.payment);
    case 'alert':
      await alert(trx, event, { kind: deed.alert, body: deed.body });
      return { outcome: deed.alert };
    case 'nothing':
      return { outcome: `ignored: ${deed.why}` };
  }
}

async function paid(
  trx: Transaction<Tables>,
  event: PaymentEvent,
  { orgId, payment, amountNanoUsd, expiresAtMs }: Extract<PaymentDeed, { do: 'top-up' }>,
): Promise<PaymentOutcome> {
  const answer = await topUp(trx, {
    orgId,
    kind: 'top-up',
    amountNanoUsd,
    reference: payment,
    note: event.kind,
    by: event.source,
    atMs: event.atMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  });
  if (answer.kind === 'known') return { outcome: 'known', orgId };
  if (answer.kind !== 'made') {
    const outcome = answer.kind === 'no-org' ? 'payment-for-nobody' : 'payment-told-twice';
    await alert(trx, event, { kind: outcome, body: { payment, org: orgId, amount_usd: formatUsd(amountNanoUsd) } });
    return { outcome };
  }
  // Its refund may have been told of first.
  await refunded(trx, event, payment);
  return { outcome: 'topped-up', orgId, amountNanoUsd };
}

/** Brings what was taken back of a payment to what was refunded of it, as told so far. */
async function refunded(trx: Transaction<Tables>, event: PaymentEvent, payment: string): Promise<PaymentOutcome> {
  const lot = await byReference(trx, payment);
  if (lot === undefined) return { outcome: 'refund of a payment that is not known yet' };
  const { orgId } = lot;
  const before = await byReferencePrefix(trx, refundsOf(payment));
  const asked = before.reduce((sum, row) => sum + askedBy(row), 0n);
  const more = refundedOf(await toldOf(trx, payment)) - asked;
  const reference = `${refundsOf(payment)}${before.length + 1}`;
  const common = { orgId, reference, note: event.kind, by: event.source, atMs: event.atMs };
  if (more > 0n) {
    const answer = await takeBack(trx, { ...common, amountNanoUsd: more, payment });
    const short = answer.kind === 'made' ? answer.row.leftNanoUsd : 0n;
    if (short > 0n)
      await alert(trx, event, {
        kind: 'refund-short',
        orgId,
        body: { payment, org: orgId, not_taken_usd: formatUsd(short) },
      });
    return { outcome: 'refunded', orgId, amountNanoUsd: more - short };
  }
  const taken = before.reduce((sum, row) => sum - row.amountNanoUsd, 0n);
  const back = -more < taken ? -more : taken;
  if (back <= 0n) return { outcome: 'known', orgId };
  const { expiresAtMs } = lot;
  await topUp(trx, {
    ...common,
    kind: 'gift',
    amountNanoUsd: back,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  });
  return { outcome: 'refund undone', orgId, amountNanoUsd: back };
}

function refundsOf(payment: string): string {
  return `${payment}/refund/`;
}

/** A refund that did not go through is given back as a gift. */
function askedBy(row: CreditRow): NanoUsd {
  return row.kind === 'refund' ? row.leftNanoUsd - row.amountNanoUsd : -row.amountNanoUsd;
}

async function toldOf(trx: Transaction<Tables>, payment: string): Promise<Parameters<typeof refundedOf>[0]> {
  const rows = await trx
    .selectFrom('webhook_events')
    .select(['refund', 'amount_nano_usd', 'is_void'])
    .where('payment', '=', payment)
    .where('is_refund', '=', 1n)
    .orderBy('at')
    .execute();
  return rows.map((row) => ({
    amountNanoUsd: row.amount_nano_usd ?? 0n,
    isVoid: row.is_void === 1n,
    ...(row.refund === null ? {} : { refundId: row.refund }),
  }));
}

async function alert(
  trx: Transaction<Tables>,
  { id, source, kind, atMs }: PaymentEvent,
  { body, ...of }: { readonly kind: string; readonly orgId?: string; readonly body: PaymentAlert },
): Promise<void> {
  await tell(trx, { ...of, subject: id, threshold: 0, atMs, body: { ...body, source, event: kind } });
}

type PaymentAlert = Extract<PaymentDeed, { do: 'alert' }>['body'];
