/**
 * Receives an answer of an operation beside the chat: JSON or text, kept until it is whole; events or plain bytes, handed on
 * as they come. What the provider counted is noted on the way.
 */
import { fault, type Fault } from '../chat/fault.ts';
import type { Spent } from '../chat/outcome.ts';
import type { Usage } from '../chat/usage.ts';
import { decodeInnerError, errorIn } from '../dialects/openai-chat/errors.ts';
import type { Asked, Operation, Wire, WireContext } from '../dialects/operations/operation.ts';
import { asString, isRecord, parseJson, type JsonRecord } from '../lib/json.ts';
import { formatSse, SSE_EVENT_MAX_BYTES, sseSplitter, type SseEvent } from '../lib/sse.ts';
import type { Receiver, Receiving } from './receiver.ts';

export interface OperationReception<Q extends Asked, A> {
  readonly operation: Operation<Q, A>;
  readonly request: Q;
  /** How many parts it was sent in, and what each of them asked. */
  readonly parts: readonly Q[];
  readonly inbound: Wire<Q, A>;
  readonly outbound: Wire<Q, A>;
  readonly provider: string;
  readonly contentType: string;
  readonly context: WireContext;
  readonly amendUsage: ((usage: Usage) => Usage) | undefined;
  /** What the head of the answer told; of an answer in parts, only the first has one. */
  readonly headUsage: Usage | undefined;
  readonly now: () => number;
  readonly startedMs: number;
  readonly to: Receiving;
}

const TEXT_TYPE = 'text/plain; charset=utf-8';
const BRACE = 0x7b;
const ANGLE = 0x3c;
/** What ends the streams of this form: transcripts, speech, pictures. */
const LAST_EVENT = /\.(?:done|completed)$/;

export function receiveOperation<Q extends Asked, A>(of: OperationReception<Q, A>): Receiver {
  switch (of.operation.answerOf(of.request)) {
    case 'json':
      return receiveJson(of);
    case 'text':
      return receiveText(of);
    case 'events':
      // Whoever cannot stream answers with JSON, which becomes the events that it stands for: told by the first byte, not by the type.
      return firstByte(of.to, of.provider, (byte) => (byte === BRACE ? receiveJson(of) : relayEvents(of)));
    case 'bytes':
      return firstByte(of.to, of.provider, (byte) =>
        isNoSound(byte, of.contentType) ? refuseText(of) : relayBytes(of),
      );
  }
}

/** Chooses by the first byte of the answer. */
function firstByte(to: Receiving, provider: string, choose: (byte: number) => Receiver): Receiver {
  let chosen: Receiver | undefined;
  return {
    type: () => chosen?.type?.(),
    data(chunk) {
      const [byte] = chunk;
      if (byte === undefined) return;
      chosen ??= choose(byte);
      chosen.data(chunk);
    },
    end() {
      if (chosen === undefined) to.fail(fault('upstream-invalid', { provider, reason: 'the answer is empty' }));
      else chosen.end();
    },
    spent: () => chosen?.spent() ?? ACCEPTED,
    hasContent: () => chosen?.hasContent() ?? false,
  };
}

const ACCEPTED: Spent = { isFinal: false, outputTokensSeen: 0, wasAccepted: true };

/** A JSON or HTML answer where sound was asked for, whatever it calls itself. */
function isNoSound(byte: number, contentType: string): boolean {
  return /^(?:application\/json|text\/html)\b/i.test(contentType) || byte === BRACE || byte === ANGLE;
}

/** What was used, as far as the provider says it; else what the request says of itself. */
function spentOf<Q extends Asked, A>(
  of: OperationReception<Q, A>,
  counted: Usage | undefined,
  isFinal: boolean,
): Spent {
  const { operation, request, amendUsage, parts, headUsage } = of;
  const own = counted === undefined ? undefined : (amendUsage?.(counted) ?? counted);
  const told = own ?? (parts.length === 1 ? headUsage : undefined);
  const asked = operation.usageAsked?.(request);
  const spent = { outputTokensSeen: operation.outputTokensOf?.(request) ?? 0, wasAccepted: true };
  const usage = told === undefined ? asked : { ...asked, ...told };
  return usage === undefined ? { ...spent, isFinal: false } : { ...spent, usage, isFinal };
}

