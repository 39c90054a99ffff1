/** Clients of OpenAI's chat completions, which put streams together as the official SDK's helpers do. */
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
import type { Call, Client, StreamEvent, Told } from '../kinds.ts';
import { ARGUMENTS, CALL_ID, LIMIT, PDF, PNG, PROMPT, REPORT, RESULT, SYSTEM, TOOLS } from '../things.ts';

const HEAD = [
  { role: 'system', content: SYSTEM },
  { role: 'user', content: PROMPT },
];
const TOOL_ROWS = TOOLS.map(({ name, description, schema }) => ({
  type: 'function',
  function: { name, description, parameters: schema },
}));
const PICTURE = { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };

function said(...content: readonly JsonRecord[]): JsonRecord {
  return { messages: [{ role: 'user', content: [{ type: 'text', text: PROMPT }, ...content] }], max_tokens: LIMIT };
}

const CALLED = {
  role: 'assistant',
  content: null,
  tool_calls: [
    { id: CALL_ID, type: 'function', function: { name: 'get_weather', arguments: JSON.stringify(ARGUMENTS) } },
  ],
};

export const openaiChat: Client = {
  id: 'openai-chat',
  title: 'OpenAI chat completions',
  path: () => '/v1/chat/completions',
  asks: {
    plain: { messages: HEAD, max_tokens: LIMIT },
    tools: { messages: HEAD, max_tokens: LIMIT, tools: TOOL_ROWS },
    'result-image': {
      messages: [...HEAD, CALLED, { role: 'tool', tool_call_id: CALL_ID, content: [PICTURE] }],
      tools: TOOL_ROWS,
      max_tokens: LIMIT,
    },
    structured: {
      messages: HEAD,
      max_tokens: LIMIT,
      response_format: { type: 'json_schema', json_schema: { name: 'report', schema: REPORT, strict: true } },
    },
    reasoning: { messages: HEAD, max_tokens: 16_000, reasoning_effort: 'medium', tools: TOOL_ROWS },
    image: said(PICTURE),
    document: said({ type: 'file', file: { filename: 'rome.pdf', file_data: `data:application/pdf;base64,${PDF}` } }),
  },
  withModel: (body, model, isStreaming) => ({
    ...body,
    model,
    ...(isStreaming ? { stream: true, stream_options: { include_usage: true } } : {}),
  }),
  lacks: [],
  finishes: { stop: 'stop', calls: 'tool_calls', length: 'length' },
  isRefused: ({ finish, refusal }) => finish === 'content_filter' || refusal !== '',
  read,
  join,
  pieces: (events) => deltasOf(events).flatMap((delta) => asString(delta['content']) || []),
  endingOf(events) {
    const { data } = events.at(-1) ?? { data: '' };
    if (data === '[DONE]') return 'proper';
    return asRecord(parseJson(data))?.['error'] === undefined ? 'none' : 'error';
  },
  next(ask, reply) {
    const message = asRecord(asRecord(asArray(reply['choices'])?.[0])?.['message']) ?? {};
    const results = (asArray(message['tool_calls']) ?? []).map((call) => ({
      role: 'tool',
      tool_call_id: asString(asRecord(call)?.['id']) ?? '',
      content: RESULT,
    }));
    return { ...ask, messages: [...(asArray(ask['messages']) ?? []), message, ...results] };
  },
  errorKind(code) {
    if (code === 'upstream-refused') return 'invalid_request_error';
    return code === 'upstream-rate-limited' ? 'rate_limit_error' : 'upstream_error';
  },
  readError(body) {
    const error = asRecord(body['error']);
    const message = asString(error?.['message']);
    const kind = asString(error?.['type']);
    return message === undefined || kind === undefined || error?.['code'] === undefined ? undefined : { message, kind };
  },
};

function read(reply: JsonRecord): Told {
  const choice = asRecord(asArray(reply['choices'])?.[0]) ?? {};
  const message = asRecord(choice['message']) ?? {};
  const usage = asRecord(reply['usage']);
  return {
    text: asString(message['content']) ?? '',
    thoughts: asString(message['reasoning_content']) ?? asString(message['reasoning']) ?? '',
    calls: (asArray(message['tool_calls']) ?? []).map(callOf),
    finish: asString(choice['finish_reason']) ?? '',
    refusal: asString(message['refusal']) ?? '',
    citations: (asArray(message['annotations']) ?? []).flatMap(
      (one) => asString(asRecord(asRecord(one)?.['url_citation'])?.['url']) ?? [],
    ),
    tokens: [asNumber(usage?.['prompt_tokens']), asNumber(usage?.['completion_tokens'])],
  };
}

function callOf(call: unknown): Call {
  const made = asRecord(call);
  const named = asRecord(made?.['function']);
  return {
    id: asString(made?.['id']) ?? '',
    name: asString(named?.['name']) ?? '',
    arguments: parseJson(asString(named?.['arguments']) ?? ''),
  };
}

function chunksOf(events: readonly StreamEvent[]): readonly JsonRecord[] {
  return events.map(({ data }) => parseJson(data)).filter(isRecord);
}

function deltasOf(events: readonly StreamEvent[]): readonly JsonRecord[] {
  return chunksOf(events)
    .map((chunk) => asRecord(asArray(chunk['choices'])?.[0])?.['delta'])
    .filter(isRecord);
}

const JOINED = ['content', 'reasoning_content', 'reasoning', 'refusal'] as const;
const LISTED = ['reasoning_details', 'annotations'] as const;

function join(events: readonly StreamEvent[]): JsonRecord {
  const deltas = deltasOf(events);
  const message: Record<string, JsonRecord | readonly JsonRecord[] | string> = { role: 'assistant' };
  for (const field of JOINED) {
    const text = deltas.map((delta) => asString(delta[field]) ?? '').join('');
    if (text !== '') message[field] = text;
  }
  for (const field of LISTED) {
    const list = deltas.flatMap((delta) => asArray(delta[field]) ?? []).filter(isRecord);
    if (list.length > 0) message[field] = list;
  }
  const calls = joinCalls(deltas.flatMap((delta) => asArray(delta['tool_calls']) ?? []).filter(isRecord));
  if (calls.length > 0) message['tool_calls'] = calls;
  const chunks = chunksOf(events);
  const last = chunks.flatMap((chunk) => asString(asRecord(asArray(chunk['choices'])?.[0])?.['finish_reason']) ?? []);
  const usage = chunks.map((chunk) => chunk['usage']).findLast(isRecord);
  return {
    choices: [{ index: 0, message, finish_reason: last.at(-1) ?? null }],
    ...(usage === undefined ? {} : { usage }),
  };
}

/** The first piece of a call is kept whole, the arguments of the others are added to it. */
function joinCalls(pieces: readonly JsonRecord[]): readonly JsonRecord[] {
  const calls = new Map<unknown, JsonRecord>();
  for (const { index, ...piece } of pieces) {
    const call = calls.get(index) ?? piece;
    const before = calls.has(index) ? (asString(asRecord(call['function'])?.['arguments']) ?? '') : '';
    const text = before + (asString(asRecord(piece['function'])?.['arguments']) ?? '');
    calls.set(index, { ...call, function: { ...asRecord(call['function']), arguments: text } });
  }
  return [...calls.values()];
}
