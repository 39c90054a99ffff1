/**
 * Reads replies of HTTP/1.1 and 1.0 (RFC 9112) out of a byte stream: bytes in, calls of a sink out, no copy of a body.
 * By the grammar and not a byte beyond it: what two readers of one connection could understand differently is refused,
 * because that is how one caller's reply ends up with another (RFC 9112, section 11.2).
 */

/** Names in lower case, values without the space around them; a header that stands there twice is a list. */
export type ReplyHeaders = Record<string, string | string[] | undefined>;

/** Where a reply goes. */
export interface ReplySink {
  /** The final head: interim ones (1xx) are read and dropped. */
  head(status: number, headers: ReplyHeaders): void;
  /** A piece of the body, without its framing: a part of the bytes that were pushed. */
  data(piece: Buffer): void;
  /** The reply is complete. `isReusable`: its connection may carry another one. */
  end(isReusable: boolean): void;
}

/** What is wrong with bytes that are no reply. */
export type Malformed =
  | 'too-large'
  | 'status-line'
  | 'header'
  | 'length'
  | 'coding'
  | 'switching'
  | 'interim'
  | 'chunk'
  | 'trailer';

/** Heads and trailers beyond this are not an answer. Browsers and proxies stop between 8 and 256 KiB. */
export const HEAD_MAX_BYTES = 64 * 1024;
/** Interim heads before the real one. Servers send one or two (`103 Early Hints`); an endless row of them says nothing. */
export const INTERIM_MAX = 16;
/** Chunk extensions mean nothing to anyone, and cost a byte of the body up to so many of reading. */
export const EXTENSION_MAX_BYTES = 1024;
/** Hexadecimal digits of a chunk's size and decimal ones of a length: far more than any body has, and exact as a double. */
const SIZE_DIGITS_MAX = 12;
const LENGTH = /^\d{1,15}$/;

