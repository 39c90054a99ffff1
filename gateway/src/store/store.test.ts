import { payerOf } from './payer.ts';
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { held, opening, receipt, spendOnce, valueOf } from '../../test/store-kit.ts';
import { inStore, type StorePlace } from '../../test/stores.ts';
import { DATABASE } from './books/books.ts';
import { isHold, type KeyRow, type Store } from './ports.ts';
import { openStore } from './store.ts';

const AT = (): number => 1_795_000_000_000;
const UNTIL_MS = 8000;

/** Long enough for a lock that goes away, short enough for a test of one that stays. */
const PATIENCE_MS = 1500;

async function open(place: StorePlace): Promise<Store> {
  return openStore({ ...place, now: AT }, { patienceMs: PATIENCE_MS });
}

async function newKey(store: Store, budgetNanoUsd?: bigint): Promise<{ readonly row: KeyRow; readonly token: string }> {
  return valueOf(await store.keys.create({ name: 'a', ...(budgetNanoUsd === undefined ? {} : { budgetNanoUsd }) }));
}

/** Waits for something that a timer of the store does. */
async function until(what: string, isDone: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + UNTIL_MS;
  while (!(await isDone())) {
    assert.ok(performance.now() < endMs, `${what} did not happen`);
    await delay(20);
  }
}

async function proven(store: Store): Promise<bigint> {
  const report = valueOf(await store.verify());
  assert.deepEqual(report.problems, []);
  return report.spent_nano_usd;
}

describe('the store', { concurrency: true }, () => {
  it('takes receipts in by itself, gives all back at the end, and leaves only what it needs', async () => {
    await inStore(async (place) => {
      const store = await open(place);
      const { row } = await newKey(store, 10_000n);
      assert.equal(await spendOnce(store.ledger, row, { attemptId: 'a', worst: 100n, cost: 70n }), undefined);
      assert.equal(valueOf(await store.usage({})).total_nano_usd, 70n, 'counted before it is taken in');
      assert.deepEqual(valueOf(await store.keys.spend(row.id)), { spentNanoUsd: 70n, heldNanoUsd: 0n });
      store.requests.put({ id: 'req_1', keyId: row.id, atMs: 1, outcome: 'ok', body: { id: 'req_1' } });
      await until('the intake', () => store.ledger.health().journalBytes === 0);
      await store.close();
      const own = place.url === undefined ? [DATABASE] : [];
      assert.deepEqual(readdirSync(place.dataDir).toSorted(), ['secret', ...own]);
      const again = await open(place);
      assert.equal(await proven(again), 70n);
      assert.ok(valueOf(await again.requests.get('req_1', row)));
      assert.deepEqual(valueOf(await again.keys.spend(row.id)), { spentNanoUsd: 70n, heldNanoUsd: 0n });
      await again.close();
    });
  });

  it('keeps two processes on one small budget to the last nano-dollar under 1,000 requests at once', async () => {
    await inStore(async (place) => {
      const stores = await Promise.all([open(place), open(place)]);
      const [first] = stores;
      assert.ok(first !== undefined);
      const { row } = await newKey(first, 100_000n);
      const outcomes = await Promise.all(
        Array.from({ length: 1000 }, async (_, i) => {
          const store = stores[i % 2] ?? first;
          const hold = await store.ledger.hold(payerOf(row), 997n, `req_${i}`);
          if (!isHold(hold)) return hold.code;
          assert.equal(store.ledger.open(hold, opening(`att_${i}`, { worstNanoUsd: 997n })), undefined);
          // The reply comes later than the other requests: all holds stand at once.
          await delay(1);
          store.ledger.settle(hold, receipt(`att_${i}`, { keyId: row.id, costNanoUsd: 997n }));
          store.ledger.release(hold);
          return 'ok';
        }),
      );
      const served = outcomes.filter((outcome) => outcome === 'ok').length;
      assert.ok(served > 50 && served <= 100, `${served} served`);
      assert.deepEqual(new Set(outcomes), new Set(['ok', 'budget-exceeded']));
      assert.equal(await proven(first), BigInt(served) * 997n);
      await Promise.all(stores.map(async (store) => store.close()));
      const after = await open(place);
      assert.equal(await proven(after), BigInt(served) * 997n);
      await after.close();
    });
  });

  it('gives money that one process holds in reserve to another that lacks it', async () => {
    await inStore(async (place) => {
      const [rich, poor] = await Promise.all([open(place), open(place)]);
      const { row } = await newKey(rich, 1000n);
      rich.ledger.release(await held(rich.ledger, row, 900n));
      assert.ok(!isHold(await poor.ledger.hold(payerOf(row), 800n, 'r')));
      await until('the recall', async () => isHold(await poor.ledger.hold(payerOf(row), 800n, 'r')));
      await Promise.all([rich.close(), poor.close()]);
    });
  });

  it('sees keys that another process makes, changes and removes', async () => {
    await inStore(async (place) => {
      const [one, two] = await Promise.all([open(place), open(place)]);
      const { row, token } = await newKey(one);
      await until('the new key', () => two.keys.find(token).ok);
      await one.keys.change(row.id, { isDisabled: true });
      await until('the change', () => !two.keys.find(token).ok);
      await one.keys.remove(row.id);
      await until('the removal', () => two.keys.get(row.id) === undefined);
      await Promise.all([one.close(), two.close()]);
    });
  });
});