function receiveJson<Q extends Asked, A>(of: OperationReception<Q, A>): Receiver {
  const { operation, request, parts, inbound, outbound, provider, context, to } = of;
  const chunks: Buffer[] = [];
  const replies = new Map<number, A>();
  let spent: Spent = ACCEPTED;
  let broken: Fault | undefined;

  /** Notes what a part says; gives its reply, or breaks. */
  function read(bytes: Buffer, index: number): A | undefined {
    const decoded = decodeBody(bytes, parts[index] ?? request, of);
    if (!decoded.ok) {
      broken ??= decoded.fault;
      return undefined;
    }
    replies.set(index, decoded.reply);
    spent = spentOf(of, joinedUsage(operation, [...replies.values()]), replies.size === parts.length);
    return decoded.reply;
  }

  function finish(reply: A, bytes: Buffer | undefined): void {
    const events = operation.answerOf(request) === 'events' ? operation.eventsOf?.(reply, request) : undefined;
    if (events !== undefined) {
      to.finish(events.map((event) => formatSse(JSON.stringify(event))).join(''), undefined, []);
      return;
    }
    const isAsAsked = operation.isAsAsked?.(reply, request) ?? true;
    if (bytes !== undefined && inbound.id === outbound.id && isAsAsked) {
      to.whole(bytes, undefined, []);
      return;
    }
    const { body, losses } = inbound.encodeReply(reply, request, context);
    to.whole(typeof body === 'string' ? body : JSON.stringify(body), undefined, losses);
  }

  function fail(): void {
    to.fail(broken ?? fault('upstream-invalid', { provider, reason: 'a part of the answer is missing' }));
  }

  return {
    data: (chunk) => void chunks.push(chunk),
    part(index, body) {
      read(body, index);
      if (broken !== undefined) fail();
    },
    end() {
      if (parts.length === 1) {
        const bytes = Buffer.concat(chunks);
        const reply = read(bytes, 0);
        if (reply === undefined) fail();
        else finish(reply, bytes);
        return;
      }
      const inOrder = parts.flatMap((_, index) => replies.get(index) ?? []);
      const joined = inOrder.length === parts.length ? operation.join?.(inOrder) : undefined;
      if (joined === undefined) fail();
      else finish(joined, undefined);
    },
    spent: () => spent,
    hasContent: () => false,
  };
}

function joinedUsage<Q extends Asked, A>(operation: Operation<Q, A>, replies: readonly A[]): Usage | undefined {
  const [only] = replies;
  const joined = replies.length > 1 ? operation.join?.(replies) : only;
  return joined === undefined ? undefined : operation.usageOf(joined);
}

type Decoded<A> = { readonly ok: true; readonly reply: A } | { readonly ok: false; readonly fault: Fault };

function decodeBody<Q extends Asked, A>(bytes: Buffer, request: Q, of: OperationReception<Q, A>): Decoded<A> {
  const { outbound, provider } = of;
  const body = parseJson(bytes.toString('utf8'));
  if (!isRecord(body)) {
    const reason =
      bytes.length === 0 ? 'the answer is empty' : body === undefined ? 'it is not JSON' : 'it is not a JSON object';
    return { ok: false, fault: fault('upstream-invalid', { provider, reason }) };
  }
  const reply = outbound.decodeReply(body, request);
  const error = reply.ok ? body['error'] : errorIn(body);
  if (error !== undefined && error !== null) return { ok: false, fault: decodeInnerError(error, provider) };
  if (reply.ok) return { ok: true, reply: reply.value };
  const why = reply.error;
  return {
    ok: false,
    fault:
      typeof why === 'string'
        ? fault('upstream-invalid', { provider, reason: why })
        : fault('content-filtered', { provider, reason: why.filtered }),
  };
}

