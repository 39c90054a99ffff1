import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isRecord, type JsonRecord } from '../lib/json.ts';
import type { PaymentDeed } from '../store/billing-ports.ts';
import { paymentEventOf } from './stripe-event.ts';

const AT = 1_795_000_000_000;
const USD = { currency: 'usd', metadata: { org_id: 'org_1' } };

function deedOf(type: string, object: JsonRecord, expireDays?: number): PaymentDeed | undefined {
  const surroundings = expireDays === undefined ? { nowMs: AT } : { nowMs: AT, expireDays };
  return paymentEventOf({ id: 'evt_1', object: 'event', type, data: { object } }, surroundings)?.deed;
}

describe('an event of Stripe', () => {
  it('is a top-up where a payment is done, by its payment intent', () => {
    const topUp = { do: 'top-up', orgId: 'org_1', payment: 'pi_1', amountNanoUsd: 12_340_000_000n };
    const session = { id: 'cs_1', payment_intent: 'pi_1', amount_total: 1234, payment_status: 'paid', ...USD };
    assert.deepEqual(deedOf('checkout.session.completed', session), topUp);
    assert.deepEqual(deedOf('checkout.session.async_payment_succeeded', session), topUp);
    const expanded = { ...session, payment_intent: { id: 'pi_1' }, metadata: {}, client_reference_id: 'org_1' };
    assert.deepEqual(deedOf('checkout.session.completed', expanded), topUp);
    assert.deepEqual(deedOf('payment_intent.succeeded', { id: 'pi_1', amount_received: 1234, ...USD }), topUp);
    assert.deepEqual(deedOf('payment_intent.succeeded', { id: 'pi_1', amount_received: 1234, ...USD }, 2), {
      ...topUp,
      expiresAtMs: AT + 172_800_000,
    });
  });

  it('is nothing where it is not paid yet, for nobody, of nothing, or of another matter', () => {
    const session = { id: 'cs_1', payment_intent: 'pi_1', amount_total: 1, payment_status: 'unpaid', ...USD };
    for (const deed of [
      deedOf('checkout.session.completed', session),
      deedOf('payment_intent.succeeded', { id: 'pi_1', amount_received: 1, currency: 'usd', metadata: {} }),
      deedOf('payment_intent.succeeded', { id: 'pi_1', amount_received: 0, ...USD }),
      deedOf('customer.created', { id: 'cus_1' }),
      deedOf('refund.created', { id: 're_1', payment_intent: 'pi_1', amount: 5, currency: 'eur' }),
    ])
      assert.equal(deed?.do, 'nothing');
  });

  it('is an alert where money came that cannot be booked, or is disputed', () => {
    const alertOf = (deed: PaymentDeed | undefined): string => (deed?.do === 'alert' ? deed.alert : 'none');
    const paid = { id: 'pi_1', amount_received: 1234, ...USD };
    assert.equal(alertOf(deedOf('payment_intent.succeeded', { ...paid, currency: 'eur' })), 'payment-currency');
    for (const amount of [-1, 1.5, '1234', 1e300, null])
      assert.equal(
        alertOf(deedOf('payment_intent.succeeded', { ...paid, amount_received: amount })),
        'payment-unreadable',
      );
    const dispute = { id: 'dp_1', payment_intent: 'pi_1', amount: 500, reason: 'fraudulent', currency: 'usd' };
    assert.deepEqual(deedOf('charge.dispute.created', dispute), {
      do: 'alert',
      alert: 'payment-disputed',
      body: { payment: 'pi_1', dispute: 'dp_1', reason: 'fraudulent', currency: 'usd', amount_usd: '5' },
    });
  });

  it('is a refund, of one or of all so far, and void where it did not go through', () => {
    const refund = { do: 'refund', payment: 'pi_1', amountNanoUsd: 50_000_000n, isVoid: false };
    const charge = { id: 'ch_1', payment_intent: 'pi_1', amount_refunded: 5, currency: 'usd' };
    assert.deepEqual(deedOf('charge.refunded', charge), refund);
    const one = { id: 're_1', payment_intent: 'pi_1', charge: 'ch_1', amount: 5, currency: 'usd', status: 'pending' };
    assert.deepEqual(deedOf('refund.created', one), { ...refund, refundId: 're_1' });
    for (const status of ['failed', 'canceled'])
      assert.deepEqual(deedOf('refund.updated', { ...one, status }), { ...refund, refundId: 're_1', isVoid: true });
    assert.deepEqual(deedOf('charge.refunded', { ...charge, payment_intent: null }), { ...refund, payment: 'ch_1' });
  });

  it('is none without id, kind and subject, and never throws', () => {
    assert.equal(paymentEventOf({}, { nowMs: AT }), undefined);
    assert.equal(paymentEventOf({ id: 'evt_1', type: 't', data: {} }, { nowMs: AT }), undefined);
    const types = fc.constantFrom('payment_intent.succeeded', 'charge.refunded', 'checkout.session.completed', 'x');
    fc.assert(
      fc.property(fc.jsonValue(), types, (object, type) => {
        const record: unknown = { id: 'evt_1', type, data: { object } };
        if (isRecord(record)) paymentEventOf(record, { nowMs: AT });
      }),
    );
  });
});
