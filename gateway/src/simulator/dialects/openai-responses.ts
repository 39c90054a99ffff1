/** OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses): items, and a stream of named events. */
import type { JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString } from '../../lib/json.ts';
import type { Ask, DraftChoice, DraftUsage, Tool } from '../synthetic/compose.ts';
import { textLength } from '../synthetic/compose.ts';
import { pieces, tokensOf } from '../synthetic/words.ts';
import { SSE_TYPE, sseTyped } from '../wire-events.ts';
import type { Operation, Reply, RouteFacts, SimulatedDialect, StreamEvent } from './dialect.ts';
import { openaiChat } from './openai-chat.ts';
import { booleanAt, integerAt, lastSaid, numberAt, reading, recordsAt, refuse } from './reading.ts';

/** OpenAI refuses less. */
const TOKENS_MIN = 16;
const TOKENS_MAX = 2 ** 31 - 1;
const ROLES = new Set(['system', 'developer', 'user', 'assistant']);

export const openaiResponses: SimulatedDialect = {
  id: 'openai-responses',
  family: 'openai',
  requestIdHeader: 'x-request-id',
  route,
  read: (body) => reading(() => readAsk(body)),
  whole,
  stream: numbered,
  encodeEvent: sseTyped,
  ending: () => '',
  streamType: () => SSE_TYPE,
  filler: (text) => ({
    type: 'response.output_text.delta',
    item_id: 'msg_sim_0',
    output_index: 0,
    content_index: 0,
    delta: text,
  }),
  countTokens: (inputTokens) => ({ object: 'response.input_tokens', input_tokens: inputTokens }),
  models: (models) => openaiChat.models(models),
  model: (model) => openaiChat.model(model),
  embeddings: (body, operation) => openaiChat.embeddings(body, operation),
  error: (problem) => openaiChat.error(problem),
};

function route({ path }: RouteFacts): Operation | undefined {
  if (path.endsWith('/responses/input_tokens')) return { kind: 'count-tokens', method: 'POST' };
  return path.endsWith('/responses') ? { kind: 'chat', method: 'POST' } : undefined;
}

function readAsk(body: JsonRecord): Ask {
  const model = asString(body['model']) ?? '';
  if (model === '') return refuse('model', "Missing required parameter: 'model'.");
  const items = readInput(body);
  numberAt(body, 'temperature', { low: 0, high: 2 });
  numberAt(body, 'top_p', { low: 0, high: 1 });
  const maxTokens = integerAt(body, 'max_output_tokens', { low: TOKENS_MIN, high: TOKENS_MAX });
  const last = items.at(-1)?.['type'];
  const effort = asRecord(body['reasoning'])?.['effort'];
  return {
    model,
    prompt: lastSaid(items),
    inputLength:
      textLength(items) + textLength(body['instructions']) + textLength(body['tools']) + textLength(body['text']),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    isStreaming: booleanAt(body, 'stream'),
    wantsStreamUsage: true,
    choices: 1,
    stops: [],
    tools: readTools(body),
    toolChoice: readToolChoice(body),
    allowsParallelCalls: body['parallel_tool_calls'] !== false,
    isAfterToolResult: typeof last === 'string' && last.endsWith('_output'),
    format: readFormat(body),
    wantsReasoning: typeof effort === 'string' && effort !== 'none' && effort !== 'minimal',
  };
}

function readInput(body: JsonRecord): readonly JsonRecord[] {
  const { input } = body;
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  const items = recordsAt(body, 'input');
  for (const [index, item] of items.entries()) {
    const isMessage = item['type'] === undefined || item['type'] === 'message';
    if (isMessage && !ROLES.has(asString(item['role']) ?? ''))
      refuse(`input[${index}].role`, `Invalid value for 'input[${index}].role'.`);
    if (item['type'] === 'function_call_output' && typeof item['call_id'] !== 'string')
      refuse(`input[${index}].call_id`, `Missing required parameter: 'input[${index}].call_id'.`);
  }
  return items;
}

function readTools(body: JsonRecord): readonly Tool[] {
  return (asArray(body['tools']) ?? []).flatMap((item, index): Tool[] => {
    const tool = asRecord(item);
    if (tool?.['type'] !== 'function') return [];
    const name = asString(tool['name']);
    return [
      {
        name: name ?? refuse(`tools[${index}].name`, `Missing required parameter: 'tools[${index}].name'.`),
        schema: tool['parameters'],
      },
    ];
  });
}

function readToolChoice(body: JsonRecord): Ask['toolChoice'] {
  const choice = body['tool_choice'];
  if (choice === 'none' || choice === 'required') return choice;
  const name = asString(asRecord(choice)?.['name']);
  return name === undefined ? 'auto' : { name };
}

function readFormat(body: JsonRecord): Ask['format'] {
  const format = asRecord(asRecord(body['text'])?.['format']);
  if (format?.['type'] === 'json_object') return 'json';
  return format?.['type'] === 'json_schema' ? { schema: format['schema'] ?? {} } : 'text';
}

function choiceOf({ draft }: Reply): DraftChoice {
  const [choice] = draft.choices;
  return choice ?? { reasoning: '', text: '', toolCalls: [], finish: 'stop' };
}

/** Everything about a reply but how it ends. */
function envelope({ ask, identity }: Reply): JsonRecord {
  return {
    id: `resp_sim_${identity.hex}`,
    object: 'response',
    created_at: identity.createdS,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: ask.maxTokens ?? null,
    model: ask.model,
    output: [],
    parallel_tool_calls: ask.allowsParallelCalls,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: null,
    metadata: {},
  };
}

