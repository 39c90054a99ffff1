import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TEXT_LENGTH_MAX, wordsOf } from './words.ts';

describe('wordsOf', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['Where is my Card?', ['where', 'is', 'my', 'card', '?']],
    ["it's 20€, isn't it", ["it's", '20', "isn't", 'it']],
    ['Ｃａｒｄ ﬁne', ['card', 'fine']],
    ['Größe, naïve, ЗАКАЗ', ['größe', 'naïve', 'заказ']],
    ['退款abc', ['退', '款', 'abc']],
    ['हिन्दी', ['हिन्दी']],
    ['', []],
    ['🦊 -- //', []],
  ];
  for (const [text, words] of cases)
    it(`reads ${JSON.stringify(text)}`, () =>
      assert.deepEqual(
        wordsOf(text),
        words.map((word) => word.normalize('NFKC')),
      ));

  it('cuts a word that is none', () => assert.deepEqual(wordsOf('a'.repeat(1000)), ['a'.repeat(64)]));

  it('takes beginning and end of a long text', () => {
    const words = wordsOf(`first ${'x '.repeat(TEXT_LENGTH_MAX)} last`);
    assert.equal(words[0], 'first');
    assert.equal(words.at(-1), 'last');
    assert.ok(words.length < TEXT_LENGTH_MAX / 2 + 2);
  });
});
