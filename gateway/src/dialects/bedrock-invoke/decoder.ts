/** A stream of InvokeModel: Claude's and Nova's events go to the decoders of their own wires, the pieces of text models are read here. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import { isRecord, parseJson } from '../../lib/json.ts';
import { SSE_EVENT_MAX_BYTES, type SseEvent, type SseSplitter } from '../../lib/sse.ts';
import { anthropicMessages } from '../anthropic-messages.ts';
import { bedrockConverse } from '../bedrock-converse.ts';
import { faultOfEvent, isException } from '../bedrock-converse/errors.ts';
import type { Mark, StreamDecoder, Tap } from '../dialect.ts';
import { claudeError } from './claude.ts';
import { isMeasured, readSpoken } from './families.ts';
import { invokeSplitter } from './splitter.ts';

type Events = readonly ChatEvent[];

/** Reads events that are already cut out. */
interface EventReader {
  read(events: readonly SseEvent[]): Events;
  end(): Events;
  /** The model has said its last, by its own wire. */
  isOver(): boolean;
}

/** One a stream. The first event shows which wire it is. */
export function decoder(provider: string, splitter: SseSplitter = invokeSplitter()): StreamDecoder {
  const reader = eventReader(provider);
  let isOver = false;

  function noted(events: Events): Events {
    isOver ||= events.at(-1)?.type === 'error' || reader.isOver();
    return events;
  }

  return {
    push(bytes) {
      if (isOver) return [];
      const events = noted(reader.read(splitter.push(bytes)));
      if (isOver || !splitter.isTooBig()) return events;
      return noted([...events, broken(fault('upstream-too-big', { provider, max: SSE_EVENT_MAX_BYTES }))]);
    },
    end: () => (isOver ? [] : noted(reader.end())),
    isOver: () => isOver,
  };
}

function broken(of: Fault): ChatEvent {
  return { type: 'error', fault: of };
}

function eventReader(provider: string): EventReader {
  let chosen: EventReader | undefined;
  return {
    read(events) {
      const [first] = events;
      if (first === undefined) return [];
      chosen ??= readerFor(first, provider);
      return chosen.read(events);
    },
    end: () => chosen?.end() ?? [broken(fault('upstream-cut', { provider }))],
    isOver: () => chosen?.isOver() ?? false,
  };
}

function readerFor({ name }: SseEvent, provider: string): EventReader {
  if (name === '') return textReader(provider);
  const queue = fedSplitter();
  const isClaude = /^[a-z_]+$/.test(name) && name !== 'metadata' && name !== 'error';
  const inner = (isClaude ? anthropicMessages : bedrockConverse).decoder(provider, queue.splitter);
  const read = (events: readonly SseEvent[]): Events => {
    queue.feed(isClaude ? events.map(asClaude) : events);
    return inner.push(NOTHING);
  };
  return { read, end: () => inner.end(), isOver: () => inner.isOver() };
}

const NOTHING = Buffer.from([0]);

/** A splitter that gives what it was fed, whatever bytes come. */
function fedSplitter(): { readonly splitter: SseSplitter; readonly feed: (events: readonly SseEvent[]) => void } {
  let held: readonly SseEvent[] = [];
  const take = (): readonly SseEvent[] => {
    const events = held;
    held = [];
    return events;
  };
  return { splitter: { push: take, end: () => [], isTooBig: () => false }, feed: (events) => void (held = events) };
}

/** An exception of the service amid Claude's events, in the form of that wire. */
function asClaude(event: SseEvent): SseEvent {
  return isException(event.name) ? { ...event, name: 'error', data: claudeError(event.name, event.data) } : event;
}

function textReader(provider: string): EventReader {
  let isFinished = false;
  let isOver = false;

  function over(of: Fault): Events {
    isOver = true;
    return [broken(of)];
  }

  function readOne({ name, data }: SseEvent): Events {
    if (isOver) return [];
    const body = parseJson(data.toString('utf8'));
    if (!isRecord(body))
      return over(fault('upstream-invalid', { provider, reason: 'a frame is damaged or holds no JSON' }));
    if (isException(name)) return over(faultOfEvent(name, body, provider));
    const spoken = readSpoken(body);
    if (spoken === undefined) return [];
    const events: ChatEvent[] = spoken.text === '' ? [] : [{ type: 'text-delta', choice: 0, text: spoken.text }];
    if (spoken.usage !== undefined) events.push({ type: 'usage', usage: spoken.usage });
    if (spoken.finish !== undefined && !isFinished) {
      isFinished = true;
      events.push({ type: 'finish', choice: 0, finish: spoken.finish });
    }
    // What the service measured stands in the last piece of every model.
    isOver ||= isFinished && isMeasured(body);
    return events;
  }

  return {
    read: (events) => events.flatMap(readOne),
    isOver: () => isOver,
    end: () => (isFinished || isOver ? [] : [broken(fault('upstream-cut', { provider }))]),
  };
}

/** Reads along by decoding: no client speaks this wire, so that nothing is ever relayed in it. */
export function tap(provider: string): Tap {
  const reader = eventReader(provider);
  return { see: (name, data) => markOf(reader.read([{ name, data, raw: data, isPlain: true, isComment: false }])) };
}

function markOf(events: Events): Mark {
  let mark: Mark = {};
  for (const event of events) {
    if (event.type === 'error') mark = { ...mark, fault: event.fault };
    else if (event.type === 'usage') mark = { ...mark, usage: event.usage };
    else if (event.type === 'finish') mark = { ...mark, isFinished: true };
    else if (event.type.endsWith('-delta') || event.type === 'tool-call-start') mark = { ...mark, hasContent: true };
  }
  return mark;
}
