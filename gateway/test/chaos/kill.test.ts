/** F46 at the ledger: fifty rounds of `kill -9` on two processes that spend at the same time. */
import { describe, it } from 'node:test';
import { killRounds } from '../kill-rounds.ts';
import { inStore } from '../stores.ts';

const ROUNDS = 50;

describe('fifty rounds of kill -9', () => {
  it('lose nothing and book nothing twice (F46)', async (t) => {
    await inStore(async (place) => {
      const { receipts, interrupted, startMsMax } = await killRounds(place, ROUNDS);
      t.diagnostic(`${receipts} receipts, ${interrupted} interrupted, last start in ${Math.round(startMsMax)} ms`);
    });
  });
});
