/** The sockets: reads requests, hands them to the responder one at a time, plays the answers, keeps the log. */
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { SecureContext } from 'node:tls';
import { TLSSocket } from 'node:tls';
import type { Answer } from './answer.ts';
import type { Delivery, Line } from './deliver.ts';
import { deliver } from './deliver.ts';
import type { HttpReader, ReadEvent, RequestHead } from './http-reader.ts';
import { createHttpReader } from './http-reader.ts';
import type { ConnectionEntry, Ended, LogBook, RequestEntry } from './log.ts';
import { createFingerprints } from './log.ts';

/** Bytes of further requests that may wait behind an answer under way; then the socket is no longer read. */
const PIPELINED_MAX_BYTES = 1024 * 1024;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** A complete request. */
export interface Incoming {
  readonly head: RequestHead;
  /** Path as it was sent, without the query. */
  readonly path: string;
  readonly query: string;
  readonly body: Buffer;
  /** Its row in the log, for what the responder finds out about it. Absent for the simulator's own pages. */
  readonly entry: RequestEntry | undefined;
}

/** What a new connection gets before a single byte of it is read. */
export interface Welcome {
  readonly delayMs?: number;
  readonly instead?: 'close' | 'reset' | 'silence' | { readonly raw: Buffer };
}

export interface ConnectionOptions {
  readonly log: LogBook;
  respond(incoming: Incoming): Answer | Promise<Answer>;
  /** The answer to bytes that are not a request. */
  refuse(status: number, message: string): Answer;
  welcome(connection: number): Welcome | undefined;
  /** Requests below this path are answered and not logged. */
  readonly ownPath: string;
  readonly tls?: SecureContext;
  /** Whether open connections let the process end. */
  readonly isUnref: boolean;
}

export interface Connections {
  readonly server: Server;
  /** Closes the listener and every connection. */
  close(): Promise<void>;
}

/** A server that is not yet listening. */
export function createConnections(options: ConnectionOptions): Connections {
  const open = new Set<Accepted>();
  const fingerprints = createFingerprints();
  const server = createServer({ noDelay: true }, (rawSocket) => {
    const accepted: Accepted = { rawSocket, options, fingerprints, hangUp: () => undefined };
    open.add(accepted);
    if (options.isUnref) rawSocket.unref();
    const connection = options.log.connect();
    rawSocket.on('close', () => {
      open.delete(accepted);
      // The answer under way ends before the connection does, in the log too.
      accepted.hangUp('them');
      options.log.close(connection);
    });
    // Errors of a socket are always followed by `close`, where they are dealt with.
    rawSocket.on('error', () => undefined);
    greet(accepted, connection);
  });
  return {
    server,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const accepted of open) {
        accepted.hangUp('us');
        accepted.rawSocket.destroy();
      }
      await closed;
    },
  };
}

interface Accepted {
  readonly rawSocket: Socket;
  readonly options: ConnectionOptions;
  readonly fingerprints: ReturnType<typeof createFingerprints>;
  /** Ends what is under way, because the connection is closed by them or by us. */
  hangUp: (by: 'them' | 'us') => void;
}

function greet(accepted: Accepted, connection: ConnectionEntry): void {
  const { rawSocket, options } = accepted;
  const welcome = options.welcome(connection.id);
  const start = (): void => {
    if (rawSocket.destroyed) return;
    const instead = welcome?.instead;
    if (instead === undefined) converse(accepted, connection);
    else if (instead === 'close') rawSocket.destroySoon();
    else if (instead === 'reset') rawSocket.resetAndDestroy();
    else if (typeof instead === 'object') rawSocket.end(instead.raw);
    // Reading and dropping keeps the client's close visible.
    if (instead === 'silence' || typeof instead === 'object') rawSocket.resume();
  };
  if (welcome?.delayMs === undefined) start();
  else setTimeout(start, welcome.delayMs).unref();
}

/** One connection's talk: what is being read, what is being answered. */
interface Talk {
  readonly accepted: Accepted;
  /** What is read and written: the connection itself, or TLS on top of it. */
  readonly socket: Socket;
  readonly connection: ConnectionEntry;
  readonly reader: HttpReader;
  readonly line: Line;
  /** The request whose head has come and whose answer has not ended. */
  current: RequestEntry | undefined;
  /** An answer is under way. */
  isBusy: boolean;
  isPumping: boolean;
}

