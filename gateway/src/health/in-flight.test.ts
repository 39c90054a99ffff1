import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InFlight } from './in-flight.ts';

/** Callers who always have one more request wait on a server that answers `capacity` at a time; the rest queue. Gives the limit at the end. */
function settled(capacity: number, { rounds = 4000, noise = 0 } = {}): number {
  const book = new InFlight();
  let dice = 7;
  for (let round = 0; round < rounds; round += 1) {
    while (book.count < (book.limit ?? 20)) book.begin();
    dice = (dice * 1_103_515_245 + 12_345) % 2_147_483_648;
    const luck = 1 + noise * (dice / 1_073_741_824 - 1);
    book.sample(200 * Math.max(1, book.count / capacity) * luck, round * 10);
    book.end();
    while (book.count > (book.limit ?? 20)) book.end();
  }
  return book.limit ?? 0;
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

  it('have no limit before it was put to the test', () => {
    const book = new InFlight();
    for (let count = 0; count < 19; count += 1) book.sample(100, 0);
    assert.equal(book.limit, undefined);
    book.sample(100, 0);
    assert.equal(book.limit, 20);
  });

  it('may be more where the first token comes as fast as ever', () => {
    const limit = settled(10_000, { noise: 0.4 });
    assert.equal(limit, 1000);
  });

  it('may be few where each one more makes all wait longer', () => {
    for (const capacity of [30, 60, 120]) {
      const limit = settled(capacity);
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
