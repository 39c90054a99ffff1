import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { reconcile, type OwnDay } from './reconcile.ts';

const DAY = '2026-11-20';

function own(model: string, more: Partial<OwnDay> = {}): OwnDay {
  return {
    day: DAY,
    model,
    receipts: 10,
    unpriced: 0,
    estimated: 0,
    interrupted: 0,
    inputTokens: 1000,
    outputTokens: 100,
    costNanoUsd: 2_000_000_000n,
    ...more,
  };
}

const theirs = { day: DAY, model: 'gpt-5', inputTokens: 1000, outputTokens: 100, costNanoUsd: 2_000_000_000n };

describe('a comparison with a statement', () => {
  it('finds nothing where both agree, whatever the version is called', () => {
    const line = { ...theirs, model: 'gpt-5-2025-08-07' };
    const [row, ...more] = reconcile([line], [own('gpt-5')], 0);
    assert.deepEqual(more, []);
    assert.equal(row?.isGood, true);
    assert.deepEqual(row?.reasons, []);
    assert.equal(row?.driftNanoUsd, 0n);
  });

  it('sums what the statement tells in several lines, tokens and money apart', () => {
    const lines = [
      { day: DAY, model: 'gpt-5', inputTokens: 600, outputTokens: 100 },
      { day: DAY, model: 'gpt-5', inputTokens: 400 },
      { day: DAY, model: 'gpt-5', costNanoUsd: 2_000_000_000n },
    ];
    const rows = reconcile(lines, [own('gpt-5')], 0);
    assert.deepEqual(
      rows.map((row) => [row.driftInputTokens, row.driftOutputTokens, row.driftNanoUsd, row.isGood]),
      [[0, 0, 0n, true]],
    );
  });

  it('holds the drift against the tolerance', () => {
    const ours = own('gpt-5', { inputTokens: 1010, costNanoUsd: 2_020_000_000n });
    assert.equal(reconcile([theirs], [ours], 0.01)[0]?.isGood, true);
    assert.equal(reconcile([theirs], [ours], 0.009)[0]?.isGood, false);
    assert.equal(reconcile([theirs], [ours], 0.01)[0]?.driftNanoUsd, 20_000_000n);
  });

  it('tells the reasons that it knows', () => {
    const reasons = (more: Partial<OwnDay>, line = {}): readonly string[] | undefined =>
      reconcile([{ ...theirs, ...line }], [own('gpt-5', more)], 0)[0]?.reasons;
    assert.deepEqual(reasons({ costNanoUsd: 1n, unpriced: 3 }), ['3 without a known price: "turnout ledger reprice"']);
    assert.deepEqual(reasons({ inputTokens: 9, estimated: 1, interrupted: 2 }), [
      '1 counted by us',
      '2 died with their process',
    ]);
    assert.deepEqual(reasons({ inputTokens: 9 }, { requests: 12 }), ['2 more requests at the provider']);
    assert.deepEqual(reasons({ inputTokens: 9 }, { requests: 7 }), ['3 more requests here']);
    assert.deepEqual(reasons({ costNanoUsd: 2_004_999_999n }), ['rounding']);
    assert.deepEqual(reasons({ costNanoUsd: 3_000_000_000n }), ['their price is not the one known here']);
    assert.deepEqual(reasons({ inputTokens: 9 }), []);
  });

  it('calls half a cent a line rounding, and no more', () => {
    const drifted = (costNanoUsd: bigint): boolean | undefined =>
      reconcile([theirs], [own('gpt-5', { costNanoUsd })], 0)[0]?.isGood;
    assert.equal(drifted(2_005_000_010n), true);
    assert.equal(drifted(2_005_000_011n), false);
  });

  it('compares a day as a whole where the statement names no models', () => {
    const whole = { day: DAY, costNanoUsd: 4_000_000_000n };
    const rows = reconcile([whole], [own('gpt-5'), own('gpt-5-mini'), own('gpt-5', { day: '2026-11-21' })], 0);
    assert.deepEqual(
      rows.map((row) => [row.day, row.model, row.isGood, row.ours.receipts]),
      [[DAY, '*', true, 20]],
    );
  });

  it('shows a model that only one side has', () => {
    const rows = reconcile([theirs], [own('gpt-4')], 0.5);
    assert.deepEqual(
      rows.map((row) => [row.model, row.isGood, row.reasons]),
      [
        ['gpt-4', false, ['not on the statement']],
        ['gpt-5', false, ['none of it came through here']],
      ],
    );
  });
});
