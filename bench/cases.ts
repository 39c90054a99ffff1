/** What is asked and what is answered, in each case: the load generator and the upstream both read it here. */

/** Server-sent events of a streamed answer: role, text, finish, usage, end mark. */
export const STREAM_EVENTS = 50;
/** Between two events of one stream; a model of 200 tokens a second. The events stay apart, as they do on a real network. */
export const EVENT_EVERY_MS = 5;
export const REPLY_BYTES = 1024;
const PROMPT_BYTES = 1024;
const LONG_PROMPT_BYTES = 100 * 1024;
const PROSE = 'The quick brown fox jumps over the lazy dog, and asks which gateway it was sent through. ';

export interface Case {
  readonly id: string;
  readonly title: string;
  readonly isStreaming: boolean;
  /** Events that a streamed answer must have; undefined where that is for the gateway to decide. */
  readonly events?: number;
  readonly body: string;
  /** Closed-loop connections: enough that a busy gateway always has work, few enough that its queue stays short. */
  readonly connections: number;
}

/** `model` is the one thing in which the requests to the gateways differ. */
export function casesFor(model: string): readonly Case[] {
  return [
    {
      id: 'whole',
      title: '1 KB reply, whole',
      isStreaming: false,
      body: ask(model, PROMPT_BYTES, false),
      connections: 32,
    },
    {
      id: 'stream',
      title: `stream of ${STREAM_EVENTS} events`,
      isStreaming: true,
      events: STREAM_EVENTS,
      body: ask(model, PROMPT_BYTES, true),
      connections: 64,
    },
    {
      id: 'long',
      title: '100 KB prompt, whole',
      isStreaming: false,
      body: ask(model, LONG_PROMPT_BYTES, false),
      connections: 16,
    },
  ];
}

/** One wire's cases: a whole reply and a stream, that go from OpenAI's chat completions to it and back. */
export function translatedCases(wire: string, model: string): readonly Case[] {
  return [
    {
      id: `${wire} whole`,
      title: `${wire}, whole`,
      isStreaming: false,
      body: ask(model, PROMPT_BYTES, false),
      connections: 32,
    },
    {
      id: `${wire} stream`,
      title: `${wire}, streamed`,
      isStreaming: true,
      body: ask(model, PROMPT_BYTES, true),
      connections: 64,
    },
  ];
}

/** The caller wants usage in its stream, so that every gateway relays the same bytes. */
function ask(model: string, bytes: number, isStreaming: boolean): string {
  const stream = isStreaming ? { stream: true, stream_options: { include_usage: true } } : {};
  return padded(bytes, (content) => ({
    model,
    ...stream,
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content },
    ],
    temperature: 0.7,
    max_tokens: 512,
  }));
}

/** JSON of so many bytes: `make` puts a text into it that fills it. */
export function padded(bytes: number, make: (text: string) => unknown): string {
  const missing = bytes - JSON.stringify(make('')).length;
  return JSON.stringify(make(PROSE.repeat(Math.ceil(missing / PROSE.length)).slice(0, missing)));
}

const CREATED_S = 1_700_000_000;
const USAGE = { prompt_tokens: 24, completion_tokens: 47, total_tokens: 71 };

/** A whole answer: one write, head and body together. */
export function wholeAnswer(): Buffer {
  const body = padded(REPLY_BYTES, (content) => ({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: CREATED_S,
    model: 'bench-1',
    choices: [{ index: 0, message: { role: 'assistant', content }, logprobs: null, finish_reason: 'stop' }],
    usage: USAGE,
  }));
  return wholeOf(body);
}

/** A body with its head. */
export function wholeOf(body: string): Buffer {
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nx-request-id: req_bench\r\n\r\n`;
  return Buffer.from(head + body);
}

/** The words of every streamed answer. */
export const WORDS: readonly string[] = Array.from({ length: STREAM_EVENTS - 4 }, (_, index) => ` word${index + 1}`);

/** A streamed answer: one piece an event, the first with the head, each to be written by itself. */
export function streamedAnswer(): readonly Buffer[] {
  return chunked(
    'text/event-stream',
    Array.from({ length: STREAM_EVENTS }, (_, index) => streamedEvent(index)),
  );
}

/** The events of a stream as chunks. */
export function chunked(type: string, events: readonly (string | Buffer)[]): readonly Buffer[] {
  const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\nx-request-id: req_bench\r\n\r\n`;
  return events.map((event, index) =>
    Buffer.concat([
      Buffer.from(`${index === 0 ? head : ''}${Buffer.byteLength(event).toString(16)}\r\n`),
      Buffer.from(event),
      Buffer.from(index === events.length - 1 ? '\r\n0\r\n\r\n' : '\r\n'),
    ]),
  );
}

function streamedEvent(index: number): string {
  if (index === STREAM_EVENTS - 1) return 'data: [DONE]\n\n';
  const shared = { id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: CREATED_S, model: 'bench-1' };
  if (index === STREAM_EVENTS - 2) return `data: ${JSON.stringify({ ...shared, choices: [], usage: USAGE })}\n\n`;
  const isFinish = index === STREAM_EVENTS - 3;
  const delta = index === 0 ? { role: 'assistant', content: '' } : isFinish ? {} : { content: ` word${index}` };
  const choice = { index: 0, delta, logprobs: null, finish_reason: isFinish ? 'stop' : null };
  return `data: ${JSON.stringify({ ...shared, choices: [choice], usage: null })}\n\n`;
}
