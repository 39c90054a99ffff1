/** Cohere's chat (https://docs.cohere.com/reference/chat). */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString } from '../../lib/json.ts';
import { err } from '../../lib/result.ts';
import type { Ask, DraftChoice, DraftFinish, DraftUsage, Tool } from '../synthetic/compose.ts';
import { textLength } from '../synthetic/compose.ts';
import { pieces, tokensOf } from '../synthetic/words.ts';
import { DONE, SSE_TYPE, sseTyped } from '../wire-events.ts';
import type { Identity, Operation, Problem, Reply, RouteFacts, SimulatedDialect, StreamEvent } from './dialect.ts';
import { booleanAt, integerAt, lastSaid, numberAt, reading, recordsAt, refuse, stringsAt } from './reading.ts';

const TOKENS_MAX = 2 ** 31 - 1;
const STOPS_MAX = 5;
/** What Cohere's own templates add to what is read, and not to what is billed (recorded: 495 for a short prompt). */
const TEMPLATE_TOKENS = 495;
const ROLES = new Set(['system', 'user', 'assistant', 'tool']);
const FINISHES: Readonly<Record<DraftFinish, string>> = {
  stop: 'COMPLETE',
  'stop-sequence': 'STOP_SEQUENCE',
  length: 'MAX_TOKENS',
  'tool-calls': 'TOOL_CALL',
  'content-filter': 'ERROR',
};

export const cohere: SimulatedDialect = {
  id: 'cohere',
  family: 'cohere',
  requestIdHeader: 'x-debug-trace-id',
  route,
  read: (body) => reading(() => readAsk(body)),
  whole,
  stream,
  encodeEvent: sseTyped,
  ending: () => DONE,
  streamType: () => SSE_TYPE,
  filler: (text) => ({ type: 'content-delta', index: 0, delta: { message: { content: { text } } } }),
  countTokens: (inputTokens) => ({ tokens: { input_tokens: inputTokens } }),
  models: (models) => ({ models: models.map(({ id }) => ({ name: id, endpoints: ['chat'] })) }),
  model: ({ id }) => ({ name: id, endpoints: ['chat'] }),
  embeddings: () => err({ status: 404, message: 'not found' }),
  error: ({ message }: Problem) => ({ id: 'simulated', message }),
};

function route({ path }: RouteFacts): Operation | undefined {
  return path.endsWith('/v2/chat') ? { kind: 'chat', method: 'POST' } : undefined;
}

function readAsk(body: JsonRecord): Ask {
  const model = asString(body['model']) ?? '';
  if (model === '') return refuse('model', 'invalid request: model is required');
  const messages = readMessages(body);
  numberAt(body, 'temperature', { low: 0, high: 100 });
  numberAt(body, 'p', { low: 0.01, high: 0.99 });
  integerAt(body, 'k', { low: 0, high: 500 });
  numberAt(body, 'frequency_penalty', { low: 0, high: 1 });
  numberAt(body, 'presence_penalty', { low: 0, high: 1 });
  const maxTokens = integerAt(body, 'max_tokens', { low: 1, high: TOKENS_MAX });
  return {
    model,
    isStreaming: booleanAt(body, 'stream'),
    prompt: lastSaid(messages),
    inputLength: textLength(messages) + textLength(body['tools']) + textLength(body['documents']),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    choices: 1,
    stops: stringsAt(body, 'stop_sequences', STOPS_MAX),
    tools: readTools(body),
    toolChoice: readChoice(body),
    allowsParallelCalls: true,
    isAfterToolResult: messages.at(-1)?.['role'] === 'tool',
    format: readFormat(body),
    wantsReasoning: asRecord(body['thinking'])?.['type'] === 'enabled',
    wantsStreamUsage: true,
  };
}

function readMessages(body: JsonRecord): readonly JsonRecord[] {
  const messages = recordsAt(body, 'messages');
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    if (!ROLES.has(asString(message['role']) ?? '')) refuse(`${at}.role`, `invalid request: ${at}.role is not known`);
    if (message['role'] === 'tool' && typeof message['tool_call_id'] !== 'string')
      refuse(`${at}.tool_call_id`, 'invalid request: tool messages need a tool_call_id');
  }
  return messages;
}

function readTools(body: JsonRecord): readonly Tool[] {
  return (asArray(body['tools']) ?? []).map((item, index): Tool => {
    const declared = asRecord(asRecord(item)?.['function']) ?? {};
    const name = asString(declared['name']);
    if (name === undefined || asRecord(declared['parameters']) === undefined)
      return refuse(`tools[${index}]`, 'invalid request: a tool needs a name and parameters');
    return { name, schema: declared['parameters'] };
  });
}

