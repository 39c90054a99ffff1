/** Undoes the content encoding of a reply, with a bound on the memory it takes. */
import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';

export type Encoding = 'gzip' | 'deflate' | 'br' | 'zstd';

/** RFC 9659: no window above 8 MiB in HTTP. Without this limit 150 bytes could claim 128 MiB. */
const ZSTD_WINDOW_LOG_MAX = 23;

/** The encoding of a body by its header. Undefined: none. A text: one that we do not know, or several. */
export function encodingOf(header: string | string[] | undefined): Encoding | undefined | { readonly unknown: string } {
  const name = (Array.isArray(header) ? header.join(',') : (header ?? '')).trim().toLowerCase();
  switch (name) {
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return 'gzip';
    case 'deflate':
    case 'br':
    case 'zstd':
      return name;
    default:
      return { unknown: name };
  }
}

/** A stream that decodes. It passes on what is complete as soon as it can, so that events do not wait for the next ones. */
export function createDecoder(encoding: Encoding, firstByte: number): Transform {
  switch (encoding) {
    case 'gzip':
      return createGunzip();
    case 'deflate':
      // Named after zlib's format (RFC 9110, 8.4.1.2), but some servers send what is inside it: 8 is zlib's method.
      return (firstByte & 0x0f) === 8 ? createInflate() : createInflateRaw();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
  }
}
