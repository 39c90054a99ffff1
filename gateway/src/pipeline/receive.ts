/**
 * Receives one answer of a provider, in whatever form it comes, and hands it to the caller in the form that was asked for.
 * Push machines: bytes in, calls of `to` out, nothing awaited. Until the first content nothing is handed on, so that a
 * failed attempt can be replaced unseen; afterwards a failure ends the stream with the protocol's own error event (rule R2).
 */
import { collect, collector, replay } from '../chat/collect.ts';
import { fault, type Fault } from '../chat/fault.ts';
import type { Spent } from '../chat/outcome.ts';
import type { ChatEvent, ChatResponse } from '../chat/reply.ts';
import { mergeUsage, type Usage } from '../chat/usage.ts';
import { glanceOf, type Dialect, type EncodeContext, type Mark, type WireForm } from '../dialects/dialect.ts';
import { isRecord, parseJson, type Json, type JsonRecord } from '../lib/json.ts';
import { withoutNan } from '../lib/nan.ts';
import type { Result } from '../lib/result.ts';
import { formatSse, sseSplitter, SSE_EVENT_MAX_BYTES, type SseEvent, type SseSplitter } from '../lib/sse.ts';
import { saneUsage } from '../money/cost.ts';
import type { Receiver, Receiving } from './receiver.ts';

export interface ReceiveOptions {
  /** The caller's protocol. */
  readonly inbound: Dialect;
  /** The provider's protocol. */
  readonly outbound: Dialect;
  readonly provider: string;
  readonly amendUsage?: (usage: Usage) => Usage;
  /** How the provider lays events into bytes, where it is not as its protocol does. */
  readonly splitter?: () => SseSplitter;
  readonly wantsStream: boolean;
  readonly context: EncodeContext;
  readonly now: () => number;
  readonly startedMs: number;
  readonly to: Receiving;
}

/** Characters a token, for output that was received but never counted by the provider. */
const CHARACTERS_PER_TOKEN = 4;
const CR_LF_SPACE_TAB: ReadonlySet<number> = new Set([0x0d, 0x0a, 0x20, 0x09, 0xef, 0xbb, 0xbf]);
const BRACE = 0x7b;
const ANGLE = 0x3c;

/** Looks at the first byte that is not space: JSON or a stream, whatever the content type says (faults.md F10, F14, F38). */
export function receive(options: ReceiveOptions): Receiver {
  let chosen: Receiver | undefined;
  const { to, provider } = options;
  return {
    data(chunk) {
      chosen ??= choose(chunk, options);
      chosen?.data(chunk);
    },
    end() {
      if (chosen === undefined) to.fail(fault('upstream-invalid', { provider, reason: 'the answer is empty' }));
      else chosen.end();
    },
    spent: () => chosen?.spent() ?? { isFinal: false, outputTokensSeen: 0, wasAccepted: true },
    hasContent() {
      return chosen?.hasContent() ?? false;
    },
  };
}

function choose(chunk: Buffer, options: ReceiveOptions): Receiver | undefined {
  const first = chunk.find((byte) => !CR_LF_SPACE_TAB.has(byte));
  if (first === undefined) return undefined;
  const { inbound, outbound, wantsStream } = options;
  const isLines = outbound.framing === 'lines';
  // A stream of lines begins as JSON does, and one line alone is read as well as many.
  if (first === ANGLE || (first === BRACE && !(isLines && wantsStream))) return receiveWhole(options);
  if (wantsStream && inbound.id === outbound.id && !isLines) return relayBytes(options);
  return relayEvents(options);
}

