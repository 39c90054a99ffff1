/** One call under way: its phases, its deadline, its end. It is also what reads the reply, so that a call is one object. */
import type { Transform } from 'node:stream';
import { timerLinks, type Timer } from '../lib/wheel.ts';
import type { Breakage, ReplyReader } from './codec.ts';
import type { Connection, ConnectionWaiter } from './connections.ts';
import type { Deadlines } from './deadlines.ts';
import { createDecoder, encodingOf, type Encoding } from './decode.ts';
import type { Opening } from './dial.ts';
import { connectTimeout, faultOf, replyFailure, tooBig, tooSlow, unreadable, type Failure } from './failures.ts';
import type { Route } from './origins.ts';
import type { UpstreamCall, UpstreamExchange, UpstreamHandler } from './upstream.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What all calls share. */
export interface ExchangeWorld {
  readonly deadlines: Deadlines;
  /** A handler of ours threw: a bug to be logged. The call itself ends with the fault `internal`. */
  readonly onBug: (error: unknown) => void;
  /** A call has ended, in whatever way. */
  readonly onOver: () => void;
  /** A call is sent a second time because an idle connection was closed just as we wrote. */
  readonly onRepeat: () => void;
}

/**
 * A connection that the other side had closed shows itself within a round trip. One that breaks later was taken, and
 * what it was doing may have cost something: that is for the caller to repeat, or not.
 */
const STALE_SHOWS_WITHIN_MS = 1_000;
/** A body up to this size fits the socket's buffers: then writing it is the same moment as sending it. */
const BODY_AT_ONCE_MAX_BYTES = 64 * 1024;
/** How often a large body is looked after until it is out. */
const UPLOAD_LOOK_MS = 100;

export class Exchange implements UpstreamExchange, ConnectionWaiter, Timer, ReplyReader {
  readonly links = timerLinks();
  readonly #world: ExchangeWorld;
  readonly #call: UpstreamCall;
  readonly #handler: UpstreamHandler;
  #route: Route | undefined;
  #phase: 'connecting' | 'uploading' | 'waiting' | 'receiving' | 'done' = 'connecting';
  #opening: Opening | undefined;
  #connection: Connection | undefined;
  #encoding: Encoding | undefined;
  #decoder: Transform | undefined;
  #isAborted = false;
  #isPaused = false;
  #isDecoderFull = false;
  #isRepeat = false;
  #wasSent = false;
  #sentMs = 0;
  #encodedBytes = 0;
  #receivedBytes = 0;

  constructor(world: ExchangeWorld, call: UpstreamCall, handler: UpstreamHandler) {
    this.#world = world;
    this.#call = call;
    this.#handler = handler;
  }

  /** Sends on an idle connection if there is one, else on a new one. No callback comes before this returns. */
  start(route: Route): void {
    this.#route = route;
    const idle = route.connections.takeIdle();
    if (idle === undefined) this.#open(route);
    else this.#send(idle, route);
  }

  get wasSent(): boolean {
    return this.#wasSent;
  }

  abort(): void {
    this.#isAborted = true;
    this.#stop();
  }

