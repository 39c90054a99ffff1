/** Hands a stream on in another form than it came in: its events are decoded, and written in the caller's protocol, or collected. */
import { collector } from '../chat/collect.ts';
import { fault, type Fault } from '../chat/fault.ts';
import type { ChatEvent } from '../chat/reply.ts';
import type { WireForm } from '../dialects/dialect.ts';
import { reshaper } from '../output/reshape.ts';
import { joined } from './frames.ts';
import { commentOf, createStrand, fieldOf } from './going-on.ts';
import type { ReceiveOptions } from './receive-options.ts';
import type { Receiver } from './receiver.ts';
import { contentTokens, streamBooks } from './stream-books.ts';

/** Different protocols, or a stream that the caller wants whole: events are decoded and written in the other form. */
export function relayEvents(options: ReceiveOptions): Receiver {
  const relay = eventRelay(options);
  const decoder = options.outbound.decoder(options.provider, options.splitter?.());

  function end(): void {
    if (relay.isOver()) return;
    relay.take(decoder.end());
    relay.end();
  }

  return {
    data(chunk) {
      if (relay.isOver()) return;
      relay.take(decoder.push(chunk));
      // Some providers leave the connection open after their last event: the reply is complete all the same.
      if (decoder.isOver()) end();
    },
    end,
    spent: relay.spent,
    hasContent: relay.hasContent,
    isHeld: relay.isHeld,
    unfinished: relay.unfinished,
  };
}

/** The half of a relay that writes. */
export interface EventRelay extends Required<Pick<Receiver, 'spent' | 'hasContent' | 'isHeld' | 'unfinished'>> {
  take(events: readonly ChatEvent[]): void;
  /** No more events come. */
  end(): void;
  isOver(): boolean;
}

/** Takes decoded events, wherever they come from. */
// oxlint-disable-next-line max-lines-per-function -- a machine of small steps over one state; apart they would pass it around.
export function eventRelay(options: ReceiveOptions): EventRelay {
  const { to, inbound, outbound, provider, reshaping, going } = options;
  const encoder = going?.before?.encoder ?? inbound.encoder(options.context);
  const strand = going === undefined ? undefined : createStrand(going.before);
  const whole = collector();
  const books = streamBooks(options);
  const machine = reshaping === undefined ? undefined : reshaper(reshaping);
  let held: WireForm[] = [];
  if (going?.before !== undefined && inbound.takesOwnFields === true) encoder.push(fieldOf(going.before.mark));
  /** Finish events, and what came after them: written when nothing more can come before them. */
  const closing: ChatEvent[] = [];
  let finishRaw: string | undefined;
  let isFinished = false;
  let isOver = false;
  /** Content is among what was made of the events; and what was written has gone out. */
  let hasWritten = false;
  let hasSent = false;

  function take(events: readonly ChatEvent[]): void {
    for (const event of events) {
      if (event.type === 'error') {
        fail(event.fault);
        return;
      }
      note(event);
      const amended = amendedEvent(event, options);
      if (strand !== undefined) for (const seen of strand.take(amended)) put(seen);
      else if (machine === undefined) put(amended);
      else for (const made of machine.push(amended)) reshapedPut(made);
    }
    flush();
    if (machine?.isDone() === true) cut();
  }

  /** What the provider says may be more than what the caller gets of it. */
  function reshapedPut(event: ChatEvent): void {
    hasWritten ||= contentTokens(event) !== undefined;
    put(event);
  }

  function put(event: ChatEvent): void {
    const piece = write(event);
    if (piece.length > 0) held.push(piece);
  }

  /** The event's text for the caller; empty while it is kept for later. */
  function write(event: ChatEvent): WireForm {
    if (!options.wantsStream) whole.push(event);
    else if (event.type === 'finish' || (closing.length > 0 && contentTokens(event) === undefined)) closing.push(event);
    else return encoder.push(event);
    return '';
  }

  /** Hands on what was written, from the first content on. What is not valid from its first word on is never seen. */
  function flush(): void {
    const isContent = machine === undefined ? books.hasContent() : hasWritten && reshaping?.isHeld !== true;
    if (held.length === 0 || !isContent) return;
    if (!hasSent && machine?.invalid() !== undefined) return;
    to.send(joined(hasSent ? held : [...seamIn(options), ...held]));
    hasSent = true;
    held = [];
  }

  function fail(of: Fault): void {
    isOver = true;
    flush();
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

  /** The end is ours: the provider need not go on, and what it would have told of its use is not known. */
  function cut(): void {
    finishRaw = 'stop';
    to.enough();
    finish();
  }

  function finish(): void {
    isOver = true;
    const invalid = machine?.invalid();
    if (invalid !== undefined) {
      flush();
      to.invalid(invalid);
    } else if (options.wantsStream) {
      const last = [...closing, ...(strand?.close() ?? [])].map((event) => encoder.push(event));
      to.finish(joined([...held, ...last, encoder.end()]), finishRaw, encoder.losses());
    } else {
      const { body, losses } = inbound.encodeResponse(whole.response(outbound.id), options.context);
      to.whole(JSON.stringify(body), finishRaw, losses);
    }
  }

  return {
    take,
    end() {
      if (isOver) return;
      if (isFinished) finish();
      else fail(fault('upstream-cut', { provider }));
    },
    isOver: () => isOver,
    spent: () => books.spent(isFinished),
    hasContent: () => books.hasContent(),
    isHeld: () => !hasSent,
    unfinished: () => (hasSent || going?.before !== undefined ? strand?.unfinished(encoder) : undefined),
  };
}

/** Tells the caller where another attempt goes on, as far as its stream has a place for that. */
function seamIn({ going, context }: ReceiveOptions): readonly WireForm[] {
  const mark = going?.before?.mark;
  // In an array of JSON there is no place for comments.
  return mark === undefined || context.isJsonArray === true ? [] : [commentOf(mark)];
}

function amendedEvent(event: ChatEvent, { amendUsage }: ReceiveOptions): ChatEvent {
  return event.type === 'usage' && amendUsage !== undefined ? { ...event, usage: amendUsage(event.usage) } : event;
}