/** Text as it comes; JSON where text was asked for is read, and its text taken. */
function receiveText<Q extends Asked, A>(of: OperationReception<Q, A>): Receiver {
  const { inbound, request, provider, context, to } = of;
  const chunks: Buffer[] = [];
  let spent: Spent = ACCEPTED;
  return {
    type: () => TEXT_TYPE,
    data: (chunk) => void chunks.push(chunk),
    end() {
      const bytes = Buffer.concat(chunks);
      const text = bytes.toString('utf8').trimStart();
      spent = spentOf(of, undefined, true);
      if (text.startsWith('<')) {
        to.fail(fault('upstream-invalid', { provider, reason: 'it is a page, not a text' }));
        return;
      }
      if (!text.startsWith('{')) {
        to.whole(bytes, undefined, []);
        return;
      }
      const decoded = decodeBody(bytes, request, of);
      if (!decoded.ok) {
        to.fail(decoded.fault);
        return;
      }
      spent = spentOf(of, of.operation.usageOf(decoded.reply), true);
      const { body, losses } = inbound.encodeReply(decoded.reply, request, context);
      to.whole(typeof body === 'string' ? body : JSON.stringify(body), undefined, losses);
    },
    spent: () => spent,
    hasContent: () => false,
  };
}

/** Text where sound was asked for: an error in a 200, or a page. Nothing of it reaches the caller. */
function refuseText<Q extends Asked, A>(of: OperationReception<Q, A>): Receiver {
  const { provider, to } = of;
  const chunks: Buffer[] = [];
  return {
    data: (chunk) => void chunks.push(chunk),
    end() {
      const body = parseJson(Buffer.concat(chunks).toString('utf8'));
      const error = isRecord(body) ? errorIn(body) : undefined;
      to.fail(
        error === undefined
          ? fault('upstream-invalid', { provider, reason: 'it is not sound' })
          : decodeInnerError(error, provider),
      );
    },
    spent: () => ACCEPTED,
    hasContent: () => false,
  };
}

/** Sound as it comes. Nothing in it tells a part from the whole: a break can only end the connection. */
function relayBytes<Q extends Asked, A>(of: OperationReception<Q, A>): Receiver {
  const { to } = of;
  let ttftMs: number | undefined;
  let isComplete = false;
  return {
    type: () => (of.contentType === '' ? 'application/octet-stream' : of.contentType),
    data(chunk) {
      ttftMs ??= of.now() - of.startedMs;
      to.send(chunk);
    },
    end() {
      isComplete = true;
      to.finish('', undefined, []);
    },
    spent: () => ({ ...spentOf(of, undefined, isComplete), ...(ttftMs === undefined ? {} : { ttftMs }) }),
    hasContent: () => ttftMs !== undefined,
  };
}

/** Events as they come; the last one is known by its type, and often has the usage. */
function relayEvents<Q extends Asked, A>(of: OperationReception<Q, A>): Receiver {
  const { operation, request, provider, to } = of;
  const splitter = sseSplitter();
  let usage: Usage | undefined;
  let ttftMs: number | undefined;
  let isFinished = false;
  let isOver = false;

  function fail(why: Fault): void {
    isOver = true;
    to.fail(why);
  }

  /** False where the event is an error, and not to be handed on. */
  function see(event: SseEvent): boolean {
    const text = event.data.toString('utf8');
    if (text.trim() === '[DONE]') return true;
    const body = parseJson(text);
    if (!isRecord(body)) {
      fail(fault('upstream-invalid', { provider, reason: 'an event is not JSON' }));
      return false;
    }
    const error = eventError(body);
    if (error !== undefined) {
      fail(error);
      return false;
    }
    ttftMs ??= of.now() - of.startedMs;
    usage = operation.usageIn(body, request) ?? usage;
    const type = asString(body['type']) ?? event.name;
    isFinished ||= LAST_EVENT.test(type);
    return true;
  }

  function eventError(body: JsonRecord): Fault | undefined {
    const error = body['type'] === 'error' ? (body['error'] ?? body) : body['error'];
    return error === undefined || error === null ? undefined : decodeInnerError(error, provider);
  }

  function take(events: readonly SseEvent[]): void {
    const out: Buffer[] = [];
    for (const event of events) {
      if (event.isComment) continue;
      if (!see(event)) break;
      out.push(event.raw);
    }
    if (out.length > 0) to.send(Buffer.concat(out));
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
      isOver = true;
      if (isFinished) to.finish('', undefined, []);
      else to.fail(fault('upstream-cut', { provider }));
    },
    spent: () => ({ ...spentOf(of, usage, isFinished), ...(ttftMs === undefined ? {} : { ttftMs }) }),
    hasContent: () => ttftMs !== undefined,
  };
}
