/** Cohere's chat, version 2. It signs nothing and refuses in plain words. */
import { asArray, asRecord, asString, isRecord, type JsonRecord } from '../../../src/lib/json.ts';
import type { Heard, Provider } from '../kinds.ts';
import { ANSWER, answer, ARGUMENTS, COMMON_REPLIES, dataOf, found, halves, SOURCE, THOUGHT } from '../things.ts';
import { openaiCalls, openaiTools, textOf } from './openai-chat.ts';

const USAGE = {
  billed_units: { input_tokens: 40, output_tokens: 12 },
  tokens: { input_tokens: 40, output_tokens: 12 },
};
const CALL = {
  id: 'get_weather_1',
  type: 'function',
  function: { name: 'get_weather', arguments: JSON.stringify(ARGUMENTS) },
};
const NOTE = {
  start: 0,
  end: ANSWER.length,
  text: ANSWER,
  sources: [{ type: 'document', id: 'rome', document: { id: 'rome', title: 'Rome', url: SOURCE } }],
  type: 'TEXT_CONTENT',
};

function whole(message: JsonRecord, finish_reason: string): JsonRecord {
  return { id: 'c1', message: { role: 'assistant', ...message }, finish_reason, usage: USAGE };
}

function event(type: string, message: JsonRecord, more: JsonRecord = {}): JsonRecord {
  return { type, ...more, delta: { message } };
}

const BEGIN = {
  type: 'message-start',
  id: 'c1',
  delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } },
};

function block(kind: 'text' | 'thinking', text: string, index = 0): readonly JsonRecord[] {
  return [
    event('content-start', { content: { type: kind, [kind]: '' } }, { index }),
    ...halves(text).map((piece) => event('content-delta', { content: { [kind]: piece } }, { index })),
    { type: 'content-end', index },
  ];
}

function end(finish_reason: string): JsonRecord {
  return { type: 'message-end', delta: { finish_reason, usage: USAGE } };
}

export const cohere: Provider = {
  dialect: 'cohere',
  id: 'cohere',
  title: 'Cohere',
  model: 'some-model',
  base: '/v2',
  beside: [],
  replies: {
    ...COMMON_REPLIES,
    thought: answer(whole({ content: [{ type: 'thinking', thinking: THOUGHT }], tool_calls: [CALL] }, 'TOOL_CALL'), [
      BEGIN,
      ...block('thinking', THOUGHT),
      event(
        'tool-call-start',
        { tool_calls: { ...CALL, function: { name: 'get_weather', arguments: '' } } },
        { index: 0 },
      ),
      event('tool-call-delta', { tool_calls: { function: { arguments: JSON.stringify(ARGUMENTS) } } }, { index: 0 }),
      { type: 'tool-call-end', index: 0 },
      end('TOOL_CALL'),
    ]),
    citations: answer(whole({ content: [{ type: 'text', text: ANSWER }], citations: [NOTE] }, 'COMPLETE'), [
      BEGIN,
      ...block('text', ANSWER).slice(0, -1),
      event('citation-start', { citations: NOTE }, { index: 0 }),
      { type: 'citation-end', index: 0 },
      { type: 'content-end', index: 0 },
      end('COMPLETE'),
    ]),
  },
  broken: {
    stream: [
      BEGIN,
      ...block('text', ANSWER).slice(0, -1),
      { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'The model crashed.' } },
    ],
  },
  hear,
};

function hear(body: JsonRecord): Heard {
  const messages = (asArray(body['messages']) ?? []).filter(isRecord);
  return {
    texts: messages.filter(({ role }) => role !== 'tool').map(({ content }) => textOf(content)),
    tools: openaiTools(body),
    calls: openaiCalls(messages),
    results: messages.flatMap(({ role, content, tool_call_id: id }) =>
      role === 'tool' ? [{ id: asString(id) ?? '', name: '', text: resultOf(content) }] : [],
    ),
    images: found(body['messages'], ({ image_url: image }) => dataOf(asRecord(image)?.['url'])),
    documents: (asArray(body['documents']) ?? []).map((one) => JSON.stringify(one)),
    schema: asRecord(body['response_format'])?.['json_schema'] ?? asRecord(body['response_format'])?.['schema'],
    wantsThought: isRecord(body['thinking']),
    thoughts: [
      ...found(body['messages'], ({ thinking }) => asString(thinking)),
      ...messages.flatMap((message) => asString(message['tool_plan']) ?? []),
    ],
    signatures: [],
  };
}

function resultOf(content: unknown): string {
  const documents = (asArray(content) ?? []).flatMap((part) => asRecord(asRecord(part)?.['document'])?.['data'] ?? []);
  return textOf(content) + documents.map((data) => (typeof data === 'string' ? data : JSON.stringify(data))).join('');
}
