import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { lexicon, wordsOf } from './words.ts';

function found(phrases: readonly string[], text: string): readonly string[] {
  return lexicon(phrases.map((phrase) => [phrase, phrase] as const))
    .find(text)
    .map(({ value }) => value);
}

describe('words', () => {
  it('fold case, accents, width, ligatures and what cannot be seen', () => {
    assert.deepEqual(wordsOf('Éléphant STRASSE Straße Œuvre ｆｕｌｌ Łódź so\u00adft e\u0301t\u00e9'), [
      'elephant',
      'strasse',
      'strasse',
      'oeuvre',
      'full',
      'lodz',
      'soft',
      'ete',
    ]);
  });

  it('end at punctuation of any script', () => {
    assert.deepEqual(wordsOf('a,b—c。d「e」f·g'), ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });
});

describe('a lexicon', () => {
  const cases: readonly (readonly [phrases: readonly string[], text: string, expected: readonly string[]])[] = [
    [['contract'], 'The CONTRACT, signed', ['contract']],
    [['contract'], 'contracts contractor subcontract', []],
    [['api key'], 'API_KEY=1 and api-key and "api  key" and apikey', ['api key', 'api key', 'api key']],
    [['mot de passe'], 'le mot de\n passe', ['mot de passe']],
    [['mot de passe'], 'le mot de la passe', []],
    [['señal', 'senal'], 'SEÑAL', ['señal', 'senal']],
    [['straße'], 'in der Strasse', ['straße']],
    [['договор'], 'Этот ДОГОВОР подписан', ['договор']],
    [['合同', '合同法'], '请解释合同法的条款', ['合同', '合同法']],
    [['refund', 'a refund'], 'I want a refund', ['a refund', 'refund']],
    [['عقد'], 'هذا عَقْد جديد', ['عقد']],
    [['contract'], 'contract😀', ['contract']],
    [[''], 'anything', []],
  ];
  for (const [phrases, text, expected] of cases)
    it(`finds ${JSON.stringify(expected)} of ${JSON.stringify(phrases)} in ${JSON.stringify(text)}`, () => {
      assert.deepEqual(found(phrases, text), expected);
    });

  it('says where a phrase stands, also behind letters that fold into two', () => {
    const text = 'Große Straße: API key';
    const [hit] = lexicon([['api key', true] as const]).find(text);
    assert.equal(text.slice(hit?.start, hit?.end), 'API key');
  });

  it('finds every phrase of words that stands between spaces, and agrees with a search word by word', () => {
    const word = fc.constantFrom('alpha', 'Beta', 'gämma', 'delta', 'ß', 'a');
    const words = fc.array(word, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(words, fc.array(word, { minLength: 1, maxLength: 3 }), (text, phrase) => {
        const folded = text.map((one) => wordsOf(one).join(''));
        const wanted = phrase.map((one) => wordsOf(one).join(''));
        const expected = folded.filter((_, at) => wanted.every((one, index) => folded[at + index] === one)).length;
        assert.equal(found([phrase.join(' ')], text.join(' ')).length, expected);
      }),
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        for (const { start, end } of lexicon([['a', 1] as const, ['漢', 2] as const]).find(text))
          assert.ok(start >= 0 && start < end && end <= text.length);
      }),
    );
  });
});
