import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placeOf, throttle, type Throttle, type Verdict } from './throttle.ts';

const owner = 'owner@example.org';

function tryOf(guard: Throttle, address: string, nowMs: number): Verdict {
  return guard.begin({ account: owner, address, nowMs });
}

describe('guessing passwords', () => {
  it('is refused to an address after ten wrong ones, and then let go on at one in ten seconds', () => {
    const guard = throttle();
    const kinds = Array.from({ length: 100 }, () => tryOf(guard, '10.0.0.1', 0).kind);
    assert.equal(kinds.filter((kind) => kind === 'go').length, 10);
    let passed = 0;
    for (let nowMs = 0; nowMs <= 600_000; nowMs += 1000) if (tryOf(guard, '10.0.0.1', nowMs).kind === 'go') passed += 1;
    assert.equal(passed, 60);
    const verdict = tryOf(guard, '10.0.0.1', 600_000);
    assert.ok(verdict.kind === 'refused' && verdict.retryAfterMs <= 10_000);
  });

  it('slows its account for everyone, by two seconds at most, and shuts it to nobody', () => {
    const guard = throttle();
    const delays: number[] = [];
    for (let n = 0; n < 40; n++) {
      const verdict = tryOf(guard, `10.0.1.${n}`, 0);
      assert.ok(verdict.kind === 'go');
      delays.push(verdict.delayMs);
    }
    assert.deepEqual(delays.slice(0, 8), [0, 0, 0, 0, 0, 50, 100, 200]);
    assert.equal(Math.max(...delays), 2000);
    assert.deepEqual(guard.begin({ account: 'other@example.org', address: '10.0.2.1', nowMs: 0 }), {
      kind: 'go',
      delayMs: 0,
    });
  });

  it('from very many addresses shuts the account to those it does not know, for seconds', () => {
    const guard = throttle();
    const verdicts = Array.from({ length: 400 }, (_, n) => tryOf(guard, `10.1.${n >> 8}.${n & 255}`, 0));
    const last = verdicts.at(-1);
    assert.ok(last?.kind === 'refused' && last.by === 'account' && last.retryAfterMs <= 12_000);
    assert.equal(tryOf(guard, '10.9.9.9', 13_000).kind, 'go');
  });

  it('is not what a right password is', () => {
    const guard = throttle();
    for (let n = 0; n < 100; n++) {
      const attempt = { account: owner, address: '10.0.0.1', nowMs: 0 };
      assert.deepEqual(guard.begin(attempt), { kind: 'go', delayMs: 0 });
      guard.right(attempt);
    }
  });

  it('cannot be washed out by a flood of names', () => {
    const guard = throttle();
    for (let n = 0; n < 10; n++) tryOf(guard, '10.0.0.1', 0);
    for (let n = 0; n < 50_000; n++)
      guard.begin({ account: `a${n}`, address: `10.${n >> 16}.${n >> 8}.${n}`, nowMs: 1 });
    assert.equal(tryOf(guard, '10.0.0.1', 2).kind, 'refused');
  });

  it('counts a network of IPv6 as one address', () => {
    const same = ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:0:0:9'].map(placeOf);
    assert.deepEqual(new Set(same), new Set(['2001:db8:1:2']));
    assert.notEqual(placeOf('2001:db8:1:3::1'), '2001:db8:1:2');
    assert.equal(placeOf('::ffff:10.0.0.1'), '10.0.0.1');
    assert.equal(placeOf('::1'), placeOf('::2'));
  });
});
