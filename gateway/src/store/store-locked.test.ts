import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { waitedForProcessorMs } from '../../test/e2e/loop-watch.ts';
import { inFolder, spendOnce, valueOf } from '../../test/store-kit.ts';
import { DATABASE } from './books.ts';
import { openStore } from './store.ts';

const LOCKED_MS = 2500;
const UNTIL_MS = 8000;

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
