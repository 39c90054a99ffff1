import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Headroom, Sent } from './headroom.ts';

function begun(headroom: Headroom, times: number, nowMs: number): void {
  for (let count = 0; count < times; count += 1) headroom.begin(nowMs);
}

describe('headroom', () => {
  it('is not known where nobody said anything', () => {
    const headroom = new Headroom();
    begun(headroom, 100, 0);
    assert.equal(headroom.share(0), undefined);
  });

  it('is the least of requests and tokens, as the provider told it, and fills up evenly', () => {
    const headroom = new Headroom();
    headroom.told(
      {
        requests: { limit: 100, left: 50, fullAfterMs: 10_000 },
        tokens: { limit: 1000, left: 900, fullAfterMs: 1000 },
      },
      0,
    );
    assert.deepEqual(
      [0, 2000, 10_000, 99_000].map((nowMs) => headroom.share(nowMs)),
      [0.5, 0.6, 1, 1],
    );
  });

  it('is less by those that went out since', () => {
    const headroom = new Headroom();
    headroom.told({ requests: { limit: 10, left: 5, fullAfterMs: 60_000 } }, 0);
    begun(headroom, 3, 0);
    assert.equal(headroom.share(0), 0.2);
    begun(headroom, 3, 0);
    assert.equal(headroom.share(0), 0);
  });

  it('is learned from refusals where no numbers are told: a tenth below what was sent, growing slowly', () => {
    const headroom = new Headroom();
    begun(headroom, 100, 0);
    headroom.limited(0);
    assert.equal(headroom.share(0), 0);
    begun(headroom, 45, 120_000);
    const share = headroom.share(120_000) ?? 0;
    assert.ok(share > 0.58 && share < 0.59, `45 of 90, and a fifth more after two minutes: ${share}`);
    assert.equal(headroom.share(601_000), undefined);
  });

  it('learns no limit of requests from a refusal of a few', () => {
    const headroom = new Headroom();
    begun(headroom, 3, 0);
    headroom.limited(0);
    assert.equal(headroom.share(0), undefined);
  });

  it('is what the configuration says, of all that went out with the key', () => {
    const headroom = new Headroom();
    headroom.told({ requests: { limit: 100, left: 0, fullAfterMs: 60_000 } }, 0);
    const sent = new Sent();
    sent.requests.add(25, 0);
    sent.tokens.add(900, 0);
    const allowed = { requestsPerMinute: 50, tokensPerMinute: 1000 };
    assert.equal(headroom.share(0, { requestsPerMinute: 50 }, sent), 0.5);
    assert.ok(Math.abs((headroom.share(0, allowed, sent) ?? 0) - 0.1) < 1e-9);
    assert.equal(sent.waitMs(allowed, 0), 0);
    sent.tokens.add(100, 0);
    assert.equal(sent.waitMs(allowed, 0), 65_000);
  });

  it('lets no more through in any minute than is configured', () => {
    const times = fc.array(fc.nat({ max: 5000 }), { minLength: 50, maxLength: 400 });
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 40 }), (afters, requestsPerMinute) => {
        const sent = new Sent();
        const went: number[] = [];
        let nowMs = 0;
        for (const afterMs of afters) {
          nowMs += afterMs;
          const waitMs = sent.waitMs({ requestsPerMinute }, nowMs);
          assert.ok(waitMs <= 65_000);
          assert.equal(sent.waitMs({ requestsPerMinute }, nowMs + waitMs), 0, 'the wait is long enough');
          if (waitMs > 0) continue;
          sent.requests.add(1, nowMs);
          went.push(nowMs);
        }
        for (const from of went)
          assert.ok(went.filter((one) => one >= from && one < from + 60_000).length <= requestsPerMinute);
      }),
    );
  });
});
