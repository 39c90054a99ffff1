/** `/v1/files` as OpenAI has it, and the bytes of files on their way out. By key: no key sees another's. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FileHandle } from 'node:fs/promises';
import { fault, specOf, type Fault } from '../chat/fault.ts';
import { findFile, listFiles, openFile, removeFile, SHOWN, uploadFile, type FileDesk } from '../batches/files.ts';
import { fileShape } from '../batches/shapes.ts';
import type { JsonRecord } from '../lib/json.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { createOutlet } from '../pipeline/outlet.ts';
import type { Ending, Reply } from '../pipeline/reply.ts';
import type { World } from '../pipeline/world.ts';
import { FILES_PAGE, listShape, pageQuery } from './pages.ts';
import { shownType } from './read-body.ts';
import type { Operation } from './routes.ts';

/** Read and written at once. */
const PIECE_BYTES = 64 * 1024;

export interface FileVisit {
  readonly operation: Extract<Operation, { kind: 'files' }>;
  readonly keyId: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly reply: Reply;
  readonly requestId: string;
}

/** What to answer; an ending where the answer has been given already. */
export async function answerFiles(
  visitor: FileVisit,
  desk: FileDesk & { readonly world: World },
): Promise<Result<JsonRecord, Fault> | Ending> {
  const { operation, keyId, query } = visitor;
  switch (operation.action) {
    case 'create': {
      const body = piecesOf(visitor, 'multipart/form-data');
      if (!body.ok) return body;
      const made = await uploadFile({ keyId, ...body.value }, desk);
      return made.ok ? ok(fileShape(made.value)) : made;
    }
    case 'list':
      return list({ keyId, query }, desk);
    case 'show': {
      const found = await findFile(operation.id, keyId, desk);
      return found.ok ? ok(fileShape(found.value)) : found;
    }
    case 'remove': {
      const removed = await removeFile(operation.id, keyId, desk);
      return removed.ok ? ok({ id: operation.id, object: 'file', deleted: true }) : removed;
    }
    case 'content': {
      const found = await findFile(operation.id, keyId, desk);
      const file = found.ok ? await openFile(operation.id, desk) : found;
      if (!file.ok) return file;
      const { size } = await file.value.stat();
      return sendFile({ file: file.value, bytes: size, type: 'application/octet-stream' }, visitor, desk.world);
    }
  }
}

async function list(
  { keyId, query }: Pick<FileVisit, 'keyId' | 'query'>,
  desk: FileDesk,
): Promise<Result<JsonRecord, Fault>> {
  const page = pageQuery(query, FILES_PAGE);
  if (!page.ok) return page;
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc')
    return err(fault('field-invalid', { reason: 'it must be `asc` or `desc`' }, { param: 'order' }));
  const purpose = query.get('purpose');
  const purposes = purpose === null ? SHOWN : SHOWN.filter((one) => one === purpose);
  const found = await listFiles({ ...page.value, keyId, purposes, isOldestFirst: order === 'asc' }, desk);
  return found.ok ? ok(listShape(found.value, fileShape)) : found;
}

interface Pieces {
  readonly contentType: string;
  /** As it was announced; 0 where it was not. */
  readonly length: number;
  readonly body: AsyncIterable<Buffer>;
}

/** A body as it arrives, at the pace of whoever takes it. It must not be compressed: nobody could tell its size before. */
export function piecesOf(
  { request, response }: Pick<FileVisit, 'request' | 'response'>,
  wanted: string,
): Result<Pieces, Fault> {
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.toLowerCase().startsWith(wanted) || contentType.length > 512)
    return err(fault('media-type', { found: shownType(contentType), wanted }));
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return err(fault('encoding-unknown', { found: encoding.slice(0, 40) }));
  if (request.headers.expect !== undefined) response.writeContinue();
  const length = Number(request.headers['content-length'] ?? 0);
  // A refusal is answered before the rest has come; the reply takes that off the wire.
  return ok({ contentType, length, body: request.iterator({ destroyOnReturn: false }) });
}

interface Sent {
  readonly file: FileHandle;
  readonly bytes: number;
  readonly type: string;
}

/** Sends a file and closes it, no faster than the client reads. */
export async function sendFile(
  { file, bytes, type }: Sent,
  { reply, requestId }: Pick<FileVisit, 'reply' | 'requestId'>,
  { timers, snapshot }: World,
): Promise<Ending> {
  const headers = { 'content-type': type, 'content-length': String(bytes), 'x-request-id': requestId };
  const outlet = createOutlet(reply, {
    timers,
    heartbeatMs: Number.POSITIVE_INFINITY,
    writeIdleMs: snapshot().writeIdleMs,
    canPing: false,
    earlyHeaders: () => headers,
  });
  const stream = file.createReadStream({ start: 0, highWaterMark: PIECE_BYTES });
  const source = { pause: () => void stream.pause(), resume: () => void stream.resume() };
  const leave = (): void => void stream.destroy();
  reply.signal.addEventListener('abort', leave, { once: true });
  if (reply.signal.aborted) leave();
  const isWhole = await new Promise<boolean>((resolve) => {
    stream.on('data', (piece) => outlet.send(() => headers, piece, source));
    stream.once('end', () => resolve(true));
    stream.once('error', () => resolve(false));
    stream.once('close', () => resolve(false));
  });
  reply.signal.removeEventListener('abort', leave);
  if (isWhole) outlet.end(() => headers, '');
  else outlet.stop();
  if (isWhole) return { outcome: 'ok', status: 200 };
  const of = fault(reply.signal.aborted ? 'client-closed' : 'internal');
  // A length was promised: only the end of the connection says that it is not kept.
  reply.destroy();
  return { outcome: specOf(of).outcome, status: specOf(of).status };
}
