import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inStore } from '../../test/stores.ts';
import { openBooks } from './books/books.ts';
import { keptReplies, type KeptReplies } from './replies.ts';
import type { Attempt, Attempted } from './ports.ts';

const DAY_MS = 24 * 3_600_000;
const FIRST: Attempted = { by: 'root root', idempotencyKey: 'first', asked: '{"name":"a"}' };
const REPLY = { status: 201, body: { key: 'tk_secret_token' } };

interface Bench {
  readonly replies: KeptReplies;
  readonly clock: { nowMs: number };
  readonly dataDir: string;
  readonly state: (attempted: Attempted) => Promise<Attempt['state']>;
}

async function withReplies(work: (bench: Bench) => Promise<void>): Promise<void> {
  await inStore(async (place) => {
    const books = await openBooks({ ...place, busyMs: 1000 });
    const clock = { nowMs: Date.UTC(2026, 10, 27) };
    const replies = keptReplies({ books, secret: Buffer.from('secret'), now: () => clock.nowMs });
    const state = async (attempted: Attempted): Promise<Attempt['state']> => {
      const begun = await replies.begin(attempted);
      return begun.ok ? begun.value.state : assert.fail(begun.error.code);
    };
    await work({ replies, clock, dataDir: place.dataDir, state });
    await books.close();
  });
}

describe('a reply that is kept', () => {
  it('is given again to who asked the same, and to nobody else', async () => {
    await withReplies(async ({ replies, state }) => {
      assert.equal(await state(FIRST), 'begun');
      assert.equal(await state(FIRST), 'running');
      await replies.end(FIRST, REPLY);
      const again = await replies.begin(FIRST);
      assert.deepEqual(again, { ok: true, value: { state: 'done', reply: REPLY } });
      assert.equal(await state({ ...FIRST, asked: '{"name":"b"}' }), 'other');
      assert.equal(await state({ ...FIRST, by: 'key other' }), 'begun');
      assert.equal(await state({ ...FIRST, idempotencyKey: 'second' }), 'begun');
    });
  });

  it('is begun by one of many at the same moment', async () => {
    await withReplies(async ({ state }) => {
      const states = await Promise.all(Array.from({ length: 20 }, async () => state(FIRST)));
      assert.equal(states.filter((one) => one === 'begun').length, 1);
    });
  });

  it('is forgotten after a day, or where nothing was done; whoever died is not waited for', async () => {
    await withReplies(async ({ replies, clock, state }) => {
      await state(FIRST);
      await replies.end(FIRST, undefined);
      assert.equal(await state(FIRST), 'begun');
      clock.nowMs += 5 * 60_000;
      assert.equal(await state(FIRST), 'running');
      clock.nowMs += 1;
      assert.equal(await state(FIRST), 'begun');
      await replies.end(FIRST, REPLY);
      clock.nowMs += DAY_MS;
      assert.equal(await state(FIRST), 'done');
      await replies.prune();
      assert.equal(await state(FIRST), 'done');
      clock.nowMs += 1;
      await replies.prune();
      assert.equal(await state(FIRST), 'begun');
    });
  });

  it('lies in the store sealed: neither the token nor the key can be read there', async () => {
    await withReplies(async ({ replies, dataDir, state }) => {
      await state({ ...FIRST, idempotencyKey: 'a-key-of-the-caller' });
      await replies.end({ ...FIRST, idempotencyKey: 'a-key-of-the-caller' }, REPLY);
      const files = readdirSync(dataDir).filter((name) => name.startsWith('turnout.db'));
      assert.ok(files.length > 0);
      for (const name of files) {
        const text = readFileSync(join(dataDir, name), 'latin1');
        assert.ok(!text.includes('tk_secret_token') && !text.includes('a-key-of-the-caller'), name);
      }
    });
  });
});
