import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isArray, type Json } from './json.ts';
import { jsonInPieces } from './json-bytes.ts';

function written(value: Json, pieceLength?: number): { readonly text: string; readonly yields: number } {
  const steps = jsonInPieces(value, 10, pieceLength);
  for (let yields = 0; ; yields += 1) {
    const step = steps.next();
    if (step.done === true) return { text: step.value.toString('utf8'), yields };
  }
}

const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    fc.string({ unit: fc.constantFrom('a', 'é', '模', '\n', '"', '\\', '\u0001', 'x'.repeat(20)) }),
    fc.constantFrom(null, true, -1.5e-7, 123456789),
    fc.array(tie('value'), { maxLength: 8 }),
    fc.dictionary(fc.string({ maxLength: 5 }), tie('value'), { maxKeys: 8, noNullPrototype: true }),
  ),
}));

describe('jsonInPieces', () => {
  it('writes what JSON.stringify writes, however short its pieces are', () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 1, max: 200 }), (value, pieceLength) => {
        assert.equal(written(value, pieceLength).text, JSON.stringify(value));
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps surrogates as they are, in pairs or alone, cut or not', () => {
    for (const text of ['😀'.repeat(50), `a${'😀'.repeat(50)}`, '\ud800'.repeat(50), '\udc00\ud800']) {
      for (const pieceLength of [1, 2, 3, 64]) assert.equal(JSON.parse(written(text, pieceLength).text), text);
    }
  });

  it('leaves out what is undefined, as JSON.stringify does', () => {
    assert.equal(written({ a: undefined, b: 1, c: undefined }, 1).text, '{"b":1}');
    assert.equal(written({ a: undefined, b: 'x'.repeat(9) }, 1).text, '{"b":"xxxxxxxxx"}');
    assert.equal(written({ a: undefined }, 1).text, '{}');
  });

  it('takes a turn for each piece of a long value', () => {
    const long: Json = {
      messages: [{ content: 'é'.repeat(1_000_000) }, ...Array.from({ length: 5000 }, () => ({ role: 'user' }))],
    };
    const { text, yields } = written(long, 10_000);
    assert.equal(text, JSON.stringify(long));
    assert.ok(isArray(long['messages']) && yields >= 100, `${yields} turns`);
  });
});