function converse(accepted: Accepted, connection: ConnectionEntry): void {
  const { rawSocket, options } = accepted;
  const socket = options.tls === undefined ? rawSocket : overTls(rawSocket, options.tls);
  const talk: Talk = {
    accepted,
    socket,
    connection,
    reader: createHttpReader(),
    current: undefined,
    isBusy: false,
    isPumping: false,
    line: {
      socket,
      rawSocket,
      isUnref: options.isUnref,
      isGone: false,
      isClosedByUs: false,
      wake: undefined,
      sent(bytes) {
        const { current } = talk;
        if (current === undefined) return;
        current.answeredBytes += bytes;
        if (current.firstByteMs !== undefined) return;
        current.firstByteMs = performance.now();
        options.log.changed(current);
      },
    },
  };
  socket.on('data', (bytes: Buffer) => {
    talk.reader.push(bytes);
    pump(talk);
    if (talk.isBusy && talk.reader.pendingBytes() > PIPELINED_MAX_BYTES) socket.pause();
  });
  // A client that closes its half has left: HTTP clients do not wait for replies with a closed half, they cancel.
  socket.on('end', () => leave(talk));
  accepted.hangUp = (by) => {
    if (by === 'us') talk.line.isClosedByUs = true;
    leave(talk);
  };
}

function overTls(rawSocket: Socket, secureContext: SecureContext): Socket {
  const socket = new TLSSocket(rawSocket, { isServer: true, secureContext });
  // A client that does not speak TLS, or does not trust us.
  socket.on('error', () => rawSocket.destroy());
  return socket;
}

/** Reads on until an answer is under way or nothing is complete. */
function pump(talk: Talk): void {
  // An answer that is given at once comes back here through `settle`: the loop below goes on by itself then.
  if (talk.isPumping) return;
  talk.isPumping = true;
  while (!talk.isBusy && !talk.line.isGone) {
    const event = talk.reader.next();
    if (event === undefined) break;
    take(talk, event);
  }
  talk.isPumping = false;
}

function take(talk: Talk, event: ReadEvent): void {
  const { options } = talk.accepted;
  if (event.kind === 'head') {
    talk.current = startEntry(talk.accepted, talk.connection, event.head);
    if (event.head.expectsContinue) talk.socket.write(CONTINUE);
    return;
  }
  talk.isBusy = true;
  if (event.kind === 'problem') return send(talk, options.refuse(event.status, event.message), undefined);
  const { head, body } = event;
  if (talk.current !== undefined) options.log.receive(talk.current, body);
  const answer = respond(options, { head, ...splitTarget(head.target), body, entry: talk.current });
  if (answer instanceof Promise) void answer.then((made) => send(talk, made, head));
  else send(talk, answer, head);
}

function send(talk: Talk, answer: Answer, head: RequestHead | undefined): void {
  const keepsAlive = head?.keepsAlive ?? false;
  const delivery = deliver({ line: talk.line, answer, keepsAlive, isHeadOnly: head?.method === 'HEAD' });
  if (delivery instanceof Promise) void delivery.then((ended) => settle(talk, ended));
  else settle(talk, delivery);
}

function settle(talk: Talk, delivery: Delivery): void {
  talk.isBusy = false;
  finishEntry(talk, delivery.ended);
  if (!delivery.isReusable) return;
  if (talk.socket.isPaused()) talk.socket.resume();
  pump(talk);
}

function leave(talk: Talk): void {
  if (talk.line.isGone) return;
  talk.line.isGone = true;
  const { current } = talk;
  // Bytes that are still in our own queue never reached the network.
  if (current !== undefined) current.answeredBytes -= Math.min(current.answeredBytes, talk.socket.writableLength);
  finishEntry(talk, talk.line.isClosedByUs ? 'we-cut' : 'client-closed');
  talk.line.wake?.();
  talk.socket.destroy();
}

function finishEntry(talk: Talk, ended: Ended): void {
  const entry = talk.current;
  talk.current = undefined;
  if (entry === undefined) return;
  entry.ended = ended;
  entry.endedMs = performance.now();
  talk.accepted.options.log.changed(entry);
}

/** The responder's answer; a bug in it becomes a 500, so that the client is not left without a reply. */
function respond(options: ConnectionOptions, incoming: Incoming): Answer | Promise<Answer> {
  const failed = (error: unknown): Answer => options.refuse(500, `The simulator failed: ${String(error)}`);
  try {
    const answer = options.respond(incoming);
    return answer instanceof Promise ? answer.catch(failed) : answer;
  } catch (error) {
    return failed(error);
  }
}

function startEntry(accepted: Accepted, connection: ConnectionEntry, head: RequestHead): RequestEntry | undefined {
  const { path, query } = splitTarget(head.target);
  if (path.startsWith(accepted.options.ownPath)) return undefined;
  return accepted.options.log.start(connection, {
    method: head.method,
    path,
    query: accepted.fingerprints.query(query),
    headers: accepted.fingerprints.headers(head.headers),
  });
}

function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?');
  return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
