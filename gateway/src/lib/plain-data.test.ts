import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseJson } from './json.ts';
import { fromPlainJson, toPlainJson } from './plain-data.ts';

describe('plain data', () => {
  it('is the same after JSON, whole numbers too', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.bigInt(),
      // JSON has no minus zero.
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('value')),
        fc.dictionary(fc.stringMatching(/^[a-z_./]{1,9}$/), tie('value'), { noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, (data) => {
        assert.deepEqual(fromPlainJson(parseJson(JSON.stringify(toPlainJson(data)))), data);
      }),
    );
  });

  it('leaves out what is absent', () => {
    assert.deepEqual(fromPlainJson(parseJson(JSON.stringify(toPlainJson({ a: undefined, b: 1 })))), { b: 1 });
  });
});
