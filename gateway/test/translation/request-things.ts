/** What can stand in a request, as each protocol says it. A `MARK` stands for the thing: it is kept where the provider gets it. */
import { compact, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { MARK } from './reply-cases.ts';
import type { Wire } from './wires.ts';
import { cohereRequestWords } from './cohere-things.ts';
import { requestWords } from './responses-things.ts';

export interface RequestThing {
  readonly name: string;
  /** A request that holds it, by the caller's protocol; absent where it has no such thing. */
  readonly in: Partial<Readonly<Record<Wire, JsonRecord>>>;
  /** Whether the provider's body holds it, where a mark cannot stand for it. */
  readonly isKept?: (body: JsonRecord) => boolean;
}

const HI = { role: 'user', content: 'hi' };
const SCHEMA = {
  type: 'object',
  properties: { [MARK]: { type: 'string' } },
  required: [MARK],
  additionalProperties: false,
};
const IMAGE = `${MARK}==`;

function openai(body: JsonRecord): JsonRecord {
  return { model: 'm', messages: [HI], ...body };
}

function openaiSaid(...content: readonly Json[]): JsonRecord {
  return openai({ messages: [{ role: 'user', content }] });
}

function anthropic(body: JsonRecord): JsonRecord {
  return { model: 'm', max_tokens: 2000, messages: [HI], ...body };
}

function anthropicSaid(...content: readonly Json[]): JsonRecord {
  return anthropic({ messages: [{ role: 'user', content }] });
}

function gemini(body: JsonRecord): JsonRecord {
  return { contents: [{ role: 'user', parts: [{ text: 'hi' }] }], ...body };
}

function geminiSaid(...parts: readonly Json[]): JsonRecord {
  return gemini({ contents: [{ role: 'user', parts }] });
}

function openaiTool(declared: JsonRecord): JsonRecord {
  return {
    tools: [
      { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} }, ...declared } },
    ],
  };
}

function anthropicTool(declared: JsonRecord): JsonRecord {
  return { tools: [{ name: 'weather', input_schema: { type: 'object', properties: {} }, ...declared }] };
}

function geminiTool(declared: JsonRecord): JsonRecord {
  return {
    tools: [
      {
        functionDeclarations: [
          { name: 'weather', parametersJsonSchema: { type: 'object', properties: {} }, ...declared },
        ],
      },
    ],
  };
}

function openaiRound(call: JsonRecord, content: Json, id = 'c1'): JsonRecord {
  const message = {
    role: 'assistant',
    content: null,
    tool_calls: [{ id, type: 'function', function: { name: 'weather', arguments: '{}', ...call } }],
  };
  return openai({ messages: [HI, message, { role: 'tool', tool_call_id: id, content }] });
}

function anthropicRound(call: JsonRecord, result: JsonRecord): JsonRecord {
  const made = { type: 'tool_use', id: 't1', name: 'weather', input: {}, ...call };
  return anthropic({
    messages: [
      HI,
      { role: 'assistant', content: [made] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: made.id, ...result }] },
    ],
  });
}

function geminiRound(call: JsonRecord, result: JsonRecord): JsonRecord {
  return gemini({
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ functionCall: { name: 'weather', args: {}, ...call } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { output: '1' }, ...result } }] },
    ],
  });
}

/** Whether a key stands anywhere in a body. */
function has(key: string): (body: JsonRecord) => boolean {
  return (body) => JSON.stringify(body).includes(`"${key}":`);
}

/** Some wires have documents of plain text as base64. */
function saysText(body: JsonRecord): boolean {
  const text = JSON.stringify(body);
  return text.includes(MARK) || text.includes(Buffer.from(MARK).toString('base64'));
}

