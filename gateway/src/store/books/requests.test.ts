import { after, before, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { Kysely } from 'kysely';
import { STORES, type MadePlace } from '../../../test/stores.ts';
import { compact } from '../../lib/json.ts';
import { requestBooks } from './requests.ts';
import { migrate } from './migrations.ts';
import type { RequestQuery } from '../ports.ts';
import { openPostgres } from './postgres.ts';
import type { Tables } from './schema.ts';
import { openSqlite } from './sqlite.ts';

const KEYS = ['key_a', 'key_b'];
const OUTCOMES = ['ok', 'internal'];
const ROUTES = ['r', 's', undefined];
const MODELS = ['m', 'n'];

/** Times that go back and forth, and come twice. */
const ROWS = Array.from({ length: 60 }, (_, index) => ({
  id: `req_${index}`,
  keyId: KEYS[(index * 7) % 2] ?? '',
  atMs: 1000 + ((index * 13) % 40),
  outcome: OUTCOMES[index % 5 === 0 ? 1 : 0] ?? '',
  route: ROUTES[index % 3],
  model: MODELS[(index >> 1) % 2] ?? '',
  words: `req_${index} number ${index % 7}`,
}));

const of = <T>(values: readonly T[]): fc.Arbitrary<T | undefined> => fc.constantFrom(undefined, ...values);
const queries = fc.record({
  keyId: of(KEYS),
  outcome: of(OUTCOMES),
  route: of(['r', 's']),
  model: of(MODELS),
  sinceMs: fc.option(fc.integer({ min: 995, max: 1045 }), { nil: undefined }),
  untilMs: fc.option(fc.integer({ min: 995, max: 1045 }), { nil: undefined }),
  search: of(['NUMBER 3', 'name of key_a', 'nowhere', '%']),
});
type Asked = Partial<Pick<RequestQuery, 'keyId' | 'outcome' | 'route' | 'model' | 'sinceMs' | 'untilMs' | 'search'>>;

/** Ids of what fits, newest first; of one time the one that came last. */
function expected({
  keyId,
  outcome,
  route,
  model,
  sinceMs = 0,
  untilMs = Infinity,
  search = '',
}: Asked): readonly string[] {
  const fits = (wished: string | undefined, value: string | undefined): boolean =>
    wished === undefined || wished === value;
  const wanted = search.toLowerCase();
  return ROWS.map((row, index) => ({ row, index }))
    .filter(
      ({ row }) =>
        fits(keyId, row.keyId) &&
        fits(outcome, row.outcome) &&
        fits(route, row.route) &&
        fits(model, row.model) &&
        row.atMs >= sinceMs &&
        row.atMs < untilMs &&
        (row.words.includes(wanted) || `name of ${row.keyId}`.includes(wanted)),
    )
    .toSorted((a, b) => b.row.atMs - a.row.atMs || b.index - a.index)
    .map(({ row }) => row.id);
}

for (const kind of STORES)
  describe(`lists of requests: ${kind.name}`, { skip: kind.skip }, () => {
    let made: MadePlace;
    let db: Kysely<Tables>;

    before(async () => {
      made = await kind.make();
      const { dataDir, url } = made.place;
      db = new Kysely<Tables>({
        dialect: url === undefined ? openSqlite(join(dataDir, 'x.db'), 1000) : openPostgres(url),
      });
      await migrate(db);
      const key = { is_root: 0, is_disabled: 0, is_removed: 0, created_at: 1, tags: '[]', revision: 1 };
      for (const id of KEYS)
        await db
          .insertInto('keys')
          .values({ id, name: `Name of ${id}`, ...key })
          .execute();
      await requestBooks(db).putRequests(
        ROWS.map((row) => ({ ...compact(row), body: JSON.stringify({ id: row.id }) })),
      );
    });
    after(async () => {
      await db.destroy();
      await made.remove();
    });

    it('have everything that fits once, in order, however few rows a page may look at', async () => {
      const walked = async (
        asked: Asked,
        [limitMax, scan, read]: readonly [number, number, number],
      ): Promise<unknown[]> => {
        const books = requestBooks(db, { scan, read });
        const ids: unknown[] = [];
        let cursor: string | undefined;
        do {
          const page = await books.listRequests(compact({ ...asked, limitMax, cursor }));
          assert.ok(page.records.length <= limitMax);
          ids.push(...page.records.map((record) => record['id']));
          assert.notEqual(page.next, cursor ?? '', 'it goes on where it was');
          cursor = page.next;
        } while (cursor !== undefined);
        return ids;
      };
      const sizes = fc.tuple(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 70 }),
      );
      await fc.assert(
        fc.asyncProperty(queries, sizes, async (query, reach) => {
          const asked: Asked = compact(query);
          assert.deepEqual(await walked(asked, reach), expected(asked));
        }),
        { numRuns: 150 },
      );
    });
  });
