import { describe, it } from 'node:test';
import { killRounds } from '../../test/kill-rounds.ts';
import { inStore } from '../../test/stores.ts';

/** A few here; fifty in test/chaos/kill.test.ts. */
const ROUNDS = 3;

describe('a ledger whose processes are killed', () => {
  it('loses nothing and books nothing twice', async (t) => {
    await inStore(async (place) => {
      const { receipts, interrupted } = await killRounds(place, ROUNDS);
      t.diagnostic(`${receipts} receipts, ${interrupted} of them interrupted`);
    });
  });
});
