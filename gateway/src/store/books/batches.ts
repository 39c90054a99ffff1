/** Batches in the database, and the results of their lines until they end. */
import { sql, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely';
import { asArray, compact, isRecord, parseJson, asRecord, type Json } from '../../lib/json.ts';
import type { CallerRegion } from '../../understand/facts.ts';
import {
  RUNNING,
  type BatchBooks,
  type BatchChange,
  type BatchForm,
  type BatchQuery,
  type BatchStatus,
  type LineResult,
  type LineState,
  type NewBatch,
  type Page,
  type StoredBatch,
} from '../batch-ports.ts';
import { bulkInsert } from './bulk-insert.ts';
import { lockNames } from './lock-purses.ts';
import { pageOf, placeOf } from './paging.ts';
import type { BatchesTable, BatchResultsTable, Tables } from './schema.ts';

/** Results read in one go: bytes, and rows whose bytes are looked at. */
const READ_BYTES = 4 * 1024 * 1024;
const READ_ROWS = 1000;
/** Results taken away at once, so that the store is never held up for long. */
const DROP_ROWS = 2000;
const STATES: readonly LineState[] = ['succeeded', 'errored', 'canceled', 'expired'];

type Books = Omit<
  BatchBooks,
  'putFile' | 'hasRoom' | 'getFile' | 'listFiles' | 'removeFile' | 'expiredFiles' | 'knownFiles'
>;

/** Which of some processes are dead. */
export type Deaths = (ids: readonly string[]) => Promise<readonly string[]>;

export function batchBooks(db: Kysely<Tables>, deaths: Deaths): Books {
  return {
    putBatch: async (batch, runningMax) =>
      db.transaction().execute(async (trx) => {
        await lockNames(trx, [`batches ${batch.keyId}`]);
        // The answer to an earlier call may have been lost.
        const made = await get(trx, batch.id);
        if (made !== undefined) return made;
        const running = await trx
          .selectFrom('batches')
          .select((eb) => eb.fn.countAll<bigint>().as('count'))
          .where('key_id', '=', batch.keyId)
          .where('ended_at', 'is', null)
          .executeTakeFirst();
        if (Number(running?.count ?? 0n) >= runningMax) return undefined;
        await trx.insertInto('batches').values(newRow(batch)).execute();
        return { ...batch, status: 'validating' as const, processId: '', total: 0, ...NO_RESULTS };
      }),
    getBatch: async (id) => get(db, id),
    listBatches: async (query) => list(db, query),
    changeBatch: async (id, change, from) =>
      db.transaction().execute(async (trx) => {
        await trx
          .updateTable('batches')
          .set(changedRow(change))
          .where('id', '=', id)
          .where('status', 'in', [...from])
          .execute();
        return get(trx, id);
      }),
    removeBatch: async (id) =>
      db.transaction().execute(async (trx) => {
        const { numDeletedRows } = await trx
          .deleteFrom('batches')
          .where('id', '=', id)
          .where('status', 'not in', [...RUNNING])
          .executeTakeFirst();
        if (numDeletedRows > 0n) await trx.deleteFrom('batch_results').where('batch_id', '=', id).execute();
        return numDeletedRows > 0n;
      }),
    pruneBatches: async (atMs) => {
      const gone = db
        .selectFrom('batches')
        .select('id')
        .where(sql<boolean>`ended_at + keep_ms <= ${BigInt(Math.floor(atMs))}`)
        .limit(DROP_ROWS);
      await db.deleteFrom('batches').where('id', 'in', gone).execute();
    },
    claimBatches: async (processId) => claim(db, deaths, processId),
    ...resultBooks(db),
  };
}

const NO_RESULTS = { succeeded: 0, errored: 0, canceled: 0, expired: 0 };

type ResultBooks = Pick<BatchBooks, 'putResults' | 'resultLines' | 'readResults' | 'dropResults'>;

function resultBooks(db: Kysely<Tables>): ResultBooks {
  const insert = bulkInsert((rows: readonly Insertable<BatchResultsTable>[]) =>
    db
      .insertInto('batch_results')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['batch_id', 'line']).doNothing())
      .returning('state')
      .compile(),
  );
  return {
    putResults: async (id, results) =>
      db.transaction().execute(async (trx) => {
        const rows = results.map(({ line, state, text }) => ({
          batch_id: id,
          line,
          state,
          bytes: Buffer.byteLength(text),
          text,
        }));
        const { rows: taken } = await insert(trx, rows);
        const more = Object.fromEntries(
          STATES.map((state) => [state, taken.filter((row) => row.state === state).length]),
        );
        await trx
          .updateTable('batches')
          .set({
            succeeded: sql<bigint>`succeeded + ${more['succeeded'] ?? 0}`,
            errored: sql<bigint>`errored + ${more['errored'] ?? 0}`,
            canceled: sql<bigint>`canceled + ${more['canceled'] ?? 0}`,
            expired: sql<bigint>`expired + ${more['expired'] ?? 0}`,
          })
          .where('id', '=', id)
          .execute();
        return get(trx, id);
      }),
    resultLines: async (id) => {
      const rows = await db
        .selectFrom('batch_results')
        .select('line')
        .where('batch_id', '=', id)
        .orderBy('line')
        .execute();
      return rows.map((row) => Number(row.line));
    },
    readResults: async (id, afterLine) => read(db, id, afterLine),
    dropResults: async () => {
      const { numAffectedRows = 0n } = await sql`delete from batch_results where (batch_id, line) in (
        select r.batch_id, r.line from batch_results r where r.batch_id not in (
          select id from batches where status in (${sql.join([...RUNNING])})) limit ${DROP_ROWS})`.execute(db);
      return numAffectedRows > 0n;
    },
  };
}

