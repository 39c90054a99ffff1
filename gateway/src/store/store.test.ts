import { payerOf } from './payer.ts';
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { held, inFolder, opening, receipt, spendOnce, valueOf } from '../../test/store-kit.ts';
import { DATABASE } from './books.ts';
import { isHold, type KeyRow, type Store } from './ports.ts';
import { openStore } from './store.ts';

const AT = (): number => 1_795_000_000_000;
const UNTIL_MS = 8000;

/** Long enough for a lock that goes away, short enough for a test of one that stays. */
const PATIENCE_MS = 1500;

async function open(dataDir: string): Promise<Store> {
  return openStore({ dataDir, now: AT }, { patienceMs: PATIENCE_MS });
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
    await inFolder(async (dir) => {
      const store = await open(dir);
      const { row } = await newKey(store, 10_000n);
      assert.equal(await spendOnce(store.ledger, row, { attemptId: 'a', worst: 100n, cost: 70n }), undefined);
      assert.equal(valueOf(await store.usage({})).total_nano_usd, 70n, 'counted before it is taken in');
      assert.deepEqual(valueOf(await store.keys.spend(row.id)), { spentNanoUsd: 70n, heldNanoUsd: 0n });
      store.requests.put({ id: 'req_1', keyId: row.id, atMs: 1, outcome: 'ok', body: { id: 'req_1' } });
      await until('the intake', () => store.ledger.health().journalBytes === 0);
      await store.close();
      assert.deepEqual(readdirSync(dir).toSorted(), ['secret', DATABASE]);
      const again = await open(dir);
      assert.equal(await proven(again), 70n);
      assert.ok(valueOf(await again.requests.get('req_1', row)));
      assert.deepEqual(valueOf(await again.keys.spend(row.id)), { spentNanoUsd: 70n, heldNanoUsd: 0n });
      await again.close();
    });
  });

  it('keeps two processes on one small budget to the last nano-dollar under 1,000 requests at once', async () => {
    await inFolder(async (dir) => {
      const stores = await Promise.all([open(dir), open(dir)]);
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
      const after = await open(dir);
      assert.equal(await proven(after), BigInt(served) * 997n);
      await after.close();
    });
  });

  it('gives money that one process holds in reserve to another that lacks it', async () => {
    await inFolder(async (dir) => {
      const [rich, poor] = await Promise.all([open(dir), open(dir)]);
      const { row } = await newKey(rich, 1000n);
      rich.ledger.release(await held(rich.ledger, row, 900n));
      assert.ok(!isHold(await poor.ledger.hold(payerOf(row), 800n, 'r')));
      await until('the recall', async () => isHold(await poor.ledger.hold(payerOf(row), 800n, 'r')));
      await Promise.all([rich.close(), poor.close()]);
    });
  });

  it('sees keys that another process makes, changes and removes', async () => {
    await inFolder(async (dir) => {
      const [one, two] = await Promise.all([open(dir), open(dir)]);
      const { row, token } = await newKey(one);
      await until('the new key', () => two.keys.find(token).ok);
      await one.keys.change(row.id, { isDisabled: true });
      await until('the change', () => !two.keys.find(token).ok);
      await one.keys.remove(row.id);
      await until('the removal', () => two.keys.get(row.id) === undefined);
      await Promise.all([one.close(), two.close()]);
    });
  });

  it('makes admin writes wait for a lock, and refuses them when it stays', async () => {
    await inFolder(async (dir) => {
      const store = await open(dir);
      const other = new DatabaseSync(join(dir, DATABASE));
      other.exec('begin immediate');
      const patient = store.keys.create({ name: 'patient' });
      await delay(300);
      other.exec('commit');
      valueOf(await patient);
      other.exec('begin immediate');
      const refused = await store.keys.create({ name: 'refused' });
      assert.ok(!refused.ok && refused.error.code === 'store-unavailable');
      other.exec('commit');
      other.close();
      assert.deepEqual(
        store.keys.list().map((key) => key.name),
        ['patient'],
      );
      await store.close();
    });
  });

  it('leaves the journal to the next start when it has to close without the database', async () => {
    await inFolder(async (dir) => {
      const store = await open(dir);
      const { row } = await newKey(store, 10_000n);
      const other = new DatabaseSync(join(dir, DATABASE));
      await spendOnce(store.ledger, row, { attemptId: 'a', worst: 100n, cost: 70n });
      other.exec('begin immediate');
      await spendOnce(store.ledger, row, { attemptId: 'b', worst: 100n, cost: 70n });
      await store.close();
      other.exec('commit');
      other.close();
      assert.ok(readdirSync(dir).some((name) => name.startsWith('journal-')));
      const again = await open(dir);
      assert.equal(await proven(again), 140n);
      assert.ok(isHold(await again.ledger.hold(payerOf(row), 9860n, 'r')), 'its lease came back too');
      await again.close();
    });
  });

  it('cannot be opened where the database is of no use, and leaves nothing behind', async () => {
    await inFolder(async (dir) => {
      await (await open(dir)).close();
      const database = new DatabaseSync(join(dir, DATABASE));
      database.exec(`insert into kysely_migration values ('9999-of-tomorrow', '2030-01-01T00:00:00Z')`);
      database.close();
      await assert.rejects(open(dir), /newer Turnout/);
      assert.deepEqual(readdirSync(dir).toSorted(), ['secret', DATABASE]);
      await assert.rejects(openStore({ dataDir: join(dir, 'b'), now: AT, adminKey: 'short' }), /32 characters/);
      assert.ok(!existsSync(join(dir, 'b', 'journal')));
      chmodSync(dir, 0o700);
    });
  });
});
