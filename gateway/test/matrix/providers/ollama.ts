/** Ollama's chat. It signs nothing, cites nothing, and refuses in plain words. */
import { asArray, asRecord, asString, isArray, isRecord, type JsonRecord } from '../../../src/lib/json.ts';
import type { Heard, Provider } from '../kinds.ts';
import { ANSWER, answer, ARGUMENTS, COMMON_REPLIES, halves, THOUGHT } from '../things.ts';
import { openaiCalls, openaiTools, textOf } from './openai-chat.ts';

const END = {
  done: true,
  done_reason: 'stop',
  total_duration: 1,
  prompt_eval_count: 40,
  prompt_eval_duration: 1,
  eval_count: 12,
  eval_duration: 1,
};

function line(message: JsonRecord, end: JsonRecord = { done: false }): JsonRecord {
  const said = { role: 'assistant', content: '', ...message };
  return { model: 'some-model', created_at: '2026-11-27T12:00:00Z', message: said, ...end };
}

const CALLS = { tool_calls: [{ function: { index: 0, name: 'get_weather', arguments: ARGUMENTS } }] };

export const ollama: Provider = {
  dialect: 'ollama',
  id: 'ollama',
  title: 'Ollama',
  model: 'some-model',
  base: '',
  beside: [],
  replies: {
    ...COMMON_REPLIES,
    thought: answer(line({ thinking: THOUGHT, ...CALLS }, END), [
      ...halves(THOUGHT).map((thinking) => line({ thinking })),
      line(CALLS),
      line({}, END),
    ]),
  },
  broken: { stream: [line({ content: ANSWER }), { error: 'The model crashed.' }] },
  hear,
};

function hear(body: JsonRecord): Heard {
  const messages = (asArray(body['messages']) ?? []).filter(isRecord);
  return {
    texts: messages.filter(({ role }) => role !== 'tool').map(({ content }) => textOf(content)),
    tools: openaiTools(body),
    calls: openaiCalls(messages),
    results: messages.flatMap((message) =>
      message['role'] === 'tool'
        ? [
            {
              id: asString(message['tool_call_id']) ?? '',
              name: asString(message['tool_name']) ?? '',
              text: textOf(message['content']),
            },
          ]
        : [],
    ),
    images: messages.flatMap(({ images }) => (isArray(images) ? images : [])).filter((one) => typeof one === 'string'),
    documents: [],
    schema: asRecord(body['format']),
    wantsThought: body['think'] !== undefined && body['think'] !== false,
    thoughts: messages.flatMap(({ thinking }) => asString(thinking) ?? []),
    signatures: [],
  };
}