async function read(db: Kysely<Tables>, id: string, afterLine: number): Promise<readonly LineResult[]> {
  const sizes = await db
    .selectFrom('batch_results')
    .select(['line', 'bytes'])
    .where('batch_id', '=', id)
    .where('line', '>', BigInt(afterLine))
    .orderBy('line')
    .limit(READ_ROWS)
    .execute();
  let bytes = 0n;
  let last = sizes[0]?.line;
  for (const size of sizes) {
    bytes += size.bytes;
    if (bytes > READ_BYTES && size.line !== last) break;
    last = size.line;
  }
  if (last === undefined) return [];
  const rows = await db
    .selectFrom('batch_results')
    .select(['line', 'state', 'text'])
    .where('batch_id', '=', id)
    .where('line', '>', BigInt(afterLine))
    .where('line', '<=', last)
    .orderBy('line')
    .execute();
  return rows.map(({ line, state, text }) => ({ line: Number(line), state: stateOf(state), text }));
}

/** A process that works on a batch is asked for its lock, as with leases: no clock says that it is dead. */
async function claim(db: Kysely<Tables>, deaths: Deaths, processId: string): Promise<readonly StoredBatch[]> {
  const running = (): Promise<readonly StoredBatch[]> =>
    db
      .selectFrom('batches')
      .selectAll()
      .where('ended_at', 'is', null)
      .orderBy('seq')
      .execute()
      .then((rows) => rows.map(batchOf));
  const all = await running();
  const others = [...new Set(all.map((batch) => batch.processId))].filter((id) => id !== processId);
  const dead = [...others.filter((id) => id === ''), ...(await deaths(others.filter((id) => id !== '')))];
  if (dead.length === 0) return all.filter((batch) => batch.processId === processId);
  await db
    .updateTable('batches')
    .set({ process_id: processId })
    .where('ended_at', 'is', null)
    .where('process_id', 'in', dead)
    .execute();
  return (await running()).filter((batch) => batch.processId === processId);
}

async function get(db: Kysely<Tables>, id: string): Promise<StoredBatch | undefined> {
  const row = await db.selectFrom('batches').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : batchOf(row);
}

async function list(db: Kysely<Tables>, query: BatchQuery): Promise<Page<StoredBatch>> {
  const { keyId, orgId, form } = query;
  let select = db.selectFrom('batches').selectAll();
  if (keyId !== undefined) select = select.where('key_id', '=', keyId);
  if (orgId !== undefined)
    select = select.where('key_id', 'in', (of) => of.selectFrom('keys').select('id').where('org_id', '=', orgId));
  if (form !== undefined) select = select.where('form', '=', form);
  const place = await placeOf(query, async (id) => {
    const found = await db.selectFrom('batches').select('seq').where('id', '=', id).executeTakeFirst();
    return found?.seq;
  });
  if (place === undefined) return { rows: [], hasMore: false };
  if (place.above !== undefined) select = select.where('seq', '>', place.above);
  if (place.below !== undefined) select = select.where('seq', '<', place.below);
  const rows = await select
    .orderBy('seq', place.direction)
    .limit(place.limit + 1)
    .execute();
  return pageOf(rows, place, batchOf);
}

