/** Reads a request's body within its limits: size (before and after decoding) and media type. */
import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import { fault, type Fault } from '../chat/fault.ts';
import { err, ok, type Result } from '../lib/result.ts';

/** Longest `content-type` that is looked at: a multipart boundary of 1 MiB is an attack, not a header. */
const MEDIA_TYPE_MAX = 512;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** The whole decoded body, or what is wrong with it. Stops reading at the limit. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Result<Buffer, Fault>> {
  const refused = refusal(request, maxBytes);
  if (refused !== undefined) return Promise.resolve(err(refused));
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  const decoder = DECODERS[encoding]?.();
  if (decoder === undefined) return gather(request, request, maxBytes);
  request.pipe(decoder);
  return gather(request, decoder, maxBytes);
}

function refusal(request: IncomingMessage, maxBytes: number): Fault | undefined {
  const type = request.headers['content-type'];
  if (type !== undefined && !isJson(type, request.headers['user-agent'])) {
    return fault('media-type', { found: type.replaceAll(/[^\u0020-\u007e]/g, '?').slice(0, 80) });
  }
  const encoding = request.headers['content-encoding']?.toLowerCase();
  if (encoding !== undefined && encoding !== 'identity' && DECODERS[encoding] === undefined) {
    return fault('encoding-unknown', { found: encoding.slice(0, 40) });
  }
  const length = Number(request.headers['content-length'] ?? 0);
  return length > maxBytes ? fault('body-too-big', { max: maxBytes }) : undefined;
}

/** JSON in UTF-8. `curl -d` calls its JSON a form; nothing else may, since a form needs no consent of the browser's user (CORS). */
function isJson(type: string, userAgent: string | undefined): boolean {
  if (type.length > MEDIA_TYPE_MAX) return false;
  const [name = '', ...parameters] = type.toLowerCase().split(';').map((piece) => piece.trim());
  if (name === 'application/x-www-form-urlencoded') return userAgent?.startsWith('curl/') === true;
  if (name !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(name)) return false;
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  return charset === undefined || ['utf-8', 'utf8', '"utf-8"', 'us-ascii'].includes(charset.slice('charset='.length));
}

function gather(request: IncomingMessage, source: IncomingMessage | Transform, maxBytes: number): Promise<Result<Buffer, Fault>> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let length = 0;
    function finish(result: Result<Buffer, Fault>): void {
      source.off('data', take);
      if (!result.ok) {
        request.unpipe();
        request.pause();
        if (source !== request) source.destroy();
      }
      resolve(result);
    }
    function take(piece: Buffer): void {
      length += piece.length;
      if (length > maxBytes) finish(err(fault('body-too-big', { max: maxBytes })));
      else pieces.push(piece);
    }
    source.on('data', take);
    source.once('end', () => {
      const [only] = pieces;
      resolve(ok(pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces, length)));
    });
    source.once('error', () => finish(err(source === request ? fault('body-cut') : fault('body-not-utf8', { reason: 'its content encoding is broken' }))));
    request.once('close', () => {
      if (!request.complete) finish(err(fault('body-cut')));
    });
  });
}
