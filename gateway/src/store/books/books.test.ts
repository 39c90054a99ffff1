import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { billingContract } from '../../../test/billing-contract.ts';
import { booksContract } from '../../../test/books-contract.ts';
import { revisionsContract } from '../../../test/revisions-contract.ts';
import { rowOrgsContract } from '../../../test/row-orgs-contract.ts';
import { inFolder } from '../../../test/store-kit.ts';
import { STORES, type StorePlace } from '../../../test/stores.ts';
import type { BooksOptions } from './form.ts';
import { openBooksThread } from './client.ts';
import { DATABASE, openBooks } from './books.ts';
import { troubleOf, type Trouble } from './sqlite.ts';

for (const kind of STORES) {
  const options = (place: StorePlace): BooksOptions => ({ ...place, busyMs: 1000, deadAfterMs: 0 });
  booksContract({ name: kind.name, kind }, async (place) => openBooks(options(place)));
  billingContract({ name: kind.name, kind }, async (place) => openBooks(options(place)));
  rowOrgsContract(kind, async (place) => openBooks(options(place)));
  revisionsContract(kind, async (place) => openBooksThread(options(place)));
  booksContract({ name: `${kind.name} in a thread of its own`, kind }, async (place) =>
    openBooksThread(options(place)),
  );
}

async function troubleWith(ask: () => Promise<unknown>): Promise<Trouble | undefined | 'none'> {
  try {
    await ask();
    return 'none';
  } catch (error) {
    return troubleOf(error);
  }
}

/** Both answers are there before either is read: a loop that is held up meets them in one turn. Node ends with 13 where it waits for what never comes. */
const CLOSING = `
  const { openBooksThread } = await import(process.argv[1]);
  const books = openBooksThread({ dataDir: process.argv[2], busyMs: 50 });
  await books.keyChanges(0n);
  const closed = books.close();
  const late = books.keyChanges(0n).catch(() => undefined);
  for (const untilMs = performance.now() + 300; performance.now() < untilMs; );
  await closed;
  await late;
`;

describe('the database file', () => {
  it('is for its owner only', async () => {
    await inFolder(async (dataDir) => {
      const books = await openBooks({ dataDir, busyMs: 1000 });
      await books.keyChanges(0n);
      for (const name of [DATABASE, `${DATABASE}-wal`])
        assert.equal(statSync(join(dataDir, name)).mode & 0o077, 0, name);
      await books.close();
    });
  });

  it('is refused when a newer Turnout wrote it', async () => {
    await inFolder(async (dataDir) => {
      await (await openBooks({ dataDir, busyMs: 1000 })).close();
      const database = new DatabaseSync(join(dataDir, DATABASE));
      database.exec(`insert into kysely_migration values ('9999-of-tomorrow', '2030-01-01T00:00:00Z')`);
      database.close();
      await assert.rejects(openBooks({ dataDir, busyMs: 1000 }), /newer Turnout \(9999-of-tomorrow\)/);
    });
  });

  it('may be made by two processes at once', async () => {
    await inFolder(async (dataDir) => {
      const opened = [1, 2, 3].map(() => openBooksThread({ dataDir, busyMs: 5000 }));
      await Promise.all(opened.map(async (books) => books.keyChanges(0n)));
      await Promise.all(opened.map(async (books) => books.close()));
    });
  });

  it('closes to the end, also where a late call is answered beside the last one', async () => {
    await inFolder(async (dataDir) => {
      const client = new URL('./client.ts', import.meta.url).href;
      const child = spawn(process.execPath, ['--input-type=module', '-e', CLOSING, client, dataDir], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const said = text(child.stderr);
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0, await said);
    });
  });

  it('says "busy" while another writer has it, and lets readers read', async () => {
    await inFolder(async (dataDir) => {
      const books = await openBooks({ dataDir, busyMs: 20 });
      const other = new DatabaseSync(join(dataDir, DATABASE));
      other.exec('begin immediate');
      const order = { processId: 'p', purseId: 'k', needNanoUsd: 1n, leastNanoUsd: 1n, atMs: 1 };
      assert.equal(await troubleWith(async () => books.draw(order)), 'busy');
      assert.equal(await troubleWith(async () => books.keyChanges(0n)), 'none');
      other.exec('commit');
      other.close();
      assert.equal(await troubleWith(async () => books.draw(order)), 'none');
      await books.close();
    });
  });

  it('says "away" while it is gone or another stands in its place, and works again when it is back', async () => {
    await inFolder(async (dataDir) => {
      const books = await openBooks({ dataDir, busyMs: 20 });
      const path = join(dataDir, DATABASE);
      renameSync(path, `${path}.away`);
      assert.equal(await troubleWith(async () => books.keyChanges(0n)), 'away');
      writeFileSync(path, '');
      assert.equal(await troubleWith(async () => books.keyChanges(0n)), 'away');
      renameSync(`${path}.away`, path);
      assert.equal(await troubleWith(async () => books.keyChanges(0n)), 'none');
      await books.close();
    });
  });

  it('says "corrupt" of a file that is no database', async () => {
    await inFolder(async (dataDir) => {
      writeFileSync(join(dataDir, DATABASE), 'not a database at all, but long enough to look at it'.repeat(100));
      assert.equal(await troubleWith(async () => openBooks({ dataDir, busyMs: 20 })), 'corrupt');
      const inThread = openBooksThread({ dataDir, busyMs: 20 });
      assert.equal(await troubleWith(async () => inThread.keyChanges(0n)), 'corrupt');
      await inThread.close().catch(() => undefined);
    });
  });
});

