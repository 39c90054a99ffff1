import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createSeam, type SeamOptions } from './seam.ts';

function joined(said: string, pieces: readonly string[], options: Omit<SeamOptions, 'said'> = {}): string {
  const seam = createSeam({ said, ...options });
  return said + pieces.map((piece) => seam.push(piece)).join('') + seam.end();
}

describe('a text that goes on', () => {
  const cases: readonly (readonly [name: string, said: string, more: string, whole: string])[] = [
    ['with new words', 'The quick brown', ' fox jumps.', 'The quick brown fox jumps.'],
    ['with its last words again', 'The quick brown', 'quick brown fox', 'The quick brown fox'],
    [
      'with its last words and the space before them',
      'It was the quick brown',
      ' the quick brown fox',
      'It was the quick brown fox',
    ],
    ['with a word that was cut', 'We are confi', 'confident that', 'We are confident that'],
    ['with the rest of a word', 'We are confi', 'dent that', 'We are confident that'],
    ['with a word that is said twice', 'Say bye', ' bye now', 'Say bye bye now'],
    ['with all of it again', 'Dear reader,', 'Dear reader, welcome.', 'Dear reader, welcome.'],
    ['with brackets alike', 'f(g(x)', '))', 'f(g(x)))'],
    ['with a rule of dashes', 'a ----', '---- b', 'a -------- b'],
    ['with nothing', 'Done.', '', 'Done.'],
  ];
  for (const [name, said, more, whole] of cases) {
    it(`is joined ${name}, wherever it is cut`, () => {
      assert.equal(joined(said, [more]), whole);
      assert.equal(joined(said, more.split('')), whole);
    });
  }

  it('is not cut short by a word alike where only a long repetition counts', () => {
    assert.equal(joined('He said the', ['the end'], { overlapMin: 24 }), 'He said thethe end');
    const long = 'and that was the end of the whole long story';
    assert.equal(joined(`So: ${long}`, [`${long}, they said`], { overlapMin: 24 }), `So: ${long}, they said`);
  });

  it('has its space once where the other side was told the text without it', () => {
    assert.equal(joined('One ', [' two'], { isTrimmed: true }), 'One two');
    assert.equal(joined('One\n', ['\n- two'], { isTrimmed: true }), 'One\n- two');
    assert.equal(joined('One ', ['two'], { isTrimmed: true }), 'One two');
    assert.equal(joined('One\n', ['\nTwo']), 'One\n\nTwo');
  });

  it('loses nothing but what stands at the end already, however it comes', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', 'word', '\n'), maxLength: 40 });
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 6 }), (said, pieces) => {
        const more = pieces.join('');
        const whole = joined(said, pieces);
        assert.equal(whole, joined(said, [more]));
        const cut = said.length + more.length - whole.length;
        assert.ok(cut >= 0 && said.endsWith(more.slice(0, cut)) && whole === said + more.slice(cut));
      }),
    );
  });

  it('keeps little back', () => {
    const seam = createSeam({ said: 'x'.repeat(100_000) });
    let kept = 0;
    for (let count = 0; count < 1000; count += 1) kept += 1 - seam.push('x').length;
    assert.ok(kept <= 400, `${kept} are kept back`);
  });
});
