import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { jsonText } from './json-text.ts';

describe('JSON text with whole numbers of any size', () => {
  it('writes every digit as a number', () => {
    assert.equal(jsonText({ total: 9007199254740993n, rows: [1n, -2n] }), '{"total":9007199254740993,"rows":[1,-2]}');
  });

  it('leaves out what is undefined, and keeps what is null', () => {
    assert.equal(jsonText({ a: undefined, b: null }), '{"b":null}');
  });

  it('says what JSON.stringify says where there is no bigint', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const plain: unknown = JSON.parse(text);
        assert.deepEqual(JSON.parse(jsonText(JSON.parse(text))), plain);
      }),
    );
  });
});
