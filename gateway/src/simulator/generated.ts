/** Bodies that are too large to hold: made piece by piece while they are sent. */
import { gzipSync } from 'node:zlib';
import type { Piece } from './answer.ts';

const SLICE_BYTES = 64 * 1024;
/** Size of one gzip member of a bomb; members may follow each other (RFC 1952 section 2.2), so one compressed member serves again and again. */
const MEMBER_BYTES = 1024 * 1024;

const HUGE_PARTS = {
  json: { before: '{"object":"simulated","padding":"', after: '"}', contentType: 'application/json' },
  sse: { before: 'data: {"object":"simulated","padding":"', after: '"}\n\n', contentType: 'text/event-stream' },
  text: { before: '', after: '', contentType: 'text/plain' },
} as const;

export interface Generated {
  readonly contentType: string;
  readonly body: Iterable<Piece>;
  /** Exact length of the body. */
  readonly bytes: number;
}

/** A document of exactly `bytes` bytes (or as few more as its form needs): valid JSON, one SSE line, or plain text. */
export function hugeBody(bytes: number, as: keyof typeof HUGE_PARTS): Generated {
  const { before, after, contentType } = HUGE_PARTS[as];
  const padding = Math.max(0, bytes - before.length - after.length);
  return { contentType, bytes: padding + before.length + after.length, body: padded(before, padding, after) };
}

function* padded(before: string, padding: number, after: string): Generator<Piece> {
  if (before !== '') yield { bytes: Buffer.from(before) };
  const slice = Buffer.alloc(Math.min(SLICE_BYTES, Math.max(1, padding)), 'x');
  for (let left = padding; left > 0; left -= slice.length)
    yield { bytes: slice.subarray(0, Math.min(left, slice.length)) };
  if (after !== '') yield { bytes: Buffer.from(after) };
}

/** A small gzip body that unpacks to about `bytes` bytes of valid JSON: at most a mebibyte more. */
export function gzipBomb(bytes: number): Generated {
  const { before, after, contentType } = HUGE_PARTS.json;
  const opening = gzipSync(before);
  const member = gzipSync(Buffer.alloc(MEMBER_BYTES, 'x'), { level: 9 });
  const closing = gzipSync(after);
  const members = Math.ceil(bytes / MEMBER_BYTES);
  return { contentType, bytes: opening.length + members * member.length + closing.length, body: bomb() };

  function* bomb(): Generator<Piece> {
    yield { bytes: opening };
    for (let made = 0; made < members; made += 1) yield { bytes: member };
    yield { bytes: closing };
  }
}

/** The same event again and again, until the client leaves. */
export function* endlessly(event: Buffer): Generator<Piece> {
  for (;;) yield { bytes: event };
}
