import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inFolder, receipt } from '../../test/store-kit.ts';
import { asArray, asRecord, parseJson } from '../lib/json.ts';
import { parseCsv } from '../lib/csv.ts';
import { parseUsd } from '../money/usd.ts';
import { openBooks } from '../store/books/books.ts';
import { receiptText } from '../store/journal-entry.ts';
import { openJournal } from '../store/journal.ts';
import type { Receipt } from '../store/ports.ts';
import { invoicesCommand } from './invoices.ts';

const OCTOBER = Date.UTC(2026, 9);
const NOVEMBER = Date.UTC(2026, 10);

/** Books with these receipts taken in. */
async function withReceipts(dataDir: string, receipts: readonly Receipt[]): Promise<void> {
  const books = await openBooks({ dataDir, busyMs: 1000 });
  await books.createKey({ id: 'key_a', name: 'a', isRoot: false, createdAtMs: 1, tags: [], hash: 'h' });
  const journal = openJournal(dataDir, 'p1');
  for (const one of receipts) journal.append(receiptText('settled', one));
  await books.takeIn('p1', { segment: 1, offset: 0 }, OCTOBER);
  journal.close();
  assert.deepEqual((await books.verify()).problems, []);
  await books.close();
}

async function run(dataDir: string, ...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await invoicesCommand(['--data', dataDir, ...args], {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    env: {},
    cwd: dataDir,
    isTerminal: false,
  });
  return { code, out, err };
}

describe('turnout invoices', () => {
  it('sums what was used in a month and nothing else, as the ledger has it', async () => {
    await inFolder(async (dataDir) => {
      await withReceipts(dataDir, [
        receipt('before', { atMs: OCTOBER - 1, costNanoUsd: 1n }),
        receipt('first', { atMs: OCTOBER, costNanoUsd: 10n, requestId: 'r1' }),
        receipt('again', { atMs: OCTOBER + 5, costNanoUsd: 20n, requestId: 'r1', isRepeat: true }),
        receipt('last', { atMs: NOVEMBER - 1, costNanoUsd: 300n, model: '=evil' }),
        receipt('after', { atMs: NOVEMBER, costNanoUsd: 4000n }),
      ]);
      const json = await run(dataDir, '--month', '2026-10', '--json');
      assert.equal(json.code, 0, json.err);
      const [invoice] = asArray(asRecord(parseJson(json.out))?.['invoices']) ?? [];
      const total = asRecord(asRecord(invoice)?.['total']);
      assert.deepEqual(
        [total?.['requests'], total?.['attempts'], total?.['cost_usd'], total?.['charge_usd']],
        [2, 3, '0.00000033', '0.00000033'],
      );
      const [head = [], ...rows] = parseCsv((await run(dataDir, '--month', '2026-10', '--csv')).out);
      const charges = rows.map((row) => parseUsd(row[head.indexOf('charge_usd')] ?? '') ?? 0n);
      assert.equal(
        charges.reduce((sum, one) => sum + one, 0n),
        330n,
      );
      const page = await run(dataDir, '--month', '2026-10', '--org', 'default', '--html');
      assert.match(page.out, /^<!doctype html>/);
      assert.match((await run(dataDir, '--month', '2026-10')).out, /to pay: 0\.00000033 USD/);
      assert.match((await run(dataDir, '--month', '2026-01')).out, /nothing was used/);
    });
  });

  it('says what is wrong with its words', async () => {
    await inFolder(async (dataDir) => {
      await withReceipts(dataDir, []);
      assert.deepEqual([(await run(dataDir)).code, (await run(dataDir, '--month', '2026-10', '--html')).code], [2, 2]);
      for (const args of [
        ['--month', 'October'],
        ['--month', '2026-10', '--org', 'nobody'],
      ]) {
        const { code, err } = await run(dataDir, ...args);
        assert.equal(code, 1);
        assert.match(err, /must be a month|no such organisation/);
      }
    });
  });
});
