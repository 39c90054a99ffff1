/** Providers of Gemini's generateContent. The model is one that signs its calls, and takes pictures in results. */
import { asArray, asRecord, asString, isRecord, type Json, type JsonRecord } from '../../../src/lib/json.ts';
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

const HEAD = { modelVersion: 'gemini-3.5-flash', responseId: 'r1' };
const USAGE = { promptTokenCount: 40, candidatesTokenCount: 12, totalTokenCount: 52 };

function piece(parts: readonly JsonRecord[], candidate: JsonRecord = {}, more: JsonRecord = {}): JsonRecord {
  const said = parts.length === 0 ? {} : { content: { role: 'model', parts } };
  return { candidates: [{ ...said, index: 0, ...candidate }], ...HEAD, ...more };
}

function reply(parts: readonly JsonRecord[], pieces: readonly JsonRecord[][], candidate: JsonRecord): ScriptedAnswer {
  const end = { usageMetadata: USAGE };
  return answer(piece(parts, candidate, end), [
    ...pieces.slice(0, -1).map((one) => piece(one)),
    piece(pieces.at(-1) ?? [], candidate, end),
  ]);
}

const CALL = { functionCall: { name: 'get_weather', args: ARGUMENTS }, thoughtSignature: SIGNATURE };
const THINKING = { text: THOUGHT, thought: true };
const GROUNDS = {
  groundingChunks: [{ web: { uri: SOURCE, title: 'Rome' } }],
  groundingSupports: [
    { segment: { startIndex: 0, endIndex: ANSWER.length, text: ANSWER }, groundingChunkIndices: [0] },
  ],
};

export const gemini: Provider = {
  dialect: 'gemini',
  id: 'gemini',
  title: 'Gemini',
  model: 'gemini-3.5-flash',
  base: '/v1beta',
  beside: [],
  replies: {
    ...COMMON_REPLIES,
    thought: reply([THINKING, CALL], [[THINKING], [CALL]], { finishReason: 'STOP' }),
    citations: reply(
      [{ text: ANSWER }],
      halves(ANSWER).map((text) => [{ text }]),
      {
        finishReason: 'STOP',
        groundingMetadata: GROUNDS,
      },
    ),
    refusal: reply(
      [{ text: REFUSAL }],
      halves(REFUSAL).map((text) => [{ text }]),
      { finishReason: 'SAFETY' },
    ),
  },
  broken: {
    stream: [piece([{ text: ANSWER }]), { error: { code: 500, message: 'The model crashed.', status: 'INTERNAL' } }],
  },
  hear,
};

function hear(body: JsonRecord): Heard {
  const contents = (asArray(body['contents']) ?? []).filter(isRecord);
  const parts = contents.flatMap((content) => asArray(content['parts']) ?? []).filter(isRecord);
  const config = asRecord(body['generationConfig']) ?? {};
  const data = (test: RegExp): readonly string[] =>
    found(body['contents'], ({ inlineData }) => {
      const inline = asRecord(inlineData);
      return test.test(asString(inline?.['mimeType']) ?? '') ? asString(inline?.['data']) : undefined;
    });
  return {
    texts: [body['systemInstruction'], ...contents].map((content) => joined(asRecord(content)?.['parts'])),
    tools: found(body['tools'], (tool) => {
      const name = asString(tool['name']);
      const schema = tool['parametersJsonSchema'] ?? tool['parameters'];
      return name === undefined ? undefined : { name, description: asString(tool['description']) ?? '', schema };
    }),
    calls: parts.flatMap((part) => {
      const call = asRecord(part['functionCall']);
      if (call === undefined) return [];
      return [{ id: asString(call['id']) ?? '', name: asString(call['name']) ?? '', arguments: call['args'] }];
    }),
    results: parts.flatMap((part) => {
      const result = asRecord(part['functionResponse']);
      if (result === undefined) return [];
      const text = JSON.stringify(result['response']);
      return [{ id: asString(result['id']) ?? '', name: asString(result['name']) ?? '', text }];
    }),
    images: data(/^image\//),
    documents: data(/pdf|text/),
    schema: config['responseJsonSchema'] ?? config['responseSchema'],
    wantsThought: isRecord(config['thinkingConfig']),
    thoughts: parts.flatMap(({ thought, text }) => (thought === true ? (asString(text) ?? []) : [])),
    signatures: parts.flatMap(({ thoughtSignature }) => asString(thoughtSignature) ?? []),
  };
}

function joined(parts: Json | undefined): string {
  return (asArray(parts) ?? []).map((part) => asString(asRecord(part)?.['text']) ?? '').join('');
}
