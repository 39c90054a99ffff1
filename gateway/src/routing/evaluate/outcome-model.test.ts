import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { foldOf, outcomeModel } from './outcome-model.ts';

describe('what to expect of a target', () => {
  it('is nothing before anything is known, and its own mean where much is', () => {
    const model = outcomeModel();
    const row = { fold: 0, target: 'p/m', stratum: 'code' } as const;
    assert.equal(model.expect({ ...row, fold: 1 }), undefined);
    model.learn({ ...row, outcome: 1 });
    assert.equal(model.expect({ ...row, fold: 1 }), 1);
    for (let times = 0; times < 1000; times++) model.learn({ ...row, target: 's/m', outcome: 0 });
    const expected = (target: string): number => model.expect({ ...row, fold: 1, target }) ?? Number.NaN;
    assert.ok(expected('s/m') < 0.001);
    assert.ok(expected('p/m') > 0.1 && expected('p/m') < 0.3, 'one outcome is drawn towards what all others say');
    assert.ok(Math.abs(expected('unseen/m') - 1 / 1001) < 1e-9);
  });

  it('is never learned from the row itself, nor from its half of the log', () => {
    const model = outcomeModel();
    model.learn({ fold: 0, target: 'p/m', stratum: '', outcome: 1 });
    assert.equal(model.expect({ fold: 0, target: 'p/m', stratum: '' }), undefined);
  });
});

describe('the halves of a log', () => {
  it('are the same at every reading, and about as large', () => {
    const ids = Array.from({ length: 4000 }, (_, at) => `req_mwz8u4${at.toString(36)}abc`);
    const upper = ids.filter((id) => foldOf(id) === 1).length;
    assert.ok(upper > 1850 && upper < 2150, `${upper} of 4000`);
    assert.deepEqual(ids.map(foldOf), ids.map(foldOf));
  });
});
