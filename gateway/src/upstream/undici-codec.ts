/** undici's HTTP/1.1 on a socket of ours: the way round our own codec, should that one be wrong about somebody's server. */
import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import { HEAD_MAX_BYTES } from '../lib/http1-reply.ts';
import { OWN_HEADERS } from '../lib/http1-request.ts';
import {
  breakageOf,
  type Breakage,
  type Codec,
  type CodecOptions,
  type HttpConnection,
  type HttpRequest,
  type ReplyReader,
} from './codec.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Code of our own error, where the idle connection turned out to be gone before a byte of the request was written. */
const STALE = 'TURNOUT_STALE';

export const undiciCodec: Codec = (options) => ({ open: (socket) => new UndiciConnection(socket, options) });

class UndiciConnection implements HttpConnection, Dispatcher.DispatchHandler {
  readonly #client: Client;
  #reader: ReplyReader | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #isPaused = false;
  #hasReply = false;
  /** The last error of the socket, of which undici hides some. */
  #error: Error | undefined;

  constructor(socket: Socket, options: CodecOptions) {
    this.#client = clientOn(socket, options);
    socket.on('error', (error) => {
      this.#error = error;
    });
  }

  send({ method, path, headers, body }: HttpRequest, reader: ReplyReader): void {
    this.#reader = reader;
    this.#controller = undefined;
    this.#isPaused = false;
    this.#hasReply = false;
    this.#client.dispatch({ path, method, headers: headerList(headers), body: body ?? null }, this);
  }

  pause(): void {
    this.#isPaused = true;
    this.#controller?.pause();
  }

  /** In a microtask: undici's parser must not be resumed out of a callback of another call's parser. */
  resume(): void {
    this.#isPaused = false;
    queueMicrotask(() => {
      if (!this.#isPaused) this.#controller?.resume();
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#reader?.writing();
  }

  onRequestSent(): void {
    this.#reader?.written();
  }

  onResponseStarted(): void {
    this.#hasReply = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status >= 200) this.#reader?.head(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#reader?.data(piece);
  }

  onResponseEnd(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#controller = undefined;
    // undici takes a reset for the end of a body that has no length. It is no end (rule R2).
    if (this.#error !== undefined) reader?.broke(breakageOf(this.#error, false));
    // Later, since undici is still busy with this connection, and may be about to close it.
    else queueMicrotask(() => reader?.end());
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#controller = undefined;
    reader?.broke(undiciBreakage(error, !this.#hasReply));
  }
}

/**
 * A client that has its socket already. undici asks for a new one where that was closed while idle; refusing it makes
 * the call that was about to be written fail with `STALE`, so that we know that nothing was sent.
 */
function clientOn(socket: Socket, { origin, keepAliveMs }: CodecOptions): Client {
  let isTaken = false;
  return new Client(origin, {
    connect: (_options, callback) => {
      if (isTaken) return callback(Object.assign(new Error('the idle connection was closed'), { code: STALE }), null);
      isTaken = true;
      // Later, since undici does not look at a connection that comes back before its connector has returned.
      queueMicrotask(() => callback(null, socket));
    },
    pipelining: 1,
    allowH2: false,
    useMilo: false,
    // Our own deadlines watch all calls with one timer; undici's would be one per call.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    maxHeaderSize: HEAD_MAX_BYTES,
  });
}

function headerList(headers: Readonly<Record<string, string>>): string[] {
  const list: string[] = [];
  for (const [name, value] of Object.entries(headers)) if (!OWN_HEADERS.has(name)) list.push(name, value);
  return list;
}

function undiciBreakage(error: Error & { readonly code?: unknown }, wasSilent: boolean): Breakage {
  switch (error.code) {
    case STALE:
      return { kind: 'stale' };
    case 'UND_ERR_HEADERS_OVERFLOW':
      return { kind: 'head-too-large' };
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
      return { kind: 'unsendable' };
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return { kind: 'closed', isReset: false, wasSilent };
    case 'UND_ERR_SOCKET':
      // Its words for an answer that nobody asked for, or an upgrade or `100 Continue` out of the blue.
      if (error.message === 'bad response' || error.message === 'bad upgrade') return { kind: 'not-http' };
      return { kind: 'closed', isReset: false, wasSilent };
    default:
      return error.name === 'HTTPParserError' ? parserBreakage(error, wasSilent) : breakageOf(error, wasSilent);
  }
}

/** llhttp's only word for a chunked body without its last chunk; undici gives it no code. */
function parserBreakage(error: Error, wasSilent: boolean): Breakage {
  const isShort = error.message.includes('Invalid EOF state');
  return isShort ? { kind: 'closed', isReset: false, wasSilent } : { kind: 'not-http' };
}
