import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { inFolder, receipt } from '../../test/store-kit.ts';
import { parseCsv } from '../lib/csv.ts';
import { asRecord, parseJson } from '../lib/json.ts';
import { openBooks } from '../store/books/books.ts';
import { receiptText } from '../store/journal-entry.ts';
import { openJournal } from '../store/journal.ts';
import type { Receipt } from '../store/ports.ts';
import type { CommandIo } from './io.ts';
import { ledgerCommand } from './ledger.ts';
import { usageCommand } from './usage.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The most that was printed at once. */
  readonly longest: number;
}

async function run(words: readonly string[], dataDir: string, command = usageCommand): Promise<Ran> {
  let [out, err, longest] = ['', '', 0];
  const io: CommandIo = {
    stdout: (text) => {
      out += text;
      longest = Math.max(longest, text.length);
    },
    stderr: (text) => {
      err += text;
    },
    env: { TURNOUT_DATA: dataDir },
    cwd: dataDir,
    isTerminal: false,
  };
  return { code: await command(words, io), out, err, longest };
}

async function withReceipts(receipts: readonly Receipt[], test: (dataDir: string) => Promise<void>): Promise<void> {
  await inFolder(async (dataDir) => {
    const books = await openBooks({ dataDir, busyMs: 1000 });
    for (const id of ['key_a', 'key_b'])
      await books.createKey({ id, name: `=${id}`, isRoot: false, createdAtMs: 1, tags: [], hash: id });
    const journal = openJournal(dataDir, 'p1');
    for (const one of receipts) journal.append(receiptText('settled', one));
    await books.endProcess('p1', 1);
    await books.close();
    await test(dataDir);
  });
}

const AT = Date.parse('2026-11-20T08:30:00Z');
const big = 9_007_199_254_740_993n;
const SOME = [
  receipt('att_1', { atMs: AT, costNanoUsd: 4_000_000_000n }),
  receipt('att_2', { atMs: AT, costNanoUsd: 1_000_000_000n, keyId: 'key_b', model: '=cmd()' }),
  receipt('att_3', { atMs: AT + 86_400_000, costNanoUsd: big, keyId: 'key_b', provider: 'groq' }),
];

describe('turnout usage --by', () => {
  it('shows a table with bars, the dearest first', async () => {
    await withReceipts(SOME, async (dir) => {
      const { out, code } = await run(['--by', 'key,model', '--until', '2026-11-21'], dir);
      assert.equal(code, 0);
      const lines = out.split('\n');
      assert.match(lines[1] ?? '', /^=key_a +gpt-5-mini +1 +100 +20 +4 +█{20}$/);
      assert.match(lines[2] ?? '', /^=key_b +=cmd\(\) +1 +100 +20 +1 +█{5}$/);
      assert.match(out, /\n2 attempts, 5 USD until 2026-11-21T00:00:00\.000Z\n$/);
    });
  });

  it('prints JSON with every digit of the money', async () => {
    await withReceipts(SOME, async (dir) => {
      const { out } = await run(['--by', 'provider,day', '--json', '--since', '2026-11-21'], dir);
      assert.equal(
        out,
        `{"groups":[{"provider":"groq","day":"2026-11-21","receipts":1,"unpriced":0,"input_tokens":100,` +
          `"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":20,"reasoning_tokens":0,` +
          `"cost_nano_usd":${big},"charge_nano_usd":${big}}],"since":"2026-11-21T00:00:00.000Z","groups_total":1,` +
          `"total":{"receipts":1,"unpriced":0,"input_tokens":100,"cached_input_tokens":0,"cache_write_tokens":0,` +
          `"output_tokens":20,"reasoning_tokens":0,"cost_nano_usd":${big},"charge_nano_usd":${big}}}\n`,
      );
    });
  });

  it('writes CSV that is no formula, in dollars', async () => {
    await withReceipts(SOME, async (dir) => {
      const { out } = await run(['--by', 'key,model', '--csv'], dir);
      const [head, ...rows] = parseCsv(out);
      assert.deepEqual(head?.slice(0, 3), ['key', 'key_name', 'model']);
      assert.deepEqual(head?.slice(-2), ['cost_usd', 'charge_usd']);
      assert.deepEqual(rows[2]?.slice(0, 3), ['key_b', "'=key_b", "'=cmd()"]);
      assert.deepEqual(rows[0]?.slice(-2), ['9007199.254740993', '9007199.254740993']);
    });
  });

  it('tells what it does not know', async () => {
    await withReceipts([], async (dir) => {
      assert.match((await run(['--by', 'colour'], dir)).err, /cannot be told by "colour"; there are org, team/);
      for (const words of [
        ['--by', 'key,key'],
        ['--by', 'org,team,user,key,route,model'],
        ['--by', 'key', '--csv', '--json'],
        ['--until', '24h'],
        ['--by', 'key', '--until', 'soon'],
      ])
        assert.equal((await run(words, dir)).code, 2, words.join(' '));
    });
  });
});