const START = 'HTTP/1.';
/** The reason may be missing with its space, as with many servers. */
const STATUS_LINE = /HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t -~\x80-\xff]*)?\r\n/y;
/** A field, or the empty line behind the last one. No line may be folded, and no space stands before the colon. */
const FIELD_LINE = /([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t -~\x80-\xff]*)\r\n|\r\n/y;
const EXTENSIONS =
  /(?:;[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)+\r\n/y;
const HEAD_END = Buffer.from('\r\n\r\n');
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;
const LF = 0x0a;
const CR = 0x0d;
const SEMICOLON = 0x3b;

/** What the next byte belongs to. */
type Place =
  | 'status-line'
  | 'fields'
  | 'body'
  | 'body-until-close'
  | 'chunk-size'
  | 'chunk-extensions'
  | 'chunk-size-lf'
  | 'chunk'
  | 'chunk-cr'
  | 'chunk-lf'
  | 'trailers'
  | 'done';

/** One parser a connection; `expect` begins each reply. */
export class ReplyParser {
  readonly #sink: ReplySink;
  #place: Place = 'done';
  #malformed: Malformed | undefined;
  #hasBody = true;
  #canStay = false;
  #interims = 0;
  #status = 0;
  #version = 1;
  #headers: ReplyHeaders = {};
  /** Text of lines, of which those before `#from` are read. Between two pushes it is at most one unfinished line. */
  #text = '';
  #from = 0;
  /** Length of the lines that were read of this head, of these trailers or extensions, and the most there may be. */
  #linesBytes = 0;
  #linesMaxBytes = 0;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #digits = 0;

  constructor(sink: ReplySink) {
    this.#sink = sink;
  }

  /** The next bytes are the reply to a request with this method. */
  expect(method: string): void {
    this.#hasBody = method !== 'HEAD';
    this.#interims = 0;
    this.#expectHead();
  }

  /** Reads bytes. They may be cut anywhere. After an error nothing more is read. */
  push(bytes: Buffer): Malformed | undefined {
    let at = 0;
    while (at < bytes.length && this.#malformed === undefined) at = this.#read(bytes, at);
    return this.#malformed;
  }

  /** The connection was closed in good order. True where that ends the reply, which then is told to the sink. */
  finish(): boolean {
    if (this.#place !== 'body-until-close' || this.#malformed !== undefined) return false;
    this.#end(true);
    return true;
  }

  /** Reads on from an offset, and gives the next one. */
  #read(bytes: Buffer, at: number): number {
    switch (this.#place) {
      case 'status-line':
      case 'fields':
        return this.#readHead(bytes, at);
      case 'body':
      case 'chunk':
        return this.#readCounted(bytes, at);
      case 'body-until-close':
        this.#sink.data(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case 'trailers':
        return this.#readTrailers(bytes, at);
      case 'done':
        return bytes.length;
      default:
        return this.#readChunkFrame(bytes, at);
    }
  }

  #expectHead(): void {
    this.#place = 'status-line';
    this.#headers = noHeaders();
    this.#expectLines(HEAD_MAX_BYTES);
  }

  #expectLines(maxBytes: number): void {
    this.#text = '';
    this.#linesBytes = 0;
    this.#linesMaxBytes = maxBytes;
  }

  #readHead(bytes: Buffer, at: number): number {
    const heldLength = this.#text.length;
    // Only a guess at where the head ends, which spares making text of a long body.
    const end = bytes.indexOf(HEAD_END, at);
    if (!this.#hold(bytes.toString('latin1', at, end === -1 ? bytes.length : end + HEAD_END.length))) {
      // Another protocol's greeting may be all that ever comes.
      const isStart = this.#place === 'status-line' && heldLength < START.length;
      if (isStart && !START.startsWith(this.#text.slice(0, START.length))) this.#malformed = 'status-line';
      return bytes.length;
    }
    if (this.#place === 'status-line') this.#readStatusLine();
    if (this.#place === 'status-line' || !this.#readFields()) return bytes.length;
    const next = at + this.#from - heldLength;
    return this.#endHead(next === bytes.length) ? bytes.length : next;
  }

  /** Puts text behind the unfinished line. True where a line ends in it: until then nothing is looked at, so that single bytes cost the same as many. */
  #hold(piece: string): boolean {
    this.#text += piece;
    this.#from = 0;
    if (piece.includes('\n')) return true;
    if (this.#linesBytes + this.#text.length > this.#linesMaxBytes) this.#malformed = 'too-large';
    return false;
  }

  #readStatusLine(): void {
    const line = this.#line(STATUS_LINE, 'status-line');
    if (line === undefined) return;
    this.#version = Number(line[1]);
    this.#status = Number(line[2]);
    this.#place = 'fields';
  }

  /** Reads field lines. True once the empty line has been read. */
  #readFields(): boolean {
    // Once for all names, which costs less than one by one.
    const lower = this.#text.toLowerCase();
    for (;;) {
      const at = this.#from;
      const line = this.#line(FIELD_LINE, 'header');
      if (line === undefined) return false;
      const [, name, value] = line;
      if (name === undefined || value === undefined) return true;
      addHeader(this.#headers, lower.slice(at, at + name.length), withoutSpaceAtEnd(value));
    }
  }

  /** The next line; undefined where it is not complete yet, or not by its grammar. */
  #line(grammar: RegExp, otherwise: Malformed): RegExpExecArray | undefined {
    grammar.lastIndex = this.#from;
    const line = grammar.exec(this.#text);
    if (line === null) {
      if (this.#text.includes('\n', this.#from)) this.#malformed = otherwise;
      this.#text = this.#text.slice(this.#from);
      return undefined;
    }
    this.#from = grammar.lastIndex;
    this.#linesBytes += line[0].length;
    if (this.#linesBytes <= this.#linesMaxBytes) return line;
    this.#malformed = 'too-large';
    return undefined;
  }

  /** True where the head was all of the reply. `isLast`: it ends with the bytes that were pushed. */
  #endHead(isLast: boolean): boolean {
    const framing = framingOf(this.#headers);
    this.#canStay = isKeptAlive(this.#version, this.#headers);
    if (typeof framing === 'string') this.#malformed = framing;
    else if (this.#status < 200) this.#dropInterim();
    else {
      this.#sink.head(this.#status, this.#headers);
      return this.#beginBody(framing, isLast);
    }
    return false;
  }

  #dropInterim(): void {
    this.#interims += 1;
    if (this.#status === 101) this.#malformed = 'switching';
    // One that ends the connection promises a reply that cannot come.
    else if (this.#interims > INTERIM_MAX || !this.#canStay) this.#malformed = 'interim';
    else this.#expectHead();
  }

  /** RFC 9112, section 6.3, in its order. True where there is no body. */
  #beginBody({ isChunked, length }: Framing, isLast: boolean): boolean {
    const isBare = !this.#hasBody || this.#status === 204 || this.#status === 304;
    // A body that is announced all the same may be sent, too, and would be read as the next reply.
    if (isBare && this.#hasBody && (isChunked || (length ?? 0) > 0)) this.#canStay = false;
    if (isBare || length === 0) {
      this.#end(isLast);
      return true;
    }
    if (isChunked) {
      this.#expectChunk();
    } else if (length === undefined) {
      this.#canStay = false;
      this.#place = 'body-until-close';
    } else {
      this.#left = length;
      this.#place = 'body';
    }
    return false;
  }

  #readCounted(bytes: Buffer, at: number): number {
    const next = Math.min(bytes.length, at + this.#left);
    this.#left -= next - at;
    this.#sink.data(at === 0 && next === bytes.length ? bytes : bytes.subarray(at, next));
    if (this.#left > 0) return next;
    if (this.#place === 'body') {
      this.#end(next === bytes.length);
      return bytes.length;
    }
    this.#place = 'chunk-cr';
    return next;
  }

  #expectChunk(): void {
    this.#place = 'chunk-size';
    this.#left = 0;
    this.#digits = 0;
  }

  #readChunkFrame(bytes: Buffer, at: number): number {
    switch (this.#place) {
      case 'chunk-size':
        return this.#readChunkSize(bytes, at);
      case 'chunk-extensions':
        return this.#readExtensions(bytes, at);
      case 'chunk-cr':
        if (bytes[at] !== CR) this.#malformed = 'chunk';
        this.#place = 'chunk-lf';
        return at + 1;
      case 'chunk-lf':
        if (bytes[at] !== LF) this.#malformed = 'chunk';
        this.#expectChunk();
        return at + 1;
      default:
        if (bytes[at] !== LF) this.#malformed = 'chunk';
        this.#endChunkSize();
        return at + 1;
    }
  }

  #readChunkSize(bytes: Buffer, at: number): number {
    for (let next = at; next < bytes.length; next += 1) {
      const byte = bytes[next] ?? 0;
      const digit = hexDigit(byte);
      if (digit === -1) return this.#endDigits(byte, next);
      this.#digits += 1;
      this.#left = this.#left * 16 + digit;
    }
    if (this.#digits > SIZE_DIGITS_MAX) this.#malformed = 'chunk';
    return bytes.length;
  }

  #endDigits(byte: number, at: number): number {
    const isSize = this.#digits > 0 && this.#digits <= SIZE_DIGITS_MAX;
    if (!isSize || (byte !== CR && byte !== SEMICOLON)) this.#malformed = 'chunk';
    if (byte === CR) {
      this.#place = 'chunk-size-lf';
      return at + 1;
    }
    this.#place = 'chunk-extensions';
    this.#expectLines(EXTENSION_MAX_BYTES);
    return at;
  }

  #readExtensions(bytes: Buffer, at: number): number {
    const lineFeed = bytes.indexOf(LF, at);
    const next = lineFeed === -1 ? bytes.length : lineFeed + 1;
    if (this.#hold(bytes.toString('latin1', at, next)) && this.#line(EXTENSIONS, 'chunk') !== undefined)
      this.#endChunkSize();
    return next;
  }

  #endChunkSize(): void {
    if (this.#left > 0) {
      this.#place = 'chunk';
      return;
    }
    this.#place = 'trailers';
    this.#headers = noHeaders();
    this.#expectLines(HEAD_MAX_BYTES);
  }

  /** Trailers are read and dropped: nobody asked for them (RFC 9110, section 6.5.1). */
  #readTrailers(bytes: Buffer, at: number): number {
    const heldLength = this.#text.length;
    const isWhole = this.#hold(bytes.toString('latin1', at, bytes.length)) && this.#readFields();
    const { 'content-length': length, 'transfer-encoding': coding } = this.#headers;
    if (length !== undefined || coding !== undefined) this.#malformed = 'trailer';
    else if (isWhole) this.#end(at + this.#from - heldLength === bytes.length);
    return bytes.length;
  }

  /** `isLast`: no byte follows. One that does is no part of any reply, so that whatever comes next could not be told from it. */
  #end(isLast: boolean): void {
    this.#place = 'done';
    this.#text = '';
    this.#sink.end(this.#canStay && isLast);
  }
}

interface Framing {
  readonly isChunked: boolean;
  readonly length: number | undefined;
}

/** How the body is framed. Whatever leaves a doubt of that is no reply: two lengths, a length beside chunks, a coding that is none of ours. */
function framingOf(headers: ReplyHeaders): Framing | Malformed {
  const length = headers['content-length'];
  const coding = headers['transfer-encoding'];
  if (length !== undefined && (typeof length !== 'string' || !LENGTH.test(length))) return 'length';
  if (coding === undefined) return { isChunked: false, length: length === undefined ? undefined : Number(length) };
  const isChunked = typeof coding === 'string' && coding.toLowerCase() === 'chunked';
  return isChunked && length === undefined ? { isChunked, length: undefined } : 'coding';
}

/** RFC 9112, section 9.3. A server of 1.0 that sends chunks has got its framing from somewhere else (section 6.1). */
function isKeptAlive(version: number, headers: ReplyHeaders): boolean {
  const { connection } = headers;
  if (connection === undefined) return version === 1;
  const options = typeof connection === 'string' ? connection : connection.join(',');
  if (CLOSE.test(options)) return false;
  return version === 1 || (KEEP_ALIVE.test(options) && headers['transfer-encoding'] === undefined);
}

/** Without a prototype, so that no header's name finds something that was not sent. */
function noHeaders(): ReplyHeaders {
  return Object.create(null);
}

function addHeader(headers: ReplyHeaders, name: string, value: string): void {
  const present = headers[name];
  if (present === undefined) headers[name] = value;
  else if (typeof present === 'string') headers[name] = [present, value];
  else present.push(value);
}

/** Not `trimEnd`, for which the byte 0xa0 is a space. */
function withoutSpaceAtEnd(value: string): string {
  let end = value.length;
  while (isSpace(value.charCodeAt(end - 1))) end -= 1;
  return end === value.length ? value : value.slice(0, end);
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