  pause(): void {
    this.#isPaused = true;
    this.#connection?.http.pause();
    this.#decoder?.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // The silence was ours.
    if (this.#phase === 'receiving') this.#arm(this.#call.limits.idleMs);
    this.#decoder?.resume();
    this.#letFlow();
  }

  /** From the wheel: the deadline of the present phase has passed. */
  expire(): void {
    const { connectMs, firstByteMs, idleMs } = this.#call.limits;
    switch (this.#phase) {
      case 'connecting':
        return this.#fail(connectTimeout(this.#opening?.phase ?? 'connecting', connectMs));
      case 'uploading':
        return this.#lookAtUpload();
      case 'waiting':
        return this.#fail(tooSlow('first_byte_timeout', firstByteMs));
      case 'receiving':
        if (this.#isPaused || this.#isDecoderFull) return this.#arm(idleMs);
        return this.#fail(tooSlow('idle_timeout', idleMs));
      case 'done':
    }
  }

  /** From the connections: here is one. */
  opened(connection: Connection): void {
    this.#opening = undefined;
    if (this.#route !== undefined) this.#send(connection, this.#route);
  }

  /** From the connections: there is none. Also ends a call that may not even begin. */
  refused(failure: Failure): void {
    this.#opening = undefined;
    this.#fail(failure);
  }

  writing(): void {
    this.#wasSent = true;
    if (this.#isPaused) this.#connection?.http.pause();
  }

  written(): void {
    const socket = this.#connection?.socket;
    const isLarge = (this.#call.body?.length ?? 0) > BODY_AT_ONCE_MAX_BYTES;
    if (this.#phase !== 'waiting' || !isLarge || socket === undefined || socket.writableLength === 0) return;
    this.#phase = 'uploading';
    // Node counts an upload that moves as a sign of life, which no public property shows.
    const { firstByteMs } = this.#call.limits;
    socket.setTimeout(firstByteMs, () => {
      if (this.#phase === 'uploading') this.#fail(tooSlow('first_byte_timeout', firstByteMs));
    });
    this.#arm(UPLOAD_LOOK_MS);
  }

  head(status: number, headers: Headers): void {
    if (this.#phase === 'done') return;
    if (this.#phase === 'uploading') this.#endUpload();
    if (status >= 300 && status < 400 && status !== 304) return this.#fail(REDIRECT);
    const { limits } = this.#call;
    const encoding = encodingOf(headers['content-encoding']);
    if (typeof encoding === 'object')
      return this.#fail(unreadable('decode_failed', 'its content encoding is not understood'));
    if (Number(headers['content-length'] ?? 0) > limits.bodyMaxBytes) return this.#fail(tooBig(limits.bodyMaxBytes));
    this.#encoding = encoding;
    this.#phase = 'receiving';
    this.#arm(limits.idleMs);
    try {
      this.#handler.head(status, encoding === undefined ? headers : decodedHeaders(headers));
    } catch (error) {
      this.#failByBug(error);
    }
  }

  data(chunk: Buffer): void {
    if (this.#phase !== 'receiving') return;
    this.#arm(this.#call.limits.idleMs);
    if (this.#encoding === undefined) this.#deliver(chunk);
    else this.#decode(chunk, this.#encoding);
  }

  end(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (this.#phase === 'done' || connection === undefined) return;
    // Given back before the end is told, so that a call made there finds it.
    this.#route?.connections.release(connection);
    if (this.#decoder === undefined) this.#finish();
    else this.#decoder.end();
  }

  broke(how: Breakage): void {
    if (this.#phase === 'done') return;
    const route = this.#route;
    if (route !== undefined && (this.#connection?.served ?? 0) > 0) {
      if (how.kind === 'stale') return this.#open(route); // nothing was written
      if (this.#mayRepeat(how)) return this.#repeat(route);
    }
    if (how.kind === 'bug') this.#world.onBug(how.error);
    this.#fail(replyFailure(how, this.#phase === 'receiving'));
  }

  #open(route: Route): void {
    if (this.#phase === 'uploading') this.#endUpload();
    this.#phase = 'connecting';
    this.#connection = undefined;
    this.#arm(this.#call.limits.connectMs);
    this.#opening = route.connections.open(this);
  }

  #send(connection: Connection, route: Route): void {
    const { method, headers, body } = this.#call;
    this.#connection = connection;
    this.#sentMs = this.#world.deadlines.now();
    this.#phase = 'waiting';
    this.#arm(this.#call.limits.firstByteMs);
    connection.http.send({ path: route.path, method, headers, body }, this);
  }

  #repeat(route: Route): void {
    this.#isRepeat = true;
    this.#world.onRepeat();
    this.#open(route);
  }

  /** Row F08: closed just as we wrote, and not a byte came back. Once, on a new connection. */
  #mayRepeat(how: Breakage): boolean {
    const isSoon = this.#world.deadlines.now() - this.#sentMs <= STALE_SHOWS_WITHIN_MS;
    return !this.#isRepeat && isSoon && how.kind === 'closed' && how.wasSilent;
  }

  /** The first-byte limit begins when the last byte has left. */
  #lookAtUpload(): void {
    if (this.#connection?.socket.writableLength !== 0) return this.#arm(UPLOAD_LOOK_MS);
    this.#endUpload();
    this.#phase = 'waiting';
    this.#arm(this.#call.limits.firstByteMs);
  }

  #endUpload(): void {
    this.#connection?.socket.setTimeout(0).removeAllListeners('timeout');
  }

  #decode(chunk: Buffer, encoding: Encoding): void {
    this.#encodedBytes += chunk.length;
    const max = this.#call.limits.bodyMaxBytes;
    if (this.#encodedBytes > max) return this.#fail(tooBig(max));
    const decoder = this.#decoder ?? this.#startDecoder(encoding, chunk[0] ?? 0);
    if (decoder.write(chunk)) return;
    this.#isDecoderFull = true;
    this.#connection?.http.pause();
  }

  #startDecoder(encoding: Encoding, firstByte: number): Transform {
    const decoder = createDecoder(encoding, firstByte);
    this.#decoder = decoder;
    decoder.on('data', (piece: Buffer) => {
      if (this.#phase === 'receiving') this.#deliver(piece);
    });
    decoder.on('drain', () => {
      this.#isDecoderFull = false;
      this.#letFlow();
    });
    decoder.on('end', () => this.#finish());
    decoder.on('error', () => this.#fail(unreadable('decode_failed', `its ${encoding} encoding is broken`)));
    if (this.#isPaused) decoder.pause();
    return decoder;
  }

  #deliver(piece: Buffer): void {
    const max = this.#call.limits.bodyMaxBytes;
    this.#receivedBytes += piece.length;
    if (this.#receivedBytes > max) return this.#fail(tooBig(max));
    try {
      this.#handler.data(piece);
    } catch (error) {
      this.#failByBug(error);
    }
  }

  #letFlow(): void {
    if (!this.#isPaused && !this.#isDecoderFull) this.#connection?.http.resume();
  }

  #arm(ms: number): void {
    this.#world.deadlines.set(this, this.#world.deadlines.now() + ms);
  }

  #finish(): void {
    if (this.#phase !== 'receiving') return;
    this.#stop();
    try {
      this.#handler.end();
    } catch (error) {
      this.#world.onBug(error);
    }
  }

  #failByBug(error: unknown): void {
    this.#world.onBug(error);
    this.#fail({ outcome: 'internal', code: 'internal', values: {} });
  }

  #fail(failure: Failure): void {
    if (this.#phase === 'done') return;
    const detail = { outcome: failure.outcome, wasSent: this.#wasSent };
    this.#stop();
    queueMicrotask(() => {
      if (!this.#isAborted) this.#handler.fail(faultOf(failure, this.#call.provider), detail);
    });
  }

  /** Lets go of everything. A connection whose reply was not read to its end is closed: that is how the provider learns of it. */
  #stop(): void {
    if (this.#phase === 'done') return;
    this.#phase = 'done';
    this.#world.deadlines.clear(this);
    this.#opening?.cancel();
    this.#connection?.socket.destroy();
    this.#decoder?.destroy();
    this.#world.onOver();
  }
}

const REDIRECT: Failure = { outcome: 'redirect', code: 'upstream-redirect', values: {} };

/** Without what is no longer true of the body once it is decoded. */
function decodedHeaders(headers: Headers): Headers {
  const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers;
  return rest;
}
