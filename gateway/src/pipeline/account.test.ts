import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault } from '../chat/fault.ts';
import type { Outcome, Spent } from '../chat/outcome.ts';
import type { Facts } from '../understand/facts.ts';
import { testTarget } from '../routing/target.fixture.ts';
import { billOf } from './account.ts';

const FACTS: Facts = {
  model: 'm',
  isStreaming: true,
  needs: [],
  inputTokensEstimate: 50,
  inputTokensMax: 300,
  inputTokensUsualMax: 300,
  choices: 1,
};
// 2 USD a million tokens in, 8 out: 2,000 and 8,000 nano-dollars a token.
const TARGET = testTarget('p/m', { price: { input: 2_000_000_000n, output: 8_000_000_000n } });

function spent(over: Partial<Spent> = {}): Spent {
  return {
    isFinal: true,
    outputTokensSeen: 3,
    wasAccepted: true,
    usage: { inputTokens: 40, outputTokens: 10 },
    ...over,
  };
}

describe('billOf', () => {
  const broken = fault('upstream-cut', { provider: 'p' });
  const rows: readonly [
    string,
    Outcome,
    readonly [number | undefined, number | undefined, boolean, bigint | undefined] | undefined,
  ][] = [
    ['bills what the provider counted', { kind: 'answered', status: 200, spent: spent() }, [40, 10, false, 160_000n]],
    ['bills nothing that was refused', { kind: 'refused', status: 500, fault: broken }, undefined],
    [
      'counts itself where the provider did not',
      { kind: 'answered', status: 200, spent: { isFinal: false, outputTokensSeen: 7, wasAccepted: true } },
      [50, 7, true, 156_000n],
    ],
    [
      'keeps the larger of two partial counts of output',
      {
        kind: 'left',
        spent: spent({ isFinal: false, outputTokensSeen: 25, usage: { inputTokens: 40, outputTokens: 1 } }),
      },
      [40, 25, true, 280_000n],
    ],
    [
      'bills nothing that broke before content without a word of usage',
      {
        kind: 'broke',
        when: 'before-content',
        fault: broken,
        detail: 'cut',
        spent: { isFinal: false, outputTokensSeen: 0, wasAccepted: true },
      },
      undefined,
    ],
    [
      'bills a complete answer that was only not valid, counting itself where the provider did not',
      {
        kind: 'broke',
        when: 'before-content',
        fault: broken,
        detail: 'output_invalid',
        spent: { isFinal: false, outputTokensSeen: 7, wasAccepted: true },
        invalid: { answer: 'x', reason: 'it is not JSON' },
      },
      [50, 7, true, 156_000n],
    ],
    [
      'bills what had been reported when it broke before content',
      {
        kind: 'broke',
        when: 'before-content',
        fault: broken,
        detail: 'cut',
        spent: spent({ isFinal: false, outputTokensSeen: 0, usage: { inputTokens: 40, outputTokens: 1 } }),
      },
      [40, 1, true, 88_000n],
    ],
    [
      'bills nothing to a caller who left before it was sent',
      { kind: 'left', spent: { isFinal: false, outputTokensSeen: 0, wasAccepted: false } },
      undefined,
    ],
    [
      'does not believe counts that cannot be true',
      { kind: 'answered', status: 200, spent: spent({ usage: { inputTokens: -5, outputTokens: 1e15 } }) },
      [50, 3, true, 124_000n],
    ],
  ];
  for (const [name, outcome, expected] of rows) {
    it(name, () => {
      const bill = billOf(outcome, FACTS, TARGET);
      assert.deepEqual(
        bill && [bill.usage.inputTokens, bill.usage.outputTokens, bill.isEstimated, bill.costNanoUsd],
        expected,
      );
    });
  }

  it('leaves the cost open where no price is known', () => {
    const bill = billOf({ kind: 'answered', status: 200, spent: spent() }, FACTS, testTarget('p/m'));
    assert.equal(bill?.costNanoUsd, undefined);
    assert.equal(bill?.usage.inputTokens, 40);
  });
});
