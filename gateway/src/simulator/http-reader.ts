/** Reads HTTP/1.1 requests out of a byte stream: small and strict, because what reaches it should be well-formed, and if not, that is worth knowing. */

/** Largest head. Node's own servers stop at 16 KiB; long tool and beta headers come near that, so there is room to spare. */
const HEAD_MAX_BYTES = 64 * 1024;
/** Largest body: above what a gateway lets through (documents as base64), and still no way to fill the memory. */
const BODY_MAX_BYTES = 64 * 1024 * 1024;
/** A chunk's size line: eight hex digits and a short extension. */
const CHUNK_LINE_MAX_BYTES = 256;

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\/[\x21-\x7e]*|\*) HTTP\/1\.([01])$/;
// A value may hold tabs, visible characters and obs-text (RFC 9110 section 5.5), nothing else: a bare CR, LF or NUL is an attack.
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export interface RequestHead {
  readonly method: string;
  /** As it was sent: path and query. */
  readonly target: string;
  /** Lower-case names; a name that came more than once has its values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the client will use the connection again. */
  readonly keepsAlive: boolean;
  readonly expectsContinue: boolean;
}

export type ReadEvent =
  | { readonly kind: 'head'; readonly head: RequestHead }
  | { readonly kind: 'body'; readonly head: RequestHead; readonly body: Buffer }
  | { readonly kind: 'problem'; readonly status: number; readonly message: string };

export interface HttpReader {
  /** Takes bytes as they come from the socket. */
  push(bytes: Buffer): void;
  /** The next thing that is complete: for each request its head, then its body (empty where there is none). Nothing follows a problem. */
  next(): ReadEvent | undefined;
  /** Bytes taken and not yet given out as part of a request. */
  pendingBytes(): number;
}

interface Framing {
  readonly by: 'length' | 'chunked';
  readonly length: number;
}

interface Problem {
  readonly status: number;
  readonly message: string;
}

type BodyStep = { readonly done: Buffer } | { readonly problem: Problem } | undefined;

function isProblem(value: object): value is Problem {
  return 'status' in value;
}

/** A reader for one connection. */
export function createHttpReader(): HttpReader {
  const input = createInput();
  let head: RequestHead | undefined;
  let body: (() => BodyStep) | undefined;
  let isBroken = false;

  const fail = (problem: Problem): ReadEvent => {
    isBroken = true;
    return { kind: 'problem', ...problem };
  };

  const readHead = (): ReadEvent | undefined => {
    input.skipEmptyLines();
    const bytes = input.takeThrough(HEAD_END, HEAD_MAX_BYTES);
    if (bytes === undefined) return undefined;
    if (bytes === 'too-long') return fail({ status: 431, message: `The head is larger than ${HEAD_MAX_BYTES} bytes.` });
    const parsed = parseHead(bytes.toString('latin1', 0, bytes.length - HEAD_END.length));
    if (isProblem(parsed)) return fail(parsed);
    head = parsed.head;
    body = parsed.framing.by === 'length' ? lengthBody(input, parsed.framing.length) : chunkedBody(input);
    return { kind: 'head', head };
  };

  return {
    push: (bytes) => input.push(bytes),
    pendingBytes: () => input.size(),
    next() {
      if (isBroken) return undefined;
      if (head === undefined || body === undefined) return readHead();
      const step = body();
      if (step === undefined) return undefined;
      if ('problem' in step) return fail(step.problem);
      const event: ReadEvent = { kind: 'body', head, body: step.done };
      head = undefined;
      body = undefined;
      return event;
    },
  };
}

interface Input {
  push(bytes: Buffer): void;
  size(): number;
  skipEmptyLines(): void;
  /** All up to and including `mark`, once it is there. */
  takeThrough(mark: Buffer, maxBytes: number): Buffer | 'too-long' | undefined;
  /** Exactly `length` bytes, once they are there. */
  take(length: number): Buffer | undefined;
}

/** A queue of received buffers. Pieces are joined only where a taken range spans several, so a large body is copied once. */
function createInput(): Input {
  let queue: Buffer[] = [];
  let total = 0;
  /** How far the first buffer was searched for `mark` without success. */
  let searchedBytes = 0;

  const joined = (): Buffer => {
    if (queue.length > 1) queue = [Buffer.concat(queue, total)];
    return queue[0] ?? Buffer.alloc(0);
  };
  const take = (length: number): Buffer | undefined => {
    if (total < length) return undefined;
    const all = joined();
    const taken = all.subarray(0, length);
    queue = length === total ? [] : [all.subarray(length)];
    total -= length;
    searchedBytes = 0;
    return taken;
  };
  return {
    take,
    push(bytes) {
      queue.push(bytes);
      total += bytes.length;
    },
    size: () => total,
    skipEmptyLines() {
      // RFC 9112 section 2.2: empty lines before a request line are to be ignored.
      while (total >= LINE_END.length && joined().subarray(0, LINE_END.length).equals(LINE_END)) take(LINE_END.length);
    },
    takeThrough(mark, maxBytes) {
      if (total === 0) return undefined;
      const at = joined().indexOf(mark, Math.max(0, searchedBytes - mark.length + 1));
      if (at >= 0 && at + mark.length <= maxBytes) return take(at + mark.length);
      if (at >= 0 || total > maxBytes) return 'too-long';
      searchedBytes = total;
      return undefined;
    },
  };
}

