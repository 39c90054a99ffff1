import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reportsContract } from '../../../test/reports-contract.ts';
import { inFolder, receipt } from '../../../test/store-kit.ts';
import { STORES, type StorePlace } from '../../../test/stores.ts';
import type { BooksOptions } from './form.ts';
import { DATABASE, openBooks } from './books.ts';
import { openJournal } from '../journal.ts';
import { receiptText } from '../journal-entry.ts';

for (const kind of STORES) {
  const options = (place: StorePlace): BooksOptions => ({ ...place, busyMs: 1000, deadAfterMs: 0 });
  reportsContract({ name: kind.name, kind }, async (place) => openBooks(options(place)));
}

describe('the sums of usage', () => {
  it('are found wrong where they are, and mended by a rebuild', async () => {
    await inFolder(async (dataDir) => {
      const books = await openBooks({ dataDir, busyMs: 1000 });
      const key = { id: 'key_a', name: 'a', isRoot: false, createdAtMs: 1, tags: [], hash: 'h' };
      await books.createKey(key);
      openJournal(dataDir, 'p1').append(receiptText('settled', receipt('att_1')));
      await books.takeIn('p1', { segment: 1, offset: 0 }, 1);
      const database = new DatabaseSync(join(dataDir, DATABASE));
      for (const change of ['output_tokens = output_tokens + 1', `team_id = 'team_x'`]) {
        database.exec(`update usage_hours set ${change}`);
        const { ok, problems } = await books.verify();
        assert.equal(ok, false, change);
        assert.match(problems.join('\n'), /usage of openai\/gpt-5-mini by key key_a in the hour of 2026-11-18T11:00/);
        await books.rebuildUsage();
        assert.equal((await books.verify()).ok, true, change);
      }
      database.close();
      await books.close();
    });
  });

  it('tell a receipt by each of its tags, and in the total once', async () => {
    await inFolder(async (dataDir) => {
      const books = await openBooks({ dataDir, busyMs: 1000 });
      await books.createKey({ id: 'key_a', name: 'a', isRoot: false, createdAtMs: 1, tags: [], hash: 'h' });
      const journal = openJournal(dataDir, 'p1');
      const ann = { orgId: 'org_1', endUser: 'ann', tags: ['red', 'blue', 'red'] };
      journal.append(receiptText('settled', receipt('att_1', { labels: ann })));
      journal.append(receiptText('settled', receipt('att_2', { labels: { tags: ['blue'] } })));
      journal.append(receiptText('settled', receipt('att_3')));
      await books.takeIn('p1', { segment: 1, offset: 0 }, 1);
      const byTag = await books.usageBy({ by: ['tag'] });
      assert.deepEqual(
        byTag?.groups.map((group) => [group.values[0], group.receipts]),
        [
          ['blue', 2],
          ['', 1],
          ['red', 1],
        ],
      );
      assert.equal(byTag?.total.receipts, 3);
      const byUser = await books.usageBy({ by: ['end-user', 'tag'] });
      assert.deepEqual(byUser?.groups.map((group) => group.values.join('/')).toSorted(), [
        '/',
        '/blue',
        'ann/blue',
        'ann/red',
      ]);
      const ofOrg = await books.usageBy({ by: ['end-user'], orgId: 'org_1' });
      assert.deepEqual(
        ofOrg?.groups.map((group) => [group.values[0], group.receipts]),
        [['ann', 1]],
      );
      assert.deepEqual((await books.receiptPage({ limitMax: 5, orgId: 'org_1' }))[0]?.tags, ['red', 'blue', 'red']);
      await books.close();
    });
  });
});
