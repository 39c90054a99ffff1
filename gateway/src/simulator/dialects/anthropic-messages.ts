/** Anthropic's Messages (https://docs.anthropic.com/en/api/messages), with token counting and the list of models. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString } from '../../lib/json.ts';
import { err } from '../../lib/result.ts';
import type { Ask, DraftChoice, DraftFinish, DraftUsage, Tool } from '../synthetic/compose.ts';
import { textLength } from '../synthetic/compose.ts';
import { SSE_TYPE, sseTyped } from '../wire-events.ts';
import type {
  Identity,
  ListedModel,
  Operation,
  Problem,
  Reply,
  RouteFacts,
  SimulatedDialect,
  StreamEvent,
} from './dialect.ts';
import { booleanAt, integerAt, lastSaid, numberAt, reading, recordsAt, refuse, stringsAt } from './reading.ts';
import { argumentsOf, deltasOf, signatureOf, type Delta } from './writing.ts';

const TOKENS_MAX = 2 ** 31 - 1;
const STOPS_MAX = 8_191;
const ROLES = new Set(['user', 'assistant', 'system']);
const STOP_REASONS: Readonly<Record<DraftFinish, string>> = {
  stop: 'end_turn',
  'stop-sequence': 'stop_sequence',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
};

export const anthropicMessages: SimulatedDialect = {
  id: 'anthropic-messages',
  family: 'anthropic',
  requestIdHeader: 'request-id',
  route,
  read: (body, operation, facts) => reading(() => readAsk(body, operation, facts)),
  whole,
  stream,
  encodeEvent: sseTyped,
  ending: () => '',
  streamType: () => SSE_TYPE,
  filler: (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  countTokens: (inputTokens) => ({ input_tokens: inputTokens }),
  models: (models) => ({
    data: models.map(listed),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  }),
  model: listed,
  embeddings: () => err({ status: 404, message: 'Not found' }),
  error,
};

function route({ path, method, headers, family }: RouteFacts): Operation | undefined {
  if (path.endsWith('/messages')) return { kind: 'chat', method: 'POST' };
  if (path.endsWith('/messages/count_tokens')) return { kind: 'count-tokens', method: 'POST' };
  // OpenAI's list of models has the same path: only the version header, or the base URL, tells them apart.
  if (method !== 'GET' || (family !== 'anthropic' && headers['anthropic-version'] === undefined)) return undefined;
  if (path.endsWith('/models')) return { kind: 'models', method: 'GET' };
  const model = /\/models\/([^/]+)$/.exec(path)?.[1];
  return model === undefined ? undefined : { kind: 'model', method: 'GET', model };
}

function readAsk(body: JsonRecord, operation: Operation, facts: RouteFacts): Ask {
  if (facts.headers['anthropic-version'] === undefined) {
    refuse('anthropic-version', 'anthropic-version: header is required');
  }
  const model = asString(body['model']) ?? '';
  if (model === '') return refuse('model', 'model: Field required');
  const messages = readMessages(body);
  numberAt(body, 'temperature', { low: 0, high: 1 });
  const choice = asRecord(body['tool_choice']);
  const lastContent = asArray(messages.at(-1)?.['content']) ?? [];
  return {
    model,
    isStreaming: booleanAt(body, 'stream'),
    prompt: lastSaid(messages),
    inputLength: textLength(messages) + textLength(body['system']) + textLength(body['tools']),
    ...readLimit(body, operation),
    choices: 1,
    stops: stringsAt(body, 'stop_sequences', STOPS_MAX),
    tools: readTools(body),
    toolChoice: readToolChoice(choice),
    allowsParallelCalls: choice?.['disable_parallel_tool_use'] !== true,
    isAfterToolResult: lastContent.some((block) => asRecord(block)?.['type'] === 'tool_result'),
    format: readFormat(body),
    wantsReasoning: /^(?:enabled|adaptive)$/.test(asString(asRecord(body['thinking'])?.['type']) ?? ''),
    wantsStreamUsage: true,
  };
}

function readMessages(body: JsonRecord): readonly JsonRecord[] {
  const messages = recordsAt(body, 'messages');
  for (const [index, message] of messages.entries()) {
    const param = `messages.${index}.role`;
    if (!ROLES.has(asString(message['role']) ?? '')) refuse(param, `${param}: Input should be 'user' or 'assistant'`);
  }
  return messages;
}

/** `max_tokens` must be there for a message, and means nothing when tokens are only counted. */
function readLimit(body: JsonRecord, operation: Operation): Pick<Ask, 'maxTokens'> {
  const maxTokens = integerAt(body, 'max_tokens', { low: 1, high: TOKENS_MAX });
  if (maxTokens !== undefined) return { maxTokens };
  return operation.kind === 'chat' ? refuse('max_tokens', 'max_tokens: Field required') : {};
}

/** Tools of the caller. Anthropic's own (web search and the like) run at the provider, so there is none here to call. */
function readTools(body: JsonRecord): readonly Tool[] {
  return (asArray(body['tools']) ?? []).flatMap((item): Tool[] => {
    const tool = asRecord(item) ?? {};
    const name = asString(tool['name']);
    return name === undefined || tool['input_schema'] === undefined ? [] : [{ name, schema: tool['input_schema'] }];
  });
}

