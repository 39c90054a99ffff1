import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { doubts, type Failed } from './doubts.ts';

/** Without luck: the pause is three quarters of its most. */
const at = (nowMs: number): Failed => ({ nowMs, random: () => 0.5 });

describe('a doubt', () => {
  it('lasts a moment, and is nobody else’s', () => {
    const book = doubts();
    assert.equal(book.doubt('a', at(1000)), true);
    assert.deepEqual(
      [1000, 1374, 1375].map((nowMs) => book.isDoubted('a', nowMs)),
      [true, true, false],
    );
    assert.equal(book.isDoubted('b', 1000), false);
  });

  it('grows with each failed probe, up to half a minute', () => {
    const book = doubts();
    const pauses: number[] = [];
    let nowMs = 0;
    for (let round = 0; round < 9; round += 1) {
      book.begin('a', nowMs);
      book.doubt('a', at(nowMs));
      let pauseMs = 0;
      while (book.isDoubted('a', nowMs + pauseMs)) pauseMs += 1;
      pauses.push(pauseMs);
      nowMs += pauseMs;
    }
    assert.deepEqual(pauses, [375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
  });

  it('is one, however many were under way when it began', () => {
    const book = doubts();
    const news = [1, 2, 3, 4, 5].map((nowMs) => book.doubt('a', at(nowMs)));
    assert.deepEqual(news, [true, false, false, false, false]);
    assert.equal(book.isDoubted('a', 376), false);
  });

  it('lets one attempt through when the pause is over, and keeps the others away meanwhile', () => {
    const book = doubts();
    book.doubt('a', at(0));
    assert.equal(book.isDoubted('a', 400), false);
    book.begin('a', 400);
    assert.equal(book.isDoubted('a', 401), true);
    // A probe that nothing is heard of is followed by another.
    assert.equal(book.isDoubted('a', 775), false);
  });

  it('ends with an answer, and begins small again', () => {
    const book = doubts();
    book.doubt('a', at(0));
    book.begin('a', 400);
    book.trust('a');
    assert.equal(book.isDoubted('a', 401), false);
    assert.equal(book.doubt('a', at(500)), true);
    assert.equal(book.isDoubted('a', 875), false);
  });

  it('lasts longer where a moment cannot help', () => {
    const book = doubts();
    book.doubt('key', { ...at(0), leastMs: 30_000 });
    assert.deepEqual([book.isDoubted('key', 29_999), book.isDoubted('key', 30_000)], [true, false]);
  });

  it('is forgotten where nobody asked for long', () => {
    const book = doubts();
    book.doubt('a', at(0));
    assert.equal(book.doubt('a', at(60_000)), true);
    assert.equal(book.isDoubted('a', 60_375), false);
  });
});
