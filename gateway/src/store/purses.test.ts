import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Draw } from './books/form.ts';
import { Purses } from './purses.ts';

const PURSE = { id: 'k', owner: 'key "k"' };
const GIVEN: Draw = {
  givenNanoUsd: 1000n,
  limitNanoUsd: 5000n,
  spentNanoUsd: 0n,
  leasedHereNanoUsd: 1000n,
  leasedElsewhereNanoUsd: 0n,
};

describe('the purses of a process', () => {
  for (const [how, answer] of [
    ['done', undefined],
    ['refused', new Error('away')],
  ] as const)
    it(`draw nothing while all of one is being given back (${how}): it would be given back too`, async () => {
      const asked: string[] = [];
      let gaveBack = (): void => undefined;
      let nowMs = 0;
      const purses = new Purses({
        books: {
          draw: async () => {
            asked.push('draw');
            return GIVEN;
          },
          giveBack: async () => {
            asked.push('give back');
            await new Promise<void>((done, fail) => {
              gaveBack = () => (answer === undefined ? done() : fail(answer));
            });
          },
        },
        processId: 'p',
        now: () => 0,
        monotonicMs: () => nowMs,
        onStore: () => undefined,
      });
      assert.equal(await purses.reserve(PURSE, 10n), true);
      purses.free('k', 10n);
      nowMs += 61_000;
      purses.giveUpIdle();
      const next = purses.reserve(PURSE, 10n);
      await nextTurn();
      assert.deepEqual(asked, ['draw', 'give back']);
      gaveBack();
      assert.equal(await next, true);
      assert.deepEqual(asked, ['draw', 'give back', 'draw']);
      assert.deepEqual(purses.figures('k'), { leasedNanoUsd: 1000n, heldNanoUsd: 10n });
    });
});
