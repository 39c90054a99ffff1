/** The file of published figures and its page are fresh, and the fit behind them finds what is there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { qualityFile } from '../../scripts/quality-file.ts';
import { fitLines } from '../../scripts/quality-fit.ts';
import { qualityPage } from '../../scripts/quality-page.ts';
import { logOdds } from '../src/catalog/benchmarks.ts';
import { dice } from '../src/lib/dice.ts';

describe('the quality figures', () => {
  it('are fresh', () => {
    const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
    assert.equal(read('../src/catalog/quality.generated.json'), qualityFile(), 'run npm run generate');
    assert.equal(read('../../docs/reference/quality.md'), qualityPage(), 'run npm run generate');
  });
});

describe('fitLines', () => {
  it('puts old and new models in order though no benchmark has both', () => {
    // Abilities from -2 to 2; the first benchmark has the weaker half and the middle, the second the middle and the stronger.
    const roll = dice(7);
    const abilities = Array.from({ length: 21 }, (_, index) => -2 + index / 5);
    const figure = (ability: number, difficulty: number): number =>
      100 / (1 + Math.exp(-(ability - difficulty) - (roll() - 0.5) / 5));
    const figures = new Map(
      abilities.map((ability, index) => {
        const own = new Map<string, number>();
        if (index <= 13) own.set('humaneval', figure(ability, -1.5));
        if (index >= 7) own.set('livecodebench-v6', figure(ability, 1.5));
        return [`m${index}`, own] as const;
      }),
    );
    const lines = fitLines(figures);
    const found = abilities.map((_, index) => {
      const own = [...(figures.get(`m${index}`) ?? [])].map(([id, value]) => {
        const line = lines.get(id);
        return (line?.slope ?? 0) * logOdds('percent', value) + (line?.offset ?? 0);
      });
      return own.reduce((sum, ability) => sum + ability, 0) / own.length;
    });
    for (let index = 2; index < found.length; index += 1)
      assert.ok(
        (found[index] ?? 0) > (found[index - 2] ?? 0),
        `m${index} is not above m${index - 2}: ${found.join(' ')}`,
      );
    assert.ok((lines.get('humaneval')?.noise ?? 1) < 0.4, 'noise that is not there');
  });

  it('gives every line a rising slope, also to a benchmark of one model', () => {
    const lines = fitLines(
      new Map([
        [
          'a',
          new Map([
            ['aime-2025', 90],
            ['mmlu', 50],
          ]),
        ],
        ['b', new Map([['aime-2025', 40]])],
      ]),
    );
    assert.equal(lines.size, 2);
    for (const { slope, noise } of lines.values()) assert.ok(slope > 0 && noise > 0);
  });
});
