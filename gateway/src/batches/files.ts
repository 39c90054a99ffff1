/** Files of callers: taken in while they arrive, found and removed by key, gone after their time. */
import type { FileHandle } from 'node:fs/promises';
import { fault, type Fault } from '../chat/fault.ts';
import { boundaryOf, multipartReader, type FormPart, type MultipartLimits } from '../lib/multipart.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { World } from '../pipeline/world.ts';
import type { FileQuery, FileRoom, Page, StoredFile } from '../store/batch-ports.ts';
import { hasCode } from '../store/secret.ts';
import type { Draft, Spool } from './spool.ts';

/** `file`, `purpose` and the two fields of `expires_after`, with room for those of tomorrow. */
const FORM: MultipartLimits = { partsMax: 16, headerMaxBytes: 4096, fieldMaxBytes: 1024 };
/** The most that a form can be longer than its file. */
const FORM_OVERHEAD_BYTES = FORM.partsMax * (FORM.headerMaxBytes + FORM.fieldMaxBytes);
/** Rows of one key; each may be a few bytes. */
const FILES_MAX = 10_000;
const FILENAME_MAX = 255;
/** OpenAI's bounds of `expires_after.seconds`: an hour to thirty days. */
const KEEP_S = { min: 3600, max: 2_592_000 } as const;

/** What `/v1/files` shows. */
export const SHOWN: readonly string[] = ['batch', 'batch_output'];

export interface FileDesk {
  readonly world: Pick<World, 'store' | 'clock' | 'snapshot' | 'newId' | 'log'>;
  readonly spool: Spool;
}

export interface Upload {
  readonly keyId: string;
  readonly contentType: string;
  /** Of the whole body, as it was announced; 0 where it was not. */
  readonly length: number;
  readonly body: AsyncIterable<Buffer>;
}

/** What a key may have, now. */
export function roomOf({ world }: FileDesk): FileRoom {
  return { bytesMax: world.snapshot().batches.keyMaxBytes, filesMax: FILES_MAX };
}

export function full({ world }: FileDesk): Fault {
  const mib = Math.floor(world.snapshot().batches.keyMaxBytes / 1024 / 1024);
  return fault('files-full', { max: `${mib} MiB, or ${FILES_MAX} of them` });
}

/** Takes a form with a file in; nothing of it is held whole. */
export async function uploadFile(upload: Upload, desk: FileDesk): Promise<Result<StoredFile, Fault>> {
  const { world } = desk;
  const { keyId, length } = upload;
  const refused = await whyNoRoom(keyId, Math.max(0, length - FORM_OVERHEAD_BYTES), desk);
  if (refused !== undefined) return err(refused);
  const id = world.newId('file');
  const taken = await drafted(id, desk, async (draft) => {
    const form = await takeForm(upload, desk, async (piece) => {
      await draft.write(piece);
      return draft.bytes;
    });
    return form.ok ? ok({ ...form.value, bytes: draft.bytes }) : form;
  });
  if (!taken.ok) return taken;
  const nowMs = world.clock.unixMs();
  const { filename, keepMs, bytes } = taken.value;
  const file: StoredFile = {
    id,
    keyId,
    filename,
    purpose: 'batch',
    bytes,
    createdAtMs: nowMs,
    expiresAtMs: nowMs + (keepMs ?? world.snapshot().batches.keepMs),
  };
  const kept = await keepFile(file, desk, roomOf(desk));
  return kept === undefined ? ok(file) : err(kept);
}

/** Whether so many bytes more, as they are announced, would find no room. */
export async function whyNoRoom(keyId: string, bytes: number, desk: FileDesk): Promise<Fault | undefined> {
  const room = await desk.world.store.batches(async (books) => books.hasRoom(keyId, bytes, roomOf(desk)));
  if (!room.ok) return room.error;
  return room.value ? undefined : full(desk);
}

/** A file that is kept where all went well, and gone where anything did not. */
export async function drafted<T>(
  id: string,
  { spool, world }: FileDesk,
  fill: (draft: Draft) => Promise<Result<T, Fault>>,
): Promise<Result<T, Fault>> {
  const draft = await spool.draft(id);
  try {
    const filled = await fill(draft);
    if (filled.ok) await draft.keep();
    else await draft.drop();
    return filled;
  } catch (error) {
    await draft.drop().catch(() => undefined);
    if (!isDiskError(error)) throw error;
    world.log('error', 'the disk does not take a file', { error: String(error) });
    return err(fault('overloaded', { reason: 'its disk does not take the file' }, { retryAfterMs: 60_000 }));
  }
}

/** The row comes after the bytes: whoever sees it can read them. */
export async function keepFile(file: StoredFile, desk: FileDesk, room: FileRoom): Promise<Fault | undefined> {
  const stored = await desk.world.store.batches(async (books) => books.putFile(file, room));
  if (stored.ok && stored.value) return undefined;
  await desk.spool.remove(file.id);
  return stored.ok ? full(desk) : stored.error;
}

interface TakenForm {
  readonly filename: string;
  readonly keepMs: number | undefined;
}

