/** Reads HTTP/1.1 replies off a socket, just enough to count and check them. */

const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 0x0d;
const LF = 0x0a;

export interface ReadReply {
  readonly status: number;
  /** Of the body, without chunk framing. */
  readonly bytes: number;
  /** Empty unless the reader keeps bodies. */
  readonly body: string;
}

export interface ReplyHandler {
  /** The first bytes of the body. */
  begun(): void;
  ended(reply: ReadReply): void;
}

/** A reader for one connection. Throws on what is not HTTP/1.1 with a length or chunks: then the benchmark has failed. */
export class ReplyReader {
  readonly #handler: ReplyHandler;
  readonly #keepsBody: boolean;
  #phase: 'head' | 'length' | 'size' | 'chunk' | 'chunk-end' | 'trailer' = 'head';
  #carry: Buffer | undefined;
  #status = 0;
  #bytes = 0;
  #missing = 0;
  #size = 0;
  #lineLength = 0;
  #pieces: Buffer[] = [];

  constructor(handler: ReplyHandler, keepsBody: boolean) {
    this.#handler = handler;
    this.#keepsBody = keepsBody;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(chunk, at);
      case 'length':
      case 'chunk':
        return this.#readBody(chunk, at);
      case 'size':
        return this.#readSize(chunk, at);
      case 'chunk-end':
        if (chunk[at] === LF) this.#phase = 'size';
        return at + 1;
      case 'trailer':
        return this.#readTrailer(chunk, at);
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    const carried = this.#carry?.length ?? 0;
    const seen = this.#carry === undefined ? chunk.subarray(at) : Buffer.concat([this.#carry, chunk.subarray(at)]);
    const end = seen.indexOf(HEAD_END);
    if (end === -1) {
      this.#carry = seen;
      return chunk.length;
    }
    this.#carry = undefined;
    this.#bytes = 0;
    this.#pieces = [];
    const head = seen.toString('latin1', 0, end);
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) {
      this.#missing = Number(length);
      this.#phase = 'length';
      if (this.#missing === 0) this.#end();
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#phase = 'size';
      this.#size = 0;
    } else throw new Error(`a reply without length or chunks:\n${head}`);
    return at + end + HEAD_END.length - carried;
  }

  #readBody(chunk: Buffer, at: number): number {
    const length = Math.min(this.#missing, chunk.length - at);
    if (this.#bytes === 0) this.#handler.begun();
    this.#bytes += length;
    this.#missing -= length;
    if (this.#keepsBody) this.#pieces.push(chunk.subarray(at, at + length));
    if (this.#missing === 0) {
      if (this.#phase === 'length') this.#end();
      else this.#phase = 'chunk-end';
    }
    return at + length;
  }

  /** A hexadecimal number to the end of its line (RFC 9112, section 7.1). */
  #readSize(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (byte === LF) {
        this.#missing = this.#size;
        this.#phase = this.#size === 0 ? 'trailer' : 'chunk';
        this.#size = 0;
        this.#lineLength = 0;
        return at + 1;
      }
      if (byte !== CR) this.#size = this.#size * 16 + digitOf(byte);
    }
    return chunk.length;
  }

  #readTrailer(chunk: Buffer, start: number): number {
    for (let at = start; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === LF) {
        if (this.#lineLength === 0) {
          this.#end();
          return at + 1;
        }
        this.#lineLength = 0;
      } else if (byte !== CR) this.#lineLength += 1;
    }
    return chunk.length;
  }

  #end(): void {
    this.#phase = 'head';
    this.#handler.ended({
      status: this.#status,
      bytes: this.#bytes,
      body: Buffer.concat(this.#pieces).toString('utf8'),
    });
  }
}

function digitOf(byte: number): number {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  if (Number.isNaN(digit)) throw new Error('a chunk size that is no number');
  return digit;
}
