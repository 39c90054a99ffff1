/** Chat Completions as OpenAI and its many followers speak it (https://platform.openai.com/docs/api-reference/chat), with embeddings and the list of models. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, asNumber, asRecord, asString, isArray, isRecord } from '../../lib/json.ts';
import type { Result } from '../../lib/result.ts';
import type { Ask, DraftChoice, DraftFinish, DraftUsage, Tool } from '../synthetic/compose.ts';
import { textLength } from '../synthetic/compose.ts';
import { DIMENSIONS, vectorOf } from '../synthetic/vectors.ts';
import { pieces, tokensOf } from '../synthetic/words.ts';
import { DONE, SSE_TYPE, sseData } from '../wire-events.ts';
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
import { interleave } from './dialect.ts';
import { otherKind } from './other-operations.ts';
import { booleanAt, integerAt, lastSaid, numberAt, reading, recordsAt, refuse, stringsAt } from './reading.ts';

const FINGERPRINT = 'fp_simulator';
const TOKENS_MAX = 2 ** 31 - 1;
const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function']);
const FINISHES: Readonly<Record<DraftFinish, string>> = {
  stop: 'stop',
  'stop-sequence': 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
};

export const openaiChat: SimulatedDialect = {
  id: 'openai-chat',
  family: 'openai',
  requestIdHeader: 'x-request-id',
  route,
  read: (body) => reading(() => readAsk(body)),
  whole,
  stream,
  encodeEvent: sseData,
  ending: () => DONE,
  streamType: () => SSE_TYPE,
  filler: (text, model) =>
    chunk({ hex: '0', createdS: 0 }, model, {
      choices: [{ index: 0, delta: { content: text }, logprobs: null, finish_reason: null }],
    }),
  countTokens: (inputTokens) => ({ object: 'response.input_tokens', input_tokens: inputTokens }),
  models: (models) => ({ object: 'list', data: models.map(listed) }),
  model: listed,
  embeddings,
  error,
};

function route({ path, method }: RouteFacts): Operation | undefined {
  if (path.endsWith('/chat/completions')) return { kind: 'chat', method: 'POST' };
  if (path.endsWith('/embeddings')) return { kind: 'embeddings', method: 'POST' };
  const other = otherKind(path);
  if (other !== undefined) return { kind: other, method: 'POST' };
  if (method !== 'GET') return undefined;
  if (path.endsWith('/models')) return { kind: 'models', method: 'GET' };
  const model = /\/models\/([^:]+)$/.exec(path)?.[1];
  return model === undefined ? undefined : { kind: 'model', method: 'GET', model };
}

function readAsk(body: JsonRecord): Ask {
  const model = asString(body['model']) ?? '';
  if (model === '') return refuse('model', 'you must provide a model parameter');
  const messages = readMessages(body);
  numberAt(body, 'temperature', { low: 0, high: 2 });
  numberAt(body, 'top_p', { low: 0, high: 1 });
  const lastRole = messages.at(-1)?.['role'];
  return {
    model,
    prompt: lastSaid(messages),
    inputLength: textLength(messages) + textLength(body['tools']) + textLength(body['response_format']),
    ...readLimit(body),
    ...readStreaming(body),
    choices: integerAt(body, 'n', { low: 1, high: 128 }) ?? 1,
    stops: stringsAt(body, 'stop', 4),
    tools: readTools(body),
    toolChoice: readToolChoice(body),
    allowsParallelCalls: body['parallel_tool_calls'] !== false,
    isAfterToolResult: lastRole === 'tool' || lastRole === 'function',
    format: readFormat(body),
    wantsReasoning: wantsReasoning(body),
  };
}

function readMessages(body: JsonRecord): readonly JsonRecord[] {
  const messages = recordsAt(body, 'messages');
  for (const [index, message] of messages.entries()) {
    const param = `messages[${index}].role`;
    if (!ROLES.has(asString(message['role']) ?? '')) refuse(param, `Invalid value for '${param}'.`);
  }
  return messages;
}

function readLimit(body: JsonRecord): Pick<Ask, 'maxTokens'> {
  const bounds = { low: 1, high: TOKENS_MAX };
  const maxTokens = integerAt(body, 'max_completion_tokens', bounds) ?? integerAt(body, 'max_tokens', bounds);
  return maxTokens === undefined ? {} : { maxTokens };
}

function readStreaming(body: JsonRecord): Pick<Ask, 'isStreaming' | 'wantsStreamUsage'> {
  const isStreaming = booleanAt(body, 'stream');
  const options = asRecord(body['stream_options']);
  if (options !== undefined && !isStreaming) {
    refuse('stream_options', "'stream_options' is only allowed when 'stream' is true.");
  }
  return { isStreaming, wantsStreamUsage: options?.['include_usage'] === true };
}

function readTools(body: JsonRecord): readonly Tool[] {
  return (asArray(body['tools']) ?? []).flatMap((item, index): Tool[] => {
    const tool = asRecord(item);
    if (tool?.['type'] !== 'function') return [];
    const declared = asRecord(tool['function']);
    const name =
      asString(declared?.['name']) ??
      refuse(`tools[${index}].function.name`, `Missing required parameter: 'tools[${index}].function.name'.`);
    return [{ name, schema: declared?.['parameters'] }];
  });
}

function readToolChoice(body: JsonRecord): Ask['toolChoice'] {
  const choice = body['tool_choice'];
  if (choice === undefined || choice === null) return 'auto';
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  const name = asString(asRecord(asRecord(choice)?.['function'])?.['name']);
  return name === undefined ? refuse('tool_choice', "Invalid value for 'tool_choice'.") : { name };
}

function readFormat(body: JsonRecord): Ask['format'] {
  const format = asRecord(body['response_format']);
  if (format?.['type'] === 'json_object') return 'json';
  if (format?.['type'] !== 'json_schema') return 'text';
  const schema = asRecord(format['json_schema'])?.['schema'];
  return schema === undefined ? 'json' : { schema };
}

/** OpenAI's effort, and the switches of those who show their reasoning: OpenRouter, DeepSeek and Z.ai, Qwen. */
function wantsReasoning(body: JsonRecord): boolean {
  const effort = body['reasoning_effort'] ?? asRecord(body['reasoning'])?.['effort'];
  if (typeof effort === 'string') return effort !== 'none' && effort !== 'minimal';
  if (isRecord(body['reasoning'])) return body['reasoning']['enabled'] !== false;
  return asRecord(body['thinking'])?.['type'] === 'enabled' || body['enable_thinking'] === true;
}

