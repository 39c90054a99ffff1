/** A reply over node:http. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Headers, Reply } from '../pipeline/reply.ts';

/**
 * How long the rest of an unwanted body is still taken off the wire, and how much of it. A connection that is closed with
 * unread bytes is reset, and the sender, still writing, never sees the answer.
 */
const LINGER_MS = 1000;
const LINGER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Wraps a response. `signal` aborts when the connection closes before the answer was complete. A client that takes nothing
 * of a finished answer for `writeIdleMs` is given up; until the end it is the outlet's to watch.
 */
export function httpReply(request: IncomingMessage, response: ServerResponse, writeIdleMs: number): Reply {
  return new HttpReply(request, response, writeIdleMs);
}

/**
 * A class, as everything that is made for each request and has a getter must be: in an object literal a getter gets a hidden
 * class of its own each time, which V8 keeps, with all that the getter can see, until it collects its old objects.
 */
class HttpReply implements Reply {
  readonly signal: AbortSignal;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #writeIdleMs: number;

  constructor(request: IncomingMessage, response: ServerResponse, writeIdleMs: number) {
    const gone = new AbortController();
    this.signal = gone.signal;
    this.#request = request;
    this.#response = response;
    this.#writeIdleMs = writeIdleMs;
    response.on('close', () => {
      if (!response.writableFinished) gone.abort();
    });
    // A write after the client left is expected, and is no fault of ours: `close` has been told above.
    response.on('error', () => gone.abort());
  }

  get hasStarted(): boolean {
    return this.#response.headersSent;
  }

  whole(status: number, headers: Headers, body: string | Buffer): void {
    const request = this.#request;
    const response = this.#response;
    const isUnread = hasBody(request) && !request.complete;
    // A body that nobody read must not be taken for the next request: the connection ends with this answer.
    if (isUnread) response.setHeader('connection', 'close');
    response.writeHead(status, withLength(headers, body));
    const sent = request.method === 'HEAD' ? '' : body;
    if (isUnread) endAfter(request, response, sent);
    else response.end(sent);
    this.#watchRest();
  }

  start(status: number, headers: Headers, first: string | Buffer): void {
    const response = this.#response;
    // Cork joins head and first bytes into one write: one packet, one system call.
    response.cork();
    response.writeHead(status, headers);
    if (first.length > 0) response.write(first);
    else response.flushHeaders();
    response.uncork();
  }

  write(chunk: string | Buffer): boolean {
    return this.#response.write(chunk);
  }

  end(last?: string | Buffer): void {
    if (last === undefined) this.#response.end();
    else this.#response.end(last);
    this.#watchRest();
  }

  onDrain(listener: () => void): void {
    this.#response.once('drain', listener);
  }

  destroy(): void {
    this.#response.destroy();
  }

  /** Bytes that the client has not taken yet would stay here as long as it likes. Node counts a write that moves as a sign of life. */
  #watchRest(): void {
    if (this.#response.writableLength > 0) this.#response.socket?.setTimeout(this.#writeIdleMs);
  }
}

function withLength(headers: Headers, body: string | Buffer): Headers {
  return { ...headers, 'content-length': String(Buffer.byteLength(body)) };
}

/** GET and its like have none, though their end is only reported after their head. */
function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

/** Sends the whole answer now and ends the connection when the rest of the body is gone, or the time for it is up. */
function endAfter(request: IncomingMessage, response: ServerResponse, answer: string | Buffer): void {
  let bytes = 0;
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  response.once('close', () => clearTimeout(timer));
  response.write(answer);
  request.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > LINGER_BYTES_MAX) end();
  });
  request.once('end', end);
  request.once('close', end);
  request.resume();
}
