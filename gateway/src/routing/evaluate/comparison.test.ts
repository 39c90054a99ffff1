import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { dice } from '../../lib/dice.ts';
import { comparison, type Compared, type Comparison } from './comparison.ts';

/** `other` would take what goes to `usual`, but for one in ten, that it refuses. */
function rows(count: number, explored: number): readonly Compared[] {
  const random = dice(count);
  return Array.from({ length: count }, (_, at) => {
    const isOther = random() < explored;
    const success = random() < (isOther ? 0.9 : 0.6) ? 1 : 0;
    const cost = { costNanoUsd: 100n, ...(at % 5 === 0 ? {} : { otherCostNanoUsd: 40n }) };
    return {
      id: `req_${at}`,
      target: isOther ? 'other/m' : 'usual/m',
      stratum: '',
      propensity: isOther ? explored : 1 - explored,
      outcomes: { success, ...(at % 2 === 0 ? { quality: success / 2 } : {}) },
      ...cost,
      ...(at % 10 === 9 ? { refused: 'region N' } : { other: 'other/m' }),
      ...(at % 10 === 1 ? { doubt: 'no pictures' } : {}),
    };
  });
}

function compared(of: readonly Compared[]): Comparison {
  const learning = comparison();
  for (const row of of) learning.learn(row);
  const comparing = learning.comparing();
  for (const row of of) comparing.compare(row);
  return comparing.result();
}

describe('two policies over a log', () => {
  it('are compared by who moves, what is refused and doubted, and what it costs', () => {
    const log = rows(1000, 0.3);
    const { requests, moved, moves, refused, doubts, cost } = compared(log);
    const moving = log.filter(({ target, other }) => other !== undefined && other !== target).length;
    assert.deepEqual([requests, moved], [1000, moving]);
    assert.deepEqual(moves, [{ from: 'usual/m', to: 'other/m', requests: moving }]);
    assert.deepEqual(refused, [{ reason: 'region N', requests: 100 }]);
    assert.deepEqual(doubts, [{ reason: 'no pictures', requests: 100 }]);
    const answered = log.filter(({ other, outcomes }) => other !== undefined && outcomes.success === 1);
    const priced = answered.filter(({ otherCostNanoUsd }) => otherCostNanoUsd !== undefined).length;
    assert.deepEqual(cost, {
      requests: priced,
      nanoUsd: BigInt(priced) * 100n,
      otherNanoUsd: BigInt(priced) * 40n,
      unknown: answered.length - priced,
    });
  });

  it('are estimated by outcome, each from the rows in which it was seen', () => {
    const { success, quality, ttft } = compared(rows(4000, 0.3)).estimates;
    assert.deepEqual([success.rows, quality.rows, ttft.rows, ttft.seen], [3600, 2000, 0, undefined]);
    for (const [estimated, truth] of [
      [success, 0.9],
      [quality, 0.45],
    ] as const)
      for (const made of [estimated.selfNormalised, estimated.doublyRobust]) {
        assert.ok(made.kind === 'estimated', JSON.stringify(made));
        // How often the interval holds the truth is the estimators' own test.
        assert.ok(Math.abs(made.value - truth) < 0.03 && made.high - made.low < 0.1, JSON.stringify(made));
      }
    assert.equal(ttft.doublyRobust.kind, 'refused');
  });

  it('are not estimated where the log never went the other way', () => {
    const { success } = compared(rows(1000, 0)).estimates;
    assert.deepEqual([success.selfNormalised.kind, success.doublyRobust.kind], ['refused', 'refused']);
    assert.ok((success.seen ?? 0) > 0.5);
  });
});
