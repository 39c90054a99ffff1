/** The suites of the store once more, on PostgreSQL. */
import { describe } from 'node:test';
import { POSTGRES, useStore } from '../stores.ts';

useStore(POSTGRES);
describe('on PostgreSQL', { skip: POSTGRES.skip }, async () => {
  await import('../../src/store/budgets.test.ts');
  await import('../../src/store/feedback.test.ts');
  await import('../../src/store/keys.test.ts');
  await import('../../src/store/kill.test.ts');
  await import('../../src/store/ledger.test.ts');
  await import('../../src/store/people.test.ts');
  await import('../../src/store/requests.test.ts');
  await import('../../src/store/store.test.ts');
});
