import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cursorsWith } from './cursors.ts';

const cursors = cursorsWith(Buffer.alloc(32, 7));

describe('a cursor', () => {
  it('goes on with the list that it was given by, and with no other', () => {
    const given = cursors.seal([7, 'key_a'], 'keys');
    assert.deepEqual(cursors.open(given, 'keys'), [7, 'key_a']);
    assert.equal(cursors.open(given, 'users'), undefined);
    assert.equal(cursorsWith(Buffer.alloc(32, 8)).open(given, 'keys'), undefined);
  });

  it('is taken as it was given, to the letter', () => {
    const given = cursors.seal([7, 'key_a'], 'keys');
    const last = given.at(-1) ?? '';
    const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_').filter(
      (one) => one !== last,
    );
    // Some of them stand for the same bytes.
    for (const other of letters) assert.equal(cursors.open(`${given.slice(0, -1)}${other}`, 'keys'), undefined, other);
    for (const other of ['', '.', `${given}.`, `${given}=`, given.slice(0, -1), `x${given}`])
      assert.equal(cursors.open(other, 'keys'), undefined, other);
  });
});
