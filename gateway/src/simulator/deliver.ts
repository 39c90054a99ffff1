/** Plays an answer onto a socket: the pauses, the pieces, and the places where it breaks off. */
import type { Socket } from 'node:net';
import type { Answer, Piece, Stop } from './answer.ts';
import { LAST_CHUNK, frame, renderHead } from './answer.ts';
import type { Ended } from './log.ts';

/** Writes after which other connections get their turn, so that an endless stream does not starve them. */
const WRITES_PER_TURN = 64;
const EMPTY = Buffer.alloc(0);

/** The client's side of one connection, as a delivery sees it. */
export interface Line {
  readonly socket: Socket;
  /** The connection below TLS, where there is TLS: only it can be reset. */
  readonly rawSocket: Socket;
  /** Set before we close a connection that carries, or may come to carry, something: the log must not blame the client. */
  isClosedByUs: boolean;
  /** Whether a pause lets the process end. */
  readonly isUnref: boolean;
  /** True once the client has left or the simulator is closing. */
  isGone: boolean;
  /** Ends the pause or the wait under way; the connection calls it when the client leaves. */
  wake: (() => void) | undefined;
  /** Counts bytes handed to the network. */
  sent(bytes: number): void;
}

export interface Delivery {
  readonly ended: Ended;
  /** Whether the connection can carry the next request. */
  readonly isReusable: boolean;
}

interface Delivered {
  readonly line: Line;
  readonly answer: Answer;
  readonly keepsAlive: boolean;
  /** The reply to a HEAD request: its head only. */
  readonly isHeadOnly: boolean;
}

const COMPLETE: Delivery = { ended: 'complete', isReusable: true };
const LEFT: Delivery = { ended: 'client-closed', isReusable: false };

/** Sends an answer. A plain whole reply is one write and gives its result at once; everything else gives a promise that never rejects. */
export function deliver(delivered: Delivered): Delivery | Promise<Delivery> {
  const { line, answer, keepsAlive } = delivered;
  if (!isPlain(answer) || !keepsAlive || delivered.isHeadOnly || !Buffer.isBuffer(answer.body)) return play(delivered);
  const head = renderHead(answer, true);
  const bytes = Buffer.allocUnsafe(head.length + answer.body.length);
  bytes.write(head, 0, 'latin1');
  answer.body.copy(bytes, head.length);
  line.socket.write(bytes);
  line.sent(bytes.length);
  return line.socket.writableLength === 0 ? COMPLETE : flushed(line, COMPLETE);
}

function isPlain(answer: Answer): boolean {
  return (
    answer.stop === undefined &&
    answer.instead === undefined &&
    answer.headAfterMs === undefined &&
    answer.bodyAfterMs === undefined &&
    answer.pieceAfterMs === undefined &&
    answer.writeBytes === undefined &&
    answer.closeAfterMs === undefined &&
    answer.framing.by === 'length' &&
    Buffer.isBuffer(answer.body) &&
    answer.framing.bytes === answer.body.length
  );
}

async function play({ line, answer: asked, keepsAlive, isHeadOnly }: Delivered): Promise<Delivery> {
  const answer = endsEarly(asked);
  await pause(line, answer.headAfterMs ?? 0);
  if (line.isGone) return LEFT;
  if (typeof answer.instead === 'string') return playInstead(line, answer.instead);
  // Bytes that are not HTTP have no head, and nothing can follow them.
  if (answer.instead !== undefined)
    return playAfter(line, { ...answer, framing: { by: 'close' } }, { head: EMPTY, staysOpen: false });
  const staysOpen = keepsAlive && answer.framing.by !== 'close';
  const head = Buffer.from(renderHead(answer, staysOpen), 'latin1');
  if (answer.stop?.of === 'head' && answer.stop.at < head.length) {
    write(line, head.subarray(0, answer.stop.at));
    return halt(line, answer.stop);
  }
  if (!isHeadOnly) return playAfter(line, answer, { head, staysOpen });
  write(line, head);
  return finish(line, staysOpen);
}

/** Head and body, or the head first where a pause lies between. */
async function playAfter(line: Line, answer: Answer, start: { head: Buffer; staysOpen: boolean }): Promise<Delivery> {
  const isApart = answer.bodyAfterMs !== undefined;
  if (isApart) {
    write(line, start.head);
    await pause(line, answer.bodyAfterMs ?? 0);
  }
  const played = await playBody(line, answer, isApart ? EMPTY : start.head);
  return typeof played === 'number' ? end(line, answer, { bodyBytes: played, staysOpen: start.staysOpen }) : played;
}

