/** One call under way: its phases, its deadline, its end. It is the handler that undici calls, so that a call is one object. */
import type { Transform } from 'node:stream';
import type { Dispatcher } from 'undici';
import { timerLinks, type Timer } from '../lib/wheel.ts';
import type { Connection, Connections, ConnectionWaiter } from './connections.ts';
import type { Deadlines } from './deadlines.ts';
import { createDecoder, encodingOf, type Encoding } from './decode.ts';
import type { Opening } from './dial.ts';
import {
  codeOf,
  connectTimeout,
  cut,
  faultOf,
  isBroken,
  replyFailure,
  STALE,
  unreadable,
  type Failure,
} from './failures.ts';
import type { UpstreamCall, UpstreamExchange, UpstreamHandler } from './upstream.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What all calls share. */
export interface ExchangeWorld {
  readonly deadlines: Deadlines;
  /** A handler of ours threw: a bug to be logged. The call itself ends with the fault `internal`. */
  readonly onBug: (error: unknown) => void;
  readonly counts: ExchangeCounts;
}

export interface ExchangeCounts {
  /** Calls under way. */
  active: number;
  /** Calls that were sent a second time because an idle connection was closed just as we wrote. */
  repeats: number;
}

/**
 * A connection that the other side had closed shows itself within a round trip. One that breaks later was taken, and
 * what it was doing may have cost something: that is for the caller to repeat, or not.
 */
const STALE_SHOWS_WITHIN_MS = 1_000;
/** A body up to this size fits the socket's buffers: then writing it is the same moment as sending it. */
const BODY_AT_ONCE_MAX_BYTES = 64 * 1024;
/** How often a large body is looked after until it is out. */
const UPLOAD_LOOK_MS = 250;

/** What the client itself writes, or what would change how the connection is used. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);

type Phase = 'connecting' | 'uploading' | 'waiting' | 'receiving' | 'done';

export class Exchange implements UpstreamExchange, ConnectionWaiter, Timer, Dispatcher.DispatchHandler {
  readonly links = timerLinks();
  readonly #world: ExchangeWorld;
  readonly #connections: Connections;
  readonly #call: UpstreamCall;
  readonly #handler: UpstreamHandler;
  /** Called once, when nothing more will happen. */
  readonly #onOver: () => void;
  #phase: Phase = 'connecting';
  #opening: Opening | undefined;
  #connection: Connection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #encoding: Encoding | undefined;
  #decoder: Transform | undefined;
  #isAborted = false;
  #wasSent = false;
  #hasReply = false;
  #isRepeat = false;
  #isPaused = false;
  #isDecoderFull = false;
  #sentMs = 0;
  #uploadedBytes = 0;
  #uploadedMs = 0;
  #receivedBytes = 0;

  constructor(world: ExchangeWorld, connections: Connections, parts: ExchangeParts) {
    this.#world = world;
    this.#connections = connections;
    this.#call = parts.call;
    this.#handler = parts.handler;
    this.#onOver = parts.onOver;
  }

  /** Sends on an idle connection if there is one, else on a new one. No callback comes before this returns. */
  start(): void {
    const idle = this.#connections.takeIdle();
    if (idle === undefined) this.#open();
    else this.#dispatch(idle);
  }

  /** Ends the call before anything was tried. */
  refuse(failure: Failure): void {
    this.#fail(failure);
  }

  abort(): void {
    this.#isAborted = true;
    if (this.#phase !== 'done') this.#stop();
  }

  pause(): void {
    this.#isPaused = true;
    this.#controller?.pause();
    this.#decoder?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#phase === 'receiving') this.#arm(this.#call.limits.idleMs);
    this.#decoder?.resume();
    this.#letFlow();
  }

  // The connection

  opened(connection: Connection): void {
    this.#opening = undefined;
    this.#dispatch(connection);
  }

  refused(failure: Failure): void {
    this.#opening = undefined;
    this.#fail(failure);
  }

  #open(): void {
    this.#phase = 'connecting';
    this.#arm(this.#call.limits.connectMs);
    this.#opening = this.#connections.open(this);
  }

  #dispatch(connection: Connection): void {
    const { call } = this.#forDispatch(connection);
    const path = call.url.slice(connectionPathStart(call.url));
    connection.client.dispatch({ path, method: call.method, headers: headerList(call.headers), body: call.body ?? null }, this);
  }

  #forDispatch(connection: Connection): { readonly call: UpstreamCall } {
    const call = this.#call;
    this.#connection = connection;
    this.#controller = undefined;
    this.#hasReply = false;
    this.#sentMs = this.#world.deadlines.now();
    const isLarge = (call.body?.length ?? 0) > BODY_AT_ONCE_MAX_BYTES;
    this.#phase = isLarge ? 'uploading' : 'waiting';
    this.#uploadedBytes = connection.socket.bytesWritten;
    this.#uploadedMs = this.#sentMs;
    this.#arm(isLarge ? UPLOAD_LOOK_MS : call.limits.firstByteMs);
    return { call };
  }

  // undici's side

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#wasSent = true;
    if (this.#isPaused) controller.pause();
  }

  onResponseStarted(): void {
    this.#hasReply = true;
  }
}
