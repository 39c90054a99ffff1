/**
 * AWS's event streams (`application/vnd.amazon.eventstream`): messages with typed headers and two checksums, cut out of a
 * byte stream and written. The format is that of the Smithy specification, "Amazon Event Stream": total length, length of the
 * headers, CRC of both; headers; payload; CRC of everything before. All numbers are big-endian.
 */
import { crc32 } from './crc32.ts';
import { SSE_EVENT_MAX_BYTES } from './sse.ts';

const PRELUDE_BYTES = 12;
const CHECKSUM_BYTES = 4;
/** A message with neither headers nor payload. */
const MESSAGE_MIN_BYTES = PRELUDE_BYTES + CHECKSUM_BYTES;
/** The specification's limit on headers. */
const HEADERS_MAX_BYTES = 128 * 1024;
const EMPTY = Buffer.alloc(0);

/** A header's value. Integers of 8, 16 and 32 bits are numbers; those of 64 bits, and times (ms since 1970), are bigints. */
export type HeaderValue = string | boolean | number | bigint | Buffer;

export interface StreamMessage {
  readonly headers: ReadonlyMap<string, HeaderValue>;
  readonly payload: Buffer;
  /** The message as it came. */
  readonly raw: Buffer;
}

export interface MessageSplitter {
  /** Takes the next bytes and gives the messages they complete. Buffers in messages stay valid: they are never written again. */
  push(chunk: Uint8Array): readonly StreamMessage[];
  /** Why nothing more comes out: a checksum or a length that cannot be true, or a message beyond the limit. */
  problem(): 'damaged' | 'too-big' | undefined;
}

/** One splitter a stream. A message that is cut by the end of the stream never comes out. */
export function messageSplitter(maxBytes: number = SSE_EVENT_MAX_BYTES): MessageSplitter {
  let held: Buffer[] = [];
  let heldLength = 0;
  /** Nothing can be read before so many bytes are there. */
  let needed = PRELUDE_BYTES;
  let problem: 'damaged' | 'too-big' | undefined;

  function keep(rest: Buffer, length: number): void {
    held = rest.length === 0 ? [] : [rest];
    heldLength = rest.length;
    needed = length;
  }

  function push(chunk: Uint8Array): readonly StreamMessage[] {
    if (problem !== undefined || chunk.length === 0) return [];
    held.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    heldLength += chunk.length;
    if (heldLength < needed) return [];
    const [only] = held;
    const bytes = held.length === 1 && only !== undefined ? only : Buffer.concat(held, heldLength);
    const read = readMessages(bytes, maxBytes);
    problem = read.problem;
    // A copy: a small rest must not keep the whole chunk that it came in.
    keep(problem === undefined ? Buffer.from(read.rest) : EMPTY, read.needed);
    return read.messages;
  }

  return { push, problem: () => problem };
}

interface Reading {
  readonly messages: readonly StreamMessage[];
  readonly rest: Buffer;
  /** Length that `rest` must grow to before it is worth another look. */
  readonly needed: number;
  readonly problem: 'damaged' | 'too-big' | undefined;
}

function readMessages(bytes: Buffer, maxBytes: number): Reading {
  const messages: StreamMessage[] = [];
  let rest = bytes;
  for (;;) {
    const length = lengthOf(rest, maxBytes);
    if (typeof length === 'string') return { messages, rest, needed: 0, problem: length };
    if (rest.length < length) return { messages, rest, needed: length, problem: undefined };
    const message = readMessage(rest.subarray(0, length));
    if (message === undefined) return { messages, rest, needed: 0, problem: 'damaged' };
    messages.push(message);
    rest = rest.subarray(length);
  }
}

/** Length of the message that begins here, or that of a prelude where not even that is there. */
function lengthOf(bytes: Buffer, maxBytes: number): number | 'damaged' | 'too-big' {
  if (bytes.length < PRELUDE_BYTES) return PRELUDE_BYTES;
  if (bytes.readUInt32BE(8) !== crc32(bytes.subarray(0, 8))) return 'damaged';
  const total = bytes.readUInt32BE(0);
  const headers = bytes.readUInt32BE(4);
  if (total < MESSAGE_MIN_BYTES || headers > total - MESSAGE_MIN_BYTES) return 'damaged';
  return total > maxBytes || headers > HEADERS_MAX_BYTES ? 'too-big' : total;
}

