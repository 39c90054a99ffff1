import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Stripe } from 'stripe';
import { whyUnsigned } from './stripe-signature.ts';

const SECRET = 'whsec_0123456789abcdef';
const NOW_MS = 1_795_000_000_500;
const NOW_S = Math.floor(NOW_MS / 1000);
const { webhooks } = new Stripe('sk_test_none');

function sign(payload: string, more: { readonly secret?: string; readonly timestamp?: number } = {}): string {
  return webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp: NOW_S, ...more });
}

function isGood(header: string, payload: string, secrets: readonly string[] = [SECRET]): boolean {
  const body = Buffer.from(payload);
  return whyUnsigned({ header, body, secrets, nowMs: NOW_MS, toleranceS: 300 }) === undefined;
}

/** What Stripe's own library says. */
function isGoodThere(header: string, payload: string, secret = SECRET): boolean {
  try {
    webhooks.constructEvent(payload, header, secret, 300, undefined, NOW_MS);
    return true;
  } catch {
    return false;
  }
}

describe('the signature of a webhook', () => {
  it('is good exactly where Stripe’s library says so', () => {
    const age = fc.integer({ min: -1000, max: 1000 });
    const change = fc.constantFrom(
      (header: string) => header,
      (header: string) => header.replace('v1=', 'v0='),
      (header: string) => header.replace(/v1=./, 'v1=g'),
      (header: string) => header.slice(0, -1),
      (header: string) => header.toUpperCase(),
      (header: string) => header.replace(/t=\d/, 't=9'),
      (header: string) => header.replace(/,.*/, ''),
      (header: string) => header.replace(/t=\d+,/, ''),
      (header: string) => `v1=${'0'.repeat(64)},${header}`,
      (header: string) => `${header},v0=abc,v1=`,
      () => '',
      () => 't=,v1=',
    );
    let good = 0;
    let bad = 0;
    fc.assert(
      fc.property(fc.json(), age, change, fc.boolean(), (payload, seconds, changed, isOther) => {
        const secret = isOther ? 'whsec_other' : SECRET;
        const header = changed(sign(payload, { secret, timestamp: NOW_S - seconds }));
        const there = isGoodThere(header, payload);
        assert.equal(isGood(header, payload), there, header);
        if (there) good += 1;
        else bad += 1;
      }),
      { numRuns: 2000 },
    );
    // Some 110 of them are good: one in two has the right secret, two of twelve changes change nothing, two of three are young.
    assert.ok(good > 40 && bad > 100, `${good} good, ${bad} bad`);
  });

  it('is not good for another body, not even by a byte', () => {
    const payload = '{"id":"evt_1","note":"ü"}';
    const header = sign(payload);
    assert.ok(isGood(header, payload) && isGoodThere(header, payload));
    for (const other of [`${payload} `, payload.replace('1', '2'), '']) {
      assert.ok(!isGood(header, other), other);
      assert.ok(!isGoodThere(header, other), other);
    }
  });

  it('is good with any of the secrets while one takes the place of another', () => {
    const [old, fresh] = ['whsec_old', 'whsec_new'];
    const both = `${sign('{}', { secret: old })},${sign('{}', { secret: fresh }).replace(/^t=\d+,/, '')}`;
    assert.ok(isGood(both, '{}', [fresh]) && isGoodThere(both, '{}', fresh));
    assert.ok(isGood(both, '{}', [old]) && isGoodThere(both, '{}', old));
    assert.ok(isGood(sign('{}', { secret: old }), '{}', [fresh, old]));
    assert.ok(!isGood(both, '{}', ['whsec_third']));
  });

  it('is never good with no secret, or an empty one', () => {
    assert.ok(!isGood(sign('{}'), '{}', []));
    for (const secret of ['', ' ']) assert.ok(!isGood(sign('{}', { secret }), '{}', [secret]), JSON.stringify(secret));
  });

  it('is refused once it is too old, to the second', () => {
    assert.ok(isGood(sign('{}', { timestamp: NOW_S - 300 }), '{}'));
    assert.ok(!isGood(sign('{}', { timestamp: NOW_S - 301 }), '{}'));
  });
});
