import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inFolder, receipt } from '../../test/store-kit.ts';
import { asRecord, parseJson } from '../lib/json.ts';
import { ok } from '../lib/result.ts';
import { openBooks } from '../store/books/books.ts';
import { receiptText } from '../store/journal-entry.ts';
import { openJournal } from '../store/journal.ts';
import type { Receipt } from '../store/ports.ts';
import { loadCatalog } from './catalog-file.ts';
import { loadConfiguration } from './configuration.ts';
import type { CommandIo } from './io.ts';
import { ledgerCommand } from './ledger.ts';
import { repriceKnown } from './reprice-known.ts';

const AT = Date.parse('2026-11-20T08:30:00Z');

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(words: readonly string[], dataDir: string): Promise<Ran> {
  let [out, err] = ['', ''];
  const io: CommandIo = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    env: { TURNOUT_DATA: dataDir },
    cwd: dataDir,
    isTerminal: false,
  };
  return { code: await ledgerCommand(words, io), out, err };
}

async function withReceipts(receipts: readonly Receipt[], test: (dataDir: string) => Promise<void>): Promise<void> {
  await inFolder(async (dataDir) => {
    const books = await openBooks({ dataDir, busyMs: 1000 });
    await books.createKey({ id: 'key_a', name: 'a', isRoot: false, createdAtMs: 1, tags: [], hash: 'h' });
    const journal = openJournal(dataDir, 'p1');
    for (const one of receipts) journal.append(receiptText('settled', one));
    await books.endProcess('p1', 1);
    await books.close();
    await test(dataDir);
  });
}

const { costNanoUsd: _, ...unpriced } = receipt('att_1', {
  provider: 'house',
  model: 'm',
  target: 'house/m',
  atMs: AT,
});
const CONFIG = `
providers:
  house: { dialect: openai-chat, base_url: http://127.0.0.1:9/v1, models: { m: { price: { input: 2, output: 10 } } } }
billing:
  plan: [{ models: house, basis_points: 2000, fixed_usd: "0.01" }]
`;

/** What all attempts are charged, by the one plan there is. */
async function charged(dataDir: string): Promise<bigint | undefined> {
  const books = await openBooks({ dataDir, busyMs: 1000 });
  const report = await books.usageBy({ by: ['provider'] });
  await books.close();
  return report?.total.charge_nano_usd;
}

describe('turnout ledger reprice', () => {
  it('books what a price that is known now makes of a receipt', async () => {
    await withReceipts([unpriced], async (dir) => {
      writeFileSync(join(dir, 'turnout.yaml'), CONFIG);
      const dry = await run(['reprice', '--config', 'turnout.yaml', '--dry-run'], dir);
      assert.match(dry.out, /house +m +1 +0\.0004\n\nnothing was booked/, dry.err);
      const { out } = await run(['reprice', '--config', 'turnout.yaml', '--json'], dir);
      const priced = '{"provider":"house","model":"m","receipts":1,"cost_nano_usd":400000}';
      assert.equal(out, `{"dry_run":false,"priced":[${priced}],"unknown":[]}\n`);
      assert.match((await run(['reprice', '--config', 'turnout.yaml'], dir)).out, /every receipt has a price/);
      assert.match((await run(['verify'], dir)).out, /1 receipts, 0\.0004 USD spent: all balances agree/);
      // A fifth more than 400,000, and a cent.
      assert.equal(await charged(dir), 10_480_000n);
    });
  });

  it('is done by a gateway when a configuration brings the price', async () => {
    await withReceipts([unpriced], async (dir) => {
      writeFileSync(join(dir, 'turnout.yaml'), CONFIG);
      const options = {
        file: join(dir, 'turnout.yaml'),
        env: {},
        catalog: loadCatalog(dir),
        fallbackProviders: {},
        today: '2026-11-20',
      };
      const loaded = await loadConfiguration(options);
      assert.ok(loaded.ok);
      const books = await openBooks({ dataDir: dir, busyMs: 1000 });
      const told: unknown[] = [];
      const log = (_level: string, text: string, fields: unknown): void => void told.push([text, fields]);
      const store = {
        reports: async <T>(ask: (asked: typeof books) => Promise<T>) => ok(await ask(books)),
        people: { org: () => undefined },
        plans: { rulesOf: () => undefined },
      };
      await repriceKnown(loaded.value, store, log);
      await repriceKnown(loaded.value, store, log);
      assert.deepEqual(told, [
        ['a price became known', { provider: 'house', model: 'm', receipts: 1, cost_usd: '0.0004' }],
      ]);
      assert.equal((await books.usage({})).total_nano_usd, 400_000n);
      await books.close();
      assert.equal(await charged(dir), 10_480_000n);
    });
  });
});