function readMessage(raw: Buffer): StreamMessage | undefined {
  const end = raw.length - CHECKSUM_BYTES;
  if (raw.readUInt32BE(end) !== crc32(raw.subarray(0, end))) return undefined;
  const headersEnd = PRELUDE_BYTES + raw.readUInt32BE(4);
  const headers = readHeaders(raw.subarray(PRELUDE_BYTES, headersEnd));
  return headers === undefined ? undefined : { headers, payload: raw.subarray(headersEnd, end), raw };
}

function readHeaders(bytes: Buffer): ReadonlyMap<string, HeaderValue> | undefined {
  const headers = new Map<string, HeaderValue>();
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] ?? 0);
    const value = nameEnd < bytes.length ? readValue(bytes, nameEnd) : undefined;
    if (value === undefined || value.end > bytes.length) return undefined;
    headers.set(bytes.toString('utf8', at + 1, nameEnd), value.value());
    at = value.end;
  }
  return headers;
}

interface Span {
  readonly end: number;
  /** Only to be called where `end` is within the bytes. */
  value(): HeaderValue;
}

/** The value whose type stands at `at`. */
function readValue(bytes: Buffer, at: number): Span | undefined {
  const from = at + 1;
  switch (bytes[at]) {
    case 0:
    case 1:
      return { end: from, value: () => bytes[at] === 0 };
    case 2:
      return { end: from + 1, value: () => bytes.readInt8(from) };
    case 3:
      return { end: from + 2, value: () => bytes.readInt16BE(from) };
    case 4:
      return { end: from + 4, value: () => bytes.readInt32BE(from) };
    case 5:
    case 8:
      return { end: from + 8, value: () => bytes.readBigInt64BE(from) };
    case 6:
      return readLong(bytes, from, (start, end) => bytes.subarray(start, end));
    case 7:
      return readLong(bytes, from, (start, end) => bytes.toString('utf8', start, end));
    case 9:
      return { end: from + 16, value: () => bytes.toString('hex', from, from + 16) };
    default:
      return undefined;
  }
}

/** Bytes or text: a length of 16 bits before it. */
function readLong(bytes: Buffer, at: number, read: (start: number, end: number) => HeaderValue): Span | undefined {
  if (at + 2 > bytes.length) return undefined;
  const start = at + 2;
  const end = start + bytes.readUInt16BE(at);
  return { end, value: () => read(start, end) };
}

/** Writes a message. A name has at most 255 bytes, a text 65,535; numbers are 32-bit integers. */
export function encodeMessage(headers: ReadonlyMap<string, HeaderValue>, payload: Uint8Array): Buffer {
  const head = Buffer.concat([...headers].flatMap(([name, value]) => encodeHeader(name, value)));
  const end = PRELUDE_BYTES + head.length + payload.length;
  const message = Buffer.alloc(end + CHECKSUM_BYTES);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(head.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  head.copy(message, PRELUDE_BYTES);
  message.set(payload, PRELUDE_BYTES + head.length);
  message.writeUInt32BE(crc32(message.subarray(0, end)), end);
  return message;
}

function encodeHeader(name: string, value: HeaderValue): readonly Buffer[] {
  const label = Buffer.from(name);
  return [Buffer.from([label.length]), label, ...encodeValue(value)];
}

function encodeValue(value: HeaderValue): readonly Buffer[] {
  if (typeof value === 'boolean') return [Buffer.from([value ? 0 : 1])];
  if (typeof value === 'number') {
    const number = Buffer.from([4, 0, 0, 0, 0]);
    number.writeInt32BE(value, 1);
    return [number];
  }
  if (typeof value === 'bigint') {
    const number = Buffer.alloc(9, 5);
    number.writeBigInt64BE(value, 1);
    return [number];
  }
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const length = Buffer.from([typeof value === 'string' ? 7 : 6, 0, 0]);
  length.writeUInt16BE(bytes.length, 1);
  return [length, bytes];
}
