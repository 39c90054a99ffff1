/**
 * The connections to one origin: each an undici `Client` on a socket that we opened ourselves. undici's own Pool cannot
 * say whether a connection is new, looks through all of them to find a free one, and cannot be told to take a new one.
 */
import type { Socket } from 'node:net';
import { Client } from 'undici';
import { dial, type DialOptions, type Endpoint, type Opening } from './dial.ts';
import { noConnection, STALE, type Failure } from './failures.ts';

/** One socket with its HTTP/1.1 parser. Serves one call at a time and never opens a second socket. */
export interface Connection {
  readonly socket: Socket;
  readonly client: Client;
  readonly openedMs: number;
  /** Calls that were answered over it. More than none: the other side may have closed it just as we wrote. */
  served: number;
  /** The last error of the socket, of which undici hides some. */
  error: Error | undefined;
}

export interface ConnectionWaiter {
  opened(connection: Connection): void;
  /** Nothing was sent. */
  refused(failure: Failure): void;
}

export interface ConnectionLimits {
  readonly connectionsMax: number;
  /** Calls that may wait for a connection once there are `connectionsMax`. */
  readonly waitingMax: number;
  /** An idle connection is closed after this; less where the other side says so (`keep-alive: timeout=5`). */
  readonly keepAliveMs: number;
  /** A connection older than this is not used again, so that a provider's new addresses are found. */
  readonly ageMaxMs: number;
}

export interface Connections {
  readonly endpoint: Endpoint;
  /** The idle connection that was used last, if there is one. */
  takeIdle(): Connection | undefined;
  /** Asks for a new connection, or for the next free one where there are too many. Answers later, never at once. */
  open(waiter: ConnectionWaiter): Opening;
  /** Gives back a connection that can serve another call. Call it outside of undici's callbacks. */
  release(connection: Connection): void;
  closeIdle(): void;
  readonly counts: ConnectionCounts;
}

export interface ConnectionCounts {
  /** Open or being opened. */
  open: number;
  idle: number;
  waiting: number;
  /** Sockets begun since the start. */
  dialled: number;
}

/** Headers of a reply that are larger than this are not an answer. */
const HEAD_MAX_BYTES = 64 * 1024;

export interface ConnectionOptions {
  readonly dial: DialOptions;
  readonly limits: ConnectionLimits;
  readonly now: () => number;
}

interface Queued {
  readonly waiter: ConnectionWaiter;
  opening: Opening | undefined;
}

export function createConnections(endpoint: Endpoint, options: ConnectionOptions): Connections {
  const { limits } = options;
  const idle: Connection[] = [];
  const queue: Queued[] = [];
  const counts: ConnectionCounts = { open: 0, idle: 0, waiting: 0, dialled: 0 };
  let session = options.dial.session;

  function dialFor(waiter: ConnectionWaiter): Opening {
    counts.open += 1;
    counts.dialled += 1;
    let isSettled = false;
    const opening = dial(endpoint, session === undefined ? options.dial : { ...options.dial, session }, {
      opened: (socket) => {
        isSettled = true;
        waiter.opened(adopt(socket));
      },
      failed: (failure) => {
        isSettled = true;
        // A session that the other side no longer likes must not spoil the next try.
        session = undefined;
        closed();
        waiter.refused(failure);
      },
      session: (given) => {
        session = given;
      },
    });
    return {
      get phase() {
        return opening.phase;
      },
      cancel(): void {
        if (isSettled) return;
        isSettled = true;
        opening.cancel();
        closed();
      },
    };
  }

  function adopt(socket: Socket): Connection {
    const client = clientOn(endpoint, socket, limits.keepAliveMs);
    const connection: Connection = { socket, client, openedMs: options.now(), served: 0, error: undefined };
    socket.on('error', (error) => {
      connection.error = error;
    });
    socket.once('close', () => {
      const at = idle.indexOf(connection);
      if (at !== -1) idle.splice(at, 1);
      counts.idle = idle.length;
      closed();
    });
    return connection;
  }

  /** One place is free: whoever waits longest gets a new connection. */
  function closed(): void {
    counts.open -= 1;
    const next = shift();
    if (next !== undefined) next.opening = dialFor(next.waiter);
  }

  function shift(): Queued | undefined {
    const next = queue.shift();
    counts.waiting = queue.length;
    return next;
  }

  function enqueue(waiter: ConnectionWaiter): Opening {
    const queued: Queued = { waiter, opening: undefined };
    queue.push(queued);
    counts.waiting = queue.length;
    return {
      get phase() {
        return queued.opening?.phase ?? 'queued';
      },
      cancel(): void {
        queued.opening?.cancel();
        const at = queue.indexOf(queued);
        if (at !== -1) queue.splice(at, 1);
        counts.waiting = queue.length;
      },
    };
  }

  return {
    endpoint,
    counts,
    takeIdle(): Connection | undefined {
      const connection = idle.pop();
      counts.idle = idle.length;
      return connection;
    },
    open(waiter: ConnectionWaiter): Opening {
      if (counts.open < limits.connectionsMax) return dialFor(waiter);
      if (queue.length < limits.waitingMax) return enqueue(waiter);
      const failure = noConnection(`all ${limits.connectionsMax} connections to it are in use, and ${limits.waitingMax} calls wait`);
      queueMicrotask(() => waiter.refused(failure));
      return { phase: 'queued', cancel: () => undefined };
    },
    release(connection: Connection): void {
      const { socket } = connection;
      if (socket.destroyed) return;
      connection.served += 1;
      // A reply before the request was out leaves bytes on the way that belong to no one.
      const isDone = options.now() - connection.openedMs > limits.ageMaxMs || socket.writableLength > 0;
      if (isDone) socket.destroy();
      else if (queue.length > 0) shift()?.waiter.opened(connection);
      else counts.idle = idle.push(connection);
    },
    closeIdle(): void {
      for (const connection of [...idle]) connection.socket.destroy();
    },
  };
}

/**
 * A client that has its socket already. undici asks for a new one where that was closed while idle; refusing it makes
 * the call that was about to be written fail with `STALE`, so that we know that nothing was sent.
 */
function clientOn(endpoint: Endpoint, socket: Socket, keepAliveMs: number): Client {
  let isTaken = false;
  return new Client(endpoint.origin, {
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