describe('an export of receipts', () => {
  const many = Array.from({ length: 2500 }, (_, index) => receipt(`att_${index}`, { atMs: AT + index }));

  it('has every row once, and is written as it is read', async () => {
    await withReceipts(many, async (dir) => {
      const csv = await run(['--csv'], dir);
      const [head, ...rows] = parseCsv(csv.out);
      assert.deepEqual(head?.slice(0, 3), ['id', 'at', 'request_id']);
      assert.equal(new Set(rows.map((row) => row[0])).size, many.length);
      assert.equal(rows.length, many.length);
      assert.ok(csv.longest < 1000, 'a row at a time');
      const jsonl = await run(['--jsonl', '--since', new Date(AT + 2490).toISOString()], dir);
      const lines = jsonl.out.trimEnd().split('\n');
      assert.equal(lines.length, 10);
      assert.equal(asRecord(parseJson(lines[0] ?? ''))?.['id'], 'att_2490');
    });
  });

  it('can be read back from Parquet, digit by digit', async () => {
    await withReceipts(SOME, async (dir) => {
      assert.equal((await run(['--parquet', 'usage.parquet'], dir)).code, 0);
      const bytes = readFileSync(join(dir, 'usage.parquet'));
      const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      assert.ok(file instanceof ArrayBuffer);
      const rows = await parquetReadObjects({ file });
      assert.equal(rows.length, 3);
      const last = rows[2];
      assert.deepEqual(last?.['at'], new Date(AT + 86_400_000));
      assert.equal(last?.['cost_nano_usd'], big);
      assert.equal(last?.['input_tokens'], 100n);
      assert.equal(last?.['cached_input_tokens'] ?? null, null);
      assert.equal(last?.['estimated'], false);
      assert.deepEqual(last?.['tags'], []);
      assert.equal(rows[1]?.['model'], '=cmd()');
    });
  });

  it('splits a long Parquet file into groups', async () => {
    const long = Array.from({ length: 20_001 }, (_, index) => receipt(`att_${index}`, { atMs: AT + index }));
    await withReceipts(long, async (dir) => {
      await run(['--parquet', 'usage.parquet'], dir);
      const bytes = readFileSync(join(dir, 'usage.parquet'));
      const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      assert.ok(file instanceof ArrayBuffer);
      const rows = await parquetReadObjects({ file, columns: ['id'] });
      assert.equal(new Set(rows.map((row) => row['id'])).size, long.length);
    });
  });
});

describe('turnout ledger rebuild', () => {
  it('makes the sums anew', async () => {
    await withReceipts(SOME, async (dir) => {
      const { out, code } = await run(['rebuild', '--json'], dir, ledgerCommand);
      assert.equal(out, '{"lines":3}\n');
      assert.equal(code, 0);
    });
  });
});