function lengthBody(input: Input, length: number): () => BodyStep {
  return () => {
    const done = input.take(length);
    return done === undefined ? undefined : { done };
  };
}

/** RFC 9112 section 7.1. Extensions are ignored, trailers are read and dropped. */
function chunkedBody(input: Input): () => BodyStep {
  const parts: Buffer[] = [];
  let size = 0;
  let wanted: number | 'size' | 'trailer' = 'size';
  const bad = (message: string): BodyStep => ({ problem: { status: 400, message } });

  const readSize = (line: string): BodyStep => {
    const digits = /^([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e]*)?$/.exec(line)?.[1];
    if (digits === undefined) return bad('A chunk size is not a hexadecimal number.');
    const length = Number.parseInt(digits, 16);
    size += length;
    if (size > BODY_MAX_BYTES) return { problem: tooBig() };
    wanted = length === 0 ? 'trailer' : length;
    return undefined;
  };
  const readLine = (): BodyStep | 'more' => {
    const line = input.takeThrough(LINE_END, wanted === 'size' ? CHUNK_LINE_MAX_BYTES : HEAD_MAX_BYTES);
    if (line === undefined) return 'more';
    if (line === 'too-long') return bad('A line of the chunked body is too long.');
    const text = line.toString('latin1', 0, line.length - LINE_END.length);
    if (wanted === 'size') return readSize(text);
    return text === '' ? { done: Buffer.concat(parts) } : undefined;
  };

  return () => {
    for (;;) {
      if (typeof wanted === 'number') {
        const chunk = input.take(wanted + LINE_END.length);
        if (chunk === undefined) return undefined;
        if (!chunk.subarray(wanted).equals(LINE_END)) return bad('A chunk is longer than its size says.');
        parts.push(chunk.subarray(0, wanted));
        wanted = 'size';
        continue;
      }
      const step = readLine();
      if (step === 'more') return undefined;
      if (step !== undefined) return step;
    }
  };
}

function parseHead(text: string): { readonly head: RequestHead; readonly framing: Framing } | Problem {
  const lines = text.split('\r\n');
  const start = REQUEST_LINE.exec(lines[0] ?? '');
  const [, method, target, minor] = start ?? [];
  if (method === undefined || target === undefined)
    return { status: 400, message: 'The request line is not HTTP/1.1.' };
  const headers = parseHeaders(lines.slice(1));
  if (typeof headers === 'string') return { status: 400, message: headers };
  if (minor === '1' && headers['host'] === undefined) return { status: 400, message: 'The Host header is missing.' };
  const framing = framingOf(headers);
  if (isProblem(framing)) return framing;
  const connection = (headers['connection'] ?? '').toLowerCase();
  return {
    head: {
      method,
      target,
      headers,
      keepsAlive: minor === '1' ? !connection.includes('close') : connection.includes('keep-alive'),
      expectsContinue: headers['expect']?.toLowerCase() === '100-continue',
    },
    framing,
  };
}

/** Headers of which two would mean two different requests to two readers. */
const SINGLE = new Set(['host', 'content-length', 'transfer-encoding', 'authorization']);

function parseHeaders(lines: readonly string[]): Record<string, string> | string {
  // Without a prototype, so that a header called `constructor` is only a header.
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || !TOKEN.test(name)) return 'A header line is not `name: value`.';
    const value = line.slice(colon + 1).trim();
    if (!VALUE.test(value)) return `The header ${name} holds a forbidden character.`;
    const earlier = headers[name];
    if (earlier !== undefined && SINGLE.has(name)) return `The header ${name} stands twice.`;
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`;
  }
  return headers;
}

function framingOf(headers: Readonly<Record<string, string>>): Framing | Problem {
  const coding = headers['transfer-encoding'];
  const length = headers['content-length'];
  if (coding !== undefined) {
    if (length !== undefined)
      return { status: 400, message: 'Content-Length and Transfer-Encoding exclude each other.' };
    if (coding.toLowerCase() !== 'chunked')
      return { status: 501, message: 'Only the chunked transfer coding is understood.' };
    return { by: 'chunked', length: 0 };
  }
  if (length === undefined) return { by: 'length', length: 0 };
  if (!/^\d{1,15}$/.test(length)) return { status: 400, message: 'Content-Length is not a number.' };
  const bytes = Number(length);
  return bytes > BODY_MAX_BYTES ? tooBig() : { by: 'length', length: bytes };
}

function tooBig(): Problem {
  return { status: 413, message: `The body is larger than ${BODY_MAX_BYTES} bytes.` };
}