/** Breaks one thing in a good ledger and gives what `verify` says. */
async function problemsAfter(sql: string): Promise<readonly string[]> {
  let problems: readonly string[] = [];
  await inFolder(async (dataDir) => {
    const books = await openBooks({ dataDir, busyMs: 1000 });
    await books.createKey({
      id: 'k',
      name: 'k',
      isRoot: false,
      createdAtMs: 1,
      tags: [],
      hash: 'h',
      budgetNanoUsd: 1000n,
    });
    await books.draw({ processId: 'p', purseId: 'k', needNanoUsd: 300n, leastNanoUsd: 1n, atMs: 1 });
    const database = new DatabaseSync(join(dataDir, DATABASE));
    database.exec(`pragma foreign_keys = off; pragma ignore_check_constraints = on; ${sql}`);
    database.close();
    const report = await books.verify();
    assert.equal(report.ok, report.problems.length === 0);
    problems = report.problems;
    await books.close();
  });
  return problems;
}

describe('the proof of the ledger', () => {
  const receiptSql = (cost: string, posting = '1', key = 'k'): string =>
    `insert into receipts (id, posting_id, request_id, key_id, provider, model, target, outcome, is_estimated, cost_nano_usd, at)
     values ('r', ${posting}, 'q', '${key}', 'p', 'm', 't', 'answered', 0, ${cost}, 1)`;
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      'a balance that its transfers do not make',
      `update accounts set balance = balance + 1 where kind = 'funds'`,
      /account funds of k/,
    ],
    [
      'money that came from nowhere',
      `update accounts set balance = balance + 1 where kind = 'lease'`,
      /sum to 0.000000001 USD, not to zero/,
    ],
    ['a receipt that was added by hand', receiptSql('7'), /receipts sum to 0.000000007 USD/],
    ['a receipt of a key that never was', receiptSql('0', '1', 'ghost'), /receipt r belongs to no key/],
    ['a receipt without a posting', receiptSql('0', '99'), /receipt r belongs to no key or posting/],
    ['a negative receipt', receiptSql('-7'), /impossible cost/],
    ['a transfer that was taken away', `delete from transfers where kind = 'draw'`, /account lease of k/],
    [
      'a transfer of a kind that is none',
      `update transfers set kind = 'gift' where kind = 'draw'`,
      /is not one that the ledger makes/,
    ],
    [
      'a budget that was changed by hand',
      `update keys set budget_nano_usd = 5000`,
      /was granted 0.000001 USD, its budget is 0.000005 USD/,
    ],
    ['a lease below nothing', `update accounts set balance = -5 where kind = 'lease'`, /less than nothing/],
    [
      'funds below nothing without a reason',
      `update accounts set balance = -5 where kind = 'funds'`,
      /only 0 USD is accounted for/,
    ],
  ];
  for (const [name, sql, expected] of cases) {
    it(`finds ${name}`, async () => {
      assert.match((await problemsAfter(sql)).join('\n'), expected);
    });
  }

  it('finds nothing where nothing is wrong', async () => {
    assert.deepEqual(await problemsAfter(''), []);
  });
});
