import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { idMaker } from './id.ts';

describe('an id of our own', () => {
  it('sorts by the time it was made', () => {
    let now = 0;
    const newId = idMaker(() => now);
    const ids = [0, 1, 35, 36, 1_700_000_000_000, 1_800_000_000_000, 4_000_000_000_000].map((time) => {
      now = time;
      return newId('att');
    });
    assert.deepEqual(ids.toSorted(), ids);
  });

  it('comes only once, also within a millisecond', () => {
    const newId = idMaker(() => 5);
    const ids = new Set(Array.from({ length: 20_000 }, () => newId('req')));
    assert.equal(ids.size, 20_000);
    for (const id of ids) assert.match(id, /^req_000000005[0-9a-z]{15}$/);
  });
});
