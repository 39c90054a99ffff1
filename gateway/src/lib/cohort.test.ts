import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { COHORT_MAX, createCohort } from './cohort.ts';

/** A schedule that runs by hand. */
function byHand(): { schedule: (run: () => void) => void; turns: () => number; turn: () => void } {
  const waiting: (() => void)[] = [];
  return { schedule: (run) => void waiting.push(run), turns: () => waiting.length, turn: () => waiting.shift()?.() };
}

describe('cohort', () => {
  it('does nothing at once, and everything together in one turn, in order', () => {
    const hand = byHand();
    const together = createCohort(hand.schedule);
    const done: number[] = [];
    for (const number of [1, 2, 3]) together(() => void done.push(number));
    assert.deepEqual(done, []);
    assert.equal(hand.turns(), 1);
    hand.turn();
    assert.deepEqual(done, [1, 2, 3]);
    assert.equal(hand.turns(), 0);
  });

  it('leaves what is added meanwhile to the next turn', () => {
    const hand = byHand();
    const together = createCohort(hand.schedule);
    const done: string[] = [];
    together(() => together(() => void done.push('later')));
    hand.turn();
    assert.deepEqual(done, []);
    hand.turn();
    assert.deepEqual(done, ['later']);
  });

  it('does no more than its bound in one turn, and forgets none', () => {
    const hand = byHand();
    const together = createCohort(hand.schedule);
    let done = 0;
    for (let count = 0; count < 2 * COHORT_MAX + 1; count += 1) together(() => (done += 1));
    const after: number[] = [];
    while (hand.turns() > 0) {
      assert.equal(hand.turns(), 1);
      hand.turn();
      after.push(done);
    }
    assert.deepEqual(after, [COHORT_MAX, 2 * COHORT_MAX, 2 * COHORT_MAX + 1]);
  });

  it('goes on after one that throws', () => {
    const hand = byHand();
    const together = createCohort(hand.schedule);
    const done: string[] = [];
    together(() => void done.push('before'));
    together(() => {
      throw new Error('a bug');
    });
    together(() => void done.push('after'));
    assert.throws(() => hand.turn(), /a bug/);
    hand.turn();
    assert.deepEqual(done, ['before', 'after']);
    assert.equal(hand.turns(), 0);
  });
});