function newRow(batch: NewBatch): Insertable<BatchesTable> {
  return {
    id: batch.id,
    key_id: batch.keyId,
    form: batch.form,
    endpoint: batch.endpoint,
    status: 'validating',
    process_id: '',
    input_file_id: batch.inputFileId,
    keep_ms: batch.keepMs,
    total: 0,
    ...NO_RESULTS,
    created_at: Math.floor(batch.createdAtMs),
    expires_at: Math.floor(batch.expiresAtMs),
    metadata: batch.metadata === undefined ? null : JSON.stringify(batch.metadata),
    seen: batch.seen === undefined ? null : JSON.stringify(batch.seen),
  };
}

function changedRow(change: BatchChange): Updateable<BatchesTable> {
  const time = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.floor(ms));
  return compact({
    status: change.status,
    output_file_id: change.outputFileId,
    error_file_id: change.errorFileId,
    total: change.total,
    started_at: time(change.startedAtMs),
    finalizing_at: time(change.finalizingAtMs),
    cancelling_at: time(change.cancellingAtMs),
    ended_at: time(change.endedAtMs),
    errors: change.errors === undefined ? undefined : JSON.stringify(change.errors),
    native: change.native === undefined ? undefined : JSON.stringify(change.native),
  });
}

function batchOf(row: Selectable<BatchesTable>): StoredBatch {
  return compact({
    id: row.id,
    keyId: row.key_id,
    form: formOf(row.form),
    endpoint: row.endpoint,
    status: statusOf(row.status),
    processId: row.process_id,
    inputFileId: row.input_file_id,
    outputFileId: row.output_file_id ?? undefined,
    errorFileId: row.error_file_id ?? undefined,
    keepMs: Number(row.keep_ms),
    total: Number(row.total),
    succeeded: Number(row.succeeded),
    errored: Number(row.errored),
    canceled: Number(row.canceled),
    expired: Number(row.expired),
    createdAtMs: Number(row.created_at),
    expiresAtMs: Number(row.expires_at),
    startedAtMs: optional(row.started_at),
    finalizingAtMs: optional(row.finalizing_at),
    cancellingAtMs: optional(row.cancelling_at),
    endedAtMs: optional(row.ended_at),
    errors: asArray(parsed(row.errors))?.filter(isRecord),
    metadata: asRecord(parsed(row.metadata)),
    native: asRecord(parsed(row.native)),
    seen: seenOf(parsed(row.seen)),
  });
}

const WITNESSES = ['key', 'header', 'address'] as const;

function seenOf(value: Json | undefined): CallerRegion | undefined {
  const { callerRegion, callerRegionFrom: from } = asRecord(value) ?? {};
  const callerRegionFrom = WITNESSES.find((one) => one === from);
  return typeof callerRegion === 'string' && callerRegionFrom !== undefined
    ? { callerRegion, callerRegionFrom }
    : undefined;
}

function parsed(text: string | null): ReturnType<typeof parseJson> {
  return text === null ? undefined : parseJson(text);
}

function optional(value: bigint | null): number | undefined {
  return value === null ? undefined : Number(value);
}

function formOf(text: string): BatchForm {
  return text === 'anthropic' ? 'anthropic' : 'openai';
}

const ENDED: readonly BatchStatus[] = ['failed', 'completed', 'expired', 'cancelled'];

/** Only we write them: what is none of them is a file that somebody has edited. */
function statusOf(text: string): BatchStatus {
  const known = [...RUNNING, ...ENDED].find((status) => status === text);
  if (known === undefined) throw new Error(`a batch has the status ${text}`);
  return known;
}

function stateOf(text: string): LineState {
  const known = STATES.find((state) => state === text);
  if (known === undefined) throw new Error(`a result has the state ${text}`);
  return known;
}
