/** What writes a request and reads its reply on one connection. There are two, which the same tests hold to the same behaviour. */
import type { OnReadOpts, Socket } from 'node:net';
import type { Deadlines } from './deadlines.ts';

/** Speaks HTTP/1.1 over a socket. There is one `Speaker` a socket, from before that is opened. */
export type Codec = (options: CodecOptions) => Speaker;

export interface Speaker {
  /** How the socket is to be read, where not as a stream. */
  readonly onread?: OnReadOpts;
  /** The socket is open. */
  open(socket: Socket): HttpConnection;
}

export interface CodecOptions {
  /** Scheme, host and port, as `URL.origin` writes it. */
  readonly origin: string;
  /** An idle connection is closed after this; sooner where the other side says so (`keep-alive: timeout=5`). */
  readonly keepAliveMs: number;
  readonly deadlines: Deadlines;
}

/**
 * One request at a time. It closes its socket where that can carry no other: after the last reply, after an error, after
 * a byte that nobody asked for, and when it has been idle for long. Whoever destroys the socket ends the request.
 */
export interface HttpConnection {
  /** Where a connection has had a request before, the next one is written only after what has come in meanwhile was read. */
  send(request: HttpRequest, reader: ReplyReader): void;
  /** No more of the reply, save what was read already. */
  pause(): void;
  resume(): void;
}

export interface HttpRequest {
  readonly method: 'POST' | 'GET' | 'PUT';
  /** Path and query. */
  readonly path: string;
  /** Lower-case names. Those that are the client's business are left out. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** Exactly one of `end` and `broke` is called at last, unless the socket was destroyed from outside: then either, or none. */
export interface ReplyReader {
  /** The request is written with the next statement. */
  writing(): void;
  /** All is written, though perhaps not sent. */
  written(): void;
  /** The final head. Names in lower case. */
  head(status: number, headers: Readonly<Record<string, string | string[] | undefined>>): void;
  /** A piece of the body, encoded as it came. It stays as it is: its memory is not used again. */
  data(piece: Buffer): void;
  /** The reply is complete, and the connection free, if it is still open. */
  end(): void;
  broke(how: Breakage): void;
}

/** How a request or its reply came to nothing. */
export type Breakage =
  /** The connection was gone before a byte of the request was written. */
  | { readonly kind: 'stale' }
  /** It was closed before the end of the reply. `wasSilent`: not a byte of one had come. */
  | { readonly kind: 'closed'; readonly isReset: boolean; readonly wasSilent: boolean }
  /** TLS 1.3 refuses a client without a certificate only after the handshake, when the request may be out already. */
  | { readonly kind: 'tls' }
  | { readonly kind: 'not-http' }
  | { readonly kind: 'head-too-large' }
  /** The request has a header or a path that HTTP does not allow; nothing was written. */
  | { readonly kind: 'unsendable' }
  | { readonly kind: 'bug'; readonly error: unknown };

/** Codes of the operating system (`ECONNRESET`, `EPIPE`, `ETIMEDOUT`): the connection broke, the answer was not wrong. */
const SYSTEM_CODE = /^E[A-Z]+$/;

/** How a socket broke: by its error, or without one where it was closed in good order. */
export function breakageOf(error: (Error & { readonly code?: unknown }) | undefined, wasSilent: boolean): Breakage {
  if (error === undefined) return { kind: 'closed', isReset: false, wasSilent };
  const code = typeof error.code === 'string' ? error.code : '';
  if (SYSTEM_CODE.test(code)) return { kind: 'closed', isReset: true, wasSilent };
  return code.startsWith('ERR_SSL_') ? { kind: 'tls' } : { kind: 'bug', error };
}