function usageOf(usage: DraftUsage): JsonRecord {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

const INCOMPLETE: Readonly<Record<string, string | undefined>> = {
  length: 'max_output_tokens',
  'content-filter': 'content_filter',
};

function whole(reply: Reply): JsonRecord {
  const reason = INCOMPLETE[choiceOf(reply).finish];
  return {
    ...envelope(reply),
    status: reason === undefined ? 'completed' : 'incomplete',
    incomplete_details: reason === undefined ? null : { reason },
    output: itemsOf(reply).map(({ item }) => item),
    usage: usageOf(reply.draft.usage),
  };
}

interface MadeItem {
  readonly kind: 'reasoning' | 'message' | 'function_call';
  readonly item: JsonRecord;
  readonly text: string;
}

/** Reasoning, then the text, then the calls. */
function itemsOf(reply: Reply): readonly MadeItem[] {
  const { reasoning, text, toolCalls, finish } = choiceOf(reply);
  const { hex } = reply.identity;
  const status = INCOMPLETE[finish] === undefined ? 'completed' : 'incomplete';
  const items: MadeItem[] = [];
  if (reasoning !== '') {
    const item = { id: `rs_sim_${hex}`, type: 'reasoning', summary: [summaryPart(reasoning)], encrypted_content: null };
    items.push({ kind: 'reasoning', item, text: reasoning });
  }
  if (text !== '' || toolCalls.length === 0) {
    const item = { id: `msg_sim_${hex}`, type: 'message', status, role: 'assistant', content: [textPart(text)] };
    items.push({ kind: 'message', item, text });
  }
  for (const [at, { name, arguments: written }] of toolCalls.entries()) {
    const call = { call_id: `call_sim_${hex}_${at}`, name, arguments: written };
    const item = { id: `fc_sim_${hex}_${at}`, type: 'function_call', status: 'completed', ...call };
    items.push({ kind: 'function_call', item, text: written });
  }
  return items;
}

function textPart(text: string): JsonRecord {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function summaryPart(text: string): JsonRecord {
  return { type: 'summary_text', text };
}

/** Numbers the events, as OpenAI does. */
function* numbered(reply: Reply): Generator<StreamEvent> {
  let number = 0;
  for (const { event, tokens } of stream(reply)) {
    yield { event: { ...event, sequence_number: number }, tokens };
    number += 1;
  }
}

function* stream(reply: Reply): Generator<StreamEvent> {
  const response = envelope(reply);
  yield { event: { type: 'response.created', response }, tokens: 0 };
  yield { event: { type: 'response.in_progress', response }, tokens: 0 };
  for (const [output_index, made] of itemsOf(reply).entries()) yield* itemEvents(made, output_index);
  const done = whole(reply);
  yield { event: { type: `response.${asString(done['status']) ?? 'completed'}`, response: done }, tokens: 0 };
}

function* itemEvents({ kind, item, text }: MadeItem, output_index: number): Generator<StreamEvent> {
  const place = { item_id: item['id'] ?? null, output_index };
  const begun = {
    ...item,
    ...(kind === 'reasoning' ? { summary: [] } : { status: 'in_progress' }),
    ...(kind === 'message' ? { content: [] } : {}),
    ...(kind === 'function_call' ? { arguments: '' } : {}),
  };
  yield { event: { type: 'response.output_item.added', output_index, item: begun }, tokens: 0 };
  if (kind === 'function_call') yield* argumentEvents(text, place);
  else if (kind === 'message') yield* textEvents(text, place);
  else yield* summaryEvents(text, place);
  yield { event: { type: 'response.output_item.done', output_index, item }, tokens: 0 };
}

function* argumentEvents(text: string, place: JsonRecord): Generator<StreamEvent> {
  const type = 'response.function_call_arguments';
  for (const delta of pieces(text))
    yield { event: { type: `${type}.delta`, ...place, delta }, tokens: tokensOf(delta) };
  yield { event: { type: `${type}.done`, ...place, arguments: text }, tokens: 0 };
}

function* textEvents(text: string, item: JsonRecord): Generator<StreamEvent> {
  const place = { ...item, content_index: 0 };
  const type = 'response.output_text';
  yield { event: { type: 'response.content_part.added', ...place, part: textPart('') }, tokens: 0 };
  for (const delta of pieces(text))
    yield { event: { type: `${type}.delta`, ...place, delta, logprobs: [] }, tokens: tokensOf(delta) };
  yield { event: { type: `${type}.done`, ...place, text, logprobs: [] }, tokens: 0 };
  yield { event: { type: 'response.content_part.done', ...place, part: textPart(text) }, tokens: 0 };
}

function* summaryEvents(text: string, item: JsonRecord): Generator<StreamEvent> {
  const place = { ...item, summary_index: 0 };
  const type = 'response.reasoning_summary_text';
  yield { event: { type: 'response.reasoning_summary_part.added', ...place, part: summaryPart('') }, tokens: 0 };
  for (const delta of pieces(text))
    yield { event: { type: `${type}.delta`, ...place, delta }, tokens: tokensOf(delta) };
  yield { event: { type: `${type}.done`, ...place, text }, tokens: 0 };
  yield { event: { type: 'response.reasoning_summary_part.done', ...place, part: summaryPart(text) }, tokens: 0 };
}
