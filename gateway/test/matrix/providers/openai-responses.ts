/** Providers of OpenAI's Responses API. */
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
import type { Heard, Provider, ScriptedAnswer } from '../kinds.ts';
import {
  ANSWER,
  answer,
  ARGUMENTS,
  COMMON_REPLIES,
  dataOf,
  found,
  halves,
  REFUSAL,
  SIGNATURE,
  SOURCE,
  THOUGHT,
} from '../things.ts';
import { textOf } from './openai-chat.ts';

const USAGE = {
  input_tokens: 40,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 12,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 52,
};
const HEAD = { id: 'resp_1', object: 'response', created_at: 1_790_000_000, model: 'gpt-5.2' };

function reply(output: readonly JsonRecord[]): JsonRecord {
  return { ...HEAD, status: 'completed', output, usage: USAGE, incomplete_details: null, error: null };
}

/** An item, and the events between its beginning and its end. */
interface Item {
  readonly item: JsonRecord;
  readonly between: readonly JsonRecord[];
}

function streamed(items: readonly Item[]): ScriptedAnswer {
  const started = { ...HEAD, status: 'in_progress', output: [], usage: null };
  const events = [
    { type: 'response.created', response: started },
    ...items.flatMap(({ item, between }, index) => [
      { type: 'response.output_item.added', output_index: index, item: { ...item, ...emptied(item) } },
      ...between.map((event) => ({ ...event, output_index: index, item_id: item['id'] ?? null })),
      { type: 'response.output_item.done', output_index: index, item },
    ]),
    { type: 'response.completed', response: reply(items.map(({ item }) => item)) },
  ];
  return answer(
    reply(items.map(({ item }) => item)),
    events.map((event, sequence_number) => ({ ...event, sequence_number })),
  );
}

/** An item as it stands in the event that begins it. */
function emptied({ type }: JsonRecord): JsonRecord {
  if (type === 'reasoning') return { summary: [] };
  return type === 'function_call' ? { status: 'in_progress', arguments: '' } : { status: 'in_progress', content: [] };
}

const NOTE = { type: 'url_citation', url: SOURCE, title: 'Rome', start_index: 0, end_index: ANSWER.length };
const PLACE = { content_index: 0 };

function message(part: JsonRecord, between: readonly JsonRecord[]): Item {
  const item = { type: 'message', id: 'msg_1', status: 'completed', role: 'assistant', content: [part] };
  return { item, between };
}

function spoken(annotations: readonly JsonRecord[]): Item {
  const part = { type: 'output_text', text: ANSWER, annotations, logprobs: [] };
  return message(part, [
    { type: 'response.content_part.added', ...PLACE, part: { ...part, text: '', annotations: [] } },
    ...halves(ANSWER).map((delta) => ({ type: 'response.output_text.delta', ...PLACE, delta, logprobs: [] })),
    ...annotations.map((annotation, annotation_index) => ({
      type: 'response.output_text.annotation.added',
      ...PLACE,
      annotation_index,
      annotation,
    })),
    { type: 'response.output_text.done', ...PLACE, text: ANSWER, logprobs: [] },
    { type: 'response.content_part.done', ...PLACE, part },
  ]);
}

const SUMMARY = { type: 'summary_text', text: THOUGHT };
const THOUGHT_ITEM: Item = {
  item: { type: 'reasoning', id: 'rs_1', summary: [SUMMARY], encrypted_content: SIGNATURE },
  between: [
    { type: 'response.reasoning_summary_part.added', summary_index: 0, part: { ...SUMMARY, text: '' } },
    { type: 'response.reasoning_summary_text.delta', summary_index: 0, delta: THOUGHT },
    { type: 'response.reasoning_summary_text.done', summary_index: 0, text: THOUGHT },
    { type: 'response.reasoning_summary_part.done', summary_index: 0, part: SUMMARY },
  ],
};
const CALL_ITEM: Item = {
  item: {
    type: 'function_call',
    id: 'fc_1',
    status: 'completed',
    call_id: 'call_1',
    name: 'get_weather',
    arguments: JSON.stringify(ARGUMENTS),
  },
  between: [
    { type: 'response.function_call_arguments.delta', delta: JSON.stringify(ARGUMENTS) },
    { type: 'response.function_call_arguments.done', arguments: JSON.stringify(ARGUMENTS), name: 'get_weather' },
  ],
};
const REFUSED = { type: 'refusal', refusal: REFUSAL };

export const openaiResponses: Provider = {
  dialect: 'openai-responses',
  id: 'openai-responses',
  title: 'OpenAI responses',
  model: 'gpt-5.2',
  base: '/v1',
  beside: [],
  replies: {
    ...COMMON_REPLIES,
    thought: streamed([THOUGHT_ITEM, CALL_ITEM]),
    citations: streamed([spoken([NOTE])]),
    refusal: streamed([
      message(REFUSED, [
        { type: 'response.content_part.added', ...PLACE, part: { ...REFUSED, refusal: '' } },
        ...halves(REFUSAL).map((delta) => ({ type: 'response.refusal.delta', ...PLACE, delta })),
        { type: 'response.refusal.done', ...PLACE, refusal: REFUSAL },
        { type: 'response.content_part.done', ...PLACE, part: REFUSED },
      ]),
    ]),
  },
  broken: {
    stream: [
      { type: 'response.created', sequence_number: 0, response: { ...HEAD, status: 'in_progress', output: [] } },
      {
        type: 'response.output_item.added',
        sequence_number: 1,
        output_index: 0,
        item: { type: 'message', id: 'msg_1', status: 'in_progress', role: 'assistant', content: [] },
      },
      {
        type: 'response.output_text.delta',
        sequence_number: 2,
        item_id: 'msg_1',
        output_index: 0,
        ...PLACE,
        delta: ANSWER,
        logprobs: [],
      },
      {
        type: 'response.failed',
        sequence_number: 3,
        response: {
          ...HEAD,
          status: 'failed',
          output: [],
          error: { code: 'server_error', message: 'The model crashed.' },
        },
      },
    ],
  },
  hear,
};

function hear(body: JsonRecord): Heard {
  const items =
    typeof body['input'] === 'string'
      ? [{ role: 'user', content: body['input'] }]
      : (asArray(body['input']) ?? []).filter(isRecord);
  const ofType = (type: string): readonly JsonRecord[] => items.filter((item) => item['type'] === type);
  return {
    texts: [
      asString(body['instructions']) ?? '',
      ...items.filter(({ role }) => role !== undefined).map(({ content }) => textOf(content)),
    ],
    tools: (asArray(body['tools']) ?? []).filter(isRecord).map((tool) => ({
      name: asString(tool['name']) ?? '',
      description: asString(tool['description']) ?? '',
      schema: tool['parameters'],
    })),
    calls: ofType('function_call').map((call) => ({
      id: asString(call['call_id']) ?? '',
      name: asString(call['name']) ?? '',
      arguments: parseJson(asString(call['arguments']) ?? ''),
    })),
    results: ofType('function_call_output').map(({ call_id: id, output }) => ({
      id: asString(id) ?? '',
      name: '',
      text: textOf(output),
    })),
    images: found(body['input'], ({ image_url: image }) => dataOf(image)),
    documents: found(body['input'], ({ file_data: data }) => dataOf(data)),
    schema: asRecord(asRecord(body['text'])?.['format'])?.['schema'],
    wantsThought: isRecord(body['reasoning']),
    thoughts: ofType('reasoning').flatMap(({ summary }) => (summary === undefined ? [] : textOf(summary))),
    signatures: ofType('reasoning').flatMap((item) => asString(item['encrypted_content']) ?? []),
  };
}
