import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { inFolder, opening, receipt, valueOf } from '../../test/store-kit.ts';
import { DATABASE } from '../store/books/books.ts';
import { isHold } from '../store/ports.ts';
import { openStore } from '../store/store.ts';
import { saleTo } from './sale.ts';

const ORG = { id: 'default', name: 'ACME', billing: 'prepaid' } as const;
const RULES = [{ models: 'openai', basisPoints: 1000, fixedNanoUsd: 7n }];

describe('a sale', () => {
  it('is at cost and on account where nothing else is said', () => {
    assert.deepEqual(saleTo({ ...ORG, billing: 'postpaid' }, []), {});
  });

  it('is from the purse of credits where the organisation pays first', () => {
    const credits = { id: 'crd_default', owner: 'the credits of organisation "ACME"' };
    assert.deepEqual(saleTo(ORG, []), { credits });
  });

  it('charges what is fixed with the first attempt of a request, and with no other', async () => {
    await inFolder(async (dataDir) => {
      const store = await openStore({ dataDir, now: Date.now });
      const { row } = valueOf(await store.keys.create({ name: 'k' }));
      const { chargeOf } = saleTo(ORG, RULES);
      assert.ok(chargeOf !== undefined);
      for (const request of ['a', 'b']) {
        const payer = { keyId: row.id, hard: [], booked: [], labels: {}, chargeOf };
        const hold = await store.ledger.hold(payer, 1000n, request);
        assert.ok(isHold(hold));
        for (const n of [1, 2, 3]) {
          const attemptId = `${request}${n}`;
          assert.equal(store.ledger.open(hold, opening(attemptId)), undefined);
          store.ledger.settle(hold, receipt(attemptId, { keyId: row.id, costNanoUsd: 100n, requestId: request }));
        }
        store.ledger.release(hold);
      }
      await store.ledger.flush();
      assert.deepEqual(valueOf(await store.verify()).problems, []);
      await store.close();
      const database = new DatabaseSync(join(dataDir, DATABASE), { readOnly: true });
      const charges = database.prepare('select charge_nano_usd as charge from receipts order by id').all();
      database.close();
      assert.deepEqual(
        charges.map(({ charge }) => charge),
        [117, 110, 110, 117, 110, 110],
      );
    });
  });

  it('charges what is fixed once where two attempts were under way as all ended', async () => {
    await inFolder(async (dataDir) => {
      const store = await openStore({ dataDir, now: Date.now });
      const { row } = valueOf(await store.keys.create({ name: 'k' }));
      const { chargeOf } = saleTo(ORG, RULES);
      assert.ok(chargeOf !== undefined);
      const hold = await store.ledger.hold({ keyId: row.id, hard: [], booked: [], labels: {}, chargeOf }, 1000n, 'a');
      assert.ok(isHold(hold));
      for (const attemptId of ['a1', 'a2']) store.ledger.open(hold, opening(attemptId, { estimateNanoUsd: 100n }));
      // Only the journal knows of them now, as after a crash.
      await store.close();
      const again = await openStore({ dataDir, now: Date.now });
      assert.deepEqual(valueOf(await again.verify()).problems, []);
      await again.close();
      const database = new DatabaseSync(join(dataDir, DATABASE), { readOnly: true });
      const charges = database.prepare('select charge_nano_usd as charge from receipts order by id').all();
      database.close();
      assert.deepEqual(
        charges.map(({ charge }) => charge),
        [117, 110],
      );
    });
  });
});
