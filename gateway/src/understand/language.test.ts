import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadLanguages } from './language.ts';

const detect = await loadLanguages();

describe('the language', () => {
  const cases: readonly (readonly [string | undefined, string])[] = [
    ['en', 'Where is the next train station, please?'],
    ['de', 'Wo ist bitte der nächste Bahnhof?'],
    ['fr', 'Où est la gare la plus proche ?'],
    ['es', '¿Dónde está la estación de tren más cercana?'],
    ['it', "Dov'è la stazione ferroviaria più vicina?"],
    ['pt', 'Onde fica a estação de trem mais próxima?'],
    ['nl', 'Waar is het dichtstbijzijnde treinstation?'],
    ['pl', 'Gdzie jest najbliższy dworzec kolejowy?'],
    ['zh', '最近的火车站在哪里？'],
    ['ja', '最寄りの駅はどこですか？'],
    ['ru', 'Где находится ближайший вокзал?'],
    [undefined, ''],
    [undefined, '12345 67890'],
    [undefined, 'ok'],
    [undefined, 'https://example.com/wo/ist/der/bahnhof'],
  ];
  for (const [language, text] of cases)
    it(`of ${JSON.stringify(text)} is ${language ?? 'not told'}`, () => {
      assert.equal(detect(text), language);
    });

  it('takes the same time for a long text as for its beginning', () => {
    assert.equal(detect('Wo ist bitte der nächste Bahnhof? '.repeat(40_000)), 'de');
  });
});
