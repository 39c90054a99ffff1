/** F46 at the ledger, once more on PostgreSQL. */
import { describe } from 'node:test';
import { POSTGRES, useStore } from '../stores.ts';

useStore(POSTGRES);
describe('on PostgreSQL', { skip: POSTGRES.skip }, async () => {
  await import('./kill.test.ts');
});
