import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { valueOf } from '../../test/store-kit.ts';
import { inStore } from '../../test/stores.ts';
import type { Books } from './books/form.ts';
import { openBooks } from './books/books.ts';
import type { RequestRecord } from './ports.ts';
import { RequestQueue } from './requests.ts';
import { StoreError } from './books/sqlite.ts';

const ROOT = { id: 'root', isRoot: true };

interface Bench {
  readonly requests: RequestQueue;
  readonly errors: readonly unknown[];
  readonly setError: (error: Error | undefined) => void;
  readonly puts: () => number;
}

async function withRequests(run: (bench: Bench) => Promise<void>): Promise<void> {
  await inStore(async (place) => {
    const real = await openBooks({ ...place, busyMs: 100 });
    const errors: unknown[] = [];
    let error: Error | undefined;
    let puts = 0;
    const books: Books = {
      ...real,
      putRequests: async (records) => {
        if (error !== undefined) throw error;
        puts += 1;
        return real.putRequests(records);
      },
    };
    const requests = new RequestQueue(books, (trouble) => errors.push(trouble));
    await run({
      requests,
      errors,
      puts: () => puts,
      setError: (next) => {
        error = next;
      },
    });
    await real.close();
  });
}

function record(id: string, keyId = 'key_a'): RequestRecord {
  return { id, keyId, atMs: 1, outcome: 'ok', body: { id, outcome: 'ok' } };
}

describe('request records', () => {
  it('are found while they wait and when they are stored, by their own key and by root only', async () => {
    await withRequests(async ({ requests }) => {
      requests.put(record('req_1'));
      for (const when of ['waiting', 'stored']) {
        assert.deepEqual(
          valueOf(await requests.get('req_1', { id: 'key_a', isRoot: false })),
          { id: 'req_1', outcome: 'ok' },
          when,
        );
        assert.equal(valueOf(await requests.get('req_1', { id: 'key_b', isRoot: false })), undefined, when);
        assert.ok(valueOf(await requests.get('req_1', ROOT)), when);
        await requests.flush();
      }
      assert.equal(valueOf(await requests.get('req_2', ROOT)), undefined);
    });
  });

  it('are written in batches, all of them', async () => {
    await withRequests(async ({ requests, puts }) => {
      for (let i = 0; i < 450; i++) requests.put(record(`req_${i}`));
      await requests.flush();
      assert.equal(puts(), 5);
      const page = valueOf(await requests.list({ limitMax: 1000 }));
      assert.equal(page.records.length, 200);
      assert.ok(page.next !== undefined);
    });
  });

  it('wait while the store is away, and are dropped and counted when too many wait', async () => {
    await withRequests(async ({ requests, setError, errors }) => {
      setError(new StoreError('locked', 'busy'));
      for (let i = 0; i < 20_010; i++) requests.put(record(`req_${i}`));
      assert.equal(requests.dropped(), 10);
      await requests.pump();
      assert.equal(errors.length, 1);
      assert.ok(valueOf(await requests.get('req_0', ROOT)));
      setError(undefined);
      await requests.pump();
      assert.equal(valueOf(await requests.list({ limitMax: 1 })).records[0]?.['id'], 'req_19999');
    });
  });

  it('that the store can never take do not stand in the way of others', async () => {
    await withRequests(async ({ requests, setError, errors }) => {
      requests.put(record('bad'));
      setError(new Error('cannot bind'));
      await requests.pump();
      setError(undefined);
      requests.put(record('good'));
      await requests.flush();
      assert.deepEqual([requests.dropped(), errors.length], [1, 1]);
      assert.ok(valueOf(await requests.get('good', ROOT)));
    });
  });

  it('refuse a cursor that no list gave', async () => {
    await withRequests(async ({ requests }) => {
      for (const cursor of ['x', '-1', '1 or 1=1', '9'.repeat(40)]) {
        const page = await requests.list({ limitMax: 10, cursor });
        assert.ok(!page.ok && page.error.param === 'cursor');
      }
    });
  });
});
