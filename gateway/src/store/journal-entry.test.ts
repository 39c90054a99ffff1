import type { Payer } from './ports.ts';
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { opening, receipt } from '../../test/store-kit.ts';
import { discardedText, interruptedReceipt, lineOf, readEntries, receiptText } from './journal-entry.ts';
import type { Receipt } from './ports.ts';

const count = fc.nat(Number.MAX_SAFE_INTEGER);
const receiptArbitrary: fc.Arbitrary<Receipt> = fc.record(
  {
    attemptId: fc.string({ unit: 'binary', minLength: 1 }),
    requestId: fc.string(),
    keyId: fc.string({ unit: 'grapheme' }),
    provider: fc.string({ unit: 'binary' }),
    model: fc.string({ unit: 'binary' }),
    target: fc.string(),
    outcome: fc.string(),
    isEstimated: fc.boolean(),
    usage: fc.record(
      { inputTokens: count, cachedInputTokens: count, outputTokens: count },
      { requiredKeys: [], noNullPrototype: true },
    ),
    costNanoUsd: fc.bigInt({ min: 0n, max: 10n ** 17n }),
    atMs: count,
    finish: fc.string(),
    chargeNanoUsd: fc.bigInt({ min: 0n, max: 10n ** 17n }),
    purses: fc.array(fc.constantFrom('bud_1', '~bud_2@2026-11-01T00:00:00.000Z', 'crd_default'), { minLength: 1 }),
    labels: fc.record(
      { orgId: fc.string(), endUser: fc.string({ unit: 'grapheme' }), tags: fc.array(fc.string()) },
      { requiredKeys: [], noNullPrototype: true },
    ),
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      'attemptId',
      'requestId',
      'keyId',
      'provider',
      'model',
      'target',
      'outcome',
      'isEstimated',
      'usage',
      'atMs',
    ],
  },
);

function settledLine(of: Receipt): string {
  return lineOf(receiptText('settled', of));
}

const PAYER: Payer = { keyId: 'k', hard: [], booked: [], labels: {} };

describe('the lines of a journal', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(fc.array(receiptArbitrary), (receipts) => {
        const bytes = Buffer.from(receipts.map(settledLine).join(''));
        const read = readEntries(bytes);
        assert.deepEqual([read.readBytes, read.damaged], [bytes.length, 0]);
        assert.deepEqual(
          read.entries,
          receipts.map((item) => ({ kind: 'settled', id: item.attemptId, receipt: item })),
        );
      }),
    );
  });

  it('are whole or not there, wherever the end was torn off', () => {
    const lines = ['a', 'b', 'c'].map((id) => settledLine(receipt(id)));
    const bytes = Buffer.from(lines.join(''));
    for (let end = 0; end <= bytes.length; end++) {
      const read = readEntries(bytes.subarray(0, end));
      const whole = bytes.toString('utf8', 0, end).split('\n').length - 1;
      assert.equal(read.entries.length, whole);
      assert.equal(read.damaged, 0);
      assert.equal(read.readBytes, lines.slice(0, whole).join('').length);
    }
  });

  it('are told from lines with any byte changed', () => {
    const good = Buffer.from(settledLine(receipt('x')));
    for (let at = 0; at < good.length - 1; at++) {
      const bytes = Buffer.from(good);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      assert.deepEqual(readEntries(bytes).entries, [], `byte ${at}`);
    }
  });

  it('go on behind a line that was cut short', () => {
    const torn = settledLine(receipt('torn')).slice(0, 60);
    const read = readEntries(Buffer.from(`${torn}\n${settledLine(receipt('whole'))}\n`));
    assert.deepEqual([read.entries.map((entry) => entry.id), read.damaged], [['whole'], 1]);
  });

  it('tell what was opened and discarded, unless only receipts are asked for', () => {
    const opened = interruptedReceipt('r', PAYER, opening('a'));
    const lines = [lineOf(receiptText('opened', opened)), lineOf(discardedText('a')), settledLine(receipt('b'))].join(
      '',
    );
    assert.deepEqual(
      readEntries(Buffer.from(lines)).entries.map((entry) => entry.kind),
      ['opened', 'discarded', 'settled'],
    );
    assert.deepEqual(
      readEntries(Buffer.from(lines), 'settled').entries.map((entry) => entry.kind),
      ['settled'],
    );
  });

  it('keep a receipt whose time is nonsense', () => {
    const lines = [Number.NaN, 1.5, -3].map((atMs) => settledLine(receipt('t', { atMs }))).join('');
    const times = readEntries(Buffer.from(lines)).entries.map((entry) =>
      entry.kind === 'settled' ? entry.receipt.atMs : -1,
    );
    assert.deepEqual(times, [0, 1, 0]);
  });

  it('bill an attempt that nothing more was heard of for its input, by our own count', () => {
    const { outcome, isEstimated, usage, costNanoUsd } = interruptedReceipt(
      'r',
      PAYER,
      opening('a', { inputTokensEstimate: 30, estimateNanoUsd: 3n }),
    );
    assert.deepEqual([outcome, isEstimated, usage, costNanoUsd], ['interrupted', true, { inputTokens: 30 }, 3n]);
  });
});
