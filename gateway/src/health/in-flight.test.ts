import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InFlight } from './in-flight.ts';

/** More and more callers at a server that answers `capacity` at a time; the rest queue. Gives the limit at the end. */
function settled(capacity: number, noise = 0): number | undefined {
  const book = new InFlight();
  let dice = 7;
  for (let round = 0; round < 8000; round += 1) {
    const wanted = Math.min(1 + round / 10, book.limit ?? 2000);
    while (book.count < wanted) book.begin();
    dice = (dice * 1_103_515_245 + 12_345) % 2_147_483_648;
    const luck = 1 + noise * (dice / 1_073_741_824 - 1);
    book.sample(200 * Math.max(1, book.count / capacity) * luck, round * 10);
    while (book.count >= wanted) book.end();
  }
  return book.limit;
}

describe('requests in flight', () => {
  it('are counted, and never below none', () => {
    const book = new InFlight();
    book.begin();
    book.begin();
    book.end();
    assert.equal(book.count, 1);
    book.end();
    book.end();
    assert.equal(book.count, 0);
  });

  it('have no limit before one was met', () => {
    const book = new InFlight();
    for (let count = 0; count < 100; count += 1) {
      book.begin();
      book.sample(100, 0);
    }
    assert.equal(book.limit, undefined);
  });

  it('may be more where the first token comes as fast as ever', () => {
    const limit = settled(10_000, 0.5);
    assert.equal(limit, undefined);
  });

  it('may be few where each one more makes all wait longer', () => {
    for (const capacity of [5, 30, 60, 120]) {
      const limit = settled(capacity, 0.5) ?? 0;
      assert.ok(limit >= capacity && limit <= capacity * 4, `${limit} at a capacity of ${capacity}`);
    }
  });

  it('are a tenth fewer after a refusal, once for all that were under way', () => {
    const book = new InFlight();
    for (let count = 0; count < 10; count += 1) book.begin();
    for (let count = 0; count < 10; count += 1) book.dropped(0, 100 + count);
    assert.equal(book.limit, 9);
    book.dropped(200, 300);
    assert.equal(book.limit, 8);
  });

  it('stay between one and a thousand', () => {
    const event = fc.oneof(
      fc.record({ what: fc.constantFrom('begin', 'end', 'drop'), ms: fc.constant(0) }),
      fc.record({ what: fc.constant('sample'), ms: fc.double({ min: 0, max: 1e9, noNaN: true }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 400 }), (events) => {
        const book = new InFlight();
        for (const [index, { what, ms }] of events.entries()) {
          if (what === 'begin') book.begin();
          else if (what === 'end') book.end();
          else if (what === 'drop') book.dropped(index, index);
          else book.sample(ms, index);
          const limit = book.limit ?? 1;
          assert.ok(limit >= 1 && limit <= 1000 && book.count >= 0, `${limit}`);
        }
      }),
    );
  });
});
