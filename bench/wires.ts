/** The answers of providers of all wires: the same words, so that only the wire differs. */
import { encodeMessage } from '../gateway/src/lib/event-stream.ts';
import { chunked, padded, REPLY_BYTES, streamedAnswer, wholeAnswer, wholeOf, WORDS } from './cases.ts';

/** One wire that requests of OpenAI's chat completions are translated to, or the same, which they are measured beside. */
export interface WireAnswers {
  readonly id: string;
  /** In its path, no other has this. */
  readonly path: RegExp;
  /** In its path where a stream is asked for; absent: the body says so. */
  readonly streamPath?: RegExp;
  /** Below the upstream's address. */
  readonly base: string;
  readonly whole: () => Buffer;
  readonly streamed: () => readonly Buffer[];
}

type Event = Readonly<Record<string, unknown>>;

function sse(event: Event): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}

function typed(event: Event): string {
  return `event: ${String(event['type'])}\n${sse(event)}`;
}

/** The words of a stream, an event each, with the events that the wire puts around them. */
function around(begin: readonly Event[], piece: (text: string) => Event, end: readonly Event[]): readonly Event[] {
  return [...begin, ...WORDS.map(piece), ...end];
}

const ANTHROPIC_USAGE = { input_tokens: 24, output_tokens: 47 };

function anthropicMessage(content: readonly Event[], stop_reason: string | null): Event {
  const head = { id: 'msg_bench', type: 'message', role: 'assistant', model: 'bench-1' };
  return { ...head, content, stop_reason, stop_sequence: null, usage: ANTHROPIC_USAGE };
}

const anthropic: WireAnswers = {
  id: 'anthropic-messages',
  path: /\/v1\/messages$/,
  base: '',
  whole: () => wholeOf(padded(REPLY_BYTES, (text) => anthropicMessage([{ type: 'text', text }], 'end_turn'))),
  streamed: () =>
    chunked(
      'text/event-stream',
      around(
        [
          { type: 'message_start', message: anthropicMessage([], null) },
          { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
        ],
        (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
        [
          { type: 'content_block_stop', index: 0 },
          {
            type: 'message_delta',
            delta: { stop_reason: 'end_turn', stop_sequence: null },
            usage: { output_tokens: 47 },
          },
          { type: 'message_stop' },
        ],
      ).map(typed),
    ),
};

function geminiReply(text: string, end: Event = {}, more: Event = {}): Event {
  const candidates = [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...end }];
  return { candidates, modelVersion: 'bench-1', responseId: 'bench', ...more };
}

const GEMINI_END = [
  { finishReason: 'STOP' },
  { usageMetadata: { promptTokenCount: 24, candidatesTokenCount: 47, totalTokenCount: 71 } },
] as const;

const gemini: WireAnswers = {
  id: 'gemini',
  path: /\/models\/.*enerateContent/,
  streamPath: /streamGenerateContent/,
  base: '/v1beta',
  whole: () => wholeOf(padded(REPLY_BYTES, (text) => geminiReply(text, ...GEMINI_END))),
  streamed: () =>
    chunked('text/event-stream', around([], (text) => geminiReply(text), [geminiReply('', ...GEMINI_END)]).map(sse)),
};

const CONVERSE_USAGE = { inputTokens: 24, outputTokens: 47, totalTokens: 71 };

function frame(event: Event): Buffer {
  const [type = '', payload] = Object.entries(event)[0] ?? [];
  const headers = new Map([
    [':event-type', type],
    [':content-type', 'application/json'],
    [':message-type', 'event'],
  ]);
  return encodeMessage(headers, Buffer.from(JSON.stringify(payload)));
}

const converse: WireAnswers = {
  id: 'bedrock-converse',
  path: /\/converse(-stream)?$/,
  streamPath: /\/converse-stream$/,
  base: '',
  whole: () =>
    wholeOf(
      padded(REPLY_BYTES, (text) => ({
        output: { message: { role: 'assistant', content: [{ text }] } },
        stopReason: 'end_turn',
        usage: CONVERSE_USAGE,
      })),
    ),
  streamed: () =>
    chunked(
      'application/vnd.amazon.eventstream',
      around(
        [{ messageStart: { role: 'assistant' } }],
        (text) => ({ contentBlockDelta: { contentBlockIndex: 0, delta: { text } } }),
        [
          { contentBlockStop: { contentBlockIndex: 0 } },
          { messageStop: { stopReason: 'end_turn' } },
          { metadata: { usage: CONVERSE_USAGE, metrics: { latencyMs: 1 } } },
        ],
      ).map(frame),
    ),
};

function response(output: readonly Event[], status: string): Event {
  const usage = {
    input_tokens: 24,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 47,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 71,
  };
  return { id: 'resp_bench', object: 'response', created_at: 1_700_000_000, model: 'bench-1', status, output, usage };
}

function responseMessage(text: string): Event {
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  return { type: 'message', id: 'msg_bench', status: 'completed', role: 'assistant', content };
}

const responses: WireAnswers = {
  id: 'openai-responses',
  path: /\/v1\/responses$/,
  base: '/v1',
  whole: () => wholeOf(padded(REPLY_BYTES, (text) => response([responseMessage(text)], 'completed'))),
  streamed: () => {
    const place = { item_id: 'msg_bench', output_index: 0, content_index: 0 };
    const part = { type: 'output_text', text: '', annotations: [], logprobs: [] };
    const events = around(
      [
        { type: 'response.created', response: response([], 'in_progress') },
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { ...responseMessage(''), status: 'in_progress', content: [] },
        },
        { type: 'response.content_part.added', ...place, part },
      ],
      (delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] }),
      [
        { type: 'response.output_text.done', ...place, text: WORDS.join(''), logprobs: [] },
        { type: 'response.output_item.done', output_index: 0, item: responseMessage(WORDS.join('')) },
        { type: 'response.completed', response: response([responseMessage(WORDS.join(''))], 'completed') },
      ],
    );
    return chunked(
      'text/event-stream',
      events.map((event, sequence_number) => typed({ ...event, sequence_number })),
    );
  },
};

