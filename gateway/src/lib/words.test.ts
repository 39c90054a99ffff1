import assert from 'node:assert/strict';
import { it } from 'node:test';
import { listed } from './words.ts';

it('joins words as a sentence does', () => {
  assert.deepEqual(
    [listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'], 'or')],
    ['', 'a', 'a and b', 'a, b or c'],
  );
});