function readToolChoice(choice: JsonRecord | undefined): Ask['toolChoice'] {
  const name = asString(choice?.['name']);
  if (choice?.['type'] === 'tool')
    return name === undefined ? refuse('tool_choice.name', 'tool_choice.name: Field required') : { name };
  if (choice?.['type'] === 'any') return 'required';
  return choice?.['type'] === 'none' ? 'none' : 'auto';
}

/** `output_config.format`, and `output_format` as the beta called it. */
function readFormat(body: JsonRecord): Ask['format'] {
  const format = asRecord(asRecord(body['output_config'])?.['format']) ?? asRecord(body['output_format']);
  const schema = format?.['schema'];
  return schema === undefined ? 'text' : { schema };
}

function whole({ ask, draft, identity }: Reply): JsonRecord {
  const choice = draft.choices[0];
  return {
    ...envelope(ask, identity),
    content: choice === undefined ? [] : blocks(choice, identity).map((block) => block.value),
    stop_reason: STOP_REASONS[choice?.finish ?? 'stop'],
    stop_sequence: choice?.stopSequence ?? null,
    usage: usageOf(draft.usage, draft.usage.outputTokens),
  };
}

function envelope(ask: Ask, identity: Identity): JsonRecord {
  return { id: `msg_sim_${identity.hex}`, type: 'message', role: 'assistant', model: ask.model };
}

function usageOf(usage: DraftUsage, outputTokens: number): JsonRecord {
  return {
    // Anthropic counts what came from the cache apart.
    input_tokens: usage.inputTokens - usage.cachedInputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: usage.cachedInputTokens,
    output_tokens: outputTokens,
    service_tier: 'standard',
  };
}

interface Block {
  /** Finished, as it stands in a whole message. */
  readonly value: JsonRecord;
  /** As it stands in `content_block_start`. */
  readonly start: JsonRecord;
  readonly deltas: readonly Delta[];
}

function blocks(choice: DraftChoice, identity: Identity): readonly Block[] {
  const made: Block[] = [];
  if (choice.reasoning !== '') made.push(thinkingBlock(choice.reasoning, identity));
  if (choice.text !== '') {
    made.push({
      value: { type: 'text', text: choice.text, citations: null },
      start: { type: 'text', text: '', citations: null },
      deltas: deltasOf(choice.text, (text) => ({ type: 'text_delta', text })),
    });
  }
  for (const [index, call] of choice.toolCalls.entries()) {
    const head = { type: 'tool_use', id: `toolu_sim_${identity.hex}_${index}`, name: call.name };
    made.push({
      value: { ...head, input: argumentsOf(call) },
      start: { ...head, input: {} },
      deltas: [{ delta: inputDelta(''), tokens: 0 }, ...deltasOf(call.arguments, inputDelta)],
    });
  }
  return made;
}

function inputDelta(partial_json: string): JsonRecord {
  return { type: 'input_json_delta', partial_json };
}

function thinkingBlock(thinking: string, identity: Identity): Block {
  const signature = signatureOf(identity);
  return {
    value: { type: 'thinking', thinking, signature },
    start: { type: 'thinking', thinking: '', signature: '' },
    deltas: [
      ...deltasOf(thinking, (text) => ({ type: 'thinking_delta', thinking: text })),
      { delta: { type: 'signature_delta', signature }, tokens: 0 },
    ],
  };
}

function* stream({ ask, draft, identity }: Reply): Generator<StreamEvent> {
  const choice = draft.choices[0];
  const start = {
    ...envelope(ask, identity),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: usageOf(draft.usage, 1),
  };
  yield { event: { type: 'message_start', message: start }, tokens: 0 };
  for (const [index, block] of (choice === undefined ? [] : blocks(choice, identity)).entries()) {
    yield { event: { type: 'content_block_start', index, content_block: block.start }, tokens: 0 };
    if (index === 0) yield { event: { type: 'ping' }, tokens: 0 };
    for (const { delta, tokens } of block.deltas)
      yield { event: { type: 'content_block_delta', index, delta }, tokens };
    yield { event: { type: 'content_block_stop', index }, tokens: 0 };
  }
  const delta = { stop_reason: STOP_REASONS[choice?.finish ?? 'stop'], stop_sequence: choice?.stopSequence ?? null };
  yield { event: { type: 'message_delta', delta, usage: { output_tokens: draft.usage.outputTokens } }, tokens: 0 };
  yield { event: { type: 'message_stop' }, tokens: 0 };
}

function listed(model: ListedModel): JsonRecord {
  return { type: 'model', id: model.id, display_name: model.id, created_at: '2026-01-01T00:00:00Z' };
}

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function error(problem: Problem): JsonRecord {
  const type = problem.code ?? TYPES[problem.status] ?? (problem.status >= 500 ? 'api_error' : 'invalid_request_error');
  const detail: Json = { type, message: problem.message };
  return { type: 'error', error: detail };
}
