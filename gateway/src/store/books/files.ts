/** Rows of files in the database. Their bytes are none of its business. */
import { sql, type Kysely, type Selectable } from 'kysely';
import { RUNNING, type BatchBooks, type FileQuery, type FileRoom, type Page, type StoredFile } from '../batch-ports.ts';
import { lockNames } from './lock-purses.ts';
import { pageOf, placeOf } from './paging.ts';
import type { FilesTable, Tables } from './schema.ts';

/** Files taken away in one go. */
const EXPIRED_MAX = 100;

type FileBooks = Pick<
  BatchBooks,
  'putFile' | 'hasRoom' | 'getFile' | 'listFiles' | 'removeFile' | 'expiredFiles' | 'knownFiles'
>;

export function fileBooks(db: Kysely<Tables>): FileBooks {
  return {
    putFile: async (file, room) =>
      db.transaction().execute(async (trx) => {
        await lockNames(trx, [`files ${file.keyId}`]);
        if (!(await isRoomFor(trx, file, room))) return false;
        const row = {
          id: file.id,
          key_id: file.keyId,
          purpose: file.purpose,
          filename: file.filename,
          bytes: file.bytes,
          created_at: Math.floor(file.createdAtMs),
          expires_at: Math.floor(file.expiresAtMs),
        };
        // A batch that was ended twice, over a crash, writes its output twice under one id.
        await trx
          .insertInto('files')
          .values(row)
          .onConflict((conflict) => conflict.column('id').doNothing())
          .execute();
        return true;
      }),
    hasRoom: async (keyId, bytes, room) => isRoomFor(db, { keyId, bytes }, room),
    getFile: async (id) => {
      const row = await db.selectFrom('files').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : fileOf(row);
    },
    listFiles: async (query) => list(db, query),
    removeFile: async (id) =>
      db.transaction().execute(async (trx) => {
        if (await isRead(trx, id)) return 'used';
        const { numDeletedRows } = await trx.deleteFrom('files').where('id', '=', id).executeTakeFirst();
        return numDeletedRows > 0n ? 'removed' : 'unknown';
      }),
    expiredFiles: async (atMs) => {
      const rows = await db
        .selectFrom('files')
        .select('id')
        .where('expires_at', '<=', BigInt(Math.floor(atMs)))
        .where('id', 'not in', (eb) =>
          eb
            .selectFrom('batches')
            .select('input_file_id')
            .where('status', 'in', [...RUNNING]),
        )
        .limit(EXPIRED_MAX)
        .execute();
      return rows.map((row) => row.id);
    },
    knownFiles: async (ids) => {
      if (ids.length === 0) return [];
      const rows = await db
        .selectFrom('files')
        .select('id')
        .where('id', 'in', [...ids])
        .execute();
      return rows.map((row) => row.id);
    },
  };
}

async function isRoomFor(
  db: Kysely<Tables>,
  file: Pick<StoredFile, 'keyId' | 'bytes'>,
  { bytesMax, filesMax }: FileRoom,
): Promise<boolean> {
  const used = await db
    .selectFrom('files')
    .select((eb) => [eb.fn.countAll<bigint>().as('files'), sql<bigint | null>`sum(bytes)`.as('bytes')])
    .where('key_id', '=', file.keyId)
    .executeTakeFirst();
  const bytes = Number(used?.bytes ?? 0n) + file.bytes;
  return Number(used?.files ?? 0n) < filesMax && bytes <= bytesMax;
}

async function isRead(db: Kysely<Tables>, id: string): Promise<boolean> {
  const reader = await db
    .selectFrom('batches')
    .select('id')
    .where('input_file_id', '=', id)
    .where('status', 'in', [...RUNNING])
    .executeTakeFirst();
  return reader !== undefined;
}

async function list(db: Kysely<Tables>, query: FileQuery): Promise<Page<StoredFile>> {
  const { keyId, purposes } = query;
  // PostgreSQL takes no empty list.
  if (purposes.length === 0) return { rows: [], hasMore: false };
  let select = db
    .selectFrom('files')
    .selectAll()
    .where('purpose', 'in', [...purposes]);
  if (keyId !== undefined) select = select.where('key_id', '=', keyId);
  const place = await placeOf(query, async (id) => {
    const found = await db.selectFrom('files').select('seq').where('id', '=', id).executeTakeFirst();
    return found?.seq;
  });
  if (place === undefined) return { rows: [], hasMore: false };
  if (place.above !== undefined) select = select.where('seq', '>', place.above);
  if (place.below !== undefined) select = select.where('seq', '<', place.below);
  const rows = await select
    .orderBy('seq', place.direction)
    .limit(place.limit + 1)
    .execute();
  return pageOf(rows, place, fileOf);
}

function fileOf(row: Selectable<FilesTable>): StoredFile {
  return {
    id: row.id,
    keyId: row.key_id,
    purpose: row.purpose,
    filename: row.filename,
    bytes: Number(row.bytes),
    createdAtMs: Number(row.created_at),
    expiresAtMs: Number(row.expires_at),
  };
}
