import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { waitedForProcessorMs } from '../../test/e2e/loop-watch.ts';
import { inFolder, spendOnce, valueOf } from '../../test/store-kit.ts';
import { DATABASE } from './books/books.ts';
import { payerOf } from './payer.ts';
import { isHold, type Store } from './ports.ts';
import { openStore } from './store.ts';

const LOCKED_MS = 2500;
const UNTIL_MS = 8000;

const AT = (): number => 1_795_000_000_000;
/** Long enough for a lock that goes away, short enough for a test of one that stays. */
const PATIENCE_MS = 1500;

async function open(dataDir: string): Promise<Store> {
  return openStore({ dataDir, now: AT }, { patienceMs: PATIENCE_MS });
}

describe('the store, locked by another writer (F56)', () => {
  it('serves within its leases, never stands still, and books all of it afterwards', async () => {
    await inFolder(async (dir) => {
      const store = await openStore({ dataDir: dir, now: Date.now });
      const { row, token } = valueOf(await store.keys.create({ name: 'a', budgetNanoUsd: 1_000_000n }));
      const { row: free } = valueOf(await store.keys.create({ name: 'b' }));
      await spendOnce(store.ledger, row, { attemptId: 'first', worst: 10n, cost: 10n });
      const other = new DatabaseSync(join(dir, DATABASE));
      other.exec('begin immediate');
      const lockedMs = performance.now();
      let longestMs = 0;
      let served = 0;
      while (performance.now() - lockedMs < LOCKED_MS) {
        const beganMs = performance.now() - waitedForProcessorMs();
        for (const key of [row, free]) {
          assert.ok(store.keys.find(token).ok);
          assert.equal(
            await spendOnce(store.ledger, key, { attemptId: `att_${served}`, worst: 10n, cost: 10n }),
            undefined,
          );
          served += 1;
        }
        store.requests.put({ id: `req_${served}`, keyId: row.id, atMs: 1, outcome: 'ok', body: {} });
        await delay(5);
        // What a busy machine made us wait is not ours.
        longestMs = Math.max(longestMs, performance.now() - waitedForProcessorMs() - beganMs);
      }
      assert.ok(longestMs < 100, `the loop stood still for ${longestMs} ms`);
      assert.ok(store.ledger.health().storeAwayMs > 0);
      assert.ok(store.ledger.health().isHealthy);
      other.exec('commit');
      other.close();
      const endMs = performance.now() + UNTIL_MS;
      while (store.ledger.health().journalBytes > 0) {
        assert.ok(performance.now() < endMs, 'the journal was not taken in');
        await delay(20);
      }
      const report = valueOf(await store.verify());
      assert.deepEqual([report.problems, report.spent_nano_usd], [[], BigInt(served + 1) * 10n]);
      assert.equal(store.ledger.health().storeAwayMs, 0);
      await store.close();
    });
  });
});

describe('the file of the store', { concurrency: true }, () => {
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
      const { row } = valueOf(await store.keys.create({ name: 'a', budgetNanoUsd: 10_000n }));
      const other = new DatabaseSync(join(dir, DATABASE));
      await spendOnce(store.ledger, row, { attemptId: 'a', worst: 100n, cost: 70n });
      other.exec('begin immediate');
      await spendOnce(store.ledger, row, { attemptId: 'b', worst: 100n, cost: 70n });
      await store.close();
      other.exec('commit');
      other.close();
      assert.ok(readdirSync(dir).some((name) => name.startsWith('journal-')));
      const again = await open(dir);
      const { problems, spent_nano_usd: spent } = valueOf(await again.verify());
      assert.deepEqual([problems, spent], [[], 140n]);
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