/** `write` gives how many bytes there are now. */
async function takeForm(
  { contentType, body }: Upload,
  { world }: FileDesk,
  write: (piece: Buffer) => Promise<number>,
): Promise<Result<TakenForm, Fault>> {
  const boundary = boundaryOf(contentType);
  if (!boundary.ok) return err(notForm(boundary.error));
  const max = world.snapshot().batches.fileMaxBytes;
  const fields = new Map<string, string>();
  let pieces: Buffer[] = [];
  const reader = multipartReader(boundary.value, FORM, ({ name, filename }, piece) => {
    if (filename === undefined) fields.set(name, (fields.get(name) ?? '') + piece.toString('utf8'));
    else pieces.push(piece);
  });
  try {
    for await (const chunk of body) {
      const wrong = reader.push(chunk);
      if (wrong !== undefined) return err(notForm(wrong));
      if ((await write(Buffer.concat(pieces))) > max) return err(fault('file-too-big', { max }));
      pieces = [];
    }
  } catch (error) {
    if (isDiskError(error)) throw error;
    return err(fault('body-cut'));
  }
  const parts = reader.end();
  return parts.ok ? formOf(parts.value, fields) : err(notForm(parts.error));
}

/** An error of our own disk, and not of the connection. */
export function isDiskError(error: unknown): boolean {
  return ['ENOSPC', 'EIO', 'EROFS', 'EDQUOT', 'EMFILE'].some((code) => hasCode(error, code));
}

function notForm(reason: string): Fault {
  return fault('form-invalid', { reason });
}

function formOf(parts: readonly FormPart[], fields: ReadonlyMap<string, string>): Result<TakenForm, Fault> {
  const names = parts.map((part) => part.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) return err(fault('duplicate-key', { key: JSON.stringify(twice.slice(0, 64)) }));
  const files = parts.filter((part) => part.filename !== undefined);
  const [file] = files;
  if (file === undefined) return err(fault('field-missing', { reason: 'send the file in it' }, { param: 'file' }));
  if (file.name !== 'file' || files.length > 1) {
    const stranger = files.find((part) => part.name !== 'file');
    return err(invalid(stranger?.name.slice(0, 64) ?? 'file', 'one file is taken, in the field `file`'));
  }
  const wrong = wrongField(fields);
  if (wrong !== undefined) return err(wrong);
  const keep = keepOf(fields.get('expires_after[seconds]'), 'expires_after[seconds]');
  return keep.ok ? ok({ filename: shownName(file.filename ?? ''), keepMs: keep.value }) : keep;
}

function wrongField(fields: ReadonlyMap<string, string>): Fault | undefined {
  const purpose = fields.get('purpose');
  if (purpose === undefined) return fault('field-missing', { reason: 'it is `batch`' }, { param: 'purpose' });
  if (purpose !== 'batch') return invalid('purpose', 'it must be `batch`: files of other purposes are not used here');
  const anchor = fields.get('expires_after[anchor]') ?? 'created_at';
  return anchor === 'created_at' ? undefined : invalid('expires_after[anchor]', 'it must be `created_at`');
}

/** Milliseconds of a number of seconds; undefined where none is given. */
export function keepOf(seconds: string | number | undefined, param: string): Result<number | undefined, Fault> {
  if (seconds === undefined) return ok(undefined);
  const value = Number(seconds);
  if (Number.isInteger(value) && value >= KEEP_S.min && value <= KEEP_S.max) return ok(value * 1000);
  return err(invalid(param, `it must be a whole number from ${KEEP_S.min} to ${KEEP_S.max}`));
}

export function invalid(param: string, reason: string): Fault {
  return fault('field-invalid', { reason }, { param });
}

/** A name as lists may show it; on the disk the file is called by its id. */
function shownName(name: string): string {
  const plain = name.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '').slice(-FILENAME_MAX);
  return plain === '' ? 'file' : plain;
}

/** A file of the key that `/v1/files` shows. */
export async function findFile(id: string, keyId: string, { world }: FileDesk): Promise<Result<StoredFile, Fault>> {
  const found = await world.store.batches(async (books) => books.getFile(id));
  if (!found.ok) return found;
  const file = found.value;
  return file !== undefined && file.keyId === keyId && SHOWN.includes(file.purpose) ? ok(file) : err(unknownFile(id));
}

export async function listFiles(query: FileQuery, { world }: FileDesk): Promise<Result<Page<StoredFile>, Fault>> {
  return world.store.batches(async (books) => books.listFiles(query));
}

export async function removeFile(id: string, keyId: string, desk: FileDesk): Promise<Result<StoredFile, Fault>> {
  const found = await findFile(id, keyId, desk);
  if (!found.ok) return found;
  const removed = await desk.world.store.batches(async (books) => books.removeFile(id));
  if (!removed.ok) return removed;
  if (removed.value === 'used') return err(fault('file-in-use', { id }));
  await desk.spool.remove(id);
  return found;
}

/** Takes a file away that no running batch reads, whoever's it is. */
export async function dropFile(id: string, { world, spool }: FileDesk): Promise<void> {
  const removed = await world.store.batches(async (books) => books.removeFile(id));
  if (removed.ok && removed.value !== 'used') await spool.remove(id);
}

/** Its bytes, to be read from the beginning. */
export async function openFile(id: string, { spool }: FileDesk): Promise<Result<FileHandle, Fault>> {
  try {
    return ok(await spool.open(id));
  } catch {
    return err(unknownFile(id));
  }
}

/** Takes away what has expired, and what a dead process left. For a slow timer. */
export async function tendFiles(desk: FileDesk): Promise<void> {
  const { store, clock } = desk.world;
  const expired = await store.batches(async (books) => books.expiredFiles(clock.unixMs()));
  for (const id of expired.ok ? expired.value : []) await dropFile(id, desk);
  await desk.spool.sweep(clock.unixMs(), async (ids) => {
    const known = await store.batches(async (books) => books.knownFiles(ids));
    return known.ok ? known.value : ids;
  });
}

function unknownFile(id: string): Fault {
  return fault('file-unknown', { id: JSON.stringify(id.slice(0, 80)) });
}
