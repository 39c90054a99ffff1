/** Providers of OpenAI's chat completions; OpenRouter, whose reasoning is signed, beside those who show it in plain words. */
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
import type { Heard, Provider } from '../kinds.ts';
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

const SHARED = {
  id: 'chatcmpl-1',
  created: 1_790_000_000,
  model: 'some-model',
  service_tier: 'default',
  system_fingerprint: 'fp_1',
};
const USAGE = { prompt_tokens: 40, completion_tokens: 12, total_tokens: 52 };
const DONE = 'data: [DONE]\n\n';

function whole(message: JsonRecord, finish: string): JsonRecord {
  const choices = [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }];
  return { ...SHARED, object: 'chat.completion', choices, usage: USAGE };
}

function chunk(delta: JsonRecord, finish: string | null = null): JsonRecord {
  return { ...SHARED, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] };
}

function events(deltas: readonly JsonRecord[], finish: string): readonly (JsonRecord | string)[] {
  const usage = { ...SHARED, object: 'chat.completion.chunk', choices: [], usage: USAGE };
  return [
    chunk({ role: 'assistant', content: '' }),
    ...deltas.map((one) => chunk(one)),
    chunk({}, finish),
    usage,
    DONE,
  ];
}

const DETAIL = { type: 'reasoning.text', text: THOUGHT, signature: SIGNATURE, format: 'unknown', index: 0 };
const CALL = {
  id: 'call_1',
  type: 'function',
  function: { name: 'get_weather', arguments: JSON.stringify(ARGUMENTS) },
};
const NOTES = [
  { type: 'url_citation', url_citation: { url: SOURCE, title: 'Rome', start_index: 0, end_index: ANSWER.length } },
];

export const openaiChat: Provider = {
  dialect: 'openai-chat',
  id: 'openai-chat',
  title: 'OpenAI chat',
  model: 'some-model',
  base: '/v1',
  beside: ['service_tier', 'system_fingerprint'],
  replies: {
    ...COMMON_REPLIES,
    thought: answer(
      whole({ content: null, reasoning_content: THOUGHT, tool_calls: [CALL] }, 'tool_calls'),
      events([{ reasoning_content: THOUGHT }, { tool_calls: [{ index: 0, ...CALL }] }], 'tool_calls'),
    ),
    citations: answer(
      whole({ content: ANSWER, annotations: NOTES }, 'stop'),
      events([...halves(ANSWER).map((content) => ({ content })), { annotations: NOTES }], 'stop'),
    ),
    refusal: answer(
      whole({ content: null, refusal: REFUSAL }, 'stop'),
      events(
        halves(REFUSAL).map((refusal) => ({ refusal })),
        'stop',
      ),
    ),
  },
  broken: {
    stream: [
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: ANSWER }),
      { error: { message: 'The model crashed.', type: 'server_error', code: 'server_error', param: null } },
    ],
  },
  hear,
};

const SIGNED = { reasoning: THOUGHT, reasoning_details: [DETAIL] };

/** Its extensions of the wire: signed reasoning stands in `reasoning_details`. */
export const openrouter: Provider = {
  ...openaiChat,
  id: 'openrouter',
  title: 'OpenRouter',
  model: 'some/model',
  like: 'openrouter',
  replies: {
    ...openaiChat.replies,
    // Usage ends every stream, asked for or not; the gateway relies on it.
    text: answer(
      whole({ content: ANSWER }, 'stop'),
      events(
        halves(ANSWER).map((content) => ({ content })),
        'stop',
      ),
    ),
    thought: answer(
      whole({ content: null, ...SIGNED, tool_calls: [CALL] }, 'tool_calls'),
      events([SIGNED, { tool_calls: [{ index: 0, ...CALL }] }], 'tool_calls'),
    ),
  },
};

/** Also of those who write their messages like OpenAI: Cohere and Ollama. */
export function openaiTools(body: JsonRecord): Heard['tools'] {
  return (asArray(body['tools']) ?? []).flatMap((tool) => {
    const named = asRecord(asRecord(tool)?.['function']);
    const name = asString(named?.['name']);
    if (name === undefined) return [];
    return [{ name, description: asString(named?.['description']) ?? '', schema: named?.['parameters'] }];
  });
}

export function openaiCalls(messages: readonly JsonRecord[]): Heard['calls'] {
  return messages
    .flatMap((message) => asArray(message['tool_calls']) ?? [])
    .map((call) => {
      const named = asRecord(asRecord(call)?.['function']);
      const given = named?.['arguments'];
      return {
        id: asString(asRecord(call)?.['id']) ?? '',
        name: asString(named?.['name']) ?? '',
        arguments: typeof given === 'string' ? parseJson(given) : given,
      };
    });
}

/** A content's text, whether it is one or a list. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return (asArray(content) ?? []).map((part) => asString(asRecord(part)?.['text']) ?? '').join('');
}

function hear(body: JsonRecord): Heard {
  const messages = (asArray(body['messages']) ?? []).filter(isRecord);
  const details = messages.flatMap((message) => asArray(message['reasoning_details']) ?? []).filter(isRecord);
  const plain = messages.flatMap(
    (message) => asString(message['reasoning_content']) ?? asString(message['reasoning']) ?? [],
  );
  return {
    texts: messages.filter(({ role }) => role !== 'tool').map(({ content }) => textOf(content)),
    tools: openaiTools(body),
    calls: openaiCalls(messages),
    results: messages.flatMap(({ role, content, tool_call_id: id }) =>
      role === 'tool' ? [{ id: asString(id) ?? '', name: '', text: textOf(content) }] : [],
    ),
    images: found(body['messages'], ({ image_url: image }) => dataOf(asRecord(image)?.['url'])),
    documents: found(body['messages'], ({ file }) => dataOf(asRecord(file)?.['file_data'])),
    schema: asRecord(asRecord(body['response_format'])?.['json_schema'])?.['schema'],
    wantsThought: body['reasoning_effort'] !== undefined || body['reasoning'] !== undefined,
    // OpenRouter may be told both ways, of which the entries are the signed one.
    thoughts: details.length > 0 ? details.flatMap(({ text }) => asString(text) ?? []) : plain,
    signatures: details.flatMap(({ signature, data }) => asString(signature) ?? asString(data) ?? []),
  };
}
