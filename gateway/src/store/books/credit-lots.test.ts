import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { expiring, refundedOf, refunding, spentFrom, sumOf, type Lot, type RefundTold } from './credit-lots.ts';

const lot = (id: string, leftNanoUsd: bigint, expiresAtMs?: number, atMs = 0): Lot => ({
  id,
  atMs,
  leftNanoUsd,
  ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
});
const lefts = (lots: readonly Lot[]): readonly string[] => lots.map(({ id, leftNanoUsd }) => `${id}${leftNanoUsd}`);
const anyLots = fc
  .array(fc.record({ left: fc.bigInt({ min: 0n, max: 1000n }), at: fc.nat(9), expires: fc.option(fc.nat(99)) }), {
    maxLength: 8,
  })
  .map((all) => all.map(({ left, at, expires }, index) => lot(`l${index}`, left, expires ?? undefined, at)));
const anyAmount = fc.bigInt({ min: 0n, max: 5000n });

describe('credits that are spent', () => {
  it('are those that expire first, then the oldest', () => {
    const lots = [lot('a', 10n, undefined, 1), lot('b', 10n, 50), lot('c', 10n, 20), lot('d', 10n, undefined, 0)];
    assert.deepEqual(lefts(spentFrom(lots, 0n)), ['c10', 'b10', 'd10', 'a10']);
    assert.deepEqual(lefts(spentFrom(lots, 25n)), ['c0', 'b0', 'd5', 'a10']);
  });

  it('are so much less, and never less than nothing', () => {
    fc.assert(
      fc.property(anyLots, anyAmount, (lots, amount) => {
        const after = spentFrom(lots, amount);
        const before = sumOf(lots);
        assert.equal(sumOf(after), before > amount ? before - amount : 0n);
        assert.ok(after.every(({ leftNanoUsd }) => leftNanoUsd >= 0n));
      }),
    );
  });

  it('are the same whether they are written down at once or step by step', () => {
    fc.assert(
      fc.property(anyLots, anyAmount, anyAmount, (lots, first, second) => {
        const atOnce = spentFrom(lots, first + second);
        assert.deepEqual(spentFrom(spentFrom(lots, first), second), atOnce);
      }),
    );
  });
});

describe('credits that are taken back', () => {
  it('expire at their moment, those that are held later', () => {
    const lots = [lot('a', 10n, 20), lot('b', 10n, 21), lot('c', 10n)];
    assert.deepEqual(expiring(lots, 100n, 19), []);
    assert.deepEqual(expiring(lots, 100n, 20), [{ lotId: 'a', nanoUsd: 10n }]);
    assert.deepEqual(expiring(lots, 12n, 21), [
      { lotId: 'a', nanoUsd: 10n },
      { lotId: 'b', nanoUsd: 2n },
    ]);
    assert.deepEqual(expiring(lots, -3n, 21), []);
  });

  it('are those of the payment first, then those that would last longest', () => {
    const lots = [lot('a', 10n, 20), lot('b', 10n), lot('c', 10n, 30)];
    assert.deepEqual(refunding(lots, { lotId: 'a', wantedNanoUsd: 25n, freeNanoUsd: 100n }), [
      { lotId: 'a', nanoUsd: 10n },
      { lotId: 'b', nanoUsd: 10n },
      { lotId: 'c', nanoUsd: 5n },
    ]);
  });

  it('are never more than is free, wanted or there', () => {
    fc.assert(
      fc.property(anyLots, anyAmount, anyAmount, (lots, wantedNanoUsd, freeNanoUsd) => {
        const takings = refunding(lots, { lotId: 'l1', wantedNanoUsd, freeNanoUsd });
        const taken = takings.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0n);
        const most = [wantedNanoUsd, freeNanoUsd, sumOf(lots)].reduce((least, one) => (one < least ? one : least));
        assert.equal(taken, most);
        for (const { lotId, nanoUsd } of takings)
          assert.ok(nanoUsd <= (lots.find(({ id }) => id === lotId)?.leftNanoUsd ?? 0n));
      }),
    );
  });
});

describe('refunds of a payment', () => {
  const one = (refundId: string, amountNanoUsd: bigint, isVoid = false): RefundTold => ({
    refundId,
    amountNanoUsd,
    isVoid,
  });
  const sofar = (amountNanoUsd: bigint): RefundTold => ({ amountNanoUsd, isVoid: false });

  it('count once, told singly or together', () => {
    assert.equal(refundedOf([]), 0n);
    assert.equal(refundedOf([one('a', 5n), sofar(5n), one('b', 3n), sofar(8n)]), 8n);
    assert.equal(refundedOf([sofar(8n)]), 8n);
    assert.equal(refundedOf([one('a', 5n), one('a', 5n)]), 5n);
  });

  it('do not count where they did not go through', () => {
    assert.equal(refundedOf([one('a', 5n), sofar(5n), one('a', 5n, true)]), 0n);
    assert.equal(refundedOf([one('a', 5n, true), one('a', 5n), one('b', 3n), sofar(8n)]), 3n);
  });

  it('are the same in every order', () => {
    const told = [one('a', 5n), sofar(5n), one('b', 3n), sofar(8n), one('a', 5n, true), sofar(9n), one('c', 1n)];
    fc.assert(
      fc.property(fc.shuffledSubarray(told, { minLength: told.length }), (shuffled) =>
        assert.equal(refundedOf(shuffled), 4n),
      ),
    );
  });
});
