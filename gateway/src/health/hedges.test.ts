import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { hedges } from './hedges.ts';

describe('what hedges may cost', () => {
  it('is earned by requests, and saved up for ten at most', () => {
    const book = hedges();
    for (let count = 0; count < 19; count += 1) book.asked('main', 0.05);
    assert.equal(book.take('main', 0n), 'requests');
    book.asked('main', 0.05);
    assert.equal(book.take('main', 0n), undefined);
    assert.equal(book.take('main', 0n), 'requests');
    for (let count = 0; count < 1000; count += 1) book.asked('main', 0.05);
    const taken = Array.from({ length: 12 }, () => book.take('main', 0n) === undefined);
    assert.equal(taken.filter(Boolean).length, 10);
  });

  it('is earned by what attempts have cost, route by route', () => {
    const book = hedges();
    for (let count = 0; count < 4; count += 1) book.asked('main', 0.5);
    book.paid('other', 0.5, 1_000_000n);
    assert.equal(book.take('main', 100n), 'spend');
    book.paid('main', 0.5, 200n);
    assert.equal(book.take('main', 100n), undefined);
    // It cost more than was thought: the next one waits until that is earned as well.
    book.settle('main', { estimateNanoUsd: 100n, costNanoUsd: 300n });
    book.paid('main', 0.5, 500n);
    assert.equal(book.take('main', 100n), 'spend');
    book.paid('main', 0.5, 100n);
    assert.equal(book.take('main', 100n), undefined);
    book.giveBack('main', 100n);
    assert.equal(book.take('main', 100n), undefined);
  });

  it('is never more than the share of the requests, nor of the spend by more than the last few cost beyond their estimate', () => {
    const request = fc.record({
      isSlow: fc.boolean(),
      costNanoUsd: fc.bigInt({ min: 0n, max: 10_000n }),
      estimateNanoUsd: fc.bigInt({ min: 0n, max: 500n }),
      extraNanoUsd: fc.bigInt({ min: 0n, max: 500n }),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 400 }), fc.constantFrom(0, 0.01, 0.05, 0.3), (requests, share) => {
        const book = hedges();
        let spent = 0n;
        let hedged = 0n;
        let sent = 0;
        for (const [index, { isSlow, costNanoUsd, estimateNanoUsd, extraNanoUsd }] of requests.entries()) {
          book.asked('main', share);
          if (isSlow && book.take('main', estimateNanoUsd) === undefined) {
            sent += 1;
            hedged += estimateNanoUsd + extraNanoUsd;
            book.settle('main', { estimateNanoUsd, costNanoUsd: estimateNanoUsd + extraNanoUsd });
          }
          assert.ok(sent <= share * (index + 1) + 1e-9);
          assert.ok(Number(hedged) <= share * Number(spent) + 500 + 1e-6);
          book.paid('main', share, costNanoUsd);
          spent += costNanoUsd;
        }
      }),
    );
  });
});
