/** Replies for the tests of the HTTP/1.1 parser: made by its grammar, and made wrong. */
import fc from 'fast-check';
import { ReplyParser, type Malformed } from '../src/lib/http1-reply.ts';

/** What a parser made of some bytes. */
export interface Reading {
  readonly status: number | undefined;
  /** By name in lower case, in the order in which they came. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  /** The reply was complete. */
  readonly isWhole: boolean;
  readonly isReusable: boolean;
  readonly malformed: Malformed | undefined;
}

/** Reads one reply that comes in these pieces, then the end of the connection where `isClosed`. Bodies are latin-1 text. */
export function readReply(pieces: readonly Buffer[], method = 'POST', isClosed = true): Reading {
  let status: number | undefined;
  let headers: Record<string, readonly string[]> = {};
  let body = '';
  let ends = 0;
  let isReusable = false;
  const parser = new ReplyParser({
    head(code, all) {
      if (status !== undefined) throw new Error('two heads');
      status = code;
      headers = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, [value ?? []].flat()]));
    },
    data(piece) {
      if (status === undefined || ends > 0 || piece.length === 0) throw new Error('data out of place');
      body += piece.toString('latin1');
    },
    end(canStay) {
      ends += 1;
      if (status === undefined || ends > 1) throw new Error('an end out of place');
      isReusable = canStay;
    },
  });
  parser.expect(method);
  let malformed: Malformed | undefined;
  for (const piece of pieces) malformed = parser.push(piece);
  if (isClosed) parser.finish();
  return { status, headers, body, isWhole: ends === 1, isReusable, malformed };
}

/** Cuts bytes at these offsets, in any order; those beyond the end count from the beginning again. */
export function cutAt(bytes: Buffer, offsets: readonly number[]): readonly Buffer[] {
  const edges = [0, ...offsets.map((offset) => offset % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

const name = fc.constantFrom('Content-Type', 'x-request-id', 'SET-COOKIE', 'date', 'x', '__proto__', "!#$%&'*+.^_`|~");
const value = fc.oneof(
  fc.constantFrom('', 'text/event-stream', 'a, b', '"q"', 'a\tb', 'caf\u00e9', '\u00a0', 'HTTP/1.1 200 OK'),
  fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[^ -~]/g, '')),
);
const space = fc.constantFrom('', ' ', '\t', '  ');
const field = fc
  .tuple(name, space, value, space)
  .map(([one, before, two, after]) => `${one}:${before}${two}${after}\r\n`);
const fields = fc.array(field, { maxLength: 6 }).map((lines) => lines.join(''));
const connection = fc.constantFrom(
  '',
  '',
  'Connection: close\r\n',
  'connection: keep-alive\r\n',
  'Connection: x, Close\r\n',
);
const body = fc
  .array(fc.constantFrom('data: {"a":1}\n\n', '\r\n', '0\r\n\r\n', 'x', 'HTTP/1.1 200 OK\r\n\r\n', '\u00ff'), {
    maxLength: 5,
  })
  .map((parts) => parts.join(''));
const extension = fc.constantFrom('', '', '', ';a', ';a=b', ';a="q;\\"r"', ';a=b;c');
const chunks = fc.array(fc.tuple(body, extension, fc.constantFrom('', '0', '000')), { maxLength: 4 }).map((all) =>
  all
    .filter(([text]) => text !== '')
    .map(([text, after, zeros]) => `${zeros}${text.length.toString(16)}${after}\r\n${text}\r\n`)
    .join(''),
);
const interims = fc
  .array(fc.constantFrom('HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'), {
    maxLength: 2,
  })
  .map((heads) => heads.join(''));
const framed = fc.oneof(
  body.map((text) => [`Content-Length: ${text.length}\r\n`, text] as const),
  fc
    .tuple(chunks, fc.constantFrom('', 'x-trailer: 1\r\n', 'a:\r\nb: c\r\n'))
    .map(([text, trailers]) => ['Transfer-Encoding: chunked\r\n', `${text}0\r\n${trailers}\r\n`] as const),
  body.map((text) => ['', text] as const),
);
const statusLine = fc.constantFrom(
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 200\r\n',
  'HTTP/1.1 429 Too Many Requests\r\n',
  'HTTP/1.0 200 OK\r\n',
  'HTTP/1.1 999 caf\u00e9\r\n',
);

/** A reply as it should be. */
export const goodReply: fc.Arbitrary<Buffer> = fc
  .tuple(interims, statusLine, fields, connection, fields, framed)
  .map(([before, line, one, kept, two, [framing, text]]) =>
    Buffer.from(`${before}${line}${one}${framing}${kept}${two}\r\n${text}`, 'latin1'),
  );

/** What a reply is made wrong with: everything that has ever split two parsers. */
const poison = fc.oneof(
  fc.constantFrom(...'\r\n\t \0:;="\\,+05fgx\u000b\u007f\u0001\u00ff'.split('')),
  fc.constantFrom('\r\n', '\r\n\r\n', '\n\n', '-1', '0x5', '1'.repeat(20), '0'.repeat(14)),
  fc.constantFrom('Content-Length: 5\r\n', 'Content-Length: 3\r\n', 'Content-Length: \r\n', ' folded\r\n'),
  fc.constantFrom('Upgrade: h2c\r\nConnection: upgrade\r\n', 'HTTP/1.1 103 Early\r\nContent-Length: x\r\n\r\n'),
  fc
    .constantFrom('chunked', 'gzip, chunked', 'identity', 'xchunked', '\tChunked ')
    .map((coding) => `Transfer-Encoding:${coding}\r\n`),
  fc.constantFrom('204 No Content', '304 Not Modified', '101 Up', '003 Low').map((status) => `HTTP/1.1 ${status}\r\n`),
  fc.constantFrom('HTTP/1.1 ', 'HTTP/2.0 ', 'Transfer-Encoding : chunked\r\n'),
);
const mutation = fc.record({
  at: fc.nat(400),
  /** Bytes that are taken away there. */
  gone: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(4), fc.nat(40)),
  put: fc.oneof(poison, fc.constant('')),
});

/** A reply with up to three things wrong in it, most of them in its head. */
export const oddReply: fc.Arbitrary<Buffer> = fc
  .tuple(goodReply, fc.array(mutation, { maxLength: 3 }))
  .map(([bytes, mutations]) => mutations.reduce(mutated, bytes));

function mutated(bytes: Buffer, { at, gone, put }: { at: number; gone: number; put: string }): Buffer {
  const from = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, from), Buffer.from(put, 'latin1'), bytes.subarray(from + gone)]);
}