/** A JSON body. Kept whole (the upstream client bounds it), since a reply that is cut or is an error must not reach the caller. */
function receiveWhole(options: ReceiveOptions): Receiver {
  const { to, inbound, outbound, provider } = options;
  const chunks: Buffer[] = [];
  let spent: Spent = { isFinal: false, outputTokensSeen: 0, wasAccepted: true };

  function end(): void {
    const [only] = chunks;
    const { bytes, body } = parsedWhole(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
    const streamed = body === undefined ? wholeOfStream(bytes, options) : undefined;
    if (streamed !== undefined) {
      answer(streamed);
      return;
    }
    if (!isRecord(body)) {
      to.fail(
        fault('upstream-invalid', {
          provider,
          reason: body === undefined ? 'it is not JSON' : 'it is not a JSON object',
        }),
      );
      return;
    }
    if (inbound.id === outbound.id && !options.wantsStream) handOn(bytes, body);
    else translate(body);
  }

  /** Same protocol: a glance at the reply is enough, unless its tokens must be counted here. */
  function handOn(bytes: Buffer, body: JsonRecord): void {
    const seen = outbound.glance(body, provider);
    if (!seen.ok) {
      to.fail(seen.error);
      return;
    }
    if (seen.value.isOtherForm === true) {
      translate(body);
      return;
    }
    const usage = amendedUsage(seen.value.usage, options);
    spent = spentOf(usage, () => tokensOf(outbound.decodeResponse(body, provider)));
    to.whole(bytes, seen.value.finish, []);
  }

  function translate(body: JsonRecord): void {
    const decoded = outbound.decodeResponse(body, provider);
    if (!decoded.ok) {
      to.fail(decoded.error);
      return;
    }
    answer(decoded.value);
  }

  function answer(decoded: ChatResponse): void {
    const response = amendedResponse(decoded, options);
    spent = spentOf(response.usage, () => tokensIn(response));
    const { finish } = glanceOf(response);
    if (options.wantsStream) {
      streamWhole(response, options, finish);
      return;
    }
    const encoded = inbound.encodeResponse(response, options.context);
    to.whole(JSON.stringify(encoded.body), finish, encoded.losses);
  }

  return {
    data: (chunk) => void chunks.push(chunk),
    end,
    spent: () => spent,
    hasContent: () => false,
  };
}

/** The reply of a stream that came where a whole one was asked for and begins like JSON: lines (faults.md F38). Undefined where it is none. */
function wholeOfStream(bytes: Buffer, { outbound, provider }: ReceiveOptions): ChatResponse | undefined {
  const decoder = outbound.decoder(provider);
  const events = [...decoder.push(bytes), ...decoder.end()];
  const isReply = events.some((event) => event.type === 'finish') && !events.some((event) => event.type === 'error');
  return isReply ? collect(events, outbound.id) : undefined;
}

/** What a whole reply has used. Our own count is made only where the provider tells none that can be true (faults.md F15). */
function spentOf(usage: Usage | undefined, count: () => number): Spent {
  const isCounted = usage !== undefined && saneUsage(usage).outputTokens !== undefined;
  return {
    ...(usage === undefined ? {} : { usage }),
    isFinal: usage !== undefined,
    outputTokensSeen: isCounted ? 0 : count(),
    wasAccepted: true,
  };
}

function tokensOf(decoded: Result<ChatResponse, Fault>): number {
  return decoded.ok ? tokensIn(decoded.value) : 0;
}

/** Our own count of a whole reply. */
function tokensIn(response: ChatResponse): number {
  return Math.ceil(replay(response).reduce((sum, event) => sum + (contentTokens(event) ?? 0), 0));
}

/** The body, and the bytes that say the same in JSON: where some of its numbers are none, they are not those that came. */
function parsedWhole(came: Buffer): { readonly bytes: Buffer; readonly body: Json | undefined } {
  const text = came.toString('utf8');
  const body = parseJson(text);
  const plain = body === undefined ? withoutNan(text) : undefined;
  return plain === undefined ? { bytes: came, body } : { bytes: Buffer.from(plain), body: parseJson(plain) };
}

function amendedResponse(response: ChatResponse, options: ReceiveOptions): ChatResponse {
  const usage = amendedUsage(response.usage, options);
  return usage === response.usage || usage === undefined ? response : { ...response, usage };
}

function amendedUsage(usage: Usage | undefined, { amendUsage }: ReceiveOptions): Usage | undefined {
  return usage === undefined || amendUsage === undefined ? usage : amendUsage(usage);
}

/** A stream was asked for and JSON came: the caller gets a stream. */
function streamWhole(response: ChatResponse, options: ReceiveOptions, finish: string | undefined): void {
  const encoder = options.inbound.encoder(options.context);
  const text = replay(response).map((event) => encoder.push(event));
  options.to.finish(joined([...text, encoder.end()]), finish, encoder.losses());
}

/** Keeps the books of one stream: usage as it comes, content as it is counted, time of the first of it. */
function streamBooks(options: ReceiveOptions): {
  usage(of: Usage): void;
  content(tokens: number): void;
  hasContent(): boolean;
  spent(isFinal: boolean): Spent;
} {
  let usage: Usage | undefined;
  let tokens = 0;
  let ttftMs: number | undefined;
  return {
    usage(of) {
      usage = mergeUsage(usage, options.amendUsage?.(of) ?? of);
    },
    content(count) {
      ttftMs ??= options.now() - options.startedMs;
      tokens += count;
    },
    hasContent() {
      return ttftMs !== undefined;
    },
    spent: (isFinal) => ({
      ...(usage === undefined ? {} : { usage }),
      ...(ttftMs === undefined ? {} : { ttftMs }),
      isFinal: isFinal && usage !== undefined,
      outputTokensSeen: Math.ceil(tokens),
      wasAccepted: true,
    }),
  };
}

/** Same protocol on both sides: whole events are passed on as bytes; only a tap reads along. */
// oxlint-disable-next-line max-lines-per-function -- a machine of four small steps over one state; apart they would pass it around.
function relayBytes(options: ReceiveOptions): Receiver {
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
    else if (mark.isUsageOnly !== true) out.push(withoutNullUsage(frame.event(event)));
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

const NULL_USAGE = Buffer.from(',"usage":null');

/** OpenAI writes it into every chunk of a stream that was asked for usage, which we did and the caller did not; Mistral's SDK refuses it. */
function withoutNullUsage(piece: string | Buffer): string | Buffer {
  if (typeof piece === 'string') return piece;
  const at = piece.indexOf(NULL_USAGE);
  return at === -1 ? piece : Buffer.concat([piece.subarray(0, at), piece.subarray(at + NULL_USAGE.length)]);
}

/** Counts without reading: one token an event at least, longer pieces by their length beyond the smallest event seen. */
function eventMeter(): (event: SseEvent) => number {
  let smallest = Number.POSITIVE_INFINITY;
  return ({ data }) => {
    smallest = Math.min(smallest, data.length);
    return Math.max(1, (data.length - smallest) / CHARACTERS_PER_TOKEN);
  };
}

/** One write instead of many; a single piece is not copied, and texts stay text. */
function joined(pieces: readonly WireForm[]): WireForm {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)));
}

