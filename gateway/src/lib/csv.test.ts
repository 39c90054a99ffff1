import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { csvLine, parseCsv } from './csv.ts';

describe('CSV', () => {
  it('is no formula, whatever a cell says', () => {
    for (const bad of ['=1+1', '+1', '-1', '@sum(a1)', '\t=1', '\r=1', '=HYPERLINK("http://a","b")'])
      assert.match(csvLine([bad]), /^"'/, bad);
    assert.equal(csvLine(['a=1', 'b-2', -3, 4n, null, true]), 'a=1,b-2,-3,4,,true\r\n');
  });

  it('quotes what would end a cell', () => {
    assert.equal(csvLine(['a,b', 'say "hi"', 'two\nlines']), '"a,b","say ""hi""","two\nlines"\r\n');
  });

  it('reads line ends of all systems, a byte order mark and a last line without an end', () => {
    assert.deepEqual(parseCsv('\uFEFFa,b\r\n1,2\n\n3,\r"x\r\ny",'), [
      ['a', 'b'],
      ['1', '2'],
      ['3', ''],
      ['x\r\ny', ''],
    ]);
    assert.deepEqual(parseCsv(''), []);
  });

  it('reads what it wrote', () => {
    const safe = fc.string({ unit: 'grapheme' }).filter((text) => !/^[=+\-@\t\r\uFEFF]/.test(text));
    const row = fc.array(safe, { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        assert.deepEqual(parseCsv(rows.map((cells) => csvLine(cells)).join('')), rows);
      }),
    );
  });
});