const BY_OTHERS: readonly RequestThing[] = [
  {
    name: 'System text',
    in: {
      'openai-chat': openai({ messages: [{ role: 'developer', content: MARK }, HI] }),
      'anthropic-messages': anthropic({ system: MARK }),
      gemini: gemini({ systemInstruction: { parts: [{ text: MARK }] } }),
    },
  },
  {
    name: 'Text',
    in: {
      'openai-chat': openaiSaid({ type: 'text', text: MARK }),
      'anthropic-messages': anthropicSaid({ type: 'text', text: MARK }),
      gemini: geminiSaid({ text: MARK }),
    },
  },
  {
    name: 'Picture as data',
    in: {
      'openai-chat': openaiSaid({ type: 'image_url', image_url: { url: `data:image/png;base64,${IMAGE}` } }),
      'anthropic-messages': anthropicSaid({
        type: 'image',
        source: { type: 'base64', media_type: 'image/png', data: IMAGE },
      }),
      gemini: geminiSaid({ inlineData: { mimeType: 'image/png', data: IMAGE } }),
    },
  },
  {
    name: 'Picture by address',
    in: {
      'openai-chat': openaiSaid({ type: 'image_url', image_url: { url: `https://a.example/${MARK}.png` } }),
      'anthropic-messages': anthropicSaid({
        type: 'image',
        source: { type: 'url', url: `https://a.example/${MARK}.png` },
      }),
      gemini: geminiSaid({ fileData: { mimeType: 'image/png', fileUri: `https://a.example/${MARK}.png` } }),
    },
  },
  {
    name: 'PDF document as data',
    in: {
      'openai-chat': openaiSaid({ type: 'file', file: { file_data: `data:application/pdf;base64,${IMAGE}` } }),
      'anthropic-messages': anthropicSaid({
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: IMAGE },
      }),
      gemini: geminiSaid({ inlineData: { mimeType: 'application/pdf', data: IMAGE } }),
    },
  },
  {
    name: 'Document as text',
    in: {
      'anthropic-messages': anthropicSaid(
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: MARK } },
        { type: 'text', text: 'hi' },
      ),
    },
    isKept: saysText,
  },
  {
    name: 'Sound',
    in: {
      'openai-chat': openaiSaid(
        { type: 'text', text: 'hi' },
        { type: 'input_audio', input_audio: { data: IMAGE, format: 'wav' } },
      ),
      gemini: geminiSaid({ text: 'hi' }, { inlineData: { mimeType: 'audio/wav', data: IMAGE } }),
    },
  },
  {
    name: 'Tool: name and description',
    in: {
      'openai-chat': openai(openaiTool({ description: MARK })),
      'anthropic-messages': anthropic(anthropicTool({ description: MARK })),
      gemini: gemini(geminiTool({ description: MARK })),
    },
  },
  {
    name: 'Tool: schema of its arguments',
    in: {
      'openai-chat': openai(openaiTool({ parameters: SCHEMA })),
      'anthropic-messages': anthropic(anthropicTool({ input_schema: SCHEMA })),
      gemini: gemini(geminiTool({ parametersJsonSchema: SCHEMA })),
    },
  },
  {
    name: 'Call of an earlier turn: arguments',
    in: {
      'openai-chat': openaiRound({ arguments: `{"city":"${MARK}"}` }, '1'),
      'anthropic-messages': anthropicRound({ input: { city: MARK } }, { content: '1' }),
      gemini: geminiRound({ args: { city: MARK } }, {}),
    },
  },
  {
    name: 'Id of a call',
    in: {
      'openai-chat': openaiRound({}, '1', MARK),
      'anthropic-messages': anthropicRound({ id: MARK }, { content: '1' }),
      gemini: geminiRound({ id: MARK }, { id: MARK }),
    },
  },
  {
    name: 'Result of a tool',
    in: {
      'openai-chat': openaiRound({}, MARK),
      'anthropic-messages': anthropicRound({}, { content: MARK }),
      gemini: geminiRound({}, { response: { deep: { er: MARK } } }),
    },
  },
  {
    name: 'Result of a tool: a picture',
    in: {
      'openai-chat': openaiRound({}, [{ type: 'image_url', image_url: { url: `data:image/png;base64,${IMAGE}` } }]),
      'anthropic-messages': anthropicRound(
        {},
        { content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: IMAGE } }] },
      ),
      gemini: geminiRound({}, { parts: [{ inlineData: { mimeType: 'image/png', data: IMAGE } }] }),
    },
  },
  {
    name: 'Result of a tool: that it failed',
    in: {
      'anthropic-messages': anthropicRound({}, { content: 'no', is_error: true }),
      gemini: geminiRound({}, { response: { error: 'no' } }),
    },
    isKept: (body) => has('is_error')(body) || has('error')(body) || JSON.stringify(body).includes('"status":"error"'),
  },
  {
    name: 'Cache marks',
    in: {
      'openai-chat': openaiSaid({ type: 'text', text: 'hi', cache_control: { type: 'ephemeral', ttl: '1h' } }),
      'anthropic-messages': anthropicSaid({
        type: 'text',
        text: 'hi',
        cache_control: { type: 'ephemeral', ttl: '1h' },
      }),
    },
    isKept: (body) => has('cache_control')(body) || has('prompt_cache_breakpoint')(body),
  },
  {
    name: 'Schema of the answer',
    in: {
      'openai-chat': openai({ response_format: { type: 'json_schema', json_schema: { name: 'a', schema: SCHEMA } } }),
      'anthropic-messages': anthropic({ output_config: { format: { type: 'json_schema', schema: SCHEMA } } }),
      gemini: gemini({ generationConfig: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA } }),
    },
  },
  {
    name: 'Stop sequences',
    in: {
      'openai-chat': openai({ stop: MARK }),
      'anthropic-messages': anthropic({ stop_sequences: [MARK] }),
      gemini: gemini({ generationConfig: { stopSequences: [MARK] } }),
    },
  },
  {
    name: 'End user',
    in: { 'openai-chat': openai({ user: MARK }), 'anthropic-messages': anthropic({ metadata: { user_id: MARK } }) },
  },
  {
    name: 'How much to think',
    in: {
      'openai-chat': openai({ reasoning_effort: 'low', max_tokens: 9000 }),
      'anthropic-messages': anthropic({ max_tokens: 9000, thinking: { type: 'enabled', budget_tokens: 2000 } }),
      gemini: gemini({ generationConfig: { maxOutputTokens: 9000, thinkingConfig: { thinkingBudget: 2000 } } }),
    },
    isKept: (body) =>
      body['reasoning_effort'] !== undefined ||
      isRecord(body['reasoning']) ||
      isRecord(body['thinking']) ||
      body['think'] !== undefined ||
      has('thinkingConfig')(body),
  },
];

const RESPONSES = requestWords(MARK, SCHEMA);
const COHERE = cohereRequestWords(MARK, SCHEMA);

export const REQUEST_THINGS: readonly RequestThing[] = BY_OTHERS.map((thing) => {
  const held = { 'openai-responses': RESPONSES[thing.name], cohere: COHERE[thing.name] };
  return { ...thing, in: { ...thing.in, ...compact(held) } };
});
