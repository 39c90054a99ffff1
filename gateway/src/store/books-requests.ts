/** Request records in the database: JSON in a column, with the few columns that lists filter by. */
import { sql, type Insertable, type Kysely } from 'kysely';
import { asRecord, compact, parseJson, type JsonRecord } from '../lib/json.ts';
import type { Books, RequestList, StoredRequest } from './books-form.ts';
import { bulkInsert } from './bulk-insert.ts';
import type { LogQuery, RequestQuery } from './ports.ts';
import { searchPattern } from './search-words.ts';
import type { RequestsTable, Tables } from './schema.ts';

/** Rows of one page. */
const PAGE_MAX = 200;
/** Rows taken away at once, so that pruning never holds the store for long. */
const PRUNE_ROWS = 2000;

/** Rows of one page of the log. */
const LOG_ROWS = 200;

type RequestBooks = Pick<
  Books,
  'putRequests' | 'getRequest' | 'listRequests' | 'logExtent' | 'readLog' | 'pruneRequests'
>;

export function requestBooks(db: Kysely<Tables>): RequestBooks {
  const insert = bulkInsert((rows: readonly Insertable<RequestsTable>[]) =>
    db
      .insertInto('requests')
      .values(rows)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .compile(),
  );
  return {
    putRequests: async (records) => {
      if (records.length === 0) return;
      await db.transaction().execute(async (trx) => {
        const orgs = await orgsOf(trx, new Set(records.map(({ keyId }) => keyId)));
        await insert(
          trx,
          records.map((record) => rowOf(record, orgs.get(record.keyId))),
        );
      });
    },
    getRequest: async (id) => {
      const columns = ['key_id', 'org_id', 'body'] as const;
      const row = await db.selectFrom('requests').select(columns).where('id', '=', id).executeTakeFirst();
      if (row === undefined) return undefined;
      return compact({ keyId: row.key_id, orgId: row.org_id ?? undefined, body: bodyOf(row.body) });
    },
    listRequests: async (query) => list(db, query),
    logExtent: async (query) => {
      const extent = await stretch(db, query)
        .select((eb) => [eb.fn.countAll<bigint>().as('rows'), eb.fn.max<bigint | null>('requests.seq').as('last')])
        .executeTakeFirstOrThrow();
      return { rows: Number(extent.rows), last: extent.last ?? 0n };
    },
    readLog: async (query) => {
      const rows = await stretch(db, query)
        .leftJoin('feedback', (join) =>
          join.onRef('feedback.request_id', '=', 'requests.id').onRef('feedback.key_id', '=', 'requests.key_id'),
        )
        .select(['seq', 'requests.key_id', 'body', 'score', 'task', 'target'])
        .orderBy('seq')
        .limit(LOG_ROWS)
        .execute();
      return rows.map(({ seq, key_id, body, score, task, target }) => ({
        seq,
        keyId: key_id,
        body: bodyOf(body),
        ...(score === null || task === null || target === null ? {} : { feedback: { score, task, target } }),
      }));
    },
    pruneRequests: async (rowsMax) => {
      // Numbers only ever grow and go from the bottom, so the span is the count, without counting.
      const ends = await db
        .selectFrom('requests')
        .select((eb) => [eb.fn.min<bigint | null>('seq').as('first'), eb.fn.max<bigint | null>('seq').as('last')])
        .executeTakeFirst();
      if (ends === undefined || ends.first === null || ends.last === null) return;
      const keepFrom = ends.last - BigInt(rowsMax) + 1n;
      if (keepFrom <= ends.first) return;
      const upTo = ends.first + BigInt(PRUNE_ROWS);
      await db
        .deleteFrom('requests')
        .where('seq', '<', keepFrom < upTo ? keepFrom : upTo)
        .execute();
    },
  };
}

function rowOf(record: StoredRequest, orgId: string | undefined): Insertable<RequestsTable> {
  const { id, keyId, atMs, outcome, route = null, model = null, words = '', body } = record;
  const at = Math.floor(atMs);
  return { id, key_id: keyId, at, outcome, route, model, words, body, org_id: orgId ?? null };
}

/** The organisations of keys, removed ones too. */
async function orgsOf(db: Kysely<Tables>, keyIds: ReadonlySet<string>): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('keys')
    .select(['id', 'org_id'])
    .where('id', 'in', [...keyIds])
    .execute();
  return new Map(rows.map((row) => [row.id, row.org_id]));
}

function stretch(db: Kysely<Tables>, { sinceMs, route, after, upTo }: LogQuery) {
  let select = db.selectFrom('requests').where('requests.at', '>=', BigInt(Math.floor(sinceMs)));
  if (route !== undefined) select = select.where('route', '=', route);
  if (after !== undefined) select = select.where('seq', '>', after);
  return upTo === undefined ? select : select.where('seq', '<=', upTo);
}

/**
 * First the numbers of the rows, from the narrow index, then what is shown of them: the bodies are most of the table, and
 * those of rows that are passed over are never read.
 */
async function list(db: Kysely<Tables>, query: RequestQuery): Promise<RequestList> {
  const limit = Math.max(1, Math.min(query.limitMax, PAGE_MAX));
  const found = await matching(db, query, limit + 1);
  if (found.length === 0) return { records: [] };
  const page = found.slice(0, limit);
  const rows = await db
    .selectFrom('requests')
    .select(['seq', 'body'])
    .where('seq', 'in', page)
    .orderBy('seq', 'desc')
    .execute();
  const last = page.at(-1);
  const records = rows.map((row) => bodyOf(row.body));
  return found.length > limit && last !== undefined ? { records, next: last.toString() } : { records };
}

async function matching(db: Kysely<Tables>, query: RequestQuery, limit: number): Promise<readonly bigint[]> {
  const { orgId, keyId, outcome, route, model, sinceMs, untilMs, search, cursor } = query;
  let select = db.selectFrom('requests').select('seq').orderBy('seq', 'desc').limit(limit);
  for (const [column, value] of Object.entries({ org_id: orgId, key_id: keyId, outcome, route, model }))
    if (value !== undefined) select = select.where(sql.ref(column), '=', value);
  if (sinceMs !== undefined) select = select.where('at', '>=', BigInt(Math.ceil(sinceMs)));
  if (untilMs !== undefined) select = select.where('at', '<', BigInt(Math.ceil(untilMs)));
  if (cursor !== undefined) select = select.where('seq', '<', BigInt(cursor));
  if (search !== undefined) {
    const pattern = searchPattern(search);
    if (pattern === undefined) return [];
    const named = sql`select id from keys where lower(name) like ${pattern} escape '\\'`;
    select = select.where(sql<boolean>`(words like ${pattern} escape '\\' or key_id in (${named}))`);
  }
  return (await select.execute()).map((row) => row.seq);
}

function bodyOf(text: string): JsonRecord {
  return asRecord(parseJson(text)) ?? {};
}