const COHERE_USAGE = { billed_units: { input_tokens: 24, output_tokens: 47 } };

const cohere: WireAnswers = {
  id: 'cohere',
  path: /\/v2\/chat$/,
  base: '/v2',
  whole: () =>
    wholeOf(
      padded(REPLY_BYTES, (text) => ({
        id: 'bench',
        message: { role: 'assistant', content: [{ type: 'text', text }] },
        finish_reason: 'COMPLETE',
        usage: COHERE_USAGE,
      })),
    ),
  streamed: () =>
    chunked(
      'text/event-stream',
      around(
        [
          { type: 'message-start', id: 'bench', delta: { message: { role: 'assistant' } } },
          { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
        ],
        (text) => ({ type: 'content-delta', index: 0, delta: { message: { content: { text } } } }),
        [
          { type: 'content-end', index: 0 },
          { type: 'message-end', delta: { finish_reason: 'COMPLETE', usage: COHERE_USAGE } },
        ],
      ).map(typed),
    ),
};

function ollamaLine(content: string, end: Event = { done: false }): Event {
  return { model: 'bench-1', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content }, ...end };
}

const OLLAMA_END = { done: true, done_reason: 'stop', prompt_eval_count: 24, eval_count: 47 };

const ollama: WireAnswers = {
  id: 'ollama',
  path: /\/api\/chat$/,
  base: '',
  whole: () => wholeOf(padded(REPLY_BYTES, (text) => ollamaLine(text, OLLAMA_END))),
  streamed: () =>
    chunked(
      'application/x-ndjson',
      around([], (text) => ollamaLine(text), [ollamaLine('', OLLAMA_END)]).map((line) => `${JSON.stringify(line)}\n`),
    ),
};

const openai: WireAnswers = {
  id: 'openai-chat',
  path: /\/chat\/completions$/,
  base: '/v1',
  whole: wholeAnswer,
  streamed: streamedAnswer,
};

/** The same dialect first. */
export const WIRES: readonly WireAnswers[] = [openai, responses, anthropic, gemini, converse, cohere, ollama];
