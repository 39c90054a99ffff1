/** Request records in the database: JSON in a column, with the few columns that lists filter by. */
import { sql, type Insertable, type Kysely } from 'kysely';
import { asRecord, compact, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { Books, RequestList, StoredRequest } from './form.ts';
import { bulkInsert } from './bulk-insert.ts';
import type { LogQuery, RequestQuery } from '../ports.ts';
import { searchPattern } from '../search-words.ts';
import type { RequestsTable, Tables } from './schema.ts';

/** Rows of one page. */
const PAGE_MAX = 200;
/** How far one page looks. */
export interface Reach {
  /** Rows of an index, where it alone does not answer. */
  readonly scan: number;
  /** The same where each row has to be read as well. */
  readonly read: number;
}

/** A fifth of a second, both. */
const REACH: Reach = { scan: 200_000, read: 20_000 };

/** What lists filter by, in every index of theirs. */
const NARROW = ['seq', 'at', 'key_id', 'outcome', 'route', 'model', 'org_id'] as const;
/** Rows taken away at once, so that pruning never holds the store for long. */
const PRUNE_ROWS = 2000;

/** Rows of one page of the log. */
const LOG_ROWS = 200;

type RequestBooks = Pick<
  Books,
  'putRequests' | 'getRequest' | 'listRequests' | 'logExtent' | 'readLog' | 'pruneRequests'
>;

export function requestBooks(db: Kysely<Tables>, reach: Reach = REACH): RequestBooks {
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
    listRequests: async (query) => list({ db, reach }, query),
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
 * First the numbers of the rows, from a narrow index, then what is shown of them: the bodies are most of the table, and those
 * of rows that are passed over are never read. Newest first, by time and number.
 */
async function list(from: Source, query: RequestQuery): Promise<RequestList> {
  const limit = Math.max(1, Math.min(query.limitMax, PAGE_MAX));
  const pattern = query.search === undefined ? undefined : searchPattern(query.search);
  if (pattern === undefined && query.search !== undefined) return { records: [] };
  const scan = scanOf(from, query, pattern);
  const found = await (
    scan.passes === undefined ? scan.rows.select(['seq', 'at']).limit(limit + 1) : scan.passes.limit(limit + 1)
  ).execute();
  const page = found.slice(0, limit);
  const end = found.length > limit ? page.at(-1) : await scanEnd(scan);
  const records = await recordsOf(from.db, page);
  return end === undefined ? { records } : { records, next: `${end.at}.${end.seq}` };
}

async function recordsOf(db: Kysely<Tables>, page: readonly Place[]): Promise<readonly JsonRecord[]> {
  if (page.length === 0) return [];
  const rows = await db
    .selectFrom('requests')
    .select('body')
    .where(
      'seq',
      'in',
      page.map(({ seq }) => seq),
    )
    .orderBy('at', 'desc')
    .orderBy('seq', 'desc')
    .execute();
  return rows.map((row) => bodyOf(row.body));
}

interface Source {
  readonly db: Kysely<Tables>;
  readonly reach: Reach;
}

interface Place {
  readonly at: bigint;
  readonly seq: bigint;
}

/**
 * The rows of one index from where a page begins, newest first; where more is asked of them than that index answers, so many
 * of them and no more, and which of those pass. A page that finds too little then says where the next one goes on.
 */
function scanOf({ db, reach }: Source, query: RequestQuery, pattern: string | undefined) {
  const equal = Object.entries(filtersOf(query));
  const first = leading(
    query,
    equal.map(([column]) => column),
  );
  let rows = within(db, query);
  for (const [column, value] of equal) if (column === first) rows = rows.where(sql.ref(column), '=', value);
  const rest = equal.filter(([column]) => column !== first);
  // Of an organisation's index the words are a part, of a key's they are not.
  const rowsMax = pattern !== undefined && first === 'key_id' ? reach.read : reach.scan;
  if (rest.length === 0 && pattern === undefined) return { rows, rowsMax };
  const narrow = pattern === undefined ? NARROW : ([...NARROW, 'words'] as const);
  let passes = db
    .selectFrom(rows.select(narrow).limit(rowsMax).as('scanned'))
    .select(['seq', 'at'])
    .orderBy('at', 'desc')
    .orderBy('seq', 'desc');
  for (const [column, value] of rest) passes = passes.where(sql.ref(column), '=', value);
  return { rows, rowsMax, passes: pattern === undefined ? passes : passes.where(holding(pattern)) };
}

/** Those of the time that is asked for, from where the page begins. */
function within(db: Kysely<Tables>, { sinceMs, untilMs, cursor }: RequestQuery) {
  let rows = db.selectFrom('requests').orderBy('at', 'desc').orderBy('seq', 'desc');
  if (sinceMs !== undefined) rows = rows.where('at', '>=', BigInt(Math.ceil(sinceMs)));
  // A cursor lies before the end of the time that it was asked for with.
  if (cursor !== undefined) {
    const { at, seq } = placeOf(cursor);
    return rows.where((eb) => eb(eb.refTuple('at', 'seq'), '<', eb.tuple(at, seq)));
  }
  return untilMs === undefined ? rows : rows.where('at', '<', BigInt(Math.ceil(untilMs)));
}

function filtersOf({ keyId, outcome, route, model, orgId }: RequestQuery): Readonly<Record<string, string>> {
  return compact({ key_id: keyId, outcome, route, model, org_id: orgId });
}

/** The filter whose index is read: one that leaves the fewest rows over, as a rule. A search reads an index that has all words, but for a key's. */
function leading({ outcome, search }: RequestQuery, asked: readonly string[]): string | undefined {
  const order =
    search === undefined
      ? ['key_id', ...(outcome === 'ok' ? [] : ['outcome']), 'route', 'org_id', 'model', 'outcome']
      : ['key_id', 'org_id'];
  return order.find((column) => asked.includes(column));
}

function holding(pattern: string) {
  const named = sql`select id from keys where lower(name) like ${pattern} escape '\\'`;
  return sql<boolean>`(words like ${pattern} escape '\\' or key_id in (${named}))`;
}

/** The last row that was looked at, where more come after it. */
async function scanEnd({ rows, rowsMax, passes }: ReturnType<typeof scanOf>): Promise<Place | undefined> {
  if (passes === undefined) return undefined;
  const [end, more] = await rows
    .select(['seq', 'at'])
    .offset(rowsMax - 1)
    .limit(2)
    .execute();
  return more === undefined ? undefined : end;
}

function placeOf(cursor: string): Place {
  const [at = '0', seq = '0'] = cursor.split('.');
  return { at: BigInt(at), seq: BigInt(seq) };
}

function bodyOf(text: string): JsonRecord {
  return asRecord(parseJson(text)) ?? {};
}
