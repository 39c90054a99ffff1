/** Hands a stream on in another form than it came in: its events are decoded, and written in the caller's protocol, or collected. */
import { collector } from '../chat/collect.ts';
import { fault, type Fault } from '../chat/fault.ts';
import type { ChatEvent } from '../chat/reply.ts';
import type { WireForm } from '../dialects/dialect.ts';
import { reshaper } from '../output/reshape.ts';
import { joined } from './frames.ts';
import type { ReceiveOptions } from './receive-options.ts';
import type { Receiver } from './receiver.ts';
import { contentTokens, streamBooks } from './stream-books.ts';

/** Different protocols, or a stream that the caller wants whole: events are decoded and written in the other form. */
// oxlint-disable-next-line max-lines-per-function -- a machine of four small steps over one state; apart they would pass it around.
export function relayEvents(options: ReceiveOptions): Receiver {
  const { to, inbound, outbound, provider } = options;
  const decoder = outbound.decoder(provider, options.splitter?.());
  const encoder = inbound.encoder(options.context);
  const whole = collector();
  const books = streamBooks(options);
  const machine = options.reshaping === undefined ? undefined : reshaper(options.reshaping);
  const isHeld = options.wantsStream && options.reshaping?.isHeld === true;
  let held: WireForm[] = [];
  /** Finish events, and what came after them: written when nothing more can come before them. */
  const closing: ChatEvent[] = [];
  let finishRaw: string | undefined;
  let isFinished = false;
  let isOver = false;

  function take(events: readonly ChatEvent[]): void {
    for (const event of events) {
      if (event.type === 'error') {
        fail(event.fault);
        return;
      }
      note(event);
      const amended = amendedEvent(event, options);
      if (machine === undefined) put(amended);
      else for (const made of machine.push(amended)) put(made);
    }
    if (books.hasContent() && !isHeld) flush();
    if (machine?.isDone() === true) cut();
  }

  function put(event: ChatEvent): void {
    const piece = write(event);
    if (piece.length > 0) held.push(piece);
  }

  /** The end is ours: the provider need not go on, and what it would have told of its use is not known. */
  function cut(): void {
    to.enough();
    finish();
  }

  function flush(): void {
    if (held.length === 0) return;
    to.send(joined(held));
    held = [];
  }

  /** The event's text for the caller; empty while it is kept for later. */
  function write(event: ChatEvent): WireForm {
    if (!options.wantsStream) whole.push(event);
    else if (event.type === 'finish' || (closing.length > 0 && contentTokens(event) === undefined)) closing.push(event);
    else return encoder.push(event);
    return '';
  }

  function fail(of: Fault): void {
    isOver = true;
    if (books.hasContent() && !isHeld) flush();
    to.fail(of);
  }

  function note(event: ChatEvent): void {
    const tokens = contentTokens(event);
    if (event.type === 'usage') books.usage(event.usage);
    if (tokens !== undefined) books.content(tokens);
    if (event.type === 'finish') finishRaw ??= event.finish.raw ?? event.finish.reason;
    // Content after a finish (another choice, or a call that was held back) opens the reply again.
    isFinished = event.type === 'finish' || (isFinished && tokens === undefined);
  }

  function finish(): void {
    isOver = true;
    const invalid = machine?.invalid();
    if (invalid !== undefined) {
      if (!isHeld) flush();
      to.invalid(invalid);
    } else if (options.wantsStream) {
      const last = closing.map((event) => encoder.push(event));
      to.finish(joined([...held, ...last, encoder.end()]), finishRaw, encoder.losses());
    } else {
      const { body, losses } = inbound.encodeResponse(whole.response(outbound.id), options.context);
      to.whole(JSON.stringify(body), finishRaw, losses);
    }
  }

  function end(): void {
    if (isOver) return;
    take(decoder.end());
    if (isOver) return;
    if (isFinished) finish();
    else fail(fault('upstream-cut', { provider }));
  }

  return {
    data(chunk) {
      if (isOver) return;
      take(decoder.push(chunk));
      // Some providers leave the connection open after their last event: the reply is complete all the same.
      if (decoder.isOver()) end();
    },
    end,
    spent: () => books.spent(isFinished),
    hasContent() {
      return books.hasContent();
    },
    isHeld: () => isHeld,
  };
}

function amendedEvent(event: ChatEvent, { amendUsage }: ReceiveOptions): ChatEvent {
  return event.type === 'usage' && amendUsage !== undefined ? { ...event, usage: amendUsage(event.usage) } : event;
}