/** A body that ends early but properly declares the shorter length, or is sent in chunks where the length cannot be known. */
function endsEarly(answer: Answer): Answer {
  if (answer.stop?.how !== 'end' || answer.framing.by !== 'length') return answer;
  if (!Buffer.isBuffer(answer.body) || answer.stop.of !== 'body')
    return { ...answer, framing: { by: 'chunked', hasEnd: true } };
  const body = answer.body.subarray(0, answer.stop.at);
  const { stop: _, ...rest } = answer;
  return { ...rest, body, framing: { by: 'length', bytes: body.length } };
}

async function playInstead(line: Line, instead: 'close' | 'reset' | 'silence'): Promise<Delivery> {
  if (instead === 'silence') return untilGone(line);
  return halt(line, { how: instead === 'close' ? 'cut' : 'reset' });
}

/** A body on its way. */
interface Progress {
  readonly line: Line;
  readonly answer: Answer;
  /** The head, until it has gone out with the first bytes of the body. */
  unsent: Buffer;
  bodyBytes: number;
  writes: number;
  /** When the next slice is due. */
  dueMs: number;
}

/** Writes the body, `head` before it. Gives its length, or the delivery where it ended before its end. */
async function playBody(line: Line, answer: Answer, head: Buffer): Promise<number | Delivery> {
  const { stop } = answer;
  const progress: Progress = { line, answer, unsent: head, bodyBytes: 0, writes: 0, dueMs: performance.now() };
  for (const slice of slices(answer)) {
    const left = bytesLeft(stop, progress.bodyBytes, slice);
    if (stop !== undefined && left <= slice.bytes.length) {
      sendBytes(progress, slice.bytes.subarray(0, left));
      return stop.how === 'end' ? progress.bodyBytes : halt(line, stop);
    }
    if (slice.afterMs > 0) await untilDue(progress, slice.afterMs);
    if (line.isGone) return LEFT;
    if (!sendBytes(progress, slice.bytes)) await drained(line);
    if (progress.writes % WRITES_PER_TURN === 0) await turn();
  }
  sendBytes(progress, EMPTY);
  // Only an empty body comes here with a stop at its very end.
  return isEmptyStop(stop, progress.bodyBytes) ? halt(line, stop) : progress.bodyBytes;
}

function isEmptyStop(stop: Stop | undefined, bodyBytes: number): stop is Stop {
  return stop !== undefined && stop.how !== 'end' && stop.of === 'body' && stop.at === bodyBytes;
}

/** Sends a part of the body, and the head if it has not gone yet. False where the network is full. */
function sendBytes(progress: Progress, bytes: Buffer): boolean {
  const framed = frame(progress.answer.framing, bytes);
  const isRoomy = write(
    progress.line,
    progress.unsent.length === 0 ? framed : Buffer.concat([progress.unsent, framed]),
  );
  progress.unsent = EMPTY;
  progress.bodyBytes += bytes.length;
  progress.writes += 1;
  return isRoomy;
}

/** Counted from when the slice before was due, so that a late timer does not slow the whole stream down. */
async function untilDue(progress: Progress, afterMs: number): Promise<void> {
  if (progress.unsent.length > 0) sendBytes(progress, EMPTY);
  progress.dueMs += afterMs;
  await pause(progress.line, progress.dueMs - performance.now());
}

interface Slice {
  readonly bytes: Buffer;
  readonly afterMs: number;
  /** Number of the piece it belongs to, from 0. */
  readonly piece: number;
}

/** The pieces as they are written: cut to `writeBytes`, the pauses counted in. */
function* slices(answer: Answer): Generator<Slice> {
  const always = answer.pieceAfterMs ?? 0;
  let piece = 0;
  for (const { bytes, afterMs = 0 } of piecesOf(answer)) {
    const step = answer.writeBytes ?? bytes.length;
    for (let from = 0; from < bytes.length; from += step) {
      yield { bytes: bytes.subarray(from, from + step), afterMs: always + (from === 0 ? afterMs : 0), piece };
    }
    piece += 1;
  }
  // A stop after the last piece is still a stop: this empty slice carries it.
  if (answer.stop?.of === 'event') yield { bytes: EMPTY, afterMs: 0, piece };
}

