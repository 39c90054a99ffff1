import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault, faults, type FaultCode } from '../chat/fault.ts';
import { verdictOn } from './verdict.ts';

const middle = (): number => 0.5;

function afterMs(code: FaultCode, tries: number, retryAfterMs?: number): number | undefined {
  const of = fault(code, {}, retryAfterMs === undefined ? {} : { retryAfterMs });
  const verdict = verdictOn(of, { tries, wasAlone: false, random: middle });
  return verdict.do === 'again' ? verdict.afterMs : undefined;
}

describe('a line that ended badly', () => {
  it('waits twice as long each time, up to a minute', () => {
    const waits = [1, 2, 3, 4, 9, 10, 50, 1000].map((tries) => afterMs('upstream-rate-limited', tries));
    assert.deepEqual(waits, [187.5, 375, 750, 1500, 45_000, 45_000, 45_000, 45_000]);
  });

  it('waits for as long as the provider said, within reason', () => {
    assert.equal(afterMs('upstream-rate-limited', 1, 5000), 5000);
    assert.equal(afterMs('upstream-rate-limited', 1, 10 ** 9), 600_000);
  });

  it('is not tried for a day where each try may cost', () => {
    for (const code of [
      'upstream-error',
      'upstream-timeout',
      'upstream-cut',
      'upstream-invalid',
      'internal',
    ] as const) {
      assert.notEqual(afterMs(code, 9), undefined, code);
      assert.equal(afterMs(code, 10), undefined, code);
    }
  });

  it('is not tried again where a repeat cannot help', () => {
    const codes = Object.keys(faults).filter((code): code is FaultCode => code in faults);
    for (const code of codes.filter((one) => !faults[one].retry && one !== 'budget-exceeded'))
      assert.equal(verdictOn(fault(code), { tries: 1, wasAlone: false, random: middle }).do, 'end', code);
  });

  it('is tried alone before a budget counts as used up', () => {
    const of = fault('budget-exceeded');
    assert.deepEqual(verdictOn(of, { tries: 1, wasAlone: false, random: middle }), { do: 'alone' });
    assert.deepEqual(verdictOn(of, { tries: 2, wasAlone: true, random: middle }), { do: 'end' });
  });

  it('is left to the next process where this one ends', () => {
    assert.deepEqual(verdictOn(fault('shutting-down'), { tries: 1, wasAlone: true, random: middle }), { do: 'leave' });
  });
});
