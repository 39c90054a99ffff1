import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { asRecord, parseJson } from '../../lib/json.ts';
import { readState, stateRecord, type NativeState } from './state.ts';

const part = fc.record(
  {
    first: fc.nat(),
    last: fc.nat(),
    worstNanoUsd: fc.bigInt({ min: 0n, max: 10n ** 25n }),
    id: fc.string(),
    isDone: fc.boolean(),
  },
  { requiredKeys: ['first', 'last', 'worstNanoUsd'] },
);

describe('what the store knows of a batch at its provider', () => {
  it('is read as it was written, money to the nano-dollar', () => {
    const states = fc.record(
      {
        target: fc.string(),
        path: fc.string(),
        worstNanoUsd: fc.bigInt({ min: 0n, max: 10n ** 25n }),
        parts: fc.array(part),
        isRefused: fc.boolean(),
      },
      { requiredKeys: ['target', 'path', 'worstNanoUsd', 'parts'] },
    );
    fc.assert(
      fc.property(states, (state: NativeState) => {
        const text = JSON.stringify(stateRecord(state));
        const plain = JSON.parse(JSON.stringify(state, (_, value) => (typeof value === 'bigint' ? `${value}` : value)));
        const read = readState(asRecord(parseJson(text)));
        assert.deepEqual(
          JSON.parse(JSON.stringify(read, (_, value) => (typeof value === 'bigint' ? `${value}` : value))),
          plain,
        );
      }),
    );
  });

  it('is nothing where somebody else wrote it', () => {
    for (const record of [undefined, {}, { target: 'a' }, { target: 1, path: 'b' }])
      assert.equal(readState(record), undefined);
  });
});
