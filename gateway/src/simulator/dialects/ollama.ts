/** Ollama's chat (https://docs.ollama.com/api/chat), with the list of models. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString, isRecord } from '../../lib/json.ts';
import { err } from '../../lib/result.ts';
import type { Ask, DraftChoice, DraftFinish, DraftUsage, Tool } from '../synthetic/compose.ts';
import { textLength } from '../synthetic/compose.ts';
import { pieces, tokensOf } from '../synthetic/words.ts';
import { LINES_TYPE } from '../wire-events.ts';
import type { Operation, Problem, Reply, RouteFacts, SimulatedDialect, StreamEvent } from './dialect.ts';
import { integerAt, lastSaid, numberAt, reading, recordsAt, refuse, stringsAt } from './reading.ts';
import { argumentsOf } from './writing.ts';

const TOKENS_MAX = 2 ** 31 - 1;
const STOPS_MAX = 64;
const ROLES = new Set(['system', 'user', 'assistant', 'tool']);
const REASONS: Readonly<Record<DraftFinish, string>> = {
  stop: 'stop',
  'stop-sequence': 'stop',
  length: 'length',
  'tool-calls': 'stop',
  'content-filter': 'stop',
};

export const ollama: SimulatedDialect = {
  id: 'ollama',
  family: 'ollama',
  requestIdHeader: 'x-request-id',
  route,
  read: (body) => reading(() => readAsk(body)),
  whole,
  stream,
  encodeEvent: (event) => `${JSON.stringify(event)}\n`,
  ending: () => '',
  streamType: () => LINES_TYPE,
  filler: (text, model) => line({ model, createdS: 0 }, { content: text }),
  countTokens: (inputTokens) => ({ prompt_eval_count: inputTokens }),
  models: (models) => ({ models: models.map(({ id }) => ({ name: id, model: id })) }),
  model: ({ id }) => ({ name: id, model: id }),
  embeddings: () => err({ status: 404, message: '404 page not found' }),
  error: ({ message }: Problem) => ({ error: message }),
};

function route({ path }: RouteFacts): Operation | undefined {
  if (path.endsWith('/api/chat')) return { kind: 'chat', method: 'POST' };
  return path.endsWith('/api/tags') ? { kind: 'models', method: 'GET' } : undefined;
}

function readAsk(body: JsonRecord): Ask {
  const model = asString(body['model']) ?? '';
  if (model === '') return refuse('model', 'model is required');
  const messages = readMessages(body);
  const options = asRecord(body['options']) ?? {};
  numberAt(options, 'temperature', { low: 0, high: 100 });
  const limit = integerAt(options, 'num_predict', { low: -2, high: TOKENS_MAX }) ?? 0;
  return {
    model,
    isStreaming: body['stream'] !== false,
    prompt: lastSaid(messages),
    inputLength: textLength(messages) + textLength(body['tools']),
    ...(limit > 0 ? { maxTokens: limit } : {}),
    choices: 1,
    stops: stringsAt(options, 'stop', STOPS_MAX),
    tools: readTools(body),
    toolChoice: 'auto',
    allowsParallelCalls: true,
    isAfterToolResult: messages.at(-1)?.['role'] === 'tool',
    format: readFormat(body['format']),
    wantsReasoning: body['think'] !== undefined && body['think'] !== false,
    wantsStreamUsage: true,
  };
}

function readMessages(body: JsonRecord): readonly JsonRecord[] {
  const messages = recordsAt(body, 'messages');
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`;
    if (!ROLES.has(asString(message['role']) ?? '')) refuse(`${at}.role`, `invalid role at ${at}`);
    if (asString(message['content']) === undefined && message['role'] !== 'assistant')
      refuse(
        `${at}.content`,
        'json: cannot unmarshal into Go struct field ChatRequest.messages.content of type string',
      );
    for (const call of asArray(message['tool_calls']) ?? [])
      if (!isRecord(asRecord(asRecord(call)?.['function'])?.['arguments']))
        refuse(`${at}.tool_calls`, 'json: cannot unmarshal string into arguments of type object');
  }
  return messages;
}

function readTools(body: JsonRecord): readonly Tool[] {
  return (asArray(body['tools']) ?? []).map((item, index): Tool => {
    const declared = asRecord(asRecord(item)?.['function']) ?? {};
    const name = asString(declared['name']);
    return name === undefined
      ? refuse(`tools[${index}]`, 'a tool needs a name')
      : { name, schema: declared['parameters'] };
  });
}

function readFormat(format: Json | undefined): Ask['format'] {
  if (format === undefined || format === null || format === '') return 'text';
  if (format === 'json') return 'json';
  return isRecord(format) ? { schema: format } : refuse('format', 'invalid format: expected "json" or a JSON schema');
}

interface Head {
  readonly model: string;
  /** Seconds since 1970. */
  readonly createdS: number;
}

function line(head: Head, said: JsonRecord, end: JsonRecord = { done: false }): JsonRecord {
  const created_at = new Date(head.createdS * 1000).toISOString();
  return { model: head.model, created_at, message: { role: 'assistant', content: '', ...said }, ...end };
}

function endOf(finish: DraftFinish, usage: DraftUsage): JsonRecord {
  return {
    done: true,
    done_reason: REASONS[finish],
    total_duration: 1,
    load_duration: 1,
    prompt_eval_count: usage.inputTokens,
    prompt_eval_duration: 1,
    eval_count: usage.outputTokens,
    eval_duration: 1,
  };
}

function callsOf(choice: DraftChoice): readonly JsonRecord[] {
  return choice.toolCalls.map((call, index) => {
    return { function: { index, name: call.name, arguments: argumentsOf(call) } };
  });
}

function whole({ ask, draft, identity }: Reply): JsonRecord {
  const [choice] = draft.choices;
  const calls = choice === undefined ? [] : callsOf(choice);
  const said = {
    content: choice?.text ?? '',
    ...((choice?.reasoning ?? '') === '' ? {} : { thinking: choice?.reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return line({ model: ask.model, createdS: identity.createdS }, said, endOf(choice?.finish ?? 'stop', draft.usage));
}

/** A piece of text a line, calls whole, counts in the last one. */
function* stream({ ask, draft, identity }: Reply): Generator<StreamEvent> {
  const [choice] = draft.choices;
  const head = { model: ask.model, createdS: identity.createdS };
  const say = (said: JsonRecord): JsonRecord => line(head, said);
  for (const thinking of pieces(choice?.reasoning ?? ''))
    yield { event: say({ thinking }), tokens: tokensOf(thinking) };
  for (const content of pieces(choice?.text ?? '')) yield { event: say({ content }), tokens: tokensOf(content) };
  for (const call of choice === undefined ? [] : callsOf(choice))
    yield { event: say({ tool_calls: [call] }), tokens: tokensOf(JSON.stringify(call)) };
  yield { event: line(head, {}, endOf(choice?.finish ?? 'stop', draft.usage)), tokens: 0 };
}
