import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { inFolder } from '../../../test/store-kit.ts';
import { creditPurseOf } from '../billing-ports.ts';
import { DATABASE, openBooks } from './books.ts';

const AT = 1_795_000_000_000;

describe('alerts of credits that run low', () => {
  it('come once for each threshold and top-up, and only where money must be paid first', async () => {
    await inFolder(async (dataDir) => {
      const books = await openBooks({ dataDir, busyMs: 1000 });
      const database = new DatabaseSync(join(dataDir, DATABASE));
      const topUp = async (reference: string, atMs: number): Promise<unknown> =>
        books.topUp({ orgId: 'default', kind: 'top-up', amountNanoUsd: 100n, reference, note: '', by: 'cli', atMs });
      const alerts = async (): Promise<number> => (await books.tendCredits({ atMs: AT, lowPercents: [50, 10] })).alerts;
      const purse = creditPurseOf('default');
      const takeBack = async (amountNanoUsd: bigint): Promise<unknown> =>
        books.takeBack({
          orgId: 'default',
          amountNanoUsd,
          reference: `${purse} ${amountNanoUsd}`,
          note: '',
          by: 'cli',
          atMs: AT,
        });

      await topUp('a', AT);
      await takeBack(60n);
      assert.equal(await alerts(), 0, 'a postpaid organisation pays later');
      database.exec(`update orgs set billing = 'prepaid'`);
      assert.equal(await alerts(), 1);
      assert.equal(await alerts(), 0);
      await takeBack(31n);
      assert.equal(await alerts(), 1);
      await topUp('b', AT + 1);
      assert.equal(await alerts(), 0, '109 are left of 100');
      await takeBack(100n);
      assert.equal(await alerts(), 2, 'the new top-up has alerts of its own');
      assert.deepEqual(
        database
          .prepare('select kind, threshold from alerts order by id')
          .all()
          .map((row) => ({ ...row })),
        [50, 10, 50, 10].map((threshold) => ({ kind: 'credits-low', threshold })),
      );
      database.close();
      await books.close();
    });
  });
});
