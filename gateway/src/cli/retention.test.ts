import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { inFolder, receipt } from '../../test/store-kit.ts';
import { ok } from '../lib/result.ts';
import { openBooks } from '../store/books/books.ts';
import { receiptText } from '../store/journal-entry.ts';
import { openJournal } from '../store/journal.ts';
import { retain } from './retention.ts';

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-11-20T00:00:00Z');

describe('retention', () => {
  it('takes away what is older than so many days, in steps, and nothing where none are named', async () => {
    await inFolder(async (dataDir) => {
      const books = await openBooks({ dataDir, busyMs: 1000 });
      await books.createKey({ id: 'key_a', name: 'a', isRoot: false, createdAtMs: 1, tags: [], hash: 'h' });
      const journal = openJournal(dataDir, 'p1');
      for (let index = 0; index < 2100; index++)
        journal.append(receiptText('settled', receipt(`att_${index}`, { atMs: NOW - 40 * DAY_MS })));
      journal.append(receiptText('settled', receipt('att_new', { atMs: NOW - DAY_MS })));
      await books.endProcess('p1', 1);
      const requests = [40, 1].map((days) => ({
        id: `req_${days}`,
        keyId: 'key_a',
        atMs: NOW - days * DAY_MS,
        outcome: 'ok',
        body: '{}',
      }));
      await books.putRequests(requests);
      const told: string[] = [];
      let steps = 0;
      const world = {
        reports: async <T>(ask: (of: typeof books) => Promise<T>) => {
          steps += 1;
          return ok(await ask(books));
        },
        log: (_level: string, text: string): void => void told.push(text),
        now: () => NOW,
      };
      await retain({ ...world, retention: () => ({}) });
      assert.equal(steps, 0);
      await retain({ ...world, retention: () => ({ requests_days: 30, receipts_days: 31 }) });
      assert.equal(steps, 9, 'one for the requests, eight for the receipts');
      assert.deepEqual(
        (await books.receiptPage({ limitMax: 9 })).map((row) => row.id),
        ['att_new'],
      );
      assert.equal((await books.listRequests({ limitMax: 9 })).records.length, 1);
      assert.deepEqual((await books.verify()).problems, []);
      assert.deepEqual(told, []);
      await books.close();
      await retain({ ...world, retention: () => ({ requests_days: 30 }) });
      assert.equal(told.length, 1, 'a store that is gone is told of');
    });
  });
});
