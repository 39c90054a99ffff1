/** Clients of OpenAI's text completions: one prompt, one text. */
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
import type { Client, StreamEvent, Told } from '../kinds.ts';
import { LIMIT, PROMPT, SYSTEM } from '../things.ts';
import { openaiChat } from './openai-chat.ts';

export const openaiCompletions: Client = {
  id: 'openai-completions',
  title: 'OpenAI text completions',
  path: () => '/v1/completions',
  asks: { plain: { prompt: `${SYSTEM}\n${PROMPT}`, max_tokens: LIMIT } },
  withModel: (body, model, isStreaming) => openaiChat.withModel(body, model, isStreaming),
  // A completion has no place for a source, and none for a refusal but its text.
  lacks: ['citations', 'refusal'],
  finishes: { stop: 'stop', calls: 'stop', length: 'length' },
  isRefused: ({ finish }) => finish === 'content_filter',
  read,
  join(events) {
    const chunks = chunksOf(events);
    const text = chunks.map((chunk) => asString(choiceOf(chunk)['text']) ?? '').join('');
    const finish = chunks.flatMap((chunk) => asString(choiceOf(chunk)['finish_reason']) ?? []);
    const usage = chunks.map((chunk) => chunk['usage']).findLast(isRecord);
    return {
      choices: [{ index: 0, text, finish_reason: finish.at(-1) ?? null }],
      ...(usage === undefined ? {} : { usage }),
    };
  },
  pieces: (events) => chunksOf(events).flatMap((chunk) => asString(choiceOf(chunk)['text']) || []),
  endingOf: (events) => openaiChat.endingOf(events),
  next: (ask) => ask,
  errorKind: (code) => openaiChat.errorKind(code),
  readError: (body) => openaiChat.readError(body),
};

function chunksOf(events: readonly StreamEvent[]): readonly JsonRecord[] {
  return events.map(({ data }) => parseJson(data)).filter(isRecord);
}

function choiceOf(body: JsonRecord): JsonRecord {
  return asRecord(asArray(body['choices'])?.[0]) ?? {};
}

function read(reply: JsonRecord): Told {
  const { text, finish_reason: finish } = choiceOf(reply);
  const usage = asRecord(reply['usage']);
  return {
    text: asString(text) ?? '',
    thoughts: '',
    calls: [],
    finish: asString(finish) ?? '',
    refusal: '',
    citations: [],
    tokens: [asNumber(usage?.['prompt_tokens']), asNumber(usage?.['completion_tokens'])],
  };
}
