/** Clients of Gemini's generateContent; a stream is made of replies whose parts follow each other. */
import { asArray, asNumber, asRecord, asString, isRecord, parseJson, type JsonRecord } from '../../../src/lib/json.ts';
import type { Client, StreamEvent, Told } from '../kinds.ts';
import { ARGUMENTS, CALL_ID, found, LIMIT, PDF, PNG, PROMPT, REPORT, RESULT, SYSTEM, TOOLS } from '../things.ts';

const SYSTEM_TURN = { parts: [{ text: SYSTEM }] };
const USER = { role: 'user', parts: [{ text: PROMPT }] };
const HEAD = { systemInstruction: SYSTEM_TURN, contents: [USER], generationConfig: { maxOutputTokens: LIMIT } };
const TOOL_ROWS = [
  {
    functionDeclarations: TOOLS.map(({ name, description, schema }) => ({
      name,
      description,
      parametersJsonSchema: schema,
    })),
  },
];
const PICTURE = { inlineData: { mimeType: 'image/png', data: PNG } };

function said(part: JsonRecord): JsonRecord {
  return { ...HEAD, contents: [{ role: 'user', parts: [{ text: PROMPT }, part] }] };
}

export const gemini: Client = {
  id: 'gemini',
  title: 'Gemini',
  path: (model, isStreaming) =>
    `/v1beta/models/${model}:${isStreaming ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  asks: {
    plain: HEAD,
    tools: { ...HEAD, tools: TOOL_ROWS },
    'result-image': {
      ...HEAD,
      tools: TOOL_ROWS,
      contents: [
        USER,
        { role: 'model', parts: [{ functionCall: { id: CALL_ID, name: 'get_weather', args: ARGUMENTS } }] },
        {
          role: 'user',
          parts: [{ functionResponse: { id: CALL_ID, name: 'get_weather', response: {}, parts: [PICTURE] } }],
        },
      ],
    },
    structured: {
      ...HEAD,
      generationConfig: { ...HEAD.generationConfig, responseMimeType: 'application/json', responseJsonSchema: REPORT },
    },
    reasoning: {
      ...HEAD,
      tools: TOOL_ROWS,
      generationConfig: { maxOutputTokens: 16_000, thinkingConfig: { thinkingBudget: 8192, includeThoughts: true } },
    },
    image: said(PICTURE),
    document: said({ inlineData: { mimeType: 'application/pdf', data: PDF } }),
  },
  withModel: (body) => body,
  lacks: [],
  finishes: { stop: 'STOP', calls: 'STOP', length: 'MAX_TOKENS' },
  isRefused: ({ finish }) => finish === 'SAFETY',
  read,
  join,
  pieces: (events) =>
    events
      .flatMap(({ data }) => textsOf(partsOf(asRecord(parseJson(data)) ?? {}), false))
      .filter((text) => text !== ''),
  endingOf(events) {
    const last = asRecord(parseJson(events.at(-1)?.data ?? '')) ?? {};
    if (last['error'] !== undefined) return 'error';
    return candidateOf(last)['finishReason'] === undefined ? 'none' : 'proper';
  },
  next(ask, reply) {
    const parts = partsOf(reply).flatMap((part) => {
      const call = asRecord(part['functionCall']);
      if (call === undefined) return [];
      const { id, name = '' } = call;
      const response = { output: RESULT };
      return [{ functionResponse: { ...(id === undefined ? {} : { id }), name, response } }];
    });
    const content = asRecord(candidateOf(reply)['content']) ?? {};
    return { ...ask, contents: [...(asArray(ask['contents']) ?? []), content, { role: 'user', parts }] };
  },
  errorKind(code) {
    if (code === 'upstream-refused') return 'INVALID_ARGUMENT';
    return code === 'upstream-rate-limited' ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE';
  },
  readError(body) {
    const error = asRecord(body['error']);
    const message = asString(error?.['message']);
    const kind = asString(error?.['status']);
    return message === undefined || kind === undefined || asNumber(error?.['code']) === undefined
      ? undefined
      : { message, kind };
  },
};

function candidateOf(reply: JsonRecord): JsonRecord {
  return asRecord(asArray(reply['candidates'])?.[0]) ?? {};
}

function partsOf(reply: JsonRecord): readonly JsonRecord[] {
  return (asArray(asRecord(candidateOf(reply)['content'])?.['parts']) ?? []).filter(isRecord);
}

function textsOf(parts: readonly JsonRecord[], isThought: boolean): readonly string[] {
  return parts.filter((part) => (part['thought'] === true) === isThought).flatMap(({ text }) => asString(text) ?? []);
}

function read(reply: JsonRecord): Told {
  const parts = partsOf(reply);
  const candidate = candidateOf(reply);
  const usage = asRecord(reply['usageMetadata']);
  return {
    text: textsOf(parts, false).join(''),
    thoughts: textsOf(parts, true).join(''),
    calls: parts.flatMap((part) => {
      const call = asRecord(part['functionCall']);
      if (call === undefined) return [];
      return [{ id: asString(call['id']) ?? '', name: asString(call['name']) ?? '', arguments: call['args'] }];
    }),
    finish: asString(candidate['finishReason']) ?? '',
    refusal: '',
    citations: [
      ...found(candidate['groundingMetadata'], ({ uri }) => asString(uri)),
      ...found(candidate['citationMetadata'], ({ uri }) => asString(uri)),
    ],
    tokens: [asNumber(usage?.['promptTokenCount']), outputOf(usage)],
  };
}

/** Thoughts are counted beside what is said. */
function outputOf(usage: JsonRecord | undefined): number | undefined {
  const said = asNumber(usage?.['candidatesTokenCount']);
  return said === undefined ? undefined : said + (asNumber(usage?.['thoughtsTokenCount']) ?? 0);
}

function join(events: readonly StreamEvent[]): JsonRecord {
  const replies = events.map(({ data }) => parseJson(data)).filter(isRecord);
  const candidate = Object.assign({}, ...replies.map(candidateOf)) as JsonRecord;
  const content = { role: 'model', parts: replies.flatMap(partsOf) };
  return { ...(Object.assign({}, ...replies) as JsonRecord), candidates: [{ ...candidate, content }] };
}