function whole({ ask, draft, identity }: Reply): JsonRecord {
  return {
    id: `chatcmpl-sim-${identity.hex}`,
    object: 'chat.completion',
    created: identity.createdS,
    model: ask.model,
    choices: draft.choices.map((choice, index) => ({
      index,
      message: {
        role: 'assistant',
        content: choice.toolCalls.length > 0 && choice.text === '' ? null : choice.text,
        refusal: null,
        annotations: [],
        ...(choice.reasoning === '' ? {} : { reasoning_content: choice.reasoning }),
        ...(choice.toolCalls.length === 0 ? {} : { tool_calls: calls(choice, index, identity) }),
      },
      logprobs: null,
      finish_reason: FINISHES[choice.finish],
    })),
    usage: usageOf(draft.usage),
    service_tier: 'default',
    system_fingerprint: FINGERPRINT,
  };
}

function calls(choice: DraftChoice, choiceIndex: number, identity: Identity): JsonRecord[] {
  return choice.toolCalls.map((call, index) => ({
    id: `call_sim_${identity.hex}_${choiceIndex}_${index}`,
    type: 'function',
    function: { name: call.name, arguments: call.arguments },
  }));
}

function usageOf(usage: DraftUsage): JsonRecord {
  return {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function chunk(identity: Identity, model: string, rest: JsonRecord): JsonRecord {
  return {
    id: `chatcmpl-sim-${identity.hex}`,
    object: 'chat.completion.chunk',
    created: identity.createdS,
    model,
    service_tier: 'default',
    system_fingerprint: FINGERPRINT,
    ...rest,
  };
}

function* stream(reply: Reply): Generator<StreamEvent> {
  const { ask, draft, identity } = reply;
  // With usage asked for, every chunk has the field, null until the last one (as OpenAI documents it).
  const usage = ask.wantsStreamUsage ? { usage: null } : {};
  for (const part of interleave(draft.choices.map((choice, index) => deltas(choice, index, identity)))) {
    const choice = { index: part.index, delta: part.delta, logprobs: null, finish_reason: part.finish ?? null };
    yield { event: chunk(identity, ask.model, { choices: [choice], ...usage }), tokens: part.tokens };
  }
  if (ask.wantsStreamUsage) {
    yield { event: chunk(identity, ask.model, { choices: [], usage: usageOf(draft.usage) }), tokens: 0 };
  }
}

interface Delta {
  readonly index: number;
  readonly delta: JsonRecord;
  readonly tokens: number;
  readonly finish?: string;
}

function* deltas(choice: DraftChoice, index: number, identity: Identity): Generator<Delta> {
  yield {
    index,
    delta: { role: 'assistant', content: choice.toolCalls.length > 0 ? null : '', refusal: null },
    tokens: 0,
  };
  for (const text of pieces(choice.reasoning))
    yield { index, delta: { reasoning_content: text }, tokens: tokensOf(text) };
  for (const text of pieces(choice.text)) yield { index, delta: { content: text }, tokens: tokensOf(text) };
  for (const [at, call] of calls(choice, index, identity).entries()) {
    const { name, arguments: written } = choice.toolCalls[at] ?? { name: '', arguments: '' };
    yield {
      index,
      delta: { tool_calls: [{ index: at, ...call, function: { name, arguments: '' } }] },
      tokens: tokensOf(name),
    };
    for (const text of pieces(written)) {
      yield { index, delta: { tool_calls: [{ index: at, function: { arguments: text } }] }, tokens: tokensOf(text) };
    }
  }
  yield { index, delta: {}, tokens: 0, finish: FINISHES[choice.finish] };
}

function listed(model: ListedModel): JsonRecord {
  return {
    id: model.id,
    object: 'model',
    created: 1_767_225_600,
    owned_by: 'turnout-simulator',
    ...(model.price === undefined
      ? {}
      : { pricing: { prompt: perToken(model.price.input), completion: perToken(model.price.output) } }),
  };
}

/** OpenRouter's form: US dollars a token, as a decimal string. */
function perToken(usdPerMillion: number): string {
  return (usdPerMillion / 1_000_000).toFixed(12).replace(/\.?0+$/, '');
}

function embeddings(body: JsonRecord): Result<JsonRecord, Problem> {
  return reading(() => {
    const model = asString(body['model']) ?? refuse('model', 'you must provide a model parameter');
    const inputs = inputsOf(body['input']);
    const dimensions = integerAt(body, 'dimensions', { low: 1, high: 8_192 }) ?? DIMENSIONS;
    const isBase64 = body['encoding_format'] === 'base64';
    const tokens = inputs.reduce((sum, input) => sum + input.tokens, 0);
    return {
      object: 'list',
      data: inputs.map((input, index) => {
        const vector = vectorOf(input.text, dimensions);
        const embedding = isBase64 ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector;
        return { object: 'embedding', index, embedding };
      }),
      model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    };
  });
}

/** A text, a list of texts, a list of token numbers, or a list of such lists. */
function inputsOf(input: Json | undefined): readonly { readonly text: string; readonly tokens: number }[] {
  const single =
    typeof input === 'string' ||
    (isArray(input) && input.length > 0 && input.every((item) => asNumber(item) !== undefined));
  const list = single ? [input ?? ''] : (asArray(input) ?? []);
  if (list.length === 0) return refuse('input', "'input' must be a text, or a list of texts or of tokens.");
  return list.map((item) => {
    if (typeof item === 'string') return { text: item, tokens: Math.max(1, tokensOf(item)) };
    if (isArray(item)) return { text: JSON.stringify(item), tokens: item.length };
    return refuse('input', "'input' must be a text, or a list of texts or of tokens.");
  });
}

function error(problem: Problem): JsonRecord {
  const type = errorType(problem.status);
  return {
    error: {
      message: problem.message,
      type,
      param: problem.param ?? null,
      code: problem.code ?? CODES[problem.status] ?? null,
    },
  };
}

const CODES: Readonly<Record<number, string>> = {
  401: 'invalid_api_key',
  404: 'not_found',
  429: 'rate_limit_exceeded',
};

function errorType(status: number): string {
  if (status === 429) return 'requests';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
