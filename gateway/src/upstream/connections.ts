/** The connections to one origin: which are free, who waits for one, and when one has served for long enough. */
import type { Socket } from 'node:net';
import type { Codec, HttpConnection, Speaker } from './codec.ts';
import type { Deadlines } from './deadlines.ts';
import { dial, type DialOptions, type Endpoint, type Opening } from './dial.ts';
import { noConnection, type Failure } from './failures.ts';

/** One socket with its HTTP/1.1. Serves one call at a time. */
export interface Connection {
  readonly socket: Socket;
  readonly http: HttpConnection;
  readonly openedMs: number;
  /** Calls that were answered over it. More than none: the other side may have closed it just as we wrote. */
  served: number;
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
  /** An idle connection is closed after this, or sooner (`CodecOptions`). */
  readonly keepAliveMs: number;
  /** A connection older than this is not used again, so that a provider's new addresses are found. */
  readonly ageMaxMs: number;
}

export interface ConnectionCounts {
  /** Open or being opened. */
  open: number;
  idle: number;
  waiting: number;
}

export interface ConnectionOptions {
  readonly dial: DialOptions;
  readonly limits: ConnectionLimits;
  readonly codec: Codec;
  readonly deadlines: Deadlines;
  /** A socket is begun. */
  readonly onDial: () => void;
}

interface Queued {
  readonly waiter: ConnectionWaiter;
  opening: Opening | undefined;
}

export class Connections {
  readonly endpoint: Endpoint;
  readonly counts: ConnectionCounts = { open: 0, idle: 0, waiting: 0 };
  readonly #options: ConnectionOptions;
  /** Used last, taken first: so the rest grow old and are closed. */
  readonly #idle: Connection[] = [];
  readonly #queue: Queued[] = [];
  #session: Buffer | undefined;

  constructor(endpoint: Endpoint, options: ConnectionOptions) {
    this.endpoint = endpoint;
    this.#options = options;
  }

  /** The idle connection that was used last, if there is one. */
  takeIdle(): Connection | undefined {
    const connection = this.#idle.pop();
    this.counts.idle = this.#idle.length;
    return connection;
  }

  /** Asks for a new connection, or for the next free one where there are too many. Answers later, never at once. */
  open(waiter: ConnectionWaiter): Opening {
    const { connectionsMax, waitingMax } = this.#options.limits;
    if (this.counts.open < connectionsMax) return this.#dial(waiter);
    if (this.#queue.length < waitingMax) return this.#wait(waiter);
    const failure = noConnection(`all ${connectionsMax} connections to it are in use, and ${waitingMax} calls wait`);
    queueMicrotask(() => waiter.refused(failure));
    return { phase: 'queued', cancel: () => undefined };
  }

  /** Gives back a connection whose reply was read to its end. */
  release(connection: Connection): void {
    const { socket } = connection;
    if (socket.destroyed) return;
    connection.served += 1;
    const isOld = this.#options.deadlines.now() - connection.openedMs > this.#options.limits.ageMaxMs;
    // A reply that came before the request was out leaves bytes on the way that belong to no one.
    if (isOld || socket.writableLength > 0) socket.destroy();
    else if (this.#queue.length > 0) this.#next()?.waiter.opened(connection);
    else this.counts.idle = this.#idle.push(connection);
  }

  closeIdle(): void {
    for (const connection of this.#idle) connection.socket.destroy();
  }

  #dial(waiter: ConnectionWaiter): Opening {
    this.counts.open += 1;
    this.#options.onDial();
    let isSettled = false;
    const speaker = this.#speaker();
    const opening = dial(this.endpoint, this.#dialOptions(speaker), {
      opened: (socket) => {
        isSettled = true;
        waiter.opened(this.#adopt(socket, speaker.open(socket)));
      },
      failed: (failure) => {
        isSettled = true;
        // A session that the other side no longer likes must not spoil the next try.
        this.#session = undefined;
        this.#closed();
        waiter.refused(failure);
      },
      session: (given) => {
        this.#session = given;
      },
    });
    return {
      get phase() {
        return opening.phase;
      },
      cancel: () => {
        if (isSettled) return;
        isSettled = true;
        opening.cancel();
        this.#closed();
      },
    };
  }

  #wait(waiter: ConnectionWaiter): Opening {
    const queued: Queued = { waiter, opening: undefined };
    this.counts.waiting = this.#queue.push(queued);
    return {
      get phase() {
        return queued.opening?.phase ?? 'queued';
      },
      cancel: () => {
        queued.opening?.cancel();
        const at = this.#queue.indexOf(queued);
        if (at !== -1) this.#queue.splice(at, 1);
        this.counts.waiting = this.#queue.length;
      },
    };
  }

  #speaker(): Speaker {
    const { codec, deadlines, limits } = this.#options;
    return codec({ origin: this.endpoint.origin, keepAliveMs: limits.keepAliveMs, deadlines });
  }

  #dialOptions({ onread }: Speaker): DialOptions {
    const session = this.#session;
    return {
      ...this.#options.dial,
      ...(session === undefined ? {} : { session }),
      ...(onread === undefined ? {} : { onread }),
    };
  }

  #adopt(socket: Socket, http: HttpConnection): Connection {
    const connection: Connection = { socket, http, openedMs: this.#options.deadlines.now(), served: 0 };
    socket.once('close', () => {
      const at = this.#idle.indexOf(connection);
      if (at !== -1) this.#idle.splice(at, 1);
      this.counts.idle = this.#idle.length;
      this.#closed();
    });
    return connection;
  }

  /** One place is free: whoever waits longest gets a new connection. */
  #closed(): void {
    this.counts.open -= 1;
    const next = this.#next();
    if (next !== undefined) next.opening = this.#dial(next.waiter);
  }

  #next(): Queued | undefined {
    const next = this.#queue.shift();
    this.counts.waiting = this.#queue.length;
    return next;
  }
}