function readChoice(body: JsonRecord): Ask['toolChoice'] {
  const choice = body['tool_choice'];
  if (choice === undefined || choice === null) return 'auto';
  if (choice === 'NONE') return 'none';
  return choice === 'REQUIRED'
    ? 'required'
    : refuse('tool_choice', 'invalid request: tool_choice must be REQUIRED or NONE');
}

function readFormat(body: JsonRecord): Ask['format'] {
  const format = asRecord(body['response_format']);
  if (format === undefined || format['type'] === 'text') return 'text';
  if (format['type'] !== 'json_object') return refuse('response_format', 'invalid request: unknown response_format');
  if ((asArray(body['tools']) ?? []).length > 0)
    return refuse('response_format', 'invalid request: response_format is not supported with tools');
  const schema = format['json_schema'];
  return schema === undefined ? 'json' : { schema };
}

function whole({ draft, identity }: Reply): JsonRecord {
  const [choice] = draft.choices;
  return {
    id: identity.hex,
    message: { role: 'assistant', ...(choice === undefined ? {} : messageOf(choice, identity)) },
    finish_reason: FINISHES[choice?.finish ?? 'stop'],
    usage: usageOf(draft.usage),
  };
}

function messageOf(choice: DraftChoice, identity: Identity): JsonRecord {
  const content: Json[] = [
    ...(choice.reasoning === '' ? [] : [{ type: 'thinking', thinking: choice.reasoning }]),
    ...(choice.text === '' ? [] : [{ type: 'text', text: choice.text }]),
  ];
  const calls = choice.toolCalls.map((call, index) =>
    callOf(call.name, { identity, index, arguments: call.arguments }),
  );
  return { ...(content.length === 0 ? {} : { content }), ...(calls.length === 0 ? {} : { tool_calls: calls }) };
}

function callOf(
  name: string,
  call: { readonly identity: Identity; readonly index: number; readonly arguments: string },
): JsonRecord {
  const id = `${name}_${call.identity.hex.slice(0, 12)}${call.index}`;
  return { id, type: 'function', function: { name, arguments: call.arguments } };
}

function usageOf(usage: DraftUsage): JsonRecord {
  return {
    billed_units: { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
    tokens: {
      input_tokens: usage.inputTokens + TEMPLATE_TOKENS,
      output_tokens: usage.outputTokens,
      ...(usage.reasoningTokens === 0 ? {} : { reasoning_tokens: usage.reasoningTokens }),
    },
    cached_tokens: usage.cachedInputTokens,
  };
}

function* stream({ draft, identity }: Reply): Generator<StreamEvent> {
  const [choice] = draft.choices;
  const empty = { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] };
  yield { event: { id: identity.hex, type: 'message-start', delta: { message: empty } }, tokens: 0 };
  const blocks: readonly (readonly [string, string])[] = [
    ['thinking', choice?.reasoning ?? ''],
    ['text', choice?.text ?? ''],
  ];
  for (const [index, [type, text]] of blocks.filter(([, said]) => said !== '').entries())
    yield* block(index, type, text);
  for (const [index, call] of (choice?.toolCalls ?? []).entries()) {
    const opened = callOf(call.name, { identity, index, arguments: '' });
    yield { event: { type: 'tool-call-start', index, delta: { message: { tool_calls: opened } } }, tokens: 0 };
    for (const text of pieces(call.arguments)) {
      const piece = { function: { arguments: text } };
      yield {
        event: { type: 'tool-call-delta', index, delta: { message: { tool_calls: piece } } },
        tokens: tokensOf(text),
      };
    }
    yield { event: { type: 'tool-call-end', index }, tokens: 0 };
  }
  const delta = { finish_reason: FINISHES[choice?.finish ?? 'stop'], usage: usageOf(draft.usage) };
  yield { event: { type: 'message-end', delta }, tokens: 0 };
}

function* block(index: number, type: string, text: string): Generator<StreamEvent> {
  const said = (content: JsonRecord): JsonRecord => ({ index, delta: { message: { content } } });
  yield { event: { type: 'content-start', ...said({ type, [type]: '' }) }, tokens: 0 };
  for (const piece of pieces(text))
    yield { event: { type: 'content-delta', ...said({ [type]: piece }) }, tokens: tokensOf(piece) };
  yield { event: { type: 'content-end', index }, tokens: 0 };
}