interface Frame {
  event(event: SseEvent): string | Buffer;
  close(): string;
}

/** Events that are already plain go on as they came; others are written anew, clean (faults.md F37). */
function sseFrame(): Frame {
  return {
    event: (event) =>
      event.isPlain ? event.raw : formatSse(oneLine(event.data), event.name === '' ? undefined : event.name),
    close: () => '',
  };
}

/** Line ends between JSON tokens are spaces too. */
function oneLine(data: Buffer): string {
  return data.toString('utf8').replaceAll('\n', ' ');
}

/** Gemini without `alt=sse`: one JSON array, an element an event. */
function arrayFrame(): Frame {
  let isFirst = true;
  return {
    event(event) {
      const text = `${isFirst ? '[' : ',\r\n'}${event.data.toString('utf8')}`;
      isFirst = false;
      return text;
    },
    close: () => (isFirst ? '[]' : ']'),
  };
}

/** Different protocols, or a stream that the caller wants whole: events are decoded and written in the other form. */
// oxlint-disable-next-line max-lines-per-function -- a machine of four small steps over one state; apart they would pass it around.
function relayEvents(options: ReceiveOptions): Receiver {
  const { to, inbound, outbound, provider } = options;
  const decoder = outbound.decoder(provider, options.splitter?.());
  const encoder = inbound.encoder(options.context);
  const whole = collector();
  const books = streamBooks(options);
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
      const piece = write(amendedEvent(event, options));
      if (piece.length > 0) held.push(piece);
    }
    if (books.hasContent()) flush();
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
    if (books.hasContent()) flush();
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
    if (options.wantsStream) {
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
  };
}

function amendedEvent(event: ChatEvent, { amendUsage }: ReceiveOptions): ChatEvent {
  return event.type === 'usage' && amendUsage !== undefined ? { ...event, usage: amendUsage(event.usage) } : event;
}

/** About how many tokens an event holds; undefined where it is not content. */
function contentTokens(event: ChatEvent): number | undefined {
  switch (event.type) {
    case 'text-delta':
    case 'reasoning-delta':
    case 'refusal-delta':
      return event.text === '' ? undefined : event.text.length / CHARACTERS_PER_TOKEN;
    case 'tool-call-start':
      return 2;
    case 'tool-call-delta':
      return event.arguments.length / CHARACTERS_PER_TOKEN;
    case 'reasoning-encrypted':
    case 'media':
    case 'audio-delta':
    case 'opaque':
    case 'citation':
      return 1;
    default:
      return undefined;
  }
}

/** The events that end a broken stream, in the caller's protocol and framing. */
export function brokenEnding(
  inbound: Dialect,
  of: Fault,
  options: { requestId: string; isJsonArray: boolean },
): WireForm {
  const text = inbound.encodeStreamFault(of, { requestId: options.requestId });
  if (!options.isJsonArray || typeof text !== 'string') return text;
  const record: JsonRecord | undefined = asJsonRecord(text);
  return record === undefined ? ']' : `,\r\n${JSON.stringify(record)}]`;
}

function asJsonRecord(sse: string): JsonRecord | undefined {
  const body = parseJson(sse.replace(/^data: /, '').trim());
  return isRecord(body) ? body : undefined;
}
