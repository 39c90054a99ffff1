/** Bedrock's Converse, with a model of Anthropic's: what others take there is in the lists of losses. */
import { asArray, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
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

const USAGE = { inputTokens: 40, outputTokens: 12, totalTokens: 52 };
const METRICS = { latencyMs: 1 };

interface Block {
  readonly block: JsonRecord;
  readonly start?: JsonRecord;
  readonly deltas: readonly JsonRecord[];
}

function reply(blocks: readonly Block[], stopReason: string): ScriptedAnswer {
  const message = { role: 'assistant', content: blocks.map(({ block }) => block) };
  return answer({ output: { message }, stopReason, usage: USAGE, metrics: METRICS }, [
    { messageStart: { role: 'assistant' } },
    ...blocks.flatMap(({ start, deltas }, contentBlockIndex) => [
      ...(start === undefined ? [] : [{ contentBlockStart: { contentBlockIndex, start } }]),
      ...deltas.map((delta) => ({ contentBlockDelta: { contentBlockIndex, delta } })),
      { contentBlockStop: { contentBlockIndex } },
    ]),
    { messageStop: { stopReason } },
    { metadata: { usage: USAGE, metrics: METRICS } },
  ]);
}

const HEAD = { toolUseId: 'tooluse_1', name: 'get_weather' };
const NOTE = { title: 'Rome', location: { web: { url: SOURCE, domain: 'weather.example' } } };

export const bedrockConverse: Provider = {
  dialect: 'bedrock-converse',
  id: 'bedrock-converse',
  title: 'Bedrock Converse, Claude',
  model: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
  base: '',
  beside: ['metrics'],
  replies: {
    ...COMMON_REPLIES,
    thought: reply(
      [
        {
          block: { reasoningContent: { reasoningText: { text: THOUGHT, signature: SIGNATURE } } },
          deltas: [
            ...halves(THOUGHT).map((text) => ({ reasoningContent: { text } })),
            { reasoningContent: { signature: SIGNATURE } },
          ],
        },
        {
          block: { toolUse: { ...HEAD, input: ARGUMENTS } },
          start: { toolUse: HEAD },
          deltas: halves(JSON.stringify(ARGUMENTS)).map((input) => ({ toolUse: { input } })),
        },
      ],
      'tool_use',
    ),
    citations: reply(
      [
        {
          block: { citationsContent: { content: [{ text: ANSWER }], citations: [NOTE] } },
          deltas: [...halves(ANSWER).map((text) => ({ text })), { citation: NOTE }],
        },
      ],
      'end_turn',
    ),
    refusal: reply(
      [{ block: { text: REFUSAL }, deltas: halves(REFUSAL).map((text) => ({ text })) }],
      'content_filtered',
    ),
  },
  broken: {
    stream: [
      { messageStart: { role: 'assistant' } },
      { contentBlockDelta: { contentBlockIndex: 0, delta: { text: ANSWER } } },
      { modelStreamErrorException: { message: 'The model crashed.' } },
    ],
  },
  hear,
};

function hear(body: JsonRecord): Heard {
  const messages = (asArray(body['messages']) ?? []).filter(isRecord);
  const blocks = messages.flatMap((message) => asArray(message['content']) ?? []).filter(isRecord);
  const held = (name: string): readonly JsonRecord[] => blocks.map((block) => block[name]).filter(isRecord);
  const format = asRecord(asRecord(asRecord(body['outputConfig'])?.['textFormat'])?.['structure']);
  const fields = asRecord(body['additionalModelRequestFields']) ?? {};
  const bytes = (kind: 'image' | 'document'): readonly string[] =>
    found(body['messages'], (block) => asString(asRecord(asRecord(block[kind])?.['source'])?.['bytes']));
  const thoughts = held('reasoningContent')
    .map((one) => one['reasoningText'])
    .filter(isRecord);
  return {
    texts: [textOf(body['system']), ...messages.map(({ content }) => textOf(content))],
    tools: found(body['toolConfig'], (tool) => {
      const spec = asRecord(tool['toolSpec']);
      const name = asString(spec?.['name']);
      if (name === undefined) return undefined;
      const schema = asRecord(spec?.['inputSchema'])?.['json'];
      return { name, description: asString(spec?.['description']) ?? '', schema };
    }),
    calls: held('toolUse').map(({ toolUseId, name, input }) => ({
      id: asString(toolUseId) ?? '',
      name: asString(name) ?? '',
      arguments: input,
    })),
    results: held('toolResult').map(({ toolUseId, content }) => ({
      id: asString(toolUseId) ?? '',
      name: '',
      text:
        textOf(content) +
        found(content, ({ json }) => (json === undefined ? undefined : JSON.stringify(json))).join(''),
    })),
    images: bytes('image'),
    documents: bytes('document'),
    schema: parseJson(asString(asRecord(format?.['jsonSchema'])?.['schema']) ?? ''),
    wantsThought: ['thinking', 'reasoning_config', 'reasoning_effort'].some((field) => fields[field] !== undefined),
    thoughts: thoughts.flatMap(({ text }) => asString(text) ?? []),
    signatures: thoughts.flatMap(({ signature }) => asString(signature) ?? []),
  };
}
