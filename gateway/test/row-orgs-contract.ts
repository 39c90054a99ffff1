/** Requests and audit entries belong to organisations: in a new store, and in one that an older Turnout wrote. For every database. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { DATABASE } from '../src/store/books/books.ts';
import type { Books } from '../src/store/books/form.ts';
import { receiptText } from '../src/store/journal-entry.ts';
import { openJournal } from '../src/store/journal.ts';
import { receipt } from './store-kit.ts';
import { ask, type StorePlace, type TestStore } from './stores.ts';

const AT = 1_795_000_000_000;
const DEED = { atMs: AT, by: 'cli' };
const OLD = { at: AT, by: 'cli', action: 'key.created', subject: 'key_old', changes: '{"name":"old"}' };

/** As entries were hashed before they had an organisation. */
const OLD_HASH = createHash('sha256')
  .update(JSON.stringify(['', '1', OLD.at.toString(), OLD.by, OLD.action, OLD.subject, OLD.changes]))
  .digest('hex');

/** What the step has done, undone. */
const UNDO = [
  'drop index requests_org_id',
  'drop index audit_org',
  'drop index receipts_org',
  ...['narrow', 'key_id', 'outcome', 'route', 'model'].flatMap((name) => [
    `drop index requests_${name}`,
    `create index requests_${name} on requests (seq)`,
  ]),
  'alter table requests drop column org_id',
  'alter table audit drop column org_id',
  'delete from audit',
  `insert into audit (seq, at, by, action, subject, changes, hash)
   values (1, ${OLD.at}, '${OLD.by}', '${OLD.action}', '${OLD.subject}', '${OLD.changes}', '${OLD_HASH}')`,
  'alter table receipts drop column is_first',
  ...['usage_hours', 'usage_days'].flatMap((table) => [
    `alter table ${table} drop column requests`,
    `alter table ${table} drop column credits_nano_usd`,
  ]),
  `delete from kysely_migration where name >= '0009-orgs-of-rows'`,
];

async function run({ dataDir, url }: StorePlace, statements: readonly string[]): Promise<void> {
  if (url !== undefined) {
    await ask(url, statements.join(';\n'));
    return;
  }
  const database = new DatabaseSync(join(dataDir, DATABASE));
  for (const statement of statements) database.exec(statement);
  database.close();
}

async function newKey(books: Books, id: string, orgId?: string): Promise<void> {
  const key = { id, name: id, isRoot: false, createdAtMs: AT, tags: [], hash: `hash ${id}` };
  await books.createKey(orgId === undefined ? key : { ...key, orgId }, 'cli');
}

const request = (id: string, keyId: string) => ({
  id,
  keyId,
  atMs: AT,
  outcome: 'ok',
  words: id,
  body: `{"id":"${id}"}`,
});

async function idsOf(books: Books, orgId?: string, search?: string): Promise<readonly unknown[]> {
  const query = {
    limitMax: 10,
    ...(orgId === undefined ? {} : { orgId }),
    ...(search === undefined ? {} : { search }),
  };
  return (await books.listRequests(query)).records.map((record) => record['id']);
}

/** Two organisations, each with a key and a request of it; a key that is gone, and one that has no row. */
async function fill(books: Books): Promise<void> {
  for (const org of ['org_a', 'org_b']) {
    await books.createOrg(org, { name: org }, DEED);
    await newKey(books, `key_${org}`, org);
  }
  await newKey(books, 'key_gone', 'org_a');
  await books.removeKey('key_gone', DEED);
  await books.putRequests([
    request('req_a', 'key_org_a'),
    request('req_b', 'key_org_b'),
    request('req_gone', 'key_gone'),
    request('req_root', 'root'),
  ]);
}

async function told(books: Books): Promise<void> {
  assert.deepEqual(await idsOf(books, 'org_a'), ['req_gone', 'req_a']);
  assert.deepEqual(await idsOf(books, 'org_a', 'req_'), ['req_gone', 'req_a']);
  assert.deepEqual(await idsOf(books, 'org_b'), ['req_b']);
  assert.deepEqual(await idsOf(books, 'default'), []);
  assert.equal((await idsOf(books)).length, 4);
  assert.equal((await books.getRequest('req_gone'))?.orgId, 'org_a');
  assert.equal((await books.getRequest('req_root'))?.orgId, undefined);
}

