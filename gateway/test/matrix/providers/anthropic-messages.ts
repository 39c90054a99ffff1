/** Providers of Anthropic's Messages API, and Claude behind Bedrock's InvokeModel, which speaks it too. */
import { asArray, asRecord, asString, isRecord, type JsonRecord } from '../../../src/lib/json.ts';
import { converseFrame } from '../../../src/simulator/wire-events.ts';
import type { Heard, Provider, ScriptedAnswer } from '../kinds.ts';
import {
  ANSWER,
  answer,
  ARGUMENTS,
  COMMON_REPLIES,
  found,
  halves,
  REFUSAL,
  SIGNATURE,
  SOURCE,
  THOUGHT,
} from '../things.ts';
import { textOf } from './openai-chat.ts';

const USAGE = { input_tokens: 40, output_tokens: 12 };
const HEAD = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5', stop_sequence: null };

/** A block, how it begins, and the deltas that make it. */
interface Block {
  readonly block: JsonRecord;
  readonly start: JsonRecord;
  readonly deltas: readonly JsonRecord[];
}

function reply(blocks: readonly Block[], stop_reason: string): ScriptedAnswer {
  const content = blocks.map(({ block }) => block);
  return answer({ ...HEAD, content, stop_reason, usage: USAGE }, [
    begin(),
    ...blocks.flatMap(({ start, deltas }, index) => [
      { type: 'content_block_start', index, content_block: start },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 12 } },
    { type: 'message_stop' },
  ]);
}

function begin(): JsonRecord {
  const message = { ...HEAD, content: [], stop_reason: null, usage: { ...USAGE, output_tokens: 1 } };
  return { type: 'message_start', message };
}

function spoken(text: string, citations: readonly JsonRecord[] = []): Block {
  return {
    block: { type: 'text', text, ...(citations.length === 0 ? {} : { citations }) },
    start: { type: 'text', text: '', ...(citations.length === 0 ? {} : { citations: [] }) },
    deltas: [
      ...citations.map((citation) => ({ type: 'citations_delta', citation })),
      ...halves(text).map((piece) => ({ type: 'text_delta', text: piece })),
    ],
  };
}

const THINKING: Block = {
  block: { type: 'thinking', thinking: THOUGHT, signature: SIGNATURE },
  start: { type: 'thinking', thinking: '', signature: '' },
  deltas: [
    ...halves(THOUGHT).map((thinking) => ({ type: 'thinking_delta', thinking })),
    { type: 'signature_delta', signature: SIGNATURE },
  ],
};
const CALL: Block = {
  block: { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: ARGUMENTS },
  start: { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} },
  deltas: halves(JSON.stringify(ARGUMENTS)).map((partial_json) => ({ type: 'input_json_delta', partial_json })),
};
const NOTE = {
  type: 'web_search_result_location',
  url: SOURCE,
  title: 'Rome',
  cited_text: 'sunny in Rome',
  encrypted_index: 'aW5kZXg=',
};

const UNDERWAY = [
  begin(),
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ANSWER } },
];

export const anthropicMessages: Provider = {
  dialect: 'anthropic-messages',
  id: 'anthropic-messages',
  title: 'Anthropic',
  model: 'claude-sonnet-4-5',
  base: '',
  beside: [],
  replies: {
    ...COMMON_REPLIES,
    thought: reply([THINKING, CALL], 'tool_use'),
    citations: reply([spoken(ANSWER, [NOTE])], 'end_turn'),
    refusal: reply([spoken(REFUSAL)], 'refusal'),
  },
  broken: {
    stream: [...UNDERWAY, { type: 'error', error: { type: 'api_error', message: 'The model crashed.' } }],
  },
  hear,
};

export const bedrockInvoke: Provider = {
  ...anthropicMessages,
  dialect: 'bedrock-invoke',
  id: 'bedrock-invoke',
  title: 'Bedrock InvokeModel, Claude',
  model: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
  broken: {
    stream: [
      ...UNDERWAY,
      {
        $base64: converseFrame({ modelStreamErrorException: { message: 'The model crashed.' } }).toString('base64'),
      },
    ],
  },
};

function hear(body: JsonRecord): Heard {
  const messages = (asArray(body['messages']) ?? []).filter(isRecord);
  const blocks = messages.flatMap((message) => asArray(message['content']) ?? []).filter(isRecord);
  const ofType = (type: string): readonly JsonRecord[] => blocks.filter((block) => block['type'] === type);
  return {
    texts: [textOf(body['system']), ...messages.map(({ content }) => textOf(content))],
    tools: (asArray(body['tools']) ?? []).filter(isRecord).map((tool) => ({
      name: asString(tool['name']) ?? '',
      description: asString(tool['description']) ?? '',
      schema: tool['input_schema'],
    })),
    calls: ofType('tool_use').map(({ id, name, input }) => ({
      id: asString(id) ?? '',
      name: asString(name) ?? '',
      arguments: input,
    })),
    results: ofType('tool_result').map(({ tool_use_id: id, content }) => ({
      id: asString(id) ?? '',
      name: '',
      text: textOf(content),
    })),
    images: found(body['messages'], ({ type, source }) =>
      type === 'image' ? asString(asRecord(source)?.['data']) : undefined,
    ),
    documents: found(body['messages'], ({ type, source }) =>
      type === 'document' ? asString(asRecord(source)?.['data']) : undefined,
    ),
    schema: asRecord(asRecord(body['output_config'])?.['format'])?.['schema'],
    wantsThought: isRecord(body['thinking']),
    thoughts: ofType('thinking').flatMap(({ thinking }) => asString(thinking) ?? []),
    signatures: [
      ...ofType('thinking').flatMap(({ signature }) => asString(signature) ?? []),
      ...ofType('redacted_thinking').flatMap(({ data }) => asString(data) ?? []),
    ],
  };
}