describe('turnout ledger reconcile', () => {
  const receipts = [
    receipt('att_1', { atMs: AT, costNanoUsd: 1_000_000_000n }),
    receipt('att_2', { atMs: AT, costNanoUsd: 500_000_000n, isEstimated: true }),
  ];
  const csv = (cost: string): string =>
    `day,model,input_tokens,output_tokens,cost_usd\n2026-11-20,gpt-5-mini-2025-08-07,200,40,${cost}\n`;

  it('agrees where both books do', async () => {
    await withReceipts(receipts, async (dir) => {
      writeFileSync(join(dir, 'export.csv'), csv('1.5'));
      const { code, out } = await run(['reconcile', '--provider', 'openai', '--file', 'export.csv'], dir);
      assert.match(out, /2026-11-20 +gpt-5-mini +1\.5 +1\.5 +0 +0 +0 +ok\n\nall 1 agree \(tolerance 1%\)/);
      assert.equal(code, 0);
    });
  });

  it('tells the drift and why, exits with 1, and puts an alert', async () => {
    await withReceipts(receipts, async (dir) => {
      writeFileSync(join(dir, 'export.csv'), csv('1.6'));
      const words = ['reconcile', '--provider', 'openai', '--file', 'export.csv', '--json'];
      const { code, out } = await run(words, dir);
      assert.equal(code, 1);
      assert.match(
        out,
        /"drift":\{"input_tokens":0,"output_tokens":0,"cost_nano_usd":-100000000\},"reasons":\["1 counted by us"\]/,
      );
      assert.equal(asRecord(parseJson(out))?.['ok'], false);
      assert.equal((await run([...words, '--tolerance', '7'], dir)).code, 0);
      const books = await openBooks({ dataDir: dir, busyMs: 1000 });
      const { alerts } = await books.listAlerts({ kind: 'reconciliation', limitMax: 9 });
      assert.deepEqual(
        alerts.map(({ subject, body }) => [subject, body['drift_usd']]),
        [['openai/gpt-5-mini 2026-11-20', '-0.1']],
      );
      await books.close();
    });
  });

  it('says what is wrong with its words and its file', async () => {
    await withReceipts(receipts, async (dir) => {
      writeFileSync(join(dir, 'export.csv'), csv('1.5'));
      writeFileSync(join(dir, 'no.json'), '{"error":{}}');
      const of = ['reconcile', '--provider', 'openai', '--file'];
      assert.equal((await run(['reconcile'], dir)).code, 2);
      const mistyped = await run(['reconcile', '--provider', 'opnai', '--file', 'export.csv'], dir);
      assert.equal(mistyped.code, 1);
      assert.match(mistyped.err, /nothing was ever asked of a provider "opnai" here\. Do you mean openai\?/);
      assert.equal((await run([...of, 'export.csv', '--from', 'yesterday'], dir)).code, 2);
      assert.equal((await run(['verify', '--file', 'x'], dir)).code, 2);
      assert.match((await run([...of, 'no.json'], dir)).err, /neither a usage or cost report/);
      assert.match((await run([...of, 'export.csv', '--from', '2026-11-21'], dir)).err, /no line of those days/);
    });
  });
});
