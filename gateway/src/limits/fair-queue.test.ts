import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FairQueue, QUANTUM, type Waiter } from './fair-queue.ts';

function waiter(org: string, key: string, item: string, cost = 1000): Waiter<string> {
  return { org, key, cost, item };
}

/** The first `most` that go, in order. */
function served(queue: FairQueue<string>, most: number): readonly string[] {
  const gone: string[] = [];
  queue.serve((item) => {
    if (gone.length >= most) return false;
    gone.push(item);
    return true;
  });
  return gone;
}

describe('FairQueue', () => {
  it('keeps the order of one key', () => {
    const queue = new FairQueue<string>();
    for (const item of ['1', '2', '3']) queue.push(waiter('o', 'k', item));
    queue.push(waiter('o', 'k', '0'), true);
    assert.deepEqual(served(queue, 10), ['0', '1', '2', '3']);
    assert.deepEqual(queue.waiting(), []);
  });

  it('lets an organisation with one request go before the thousands of another', () => {
    const queue = new FairQueue<string>();
    for (let at = 0; at < 5000; at += 1) queue.push(waiter('flood', `k${at % 7}`, 'flood'));
    queue.push(waiter('calm', 'k', 'calm'));
    const order = served(queue, 40);
    assert.ok(order.indexOf('calm') !== -1 && order.indexOf('calm') < 2 * (QUANTUM / 1000), String(order));
  });

  it('gives organisations the same in tokens, and the keys of one too, however large their requests are', () => {
    const costs = fc.array(fc.integer({ min: 1, max: 3 * QUANTUM }), { minLength: 200, maxLength: 200 });
    fc.assert(
      fc.property(fc.array(costs, { minLength: 2, maxLength: 4 }), fc.integer({ min: 1, max: 60 }), (flows, most) => {
        const queue = new FairQueue<string>();
        const sizes = new Map<string, number>();
        for (const [flow, list] of flows.entries())
          for (const [at, cost] of list.entries()) {
            const item = `${flow}:${at}`;
            sizes.set(item, cost);
            queue.push({ org: `o${flow % 2}`, key: `k${flow}`, cost, item });
          }
        const sums = new Map<string, number>();
        for (const item of served(queue, most)) {
          const org = `o${Number(item.split(':')[0]) % 2}`;
          sums.set(org, (sums.get(org) ?? 0) + (sizes.get(item) ?? 0));
        }
        // Deficit round robin: never further apart than the largest request and two turns.
        const [one, other] = [sums.get('o0') ?? 0, sums.get('o1') ?? 0];
        assert.ok(Math.abs(one - other) <= 3 * QUANTUM + 2 * QUANTUM * 2, `${one} and ${other}`);
      }),
    );
  });

  it('lets others by where the first of a key cannot go', () => {
    const queue = new FairQueue<string>();
    for (const item of ['stuck', 'behind']) queue.push(waiter('o', 'a', item));
    queue.push(waiter('o', 'b', 'free'));
    const gone: string[] = [];
    queue.serve((item) => item !== 'stuck' && gone.push(item) > 0);
    assert.deepEqual(gone, ['free']);
    assert.deepEqual(queue.waiting(), [['o', 2]]);
    queue.remove({ org: 'o', key: 'a', item: 'stuck' });
    assert.deepEqual(served(queue, 10), ['behind']);
  });
});
