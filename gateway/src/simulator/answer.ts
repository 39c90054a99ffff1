/** What goes back over the wire, as plain data: head, body, framing, pace, and where it is broken on purpose. */
import { STATUS_CODES } from 'node:http';

export type Header = readonly [name: string, value: string];

/** A part of a body that is written by itself: an event of a stream, or a slice of a document. */
export interface Piece {
  readonly bytes: Buffer;
  /** Pause before it, counted from when the piece before was due. */
  readonly afterMs?: number;
}

export type Framing =
  /** `content-length: BYTES`, whatever the body's real length. */
  | { readonly by: 'length'; readonly bytes: number }
  /** Without `hasEnd` the last chunk (`0`) never comes. */
  | { readonly by: 'chunked'; readonly hasEnd: boolean }
  /** The body ends where the connection does. */
  | { readonly by: 'close' };

/** Where an answer stops before its end, and how. */
export interface Stop {
  /** `cut`: FIN. `reset`: RST. `stall`: silence, for ever. `end`: the body ends early, but as HTTP wants it, and the connection lives on. */
  readonly how: 'cut' | 'reset' | 'stall' | 'end';
  /** What `at` counts: bytes of the body, bytes from the status line on, or pieces. The stop comes after so many of them. */
  readonly of: 'body' | 'head' | 'event';
  readonly at: number;
}

export interface Answer {
  readonly status: number;
  readonly reason?: string;
  readonly headers: readonly Header[];
  readonly body: Buffer | Iterable<Piece>;
  readonly framing: Framing;
  /** Pause before the head. */
  readonly headAfterMs?: number;
  /** Pause between the head and the first byte of the body. */
  readonly bodyAfterMs?: number;
  /** Pause before every piece, on top of the piece's own. */
  readonly pieceAfterMs?: number;
  /** Cuts pieces into writes of so many bytes. */
  readonly writeBytes?: number;
  readonly stop?: Stop;
  /** What happens in the place of an HTTP reply. */
  readonly instead?: 'close' | 'reset' | 'silence' | { readonly raw: Buffer };
  /** Close the connection after so many milliseconds although the head promised to keep it. */
  readonly closeAfterMs?: number;
}

const CRLF = Buffer.from('\r\n');
export const LAST_CHUNK: Buffer = Buffer.from('0\r\n\r\n');

/** A whole reply: one body, its length declared. */
export function wholeAnswer(status: number, contentType: string, body: Buffer | string): Answer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return {
    status,
    headers: [['content-type', contentType]],
    body: bytes,
    framing: { by: 'length', bytes: bytes.length },
  };
}

/** A streamed reply: pieces in the chunked coding. */
export function streamAnswer(status: number, contentType: string, body: Iterable<Piece>): Answer {
  return { status, headers: [['content-type', contentType]], body, framing: { by: 'chunked', hasEnd: true } };
}

/** The same answer with `headers` set over those it has; `null` takes one away. */
export function withHeaders(
  answer: Answer,
  headers: Readonly<Record<string, string | readonly string[] | null>>,
): Answer {
  const names = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const kept = answer.headers.filter(([name]) => !names.has(name.toLowerCase()));
  const added = Object.entries(headers).flatMap(([name, value]): Header[] => {
    if (value === null) return [];
    return typeof value === 'string' ? [[name, value]] : value.map((item): Header => [name, item]);
  });
  return { ...answer, headers: [...kept, ...added] };
}

/** Status line, headers and the empty line. `keepsAlive` false announces the close. */
export function renderHead(answer: Answer, keepsAlive: boolean): string {
  const reason = answer.reason ?? STATUS_CODES[answer.status] ?? '';
  let head = `HTTP/1.1 ${answer.status} ${reason}\r\n`;
  for (const [name, value] of answer.headers) head += `${name}: ${value}\r\n`;
  if (answer.framing.by === 'length' && answer.status !== 204) head += `content-length: ${answer.framing.bytes}\r\n`;
  if (answer.framing.by === 'chunked') head += 'transfer-encoding: chunked\r\n';
  if (!keepsAlive) head += 'connection: close\r\n';
  return `${head}\r\n`;
}

/** `bytes` as they stand on the wire: a chunk of their own where the coding is chunked. */
export function frame(framing: Framing, bytes: Buffer): Buffer {
  if (framing.by !== 'chunked' || bytes.length === 0) return bytes;
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, CRLF]);
}

/** Cuts a stream into its events (SSE: after each empty line; NDJSON: after each line), every byte kept. */
export function splitEvents(bytes: Buffer, kind: 'sse' | 'lines'): Piece[] {
  const mark = kind === 'lines' ? '\n' : sseEventEnd(bytes);
  const pieces: Piece[] = [];
  let from = 0;
  while (from < bytes.length) {
    const at = bytes.indexOf(mark, from);
    const end = at < 0 ? bytes.length : at + mark.length;
    pieces.push({ bytes: bytes.subarray(from, end) });
    from = end;
  }
  return pieces;
}

/** How this stream ends its events: whichever form stands first in it. */
function sseEventEnd(bytes: Buffer): string {
  const unix = bytes.indexOf('\n\n');
  const dos = bytes.indexOf('\r\n\r\n');
  return dos >= 0 && (unix < 0 || dos < unix) ? '\r\n\r\n' : '\n\n';
}
