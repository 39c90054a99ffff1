import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { valueOf } from '../../test/store-kit.ts';
import { inStore } from '../../test/stores.ts';
import type { Books } from './books/form.ts';
import { openBooks } from './books/books.ts';
import { FeedbackBook } from './feedback.ts';
import type { FeedbackRow } from './ports.ts';

const DAY_MS = 86_400_000;
const AT = 20_000 * DAY_MS;

interface Bench {
  readonly books: Books;
  readonly feedback: FeedbackBook;
  /** One that is started now, over the same books. */
  readonly another: () => Promise<FeedbackBook>;
  readonly passDays: (days: number) => void;
}

async function withFeedback(run: (bench: Bench) => Promise<void>): Promise<void> {
  await inStore(async (place) => {
    const books = await openBooks({ ...place, busyMs: 100 });
    let nowMs = AT;
    const another = async (): Promise<FeedbackBook> => {
      const made = new FeedbackBook(books, () => nowMs);
      await made.refresh();
      return made;
    };
    const passDays = (days: number): void => {
      nowMs += days * DAY_MS;
    };
    await run({ books, feedback: await another(), another, passDays });
    await books.close();
  });
}

function said(requestId: string, score: number, more: Partial<FeedbackRow> = {}): FeedbackRow {
  return { requestId, keyId: 'key_a', atMs: AT, target: 'p/m', task: 'code', score, ...more };
}

describe('feedback', () => {
  it('is the mean of what was said of a target at a task, whichever of its keys answered', async () => {
    await withFeedback(async ({ feedback }) => {
      assert.equal(feedback.about('p/m', 'code'), undefined);
      await feedback.give(said('req_1', 1));
      await feedback.give(said('req_2', 0.5, { target: 'p/m#2' }));
      await feedback.give(said('req_3', 0, { task: 'chat' }));
      assert.deepEqual(feedback.about('p/m#3', 'code'), { mean: 0.75, count: 2 });
      assert.deepEqual(feedback.about('p/m', 'chat'), { mean: 0, count: 1 });
      assert.equal(feedback.about('s/m', 'code'), undefined);
    });
  });

  it('is the last word of each key on a request, once', async () => {
    await withFeedback(async ({ feedback, another }) => {
      for (const score of [0, 0, 1]) await feedback.give(said('req_1', score));
      await feedback.give(said('req_1', 0, { keyId: 'key_b' }));
      await feedback.give(said('req_2', 1));
      await feedback.give(said('req_2', 1, { task: 'math' }));
      for (const one of [feedback, await another()]) {
        assert.deepEqual(one.about('p/m', 'code'), { mean: 0.5, count: 2 });
        assert.deepEqual(one.about('p/m', 'math'), { mean: 1, count: 1 });
      }
      assert.equal(valueOf(await feedback.of('req_2'))?.task, 'math');
      assert.equal(valueOf(await feedback.of('req_9')), undefined);
    });
  });

  it('counts half after a month, so that the newest words weigh most', async () => {
    await withFeedback(async ({ feedback, passDays, another }) => {
      await feedback.give(said('req_1', 0));
      passDays(30);
      assert.deepEqual(feedback.about('p/m', 'code'), { mean: 0, count: 0.5 });
      await feedback.give(said('req_2', 1, { atMs: AT + 30 * DAY_MS }));
      assert.deepEqual(feedback.about('p/m', 'code'), { mean: 1 / 1.5, count: 1.5 });
      assert.deepEqual((await another()).about('p/m', 'code'), { mean: 1 / 1.5, count: 1.5 });
    });
  });

  it('is the same in memory as in a process that starts afresh, whatever was said and taken back', async () => {
    const word = fc.record({
      requestId: fc.constantFrom('req_1', 'req_2', 'req_3'),
      keyId: fc.constantFrom('key_a', 'key_b'),
      target: fc.constantFrom('p/m', 'p/m#2', 's/m'),
      task: fc.constantFrom('code', 'chat'),
      score: fc.constantFrom(0, 0.25, 1),
      day: fc.nat(80),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 30 }), async (words) => {
        await withFeedback(async ({ feedback, another, passDays }) => {
          passDays(80);
          for (const { day, ...row } of words) await feedback.give({ ...row, atMs: AT + day * DAY_MS });
          const fresh = await another();
          for (const target of ['p/m', 's/m'])
            for (const task of ['code', 'chat']) {
              const [mine, theirs] = [feedback.about(target, task), fresh.about(target, task)];
              assert.equal(mine === undefined, theirs === undefined);
              if (mine === undefined || theirs === undefined) continue;
              assert.ok(Math.abs(mine.mean - theirs.mean) < 1e-6 && Math.abs(mine.count - theirs.count) < 1e-6);
            }
        });
      }),
      { numRuns: 25 },
    );
  });

  it('is taken from each key at a pace that people have', async () => {
    await withFeedback(async ({ feedback, passDays }) => {
      const words = Array.from({ length: 201 }, (_, at) => said(`req_${at}`, 1));
      const given = [];
      for (const word of words) given.push(await feedback.give(word));
      assert.deepEqual(given.map((one) => one.ok).lastIndexOf(true), 199);
      const refused = given[200];
      assert.ok(refused !== undefined && !refused.ok && refused.error.code === 'rate-limited');
      assert.equal(refused.error.retryAfterMs, 50);
      assert.ok((await feedback.give(said('req_1', 1, { keyId: 'key_b' }))).ok);
      passDays(1);
      assert.ok((await feedback.give(said('req_201', 1))).ok);
    });
  });

  it('loses the oldest words where there are too many', async () => {
    await withFeedback(async ({ books, feedback }) => {
      for (let day = 0; day < 5; day++) await feedback.give(said(`req_${day}`, 1, { atMs: AT - day * DAY_MS }));
      await books.pruneFeedback(3);
      const days = (await books.feedbackSums(0)).map(({ day }) => 20_000 - day);
      assert.deepEqual(new Set(days), new Set([0, 1, 2]));
    });
  });
});
