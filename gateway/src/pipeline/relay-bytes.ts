/** Hands a stream on in the protocol it came in: whole events as bytes, while a tap reads along. */
import { fault, type Fault } from '../chat/fault.ts';
import type { Mark } from '../dialects/dialect.ts';
import { withoutNan } from '../lib/nan.ts';
import { sseSplitter, SSE_EVENT_MAX_BYTES, type SseEvent } from '../lib/sse.ts';
import { arrayFrame, joined, sseFrame } from './frames.ts';
import type { ReceiveOptions } from './receive-options.ts';
import type { Receiver } from './receiver.ts';
import { CHARACTERS_PER_TOKEN, streamBooks } from './stream-books.ts';

/** Same protocol on both sides: whole events are passed on as bytes; only a tap reads along. */
// oxlint-disable-next-line max-lines-per-function -- a machine of four small steps over one state; apart they would pass it around.
export function relayBytes(options: ReceiveOptions): Receiver {
  const { to, inbound, provider } = options;
  const tap = inbound.tap(provider);
  const splitter = (options.splitter ?? options.outbound.splitter ?? sseSplitter)();
  const books = streamBooks(options);
  const frame = options.context.isJsonArray === true ? arrayFrame() : sseFrame();
  let held: (string | Buffer)[] = [];
  let isFinished = false;
  let isOver = false;
  const meter = eventMeter();

  function fail(of: Fault): void {
    isOver = true;
    if (books.hasContent()) flush(held);
    to.fail(of);
  }

  function flush(pieces: readonly (string | Buffer)[]): void {
    if (pieces.length > 0) to.send(joined(pieces));
  }

  function see(event: SseEvent, out: (string | Buffer)[]): void {
    const mark: Mark = tap.see(event.name, event.data);
    const plain = mark.fault?.code === 'upstream-invalid' ? withoutNan(event.data.toString('utf8')) : undefined;
    if (plain !== undefined) {
      see({ ...event, data: Buffer.from(plain), isPlain: false }, out);
      return;
    }
    if (mark.fault !== undefined) {
      held = [...held, ...out.splice(0)];
      fail(mark.fault);
      return;
    }
    if (mark.usage !== undefined) books.usage(mark.usage);
    if (mark.hasContent === true) books.content(meter(event));
    // Content after a finish (another choice, or a call that was held back) opens the reply again.
    if (mark.isFinished === true) isFinished = true;
    else if (mark.hasContent === true) isFinished = false;
    const { wantsStreamUsage } = options.context;
    if (mark.isLast === true) finish(out, frame.event(event));
    else if (wantsStreamUsage) out.push(frame.event(event));
    else if (mark.isUsageOnly !== true) out.push(without(inbound.idleUsage, frame.event(event)));
  }

  function finish(out: (string | Buffer)[], last: string | Buffer): void {
    isOver = true;
    const pieces = [...held, ...out.splice(0), last, frame.close()];
    held = [];
    to.finish(joined(pieces), undefined, []);
  }

  function take(events: readonly SseEvent[]): void {
    const out: (string | Buffer)[] = [];
    for (const event of events) {
      if (isOver) return;
      if (!event.isComment) see(event, out);
    }
    if (isOver) return;
    if (books.hasContent()) {
      flush([...held, ...out]);
      held = [];
    } else held.push(...out);
  }

  return {
    data(chunk) {
      if (isOver) return;
      take(splitter.push(chunk));
      if (splitter.isTooBig() && !isOver) fail(fault('upstream-too-big', { provider, max: SSE_EVENT_MAX_BYTES }));
    },
    end() {
      if (isOver) return;
      take(splitter.end());
      if (isOver) return;
      if (isFinished) finish([], inbound.streamEnding);
      else fail(fault('upstream-cut', { provider }));
    },
    spent: () => books.spent(isFinished),
    hasContent() {
      return books.hasContent();
    },
  };
}

/** What is in each piece because we asked for usage where the caller did not. */
function without(idle: Buffer | undefined, piece: string | Buffer): string | Buffer {
  const at = idle === undefined || typeof piece === 'string' ? -1 : piece.indexOf(idle);
  if (idle === undefined || typeof piece === 'string' || at === -1) return piece;
  return Buffer.concat([piece.subarray(0, at), piece.subarray(at + idle.length)]);
}

/** Counts without reading: one token an event at least, longer pieces by their length beyond the smallest event seen. */
function eventMeter(): (event: SseEvent) => number {
  let smallest = Number.POSITIVE_INFINITY;
  return ({ data }) => {
    smallest = Math.min(smallest, data.length);
    return Math.max(1, (data.length - smallest) / CHARACTERS_PER_TOKEN);
  };
}
