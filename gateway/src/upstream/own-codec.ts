/** Our own HTTP/1.1 on a socket: one write for a request, one call for a piece of its reply, and nothing in between. */
import type { Socket } from 'node:net';
import { ReplyParser, type ReplyHeaders, type ReplySink } from '../lib/http1-reply.ts';
import { requestHead } from '../lib/http1-request.ts';
import { timerLinks, type Timer } from '../lib/wheel.ts';
import {
  breakageOf,
  type Breakage,
  type Codec,
  type CodecOptions,
  type HttpConnection,
  type HttpRequest,
  type ReplyReader,
} from './codec.ts';

/** Up to this, copying a body behind its head costs less than a write of two parts. */
const COPIED_MAX_BYTES = 16 * 1024;
/** Before the other side's own limit by the time that a request may need to get there. */
const KEEP_ALIVE_MARGIN_MS = 2_000;
const KEEP_ALIVE_TIMEOUT = /(?:^|,)\s*timeout\s*=\s*(\d{1,9})\s*(?:,|$)/i;

/** Where reads put what they bring: one after the other, whichever socket they are of. */
const READ_MEMORY = Buffer.allocUnsafeSlow(64 * 1024);

/**
 * Reads past the socket's stream, which would cost a microsecond and 64 KiB of fresh memory a read. What has come is
 * copied before anything else can happen, since the next bytes, of another caller perhaps, will lie in the same place.
 */
export const ownCodec: Codec = (options) => {
  let connection: OwnConnection | undefined;
  const callback = (length: number, memory: Uint8Array): boolean => {
    const bytes = Buffer.allocUnsafe(length);
    bytes.set(memory.subarray(0, length));
    connection?.read(bytes);
    return true;
  };
  return {
    onread: { buffer: READ_MEMORY, callback },
    open(socket) {
      connection = new OwnConnection(socket, options);
      return connection;
    },
  };
};

class OwnConnection implements HttpConnection, ReplySink, Timer {
  readonly links = timerLinks();
  readonly #socket: Socket;
  readonly #options: CodecOptions;
  readonly #host: string;
  readonly #parser = new ReplyParser(this);
  #phase: 'unused' | 'sending' | 'waiting' | 'replying' | 'idle' = 'unused';
  #request: HttpRequest | undefined;
  #reader: ReplyReader | undefined;
  #error: Error | undefined;
  #idleMs: number;

  constructor(socket: Socket, options: CodecOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#host = new URL(options.origin).host;
    this.#idleMs = options.keepAliveMs;
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#closed());
  }

  send(request: HttpRequest, reader: ReplyReader): void {
    const wasUsed = this.#phase === 'idle';
    this.#options.deadlines.clear(this);
    this.#request = request;
    this.#reader = reader;
    this.#phase = 'sending';
    // After the sockets were looked at once more: an end that has come in meanwhile costs no request, and bytes that have
    // are not taken for its reply.
    if (wasUsed) setImmediate(writeNow, this);
    else this.write();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** From the wheel: idle for too long. */
  expire(): void {
    this.#socket.destroy();
  }

  /** From the socket. */
  read(bytes: Buffer): void {
    if (this.#phase === 'waiting') this.#phase = 'replying';
    // Nobody asked for these. Kept, they would be the reply to whoever comes next.
    if (this.#phase !== 'replying') return void this.#socket.destroy();
    const malformed = this.#parser.push(bytes);
    if (malformed !== undefined) this.#break({ kind: malformed === 'too-large' ? 'head-too-large' : 'not-http' });
  }

  /** Writes the request, once it is its time. */
  write(): void {
    const request = this.#request;
    const reader = this.#reader;
    if (this.#phase !== 'sending' || request === undefined || reader === undefined || this.#socket.destroyed) return;
    this.#request = undefined;
    const head = headOf(request, this.#host);
    if (head === undefined) return this.#break({ kind: 'unsendable' });
    this.#phase = 'waiting';
    this.#parser.expect(request.method);
    reader.writing();
    this.#put(head, request.body);
    reader.written();
  }

  /** From the parser. */
  head(status: number, headers: ReplyHeaders): void {
    this.#idleMs = idleMsOf(headers['keep-alive'], this.#options.keepAliveMs);
    this.#reader?.head(status, headers);
  }

  /** From the parser. */
  data(piece: Buffer): void {
    this.#reader?.data(piece);
  }

  /** From the parser. */
  end(isReusable: boolean): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#phase = 'idle';
    if (isReusable && this.#idleMs > 0) this.#rest();
    else this.#socket.destroy();
    reader?.end();
  }

  /** Head and body in one write, so that they leave in one packet. */
  #put(head: string, body: Buffer | undefined): void {
    const socket = this.#socket;
    if (body === undefined) {
      socket.write(head, 'latin1');
    } else if (body.length <= COPIED_MAX_BYTES) {
      const bytes = Buffer.allocUnsafe(head.length + body.length);
      bytes.write(head, 'latin1');
      body.copy(bytes, head.length);
      socket.write(bytes);
    } else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
    }
  }

  /** The other side will send no more. */
  #ended(): void {
    if (this.#phase !== 'replying' || !this.#parser.finish()) this.#socket.destroy();
  }

  #closed(): void {
    this.#options.deadlines.clear(this);
    const wasSilent = this.#phase !== 'replying';
    this.#break(this.#phase === 'sending' ? { kind: 'stale' } : breakageOf(this.#error, wasSilent));
  }

  #break(how: Breakage): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#socket.destroy();
    reader?.broke(how);
  }

  #rest(): void {
    const { deadlines } = this.#options;
    deadlines.set(this, deadlines.now() + this.#idleMs);
    // Its end must be seen, even if the reply's reader had stopped.
    if (this.#socket.isPaused()) this.#socket.resume();
  }
}

function writeNow(connection: OwnConnection): void {
  connection.write();
}

function headOf({ method, path, headers, body }: HttpRequest, host: string): string | undefined {
  const bodyLength = body?.length ?? (method === 'GET' ? undefined : 0);
  return requestHead({ method, path, host, headers, bodyLength });
}

/** How long the connection may be idle. Zero: it is about to be closed. */
function idleMsOf(header: string | string[] | undefined, keepAliveMs: number): number {
  if (header === undefined) return keepAliveMs;
  const timeoutS = KEEP_ALIVE_TIMEOUT.exec(String(header))?.[1];
  if (timeoutS === undefined) return keepAliveMs;
  return Math.min(keepAliveMs, Number(timeoutS) * 1000 - KEEP_ALIVE_MARGIN_MS);
}
