/** Reads a request's body within its limits: size (before and after decoding) and media type. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';

/** Longest `content-type` that is looked at: a multipart boundary of 1 MiB is an attack, not a header. */
const MEDIA_TYPE_MAX = 512;

/** Only what has sent so much gets a buffer of the size it announced. */
const JOIN_AFTER_BYTES = 256 * 1024;

/** By name; a Map, since the name comes from the caller and `constructor` is none. */
const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
  ['zstd', createZstdDecompress],
]);

export interface ReadOptions {
  readonly maxBytes: number;
  /** Looks at each piece as it comes; a fault ends the reading. Given: the body need not be JSON. */
  readonly watch?: (piece: Buffer) => Fault | undefined;
}

/** The whole decoded body, or what is wrong with it. Stops reading at the limit. */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  options: ReadOptions,
): Promise<Result<Buffer, Fault>> {
  const refused = refusal(request, options);
  if (refused !== undefined) return Promise.resolve(err(refused));
  if (request.headers.expect !== undefined) response.writeContinue();
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  const decoder = DECODERS.get(encoding)?.();
  if (decoder === undefined) return gather(request, request, options);
  request.pipe(decoder);
  return gather(request, decoder, options);
}

function refusal(request: IncomingMessage, { maxBytes, watch }: ReadOptions): Fault | undefined {
  const type = request.headers['content-type'];
  if (type !== undefined && type.length > MEDIA_TYPE_MAX)
    return fault('header-too-long', { name: 'content-type', max: MEDIA_TYPE_MAX });
  if (watch === undefined && type !== undefined && !isJson(type, request.headers['user-agent']))
    return fault('media-type', { found: shownType(type), wanted: 'application/json' });
  const encoding = request.headers['content-encoding']?.toLowerCase();
  if (encoding !== undefined && encoding !== 'identity' && !DECODERS.has(encoding)) {
    return fault('encoding-unknown', { found: encoding.slice(0, 40) });
  }
  const length = Number(request.headers['content-length'] ?? 0);
  return length > maxBytes ? fault('body-too-big', { max: maxBytes }) : undefined;
}

/** A content type as it may stand in an error. */
export function shownType(type: string): string {
  return type.replaceAll(/[^\u0020-\u007e]/g, '?').slice(0, 80);
}

/** JSON in UTF-8. `curl -d` calls its JSON a form; nothing else may, since a form needs no consent of the browser's user (CORS). */
function isJson(type: string, userAgent: string | undefined): boolean {
  const [name = '', ...parameters] = type
    .toLowerCase()
    .split(';')
    .map((piece) => piece.trim());
  if (name === 'application/x-www-form-urlencoded') return userAgent?.startsWith('curl/') === true;
  if (name !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(name)) return false;
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  return charset === undefined || ['utf-8', 'utf8', '"utf-8"', 'us-ascii'].includes(charset.slice('charset='.length));
}

function gather(
  request: IncomingMessage,
  source: IncomingMessage | Transform,
  { maxBytes, watch }: ReadOptions,
): Promise<Result<Buffer, Fault>> {
  return new Promise((resolve) => {
    // A decoder's output has a length that nobody knows before.
    const store = createStore(source === request ? Number(request.headers['content-length'] ?? maxBytes) : maxBytes);
    let isOver = false;
    function finish(result: Result<Buffer, Fault>): void {
      if (isOver) return;
      isOver = true;
      source.off('data', take);
      if (!result.ok) {
        request.unpipe();
        request.pause();
        if (source !== request) source.destroy();
      }
      resolve(result);
    }
    function take(piece: Buffer): void {
      const wrong = watch?.(piece);
      if (store.length() + piece.length > maxBytes) finish(err(fault('body-too-big', { max: maxBytes })));
      else if (wrong !== undefined) finish(err(wrong));
      else store.add(piece);
    }
    source.on('data', take);
    source.once('end', () => finish(ok(store.whole())));
    source.once('error', () =>
      finish(
        err(
          source === request ? fault('body-cut') : fault('body-not-utf8', { reason: 'its content encoding is broken' }),
        ),
      ),
    );
    request.once('close', () => {
      if (!request.complete) finish(err(fault('body-cut')));
    });
  });
}

interface BodyStore {
  length(): number;
  add(piece: Buffer): void;
  whole(): Buffer;
}

/** Keeps a body as it comes. A long one is written into one buffer, since pieces and their join would take twice its size. */
function createStore(expectedBytes: number): BodyStore {
  let pieces: Buffer[] = [];
  let joined: Buffer | undefined;
  let length = 0;
  return {
    length: () => length,
    add(piece) {
      if (joined === undefined) pieces.push(piece);
      else piece.copy(joined, length);
      length += piece.length;
      if (joined !== undefined || length < JOIN_AFTER_BYTES) return;
      // Memory that is not written to is not taken: of a buffer that is too long only the beginning counts.
      joined = Buffer.allocUnsafeSlow(Math.max(expectedBytes, length));
      let at = 0;
      for (const early of pieces) at += early.copy(joined, at);
      pieces = [];
    },
    whole() {
      if (joined !== undefined) return joined.subarray(0, length);
      const [only] = pieces;
      return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, length);
    },
  };
}