/** Registers the suite for one database. */
export function rowOrgsContract(kind: TestStore, open: (place: StorePlace) => Promise<Books>): void {
  describe(`rows of organisations: ${kind.name}`, { skip: kind.skip }, () => {
    const inPlace = async (work: (place: StorePlace) => Promise<void>): Promise<void> => {
      const { place, remove } = await kind.make();
      try {
        await work(place);
      } finally {
        await remove();
      }
    };

    it('are of the organisation of their key or subject, also where the key is gone', async () => {
      await inPlace(async (place) => {
        const books = await open(place);
        await fill(books);
        await told(books);
        await books.createPlan({ id: 'plan_a', name: 'A', rules: [] }, DEED);
        await newKey(books, 'key_default');
        const orgsOf = async (orgId: string): Promise<readonly (string | undefined)[]> =>
          (await books.audit({ limitMax: 50, orgId })).entries.map(({ org }) => org);
        assert.deepEqual(await orgsOf('org_a'), Array(4).fill('org_a'));
        assert.deepEqual(await orgsOf('org_b'), Array(2).fill('org_b'));
        assert.deepEqual(await orgsOf('default'), ['default']);
        const { entries } = await books.audit({ limitMax: 50, action: 'plan.created' });
        assert.deepEqual(
          entries.map((entry) => 'org' in entry),
          [false],
        );
        assert.deepEqual((await books.verifyAudit()).problems, []);
        for (const org of [`'org_b'`, 'null']) {
          await run(place, [`update audit set org_id = ${org} where seq = 1`]);
          assert.match((await books.verifyAudit()).problems[0] ?? '', /entry 1 is not what was written/, org);
        }
        await books.close();
      });
    });

    it('are made of what an older Turnout wrote; its audit entries stay as they were hashed', async () => {
      await inPlace(async (place) => {
        const before = await open(place);
        await fill(before);
        await before.close();
        await run(place, UNDO);
        const books = await open(place);
        await told(books);
        assert.deepEqual((await books.audit({ limitMax: 9, orgId: 'default' })).entries, []);
        await newKey(books, 'key_new', 'org_b');
        assert.deepEqual(
          (await books.audit({ limitMax: 9, orgId: 'org_b' })).entries.map(({ subject }) => subject),
          ['key_new'],
        );
        const { entries, problems } = await books.verifyAudit();
        assert.deepEqual([entries, problems], [2, []]);
        await books.close();
      });
    });

    it('are counted for one organisation, those of a journal too, and those whose receipts are gone', async () => {
      await inPlace(async (place) => {
        const books = await open(place);
        await fill(books);
        const paid = (attemptId: string, orgId: string | undefined, costNanoUsd: bigint): string => {
          const labels = orgId === undefined ? {} : { orgId };
          return receiptText('settled', receipt(attemptId, { keyId: `key_${orgId}`, costNanoUsd, atMs: AT, labels }));
        };
        const journal = openJournal(place.dataDir, 'p1');
        for (const line of [
          paid('a1', 'org_a', 5n),
          paid('a2', 'org_a', 7n),
          paid('b1', 'org_b', 100n),
          paid('r', undefined, 1000n),
        ])
          assert.ok(journal.append(line));
        const sums = async (): Promise<unknown> => {
          const of = async (query: { readonly orgId?: string; readonly keyId?: string }): Promise<unknown> => {
            const { receipts, total_nano_usd: total, rows } = await books.usage(query);
            const report = await books.usageBy({ by: ['model'], ...query });
            assert.equal(report?.total.cost_nano_usd, total);
            return [receipts, total, new Set(rows.map(({ org }) => org))];
          };
          return [
            await of({ orgId: 'org_a' }),
            await of({ orgId: 'org_b' }),
            await of({ orgId: 'org_b', keyId: 'key_org_a' }),
          ];
        };
        const expected = [
          [2, 12n, new Set(['org_a'])],
          [1, 100n, new Set(['org_b'])],
          [0, 0n, new Set()],
        ];
        assert.deepEqual(await sums(), expected, 'in a journal');
        journal.close();
        await books.endProcess('p1', AT);
        assert.deepEqual(await sums(), expected, 'in the store');
        while (await books.dropReceipts(AT + 3_600_000));
        assert.deepEqual(
          (await books.usage({ orgId: 'org_a' })).total_nano_usd,
          12n,
          'receipts are gone, and their sums are there',
        );
        await books.close();
      });
    });
  });
}