function piecesOf(answer: Answer): Iterable<Piece> {
  if (typeof answer.instead === 'object') return [{ bytes: answer.instead.raw }];
  return Buffer.isBuffer(answer.body) ? [{ bytes: answer.body }] : answer.body;
}

/** How many bytes of this slice may go out before the stop. */
function bytesLeft(stop: Stop | undefined, bodyBytes: number, slice: Slice): number {
  if (stop === undefined || stop.of === 'head') return Number.POSITIVE_INFINITY;
  if (stop.of === 'event') return slice.piece >= stop.at ? 0 : Number.POSITIVE_INFINITY;
  return stop.at - bodyBytes;
}

async function end(line: Line, answer: Answer, sent: { bodyBytes: number; staysOpen: boolean }): Promise<Delivery> {
  const { framing } = answer;
  if (line.isGone) return LEFT;
  if (framing.by === 'chunked') {
    if (!framing.hasEnd) return halt(line, { how: 'cut' });
    write(line, LAST_CHUNK);
  }
  if (framing.by === 'length' && sent.bodyBytes < framing.bytes) return halt(line, { how: 'cut' });
  const isInStep = framing.by !== 'length' || sent.bodyBytes === framing.bytes;
  const delivery = await finish(line, sent.staysOpen && isInStep);
  if (answer.closeAfterMs === undefined || !delivery.isReusable) return delivery;
  return closeLater(line, answer.closeAfterMs);
}

/** All was written: waits until it is with the kernel, and closes where the connection is not to be kept. */
async function finish(line: Line, staysOpen: boolean): Promise<Delivery> {
  const delivery = await flushed(line, staysOpen ? COMPLETE : { ended: 'complete', isReusable: false });
  if (!delivery.isReusable && !line.isGone) line.socket.destroySoon();
  return delivery;
}

/** Closes a connection that the client believes to be reusable. What is under way on it by then is broken off. */
function closeLater(line: Line, afterMs: number): Delivery {
  const timer = setTimeout(() => {
    line.isClosedByUs = true;
    line.socket.destroySoon();
  }, afterMs);
  timer.unref();
  line.socket.once('close', () => clearTimeout(timer));
  return COMPLETE;
}

async function halt(line: Line, stop: Pick<Stop, 'how'>): Promise<Delivery> {
  if (stop.how === 'stall') return untilGone(line);
  // What was written must be with the kernel first: a reset throws away what is still in our own queue.
  const delivery = await flushed(line, { ended: 'we-cut', isReusable: false });
  if (line.isGone) return delivery;
  if (stop.how === 'reset') line.rawSocket.resetAndDestroy();
  else line.socket.destroySoon();
  return delivery;
}

function write(line: Line, bytes: Buffer): boolean {
  if (bytes.length === 0 || line.isGone) return true;
  line.sent(bytes.length);
  return line.socket.write(bytes);
}

/** Waits for `start` to call back, or for the client to leave, whichever is first. */
function waiting(line: Line, start: (done: () => void) => () => void): Promise<void> {
  if (line.isGone) return Promise.resolve();
  return new Promise((resolve) => {
    let stopWaiting: () => void = () => undefined;
    const done = (): void => {
      line.wake = undefined;
      stopWaiting();
      resolve();
    };
    line.wake = done;
    stopWaiting = start(done);
  });
}

async function pause(line: Line, ms: number): Promise<void> {
  if (ms <= 0) return;
  await waiting(line, (done) => {
    const timer = setTimeout(done, ms);
    if (line.isUnref) timer.unref();
    return () => clearTimeout(timer);
  });
}

async function drained(line: Line): Promise<void> {
  await waiting(line, (done) => {
    line.socket.once('drain', done);
    return () => line.socket.off('drain', done);
  });
}

async function flushed(line: Line, delivery: Delivery): Promise<Delivery> {
  if (!line.isGone && line.socket.writableLength > 0) {
    await waiting(line, (done) => {
      line.socket.write(EMPTY, () => done());
      return () => undefined;
    });
  }
  return line.isGone ? LEFT : delivery;
}

async function untilGone(line: Line): Promise<Delivery> {
  await waiting(line, () => () => undefined);
  return LEFT;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
