import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { ask, inStore, POSTGRES, useStore, type StorePlace } from '../../../test/stores.ts';
import { spendOnce, valueOf } from '../../../test/store-kit.ts';
import type { Books } from './form.ts';
import { openBooksThread } from './client.ts';
import { openBooks } from './books.ts';
import { openStore } from '../store.ts';
import { proveLife } from './postgres-life.ts';
import { troubleOf } from './sqlite.ts';

const AT = 1_795_000_000_000;
useStore(POSTGRES);
const UNTIL_MS = 20_000;

const open = async (place: StorePlace, more: { processId?: string } = {}): Promise<Books> =>
  openBooks({ ...place, busyMs: 100, ...more });

async function inDatabase(run: (place: { readonly dataDir: string; readonly url: string }) => Promise<void>) {
  await inStore(async ({ dataDir, url = '' }) => run({ dataDir, url }));
}

async function newKey(books: Books, id: string, budgetNanoUsd: bigint): Promise<void> {
  await books.createKey({ id, name: id, isRoot: false, createdAtMs: AT, tags: [], hash: id, budgetNanoUsd });
}

/** Waits until it is so. Fails where it never is. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + UNTIL_MS;
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, 'it did not come to be');
    await delay(20);
  }
}

async function problem(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('a database of PostgreSQL', { skip: POSTGRES.skip }, () => {
  it('is made once by several that start together', async () => {
    await inDatabase(async (place) => {
      const opened = [1, 2, 3].map(() => openBooksThread({ ...place, busyMs: 100 }));
      await Promise.all(opened.map(async (books) => books.keyChanges(0n)));
      const again = await open(place);
      assert.deepEqual((await again.verify()).problems, []);
      await Promise.all([...opened, again].map(async (books) => books.close()));
    });
  });

  it('is refused when a newer Turnout wrote it, and when it is half of one', async () => {
    await inDatabase(async (place) => {
      await (await open(place)).close();
      await ask(place.url, `insert into kysely_migration values ('9999-of-tomorrow', '2030-01-01T00:00:00Z')`);
      await assert.rejects(open(place), /newer Turnout \(9999-of-tomorrow\).*backup/);
      await ask(place.url, `delete from kysely_migration where name like '9999%' or name like '0003%'`);
      await assert.rejects(open(place), /Restore its backup.*lacks the step 0003-batches/);
      await ask(place.url, `drop table kysely_migration`);
      await assert.rejects(open(place), /not as any Turnout leaves them/);
    });
  });

  it('keeps integers beyond 32 bits wherever SQLite does', async () => {
    await inDatabase(async (place) => {
      await (await open(place)).close();
      const narrow = await ask(
        place.url,
        `select table_name, column_name from information_schema.columns
         where table_schema = 'public' and table_name not like 'kysely%' and data_type in ('integer', 'smallint')`,
      );
      assert.deepEqual(narrow, []);
    });
  });

  it('hands out no more than a budget to many that draw at the same moment', async () => {
    await inDatabase(async (place) => {
      const all = await Promise.all([1, 2, 3].map(async () => open(place)));
      const [first] = all;
      assert.ok(first !== undefined);
      await newKey(first, 'k', 100_000n);
      const draws = all.flatMap((books, node) =>
        Array.from({ length: 40 }, async (_, at) => {
          const needNanoUsd = BigInt(1 + ((at * 7919 + node * 104_729) % 3000));
          return books.draw({ processId: `p${node}`, purseId: 'k', needNanoUsd, leastNanoUsd: 1n, atMs: AT });
        }),
      );
      const given = (await Promise.all(draws)).reduce((sum, draw) => sum + draw.givenNanoUsd, 0n);
      assert.equal(given, 100_000n);
      assert.deepEqual((await first.verify()).problems, []);
      await Promise.all(all.map(async (books) => books.close()));
    });
  });

  it('shows changes of keys in the order of their revisions, whoever made them', async () => {
    await inDatabase(async (place) => {
      const all = await Promise.all([1, 2].map(async () => open(place)));
      const reader = await open(place);
      let isOver = false;
      const seen: string[] = [];
      const reading = (async () => {
        let known = 0n;
        for (;;) {
          const last = isOver;
          for (const row of await reader.keyChanges(known)) {
            seen.push(row.id);
            known = row.revision;
          }
          if (last) return;
        }
      })();
      await Promise.all(
        all.flatMap((books, node) => Array.from({ length: 40 }, async (_, at) => newKey(books, `k${node}_${at}`, 5n))),
      );
      isOver = true;
      await reading;
      assert.equal(new Set(seen).size, 80, 'none was passed over');
      assert.deepEqual((await reader.verify()).problems, [], 'and the audit log is one chain');
      await Promise.all([...all, reader].map(async (books) => books.close()));
    });
  });

  it('says "busy" while another transaction has the purse, and "away" when its connections are cut', async () => {
    await inDatabase(async (place) => {
      const books = await open(place);
      await newKey(books, 'k', 100n);
      const other = new Client({ connectionString: place.url });
      other.on('error', () => undefined);
      await other.connect();
      await other.query(`begin; lock table accounts in access exclusive mode`);
      const order = { processId: 'p', purseId: 'k', needNanoUsd: 1n, leastNanoUsd: 1n, atMs: AT };
      const waiting = problem(books.draw(order));
      await until(async () => {
        const rows = await ask(place.url, `select 1 from pg_locks where not granted`);
        return rows.length > 0;
      });
      const cut = `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database() and application_name = 'turnout'`;
      await ask(place.url, cut);
      assert.equal(troubleOf(await waiting), 'away');
      assert.equal(troubleOf(await problem(books.draw(order))), 'busy');
      await other.end();
      assert.equal((await books.draw(order)).givenNanoUsd, 12n);
      await books.close();
    });
  });

  it('says "away" where nobody listens', async () => {
    await inDatabase(async ({ dataDir }) => {
      assert.equal(troubleOf(await problem(open({ dataDir, url: 'postgres://turnout@127.0.0.1:1/none' }))), 'away');
    });
  });
});

/** Between a process and its database: passes everything on, until it passes nothing any more, as a server that is frozen. */
async function freezable(url: string): Promise<{ readonly url: string; freeze(): void; close(): void }> {
  const { hostname, port } = new URL(url);
  const ends = new Set<Socket>();
  let isFrozen = false;
  const server = createServer((inner) => {
    const outer = connect(Number(port), hostname);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      ends.add(from);
      from.on('data', (bytes: Buffer) => {
        if (!isFrozen) to.write(bytes);
      });
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  return {
    url: through.href,
    freeze: () => {
      isFrozen = true;
    },
    close: () => {
      server.close();
      for (const end of ends) end.destroy();
    },
  };
}

describe('a store on PostgreSQL', { skip: POSTGRES.skip }, () => {
  it('ends in time where its database does not answer, and what was spent is taken in by the next one', async () => {
    await inDatabase(async (place) => {
      const between = await freezable(place.url);
      const closeMs = 500;
      const store = await openStore({ ...place, url: between.url, now: () => AT }, { patienceMs: 1000, closeMs });
      const { row } = valueOf(await store.keys.create({ name: 'a', budgetNanoUsd: 10_000n }));
      await spendOnce(store.ledger, row, { attemptId: 'before', worst: 100n, cost: 70n });
      between.freeze();
      assert.equal(await spendOnce(store.ledger, row, { attemptId: 'frozen', worst: 100n, cost: 60n }), undefined);
      const beganMs = performance.now();
      await store.close();
      const tookMs = performance.now() - beganMs;
      between.close();
      assert.ok(tookMs < closeMs + 4000, `it took ${tookMs} ms`);
      const again = await openStore({ ...place, now: () => AT });
      const report = valueOf(await again.verify());
      assert.deepEqual([report.problems, report.spent_nano_usd], [[], 130n]);
      await again.close();
    });
  });
});

describe('the life of a process on PostgreSQL', { skip: POSTGRES.skip }, () => {
  const batch = (id: string): Parameters<Books['putBatch']>[0] => ({
    id,
    keyId: 'k',
    form: 'openai',
    endpoint: '/v1/embeddings',
    inputFileId: 'f',
    keepMs: 5,
    createdAtMs: AT,
    expiresAtMs: AT,
  });
  const claimed = async (books: Books, processId: string): Promise<readonly string[]> =>
    (await books.claimBatches(processId)).map((one) => one.id);

  it('lasts over a lost session, and ends with the process', async () => {
    await inDatabase(async (place) => {
      const books = await open(place, { processId: 'one' });
      const other = await openBooks({ ...place, busyMs: 100, processId: 'two', deadAfterMs: 2500 });
      await books.putBatch(batch('batch_1'), 3);
      assert.deepEqual(await claimed(books, 'one'), ['batch_1']);
      const session = `select pid from pg_stat_activity where application_name = 'turnout one'`;
      const before = await ask(place.url, session);
      await ask(place.url, `select pg_terminate_backend(pid) from (${session}) as lives`);
      assert.deepEqual(await claimed(other, 'two'), [], 'without a session for a moment');
      await until(async () => {
        const now = await ask(place.url, session);
        return now.length === 1 && JSON.stringify(now) !== JSON.stringify(before);
      });
      assert.deepEqual(await claimed(other, 'two'), [], 'taken again');
      await books.close();
      assert.deepEqual(await claimed(other, 'two'), [], 'not at once');
      await until(async () => (await claimed(other, 'two')).length > 0);
      await other.close();
    });
  });

  it('is not over where its session was gone at two moments with the server away between them', async () => {
    await inDatabase(async (place) => {
      const books = await open(place, { processId: 'one' });
      const other = await openBooks({ ...place, busyMs: 100, processId: 'two', deadAfterMs: 1000 });
      await books.putBatch(batch('batch_1'), 3);
      assert.deepEqual(await claimed(books, 'one'), ['batch_1']);
      const session = `select pid from pg_stat_activity where application_name = 'turnout one'`;
      const lose = async (): Promise<void> => {
        await until(async () => (await ask(place.url, session)).length === 1);
        await ask(place.url, `select pg_terminate_backend(pid, 1000) from (${session}) as lives`);
      };
      await lose();
      assert.deepEqual(await claimed(other, 'two'), []);
      await delay(1100);
      await lose();
      assert.deepEqual(await claimed(other, 'two'), [], 'it lives');
      await Promise.all([books, other].map(async (one) => one.close()));
    });
  });

  it('leaves no connection behind where it cannot be proven, and does not go on trying', async (test) => {
    let asked = 0;
    const server = createServer((socket) => {
      asked += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    test.after(() => server.close());
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    await assert.rejects(proveLife(`postgres://turnout@127.0.0.1:${address.port}/none`, 'one'));
    await delay(1500);
    assert.equal(asked, 1);
    await inDatabase(async (place) => {
      const name = new URL(place.url).pathname.slice(1);
      await ask(place.url, `create role ${name} login password 'x' connection limit 1`);
      try {
        await ask(place.url, `alter database ${name} owner to ${name}`);
        const url = new URL(place.url);
        Object.assign(url, { username: name, password: 'x' });
        const failed = await problem(open({ ...place, url: url.href }, { processId: 'one' }));
        assert.equal(troubleOf(failed), 'away', String(failed));
        const failedMs = performance.now();
        const sessions = `select pid from pg_stat_activity where usename = '${name}'`;
        await until(async () => (await ask(place.url, sessions)).length === 0);
        // Not only when the pool finds it idle, after ten seconds: until then it would be in the way of the next try.
        assert.ok(performance.now() - failedMs < 5000);
      } finally {
        await ask(place.url, `reassign owned by ${name} to current_user; drop owned by ${name}; drop role ${name}`);
      }
    });
  });
});
