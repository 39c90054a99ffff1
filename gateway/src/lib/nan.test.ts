import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { withoutNan } from './nan.ts';

describe('JSON with numbers that are none', () => {
  it('becomes JSON, and strings stay what they are', () => {
    const text = '{"a": NaN, "b": [-Infinity, Infinity], "NaN": "is NaN, \\"Infinity\\" and so on"}';
    assert.equal(withoutNan(text), '{"a": null, "b": [null, null], "NaN": "is NaN, \\"Infinity\\" and so on"}');
  });

  it('is left alone where it is something else', () => {
    for (const text of [
      '{"a": 1}',
      '{"a": "NaN"}',
      '{"a": NaN',
      'NaNNaN',
      'Infinity is long',
      `"${'NaN'.repeat(500_000)}`,
    ]) {
      assert.equal(withoutNan(text), undefined, text.slice(0, 40));
    }
  });

  it('keeps all other values', () => {
    const record = fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 });
    fc.assert(
      fc.property(record, (value) => {
        const { length } = JSON.stringify(value);
        const text = `${JSON.stringify(value).slice(0, length - 1)},"usage of ours":NaN}`;
        const read: unknown = JSON.parse(withoutNan(text) ?? 'null');
        assert.deepEqual(read, JSON.parse(JSON.stringify({ ...value, 'usage of ours': null })));
      }),
    );
  });
});
