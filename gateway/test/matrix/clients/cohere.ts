/** Clients of Cohere's chat, version 2; streams are put together by the indexes of their pieces. */
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
import type { Client, StreamEvent, Told } from '../kinds.ts';
import { DOCUMENT_TEXT, found, LIMIT, PNG, PROMPT, REPORT, RESULT, SYSTEM, TOOLS } from '../things.ts';

const HEAD = {
  messages: [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: PROMPT },
  ],
  max_tokens: LIMIT,
};
const TOOL_ROWS = TOOLS.map(({ name, description, schema }) => ({
  type: 'function',
  function: { name, description, parameters: schema },
}));
const PICTURE = { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };

export const cohere: Client = {
  id: 'cohere',
  title: 'Cohere chat v2',
  path: () => '/v2/chat',
  asks: {
    plain: HEAD,
    tools: { ...HEAD, tools: TOOL_ROWS },
    structured: { ...HEAD, response_format: { type: 'json_object', json_schema: REPORT } },
    reasoning: {
      ...HEAD,
      max_tokens: 16_000,
      tools: TOOL_ROWS,
      thinking: { type: 'enabled', token_budget: 8192 },
    },
    image: { ...HEAD, messages: [{ role: 'user', content: [{ type: 'text', text: PROMPT }, PICTURE] }] },
    document: { ...HEAD, documents: [{ id: 'rome', data: { text: DOCUMENT_TEXT } }] },
  },
  withModel: (body, model, isStreaming) => ({ ...body, model, ...(isStreaming ? { stream: true } : {}) }),
  // A tool's result is text or documents, and a reply has no word for a refusal.
  lacks: ['result-image', 'refusal'],
  finishes: { stop: 'COMPLETE', calls: 'TOOL_CALL', length: 'MAX_TOKENS' },
  isRefused: () => false,
  read,
  join,
  pieces: (events) => namedOf(events, 'content-delta').flatMap((data) => asString(contentOf(data)['text']) || []),
  endingOf(events) {
    const last = events.filter(({ data }) => data !== '[DONE]').at(-1);
    if (last?.name !== 'message-end') return 'none';
    const delta = asRecord(asRecord(parseJson(last.data))?.['delta']);
    return delta?.['finish_reason'] === 'ERROR' ? 'error' : 'proper';
  },
  next(ask, reply) {
    const message = asRecord(reply['message']) ?? {};
    const results = (asArray(message['tool_calls']) ?? []).map((call) => ({
      role: 'tool',
      tool_call_id: asString(asRecord(call)?.['id']) ?? '',
      content: [{ type: 'document', document: { data: RESULT } }],
    }));
    return { ...ask, messages: [...(asArray(ask['messages']) ?? []), message, ...results] };
  },
  errorKind: (code) => code,
  readError(body) {
    const message = asString(body['message']);
    return message === undefined ? undefined : { message, kind: asString(body['error_type']) ?? '' };
  },
};

function namedOf(events: readonly StreamEvent[], ...names: readonly string[]): readonly JsonRecord[] {
  return events.filter(({ name }) => names.includes(name)).map(({ data }) => asRecord(parseJson(data)) ?? {});
}

function messageOf(data: JsonRecord): JsonRecord {
  return asRecord(asRecord(data['delta'])?.['message']) ?? {};
}

function contentOf(data: JsonRecord): JsonRecord {
  return asRecord(messageOf(data)['content']) ?? {};
}

function read(reply: JsonRecord): Told {
  const message = asRecord(reply['message']) ?? {};
  const content = (asArray(message['content']) ?? []).filter(isRecord);
  const billed = asRecord(asRecord(reply['usage'])?.['billed_units']);
  return {
    text: content.map(({ text }) => asString(text) ?? '').join(''),
    thoughts: content.map(({ thinking }) => asString(thinking) ?? '').join('') + (asString(message['tool_plan']) ?? ''),
    calls: (asArray(message['tool_calls']) ?? []).map((call) => {
      const named = asRecord(asRecord(call)?.['function']);
      return {
        id: asString(asRecord(call)?.['id']) ?? '',
        name: asString(named?.['name']) ?? '',
        arguments: parseJson(asString(named?.['arguments']) ?? ''),
      };
    }),
    finish: asString(reply['finish_reason']) ?? '',
    refusal: '',
    citations: found(message['citations'], ({ url }) => asString(url)),
    tokens: [asNumber(billed?.['input_tokens']), asNumber(billed?.['output_tokens'])],
  };
}

function join(events: readonly StreamEvent[]): JsonRecord {
  const end = asRecord(namedOf(events, 'message-end')[0]?.['delta']) ?? {};
  const plan = namedOf(events, 'tool-plan-delta').map((data) => asString(messageOf(data)['tool_plan']) ?? '');
  const citations = namedOf(events, 'citation-start')
    .map((data) => messageOf(data)['citations'])
    .filter(isRecord);
  const calls = joined(namedOf(events, 'tool-call-start', 'tool-call-delta'), 'tool_calls');
  const message = {
    role: 'assistant',
    ...(plan.length === 0 ? {} : { tool_plan: plan.join('') }),
    content: joined(namedOf(events, 'content-start', 'content-delta'), 'content'),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(citations.length === 0 ? {} : { citations }),
  };
  return {
    message,
    finish_reason: end['finish_reason'] ?? null,
    ...(isRecord(end['usage']) ? { usage: end['usage'] } : {}),
  };
}

/** Pieces of one index as one: what is text is added up, the rest is the first piece's. */
function joined(events: readonly JsonRecord[], field: 'content' | 'tool_calls'): readonly JsonRecord[] {
  const made = new Map<unknown, JsonRecord>();
  for (const data of events) {
    const piece = asRecord(messageOf(data)[field]) ?? {};
    const before = made.get(data['index']);
    made.set(data['index'], before === undefined ? piece : added(before, piece));
  }
  return [...made.values()];
}

const GROWING = ['text', 'thinking', 'signature', 'encrypted', 'arguments'];

function added(before: JsonRecord, piece: JsonRecord): JsonRecord {
  const sum = Object.entries(piece).map(([name, value]) => {
    const old = before[name];
    if (isRecord(value)) return [name, added(asRecord(old) ?? {}, value)] as const;
    return [name, GROWING.includes(name) ? `${asString(old) ?? ''}${asString(value) ?? ''}` : value] as const;
  });
  return { ...before, ...Object.fromEntries(sum) };
}
