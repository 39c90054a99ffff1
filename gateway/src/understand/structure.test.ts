import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { shapeOf } from './structure.ts';

describe('the shape of a text', () => {
  it('counts characters, words, lines, questions, lists and numbers', () => {
    const { structure } = shapeOf(
      'Two things:\n- apples\n- 3.5 pears\n1. first\nWhich one? And why?\nA. red\nB. green',
    );
    assert.deepEqual(
      { ...structure, mathShare: 0 },
      {
        words: 17,
        lines: 7,
        codeShare: 0,
        mathShare: 0,
        listItems: 3,
        choices: 2,
        questions: 2,
        clauses: 1,
        numbers: 2,
        fences: 0,
      },
    );
  });

  it('takes fenced and bare code out of the prose', () => {
    const { structure, prose } = shapeOf('Why does this fail?\n```py\nprint(x)\n```\nconst a = f(b);\nThank you.');
    assert.equal(prose, 'Why does this fail?\nThank you.');
    assert.equal(structure.fences, 1);
    assert.ok(structure.codeShare > 0.3 && structure.codeShare < 0.8);
  });

  const code = [
    'def area(w, h):',
    'import { x } from "y";',
    'SELECT name FROM users WHERE id = 1',
    '  return a + b;',
    '#include <stdio.h>',
    'if (a == b) {',
    'x = foo.bar(1)',
    '</div>',
    '$ npm install left-pad',
    'pub fn main() -> Result<()> {',
  ];
  for (const line of code)
    it(`sees code in ${JSON.stringify(line)}`, () => {
      assert.equal(shapeOf(line).structure.codeShare > 0, true);
    });

  const prose = [
    'If you have time, please call me back.',
    'For each of the following, say why.',
    'From Berlin to Paris by train: what does it cost?',
    'Let me know what you think; I am free tomorrow.',
    'Try again later (or not at all).',
    'While I was away, everything changed.',
    'Use your own words.',
    '<document>',
    '</document>',
    'Simplify $\\frac{a}{b}$ where a = 2',
  ];
  for (const line of prose)
    it(`sees no code in ${JSON.stringify(line)}`, () => {
      assert.equal(shapeOf(line).structure.codeShare, 0);
    });

  it('tells formulas from words', () => {
    assert.ok(shapeOf('Solve 3x + 7 = 22 for x^2').structure.mathShare > 0.4);
    assert.equal(shapeOf('This is a well-known story - and a good one, I think.').structure.mathShare, 0);
  });

  it('looks at beginning and end of a long text only', () => {
    const { prose } = shapeOf(`Begin.\n${'x'.repeat(300_000)}\nEnd.`);
    assert.ok(prose.length <= 33_000 && prose.startsWith('Begin.') && prose.endsWith('End.'));
  });

  it('has shares between 0 and 1, and never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const { codeShare, mathShare } = shapeOf(text).structure;
        for (const share of [codeShare, mathShare]) assert.ok(share >= 0 && share <= 1);
      }),
    );
  });
});
