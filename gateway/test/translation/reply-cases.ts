/**
 * What can stand in a reply, how each protocol says it, and where its own clients look for it. A `MARK` stands for the thing:
 * where a client finds it, it was kept; where it comes back to its provider with the next request, it was carried.
 */
import {
  asArray,
  asRecord,
  asString,
  compact,
  isArray,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../src/lib/json.ts';
import type { ProviderWire, Wire } from './wires.ts';
import { cohereNext, cohereReply, cohereWords, ollamaReply, ollamaWords } from './cohere-things.ts';
import { reply, replyWords, said } from './responses-things.ts';

/** Stands for the thing itself; base64 of nothing, so that it may be a signature. */
export const MARK = 'bWFyaw';
/** The same for counts. */
export const COUNT = 7;

export interface Thing {
  readonly name: string;
  /** A whole reply that holds it, by provider; absent where the protocol has no such thing. */
  readonly in: Partial<Readonly<Record<ProviderWire, JsonRecord>>>;
  /** What a client of the protocol sees of it, in the field that is meant for it; absent where there is no such field. */
  readonly seen: Partial<Readonly<Record<Wire, (body: JsonRecord) => Json | undefined>>>;
}

function openai(message: JsonRecord, choice: JsonRecord = {}, more: JsonRecord = {}): JsonRecord {
  const said = { index: 0, message: { role: 'assistant', content: 'x', ...message }, finish_reason: 'stop', ...choice };
  return { id: 'chatcmpl-1', object: 'chat.completion', created: 1_790_000_000, model: 'm', choices: [said], ...more };
}

function anthropic(content: readonly JsonRecord[], more: JsonRecord = {}): JsonRecord {
  const usage = { input_tokens: 1, output_tokens: 1 };
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content,
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage,
    ...more,
  };
}

function gemini(parts: readonly JsonRecord[], candidate: JsonRecord = {}, more: JsonRecord = {}): JsonRecord {
  const said = { content: { role: 'model', parts }, finishReason: 'STOP', index: 0, ...candidate };
  return { candidates: [said], responseId: 'r1', modelVersion: 'm', ...more };
}

function bedrock(content: readonly JsonRecord[], more: JsonRecord = {}): JsonRecord {
  const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
  return { output: { message: { role: 'assistant', content } }, stopReason: 'end_turn', usage, ...more };
}

function prediction(more: JsonRecord): JsonRecord {
  return { id: 'p1', status: 'succeeded', output: ['x'], ...more };
}

function llama(more: JsonRecord): JsonRecord {
  return { generation: 'x', prompt_token_count: 20, generation_token_count: 20, stop_reason: 'stop', ...more };
}

function openaiUsage(usage: JsonRecord): JsonRecord {
  return openai({}, {}, { usage: { prompt_tokens: 20, completion_tokens: 20, total_tokens: 40, ...usage } });
}

function anthropicUsage(usage: JsonRecord): JsonRecord {
  return anthropic([{ type: 'text', text: 'x' }], { usage: { input_tokens: 20, output_tokens: 20, ...usage } });
}

function geminiUsage(usage: JsonRecord): JsonRecord {
  return gemini([{ text: 'x' }], {}, { usageMetadata: { promptTokenCount: 20, candidatesTokenCount: 20, ...usage } });
}

function bedrockUsage(usage: JsonRecord): JsonRecord {
  return bedrock([{ text: 'x' }], { usage: { inputTokens: 20, outputTokens: 20, totalTokens: 40, ...usage } });
}

/** Reads a dotted path; a number is a place in a list, `*` all of it. */
function at(path: string): (body: JsonRecord) => Json | undefined {
  const steps = path.split('.');
  return (body) => steps.reduce<Json | undefined>(stepInto, body);
}

function stepInto(value: Json | undefined, step: string): Json | undefined {
  if (step === '*') return value;
  if (isArray(value))
    return /^\d+$/.test(step) ? value[Number(step)] : value.map((item) => stepInto(item, step) ?? null);
  return isRecord(value) ? value[step] : undefined;
}

const OPENAI_MESSAGE = 'choices.0.message';
const GEMINI_PARTS = 'candidates.0.content.parts';

/** Only parts of the model's thoughts, or only the others. */
function geminiTexts(isThought: boolean): (body: JsonRecord) => Json | undefined {
  return (body) =>
    (asArray(at(GEMINI_PARTS)(body)) ?? []).map((part) =>
      isRecord(part) && (part['thought'] === true) === isThought ? (part['text'] ?? null) : null,
    );
}

function blocks(type: string, field: string): (body: JsonRecord) => Json | undefined {
  return (body) =>
    (asArray(body['content']) ?? []).map((block) =>
      isRecord(block) && block['type'] === type ? (block[field] ?? null) : null,
    );
}

const CALL = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } };

const CONTENT: readonly Thing[] = [
  {
    name: 'Text',
    in: {
      'openai-chat': openai({ content: MARK }),
      'anthropic-messages': anthropic([{ type: 'text', text: MARK }]),
      gemini: gemini([{ text: MARK }]),
      'bedrock-converse': bedrock([{ text: MARK }]),
      'bedrock-invoke': llama({ generation: MARK }),
      replicate: prediction({ output: [MARK] }),
    },
    seen: {
      'openai-chat': at(`${OPENAI_MESSAGE}.content`),
      'anthropic-messages': blocks('text', 'text'),
      gemini: geminiTexts(false),
    },
  },
  {
    name: 'Reasoning that can be read',
    in: {
      'openai-chat': openai({ reasoning_content: MARK }),
      'anthropic-messages': anthropic([
        { type: 'thinking', thinking: MARK, signature: 'c2ln' },
        { type: 'text', text: 'x' },
      ]),
      gemini: gemini([{ text: MARK, thought: true }, { text: 'x' }]),
      'bedrock-converse': bedrock([
        { reasoningContent: { reasoningText: { text: MARK, signature: 'c2ln' } } },
        { text: 'x' },
      ]),
    },
    seen: {
      'openai-chat': at(`${OPENAI_MESSAGE}.reasoning_content`),
      'anthropic-messages': blocks('thinking', 'thinking'),
      gemini: geminiTexts(true),
    },
  },
  {
    name: 'Signature of reasoning',
    in: {
      'openai-chat': openai({
        reasoning_details: [{ type: 'reasoning.text', text: 'hm', signature: MARK, format: 'unknown', index: 0 }],
      }),
      'anthropic-messages': anthropic([
        { type: 'thinking', thinking: 'hm', signature: MARK },
        { type: 'text', text: 'x' },
      ]),
      gemini: gemini([{ text: 'hm', thought: true, thoughtSignature: MARK }, { text: 'x' }]),
      'bedrock-converse': bedrock([
        { reasoningContent: { reasoningText: { text: 'hm', signature: MARK } } },
        { text: 'x' },
      ]),
    },
    seen: {},
  },
  {
    name: 'Sealed reasoning',
    in: {
      'openai-chat': openai({
        reasoning_details: [{ type: 'reasoning.encrypted', data: MARK, format: 'unknown', index: 0 }],
      }),
      'anthropic-messages': anthropic([
        { type: 'redacted_thinking', data: MARK },
        { type: 'text', text: 'x' },
      ]),
      'bedrock-converse': bedrock([{ reasoningContent: { redactedContent: MARK } }, { text: 'x' }]),
    },
    seen: {},
  },
  {
    name: 'Call of a tool: name and arguments',
    in: {
      'openai-chat': openai(
        { content: null, tool_calls: [{ ...CALL, function: { name: 'weather', arguments: `{"city":"${MARK}"}` } }] },
        { finish_reason: 'tool_calls' },
      ),
      'anthropic-messages': anthropic([{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: MARK } }], {
        stop_reason: 'tool_use',
      }),
      gemini: gemini([{ functionCall: { name: 'weather', args: { city: MARK } } }]),
      'bedrock-converse': bedrock([{ toolUse: { toolUseId: 'tooluse_1', name: 'weather', input: { city: MARK } } }], {
        stopReason: 'tool_use',
      }),
    },
    seen: {
      'openai-chat': at(`${OPENAI_MESSAGE}.tool_calls`),
      'anthropic-messages': blocks('tool_use', 'input'),
      gemini: at(`${GEMINI_PARTS}.functionCall`),
    },
  },
  {
    name: 'Call of a tool: arguments that are no object',
    in: {
      'openai-chat': openai(
        { content: null, tool_calls: [{ ...CALL, function: { name: 'weather', arguments: `["${MARK}"]` } }] },
        { finish_reason: 'tool_calls' },
      ),
    },
    seen: { 'anthropic-messages': blocks('tool_use', 'input'), gemini: at(`${GEMINI_PARTS}.functionCall`) },
  },
  {
    name: 'Id of a call',
    in: {
      'openai-chat': openai({ content: null, tool_calls: [{ ...CALL, id: MARK }] }, { finish_reason: 'tool_calls' }),
      'anthropic-messages': anthropic([{ type: 'tool_use', id: MARK, name: 'weather', input: {} }], {
        stop_reason: 'tool_use',
      }),
      gemini: gemini([{ functionCall: { id: MARK, name: 'weather', args: {} } }]),
      'bedrock-converse': bedrock([{ toolUse: { toolUseId: MARK, name: 'weather', input: {} } }], {
        stopReason: 'tool_use',
      }),
    },
    seen: {
      'openai-chat': at(`${OPENAI_MESSAGE}.tool_calls.0.id`),
      'anthropic-messages': blocks('tool_use', 'id'),
      gemini: at(`${GEMINI_PARTS}.functionCall`),
    },
  },
  {
    name: 'Signature of a call',
    in: {
      'openai-chat': openai(
        { content: null, tool_calls: [{ ...CALL, extra_content: { google: { thought_signature: MARK } } }] },
        { finish_reason: 'tool_calls' },
      ),
      gemini: gemini([{ functionCall: { name: 'weather', args: {} }, thoughtSignature: MARK }]),
    },
    seen: { gemini: at(`${GEMINI_PARTS}.thoughtSignature`) },
  },
  {
    name: 'Signature of a text',
    in: {
      'openai-chat': openai({ content: 'x', extra_content: { google: { thought_signature: MARK } } }),
      gemini: gemini([{ text: 'x', thoughtSignature: MARK }]),
    },
    seen: { gemini: at(`${GEMINI_PARTS}.thoughtSignature`) },
  },
  {
    name: 'Source with a web address',
    in: {
      'openai-chat': openai({
        annotations: [
          {
            type: 'url_citation',
            url_citation: { url: `https://a.example/${MARK}`, title: 'A', start_index: 0, end_index: 1 },
          },
        ],
      }),
      'anthropic-messages': anthropic([
        {
          type: 'text',
          text: 'x',
          citations: [
            {
              type: 'web_search_result_location',
              url: `https://a.example/${MARK}`,
              title: 'A',
              cited_text: 'w',
              encrypted_index: 'e',
            },
          ],
        },
      ]),
      gemini: gemini([{ text: 'x' }], {
        groundingMetadata: {
          groundingChunks: [{ web: { uri: `https://a.example/${MARK}`, title: 'A' } }],
          groundingSupports: [{ segment: { startIndex: 0, endIndex: 1, text: 'x' }, groundingChunkIndices: [0] }],
        },
      }),
      'bedrock-converse': bedrock([
        {
          citationsContent: {
            content: [{ text: 'x' }],
            citations: [{ title: 'A', location: { web: { url: `https://a.example/${MARK}` } } }],
          },
        },
      ]),
    },
    seen: {
      'openai-chat': at(`${OPENAI_MESSAGE}.annotations`),
      'anthropic-messages': blocks('text', 'citations'),
      gemini: at('candidates.0.groundingMetadata'),
    },
  },
  {
    name: 'Source without a web address',
    in: {
      'openai-chat': openai({
        annotations: [{ type: 'file_citation', file_citation: { file_id: MARK } }],
      }),
      'anthropic-messages': anthropic([
        {
          type: 'text',
          text: 'x',
          citations: [
            {
              type: 'char_location',
              cited_text: MARK,
              document_index: 0,
              document_title: 'A',
              start_char_index: 0,
              end_char_index: 1,
            },
          ],
        },
      ]),
      gemini: gemini([{ text: 'x' }], {
        groundingMetadata: {
          groundingChunks: [{ retrievedContext: { title: MARK } }],
          groundingSupports: [{ segment: { startIndex: 0, endIndex: 1, text: 'x' }, groundingChunkIndices: [0] }],
        },
      }),
      'bedrock-converse': bedrock([
        {
          citationsContent: { content: [{ text: 'x' }], citations: [{ title: 'A', sourceContent: [{ text: MARK }] }] },
        },
      ]),
    },
    seen: { 'openai-chat': at(`${OPENAI_MESSAGE}.annotations`), gemini: at('candidates.0.groundingMetadata') },
  },
  {
    name: 'Words of a refusal',
    in: {
      'openai-chat': openai({ content: null, refusal: MARK }),
      'anthropic-messages': anthropic([{ type: 'text', text: MARK }], { stop_reason: 'refusal' }),
      gemini: gemini([{ text: MARK }], { finishReason: 'SAFETY' }),
    },
    seen: {
      'openai-chat': at(`${OPENAI_MESSAGE}.*`),
      'anthropic-messages': blocks('text', 'text'),
      gemini: geminiTexts(false),
    },
  },
  {
    name: 'Log probabilities',
    in: {
      'openai-chat': openai(
        {},
        { logprobs: { content: [{ token: MARK, logprob: -1, bytes: null, top_logprobs: [] }] } },
      ),
      gemini: gemini([{ text: 'x' }], {
        logprobsResult: {
          chosenCandidates: [{ token: MARK, logProbability: -1 }],
          topCandidates: [{ candidates: [] }],
        },
      }),
    },
    seen: { 'openai-chat': at('choices.0.logprobs'), gemini: at('candidates.0.logprobsResult') },
  },
  {
    name: 'Second choice',
    in: {
      'openai-chat': {
        ...openai({}),
        choices: [
          ...(asArray(openai({})['choices']) ?? []),
          { index: 1, message: { role: 'assistant', content: MARK }, finish_reason: 'stop' },
        ],
      },
      gemini: {
        ...gemini([{ text: 'x' }]),
        candidates: [
          ...(asArray(gemini([{ text: 'x' }])['candidates']) ?? []),
          { index: 1, content: { role: 'model', parts: [{ text: MARK }] }, finishReason: 'STOP' },
        ],
      },
    },
    seen: { 'openai-chat': at('choices.1'), gemini: at('candidates.1') },
  },
  {
    name: 'Picture',
    in: {
      'openai-chat': openai({ images: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${MARK}==` } }] }),
      gemini: gemini([{ inlineData: { mimeType: 'image/png', data: `${MARK}==` } }]),
      'bedrock-converse': bedrock([{ image: { format: 'png', source: { bytes: `${MARK}==` } } }]),
    },
    seen: { 'openai-chat': at(`${OPENAI_MESSAGE}.images`), gemini: at(`${GEMINI_PARTS}.inlineData`) },
  },
  {
    name: 'Sound',
    in: {
      'openai-chat': openai({
        content: null,
        audio: { id: 'audio_1', data: MARK, transcript: 'hello', expires_at: 1 },
      }),
      gemini: gemini([{ inlineData: { mimeType: 'audio/L16;codec=pcm;rate=24000', data: MARK } }]),
    },
    seen: { 'openai-chat': at(`${OPENAI_MESSAGE}.audio`), gemini: at(`${GEMINI_PARTS}.inlineData`) },
  },
  {
    name: 'Words of a sound',
    in: {
      'openai-chat': openai({ content: null, audio: { id: 'audio_1', data: 'AAAA', transcript: MARK, expires_at: 1 } }),
    },
    seen: { 'anthropic-messages': blocks('text', 'text') },
  },
  {
    name: 'What the provider’s own tools did',
    in: {
      'openai-chat': openai(
        { content: null, tool_calls: [{ id: 'call_1', type: 'custom', custom: { name: 'shell', input: MARK } }] },
        { finish_reason: 'tool_calls' },
      ),
      'anthropic-messages': anthropic([
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: MARK } },
        { type: 'text', text: 'x' },
      ]),
      gemini: gemini([{ executableCode: { language: 'PYTHON', code: MARK } }, { text: 'x' }]),
      'bedrock-converse': bedrock([
        {
          toolUse: { toolUseId: 'tooluse_1', name: 'nova_grounding', type: 'server_tool_use', input: { query: MARK } },
        },
        { text: 'x' },
      ]),
    },
    seen: {},
  },
  {
    name: 'Which stop sequence ended the text',
    in: {
      'anthropic-messages': anthropic([{ type: 'text', text: 'x' }], {
        stop_reason: 'stop_sequence',
        stop_sequence: MARK,
      }),
    },
    seen: {},
  },
  {
    name: 'Id of the reply',
    in: {
      'openai-chat': { ...openai({}), id: MARK },
      'anthropic-messages': { ...anthropic([{ type: 'text', text: 'x' }]), id: MARK },
      gemini: { ...gemini([{ text: 'x' }]), responseId: MARK },
    },
    seen: { 'openai-chat': at('id'), 'anthropic-messages': at('id'), gemini: at('responseId') },
  },
  {
    name: 'The model’s name',
    in: {
      'openai-chat': { ...openai({}), model: MARK },
      'anthropic-messages': { ...anthropic([{ type: 'text', text: 'x' }]), model: MARK },
      gemini: { ...gemini([{ text: 'x' }]), modelVersion: MARK },
    },
    seen: { 'openai-chat': at('model'), 'anthropic-messages': at('model'), gemini: at('modelVersion') },
  },
  {
    name: 'Fields of the provider’s own',
    in: {
      'openai-chat': openai({}, {}, { system_fingerprint: MARK }),
      'anthropic-messages': anthropic([{ type: 'text', text: 'x' }], { container: { id: MARK } }),
      gemini: gemini([{ text: 'x' }], { finishMessage: MARK }),
      'bedrock-converse': bedrock([{ text: 'x' }], { trace: { promptRouter: { invokedModelId: MARK } } }),
    },
    // OpenAI's clients keep what they do not know.
    seen: { 'openai-chat': at('*') },
  },
];

const USAGE: readonly Thing[] = [
  {
    name: 'Tokens: input',
    in: {
      'openai-chat': openaiUsage({ prompt_tokens: COUNT, total_tokens: 27 }),
      'anthropic-messages': anthropicUsage({ input_tokens: COUNT }),
      gemini: geminiUsage({ promptTokenCount: COUNT }),
      'bedrock-converse': bedrockUsage({ inputTokens: COUNT, totalTokens: 27 }),
      'bedrock-invoke': llama({ prompt_token_count: COUNT }),
      replicate: prediction({ metrics: { input_token_count: COUNT } }),
    },
    seen: {
      'openai-chat': at('usage.prompt_tokens'),
      'anthropic-messages': at('usage.input_tokens'),
      gemini: at('usageMetadata.promptTokenCount'),
    },
  },
  {
    name: 'Tokens: input read from a cache',
    in: {
      'openai-chat': openaiUsage({ prompt_tokens_details: { cached_tokens: COUNT } }),
      'anthropic-messages': anthropicUsage({ cache_read_input_tokens: COUNT }),
      gemini: geminiUsage({ cachedContentTokenCount: COUNT }),
      'bedrock-converse': bedrockUsage({ cacheReadInputTokens: COUNT }),
    },
    seen: {
      'openai-chat': at('usage.prompt_tokens_details.cached_tokens'),
      'anthropic-messages': at('usage.cache_read_input_tokens'),
      gemini: at('usageMetadata.cachedContentTokenCount'),
    },
  },
  {
    name: 'Tokens: input written to a cache',
    in: {
      'openai-chat': openaiUsage({ prompt_tokens_details: { cache_write_tokens: COUNT } }),
      'anthropic-messages': anthropicUsage({ cache_creation_input_tokens: COUNT }),
      'bedrock-converse': bedrockUsage({ cacheWriteInputTokens: COUNT }),
    },
    seen: {
      'openai-chat': at('usage.prompt_tokens_details.cache_write_tokens'),
      'anthropic-messages': at('usage.cache_creation_input_tokens'),
    },
  },
  {
    name: 'Tokens: input written to a cache for an hour',
    in: {
      'anthropic-messages': anthropicUsage({
        cache_creation_input_tokens: 9,
        cache_creation: { ephemeral_1h_input_tokens: COUNT },
      }),
      'bedrock-converse': bedrockUsage({ cacheWriteInputTokens: 9, cacheDetails: [{ ttl: '1h', inputTokens: COUNT }] }),
    },
    seen: { 'anthropic-messages': at('usage.cache_creation.ephemeral_1h_input_tokens') },
  },
  {
    name: 'Tokens: input in sound',
    in: {
      'openai-chat': openaiUsage({ prompt_tokens_details: { audio_tokens: COUNT } }),
      gemini: geminiUsage({
        promptTokensDetails: [
          { modality: 'AUDIO', tokenCount: COUNT },
          { modality: 'TEXT', tokenCount: 13 },
        ],
      }),
    },
    seen: {
      'openai-chat': at('usage.prompt_tokens_details.audio_tokens'),
      gemini: at('usageMetadata.promptTokensDetails'),
    },
  },
  {
    name: 'Tokens: output',
    in: {
      'openai-chat': openaiUsage({ completion_tokens: COUNT, total_tokens: 27 }),
      'anthropic-messages': anthropicUsage({ output_tokens: COUNT }),
      gemini: geminiUsage({ candidatesTokenCount: COUNT }),
      'bedrock-converse': bedrockUsage({ outputTokens: COUNT, totalTokens: 27 }),
      'bedrock-invoke': llama({ generation_token_count: COUNT }),
      replicate: prediction({ metrics: { output_token_count: COUNT } }),
    },
    seen: {
      'openai-chat': at('usage.completion_tokens'),
      'anthropic-messages': at('usage.output_tokens'),
      gemini: at('usageMetadata.candidatesTokenCount'),
    },
  },
  {
    name: 'Tokens: output that was reasoning',
    in: {
      'openai-chat': openaiUsage({ completion_tokens_details: { reasoning_tokens: COUNT } }),
      'anthropic-messages': anthropicUsage({ output_tokens_details: { thinking_tokens: COUNT } }),
      gemini: geminiUsage({ thoughtsTokenCount: COUNT }),
    },
    seen: {
      'openai-chat': at('usage.completion_tokens_details.reasoning_tokens'),
      'anthropic-messages': at('usage.output_tokens_details.thinking_tokens'),
      gemini: at('usageMetadata.thoughtsTokenCount'),
    },
  },
  {
    name: 'Tokens: output in sound',
    in: {
      'openai-chat': openaiUsage({ completion_tokens_details: { audio_tokens: COUNT } }),
      gemini: geminiUsage({
        candidatesTokensDetails: [
          { modality: 'AUDIO', tokenCount: COUNT },
          { modality: 'TEXT', tokenCount: 13 },
        ],
      }),
    },
    seen: {
      'openai-chat': at('usage.completion_tokens_details.audio_tokens'),
      gemini: at('usageMetadata.candidatesTokensDetails'),
    },
  },
];

const RESPONSES = replyWords(MARK, COUNT);
const COHERE = cohereWords(MARK, COUNT);
const OLLAMA = ollamaWords(MARK, COUNT);

export const THINGS: readonly Thing[] = [...CONTENT, ...USAGE].map((thing) => {
  const responses = RESPONSES[thing.name];
  const cohere = COHERE[thing.name];
  const held = { 'openai-responses': responses?.in, cohere: cohere?.in, ollama: OLLAMA[thing.name] };
  const seen = { 'openai-responses': responses?.seen, cohere: cohere?.seen };
  return { ...thing, in: { ...thing.in, ...compact(held) }, seen: { ...thing.seen, ...compact(seen) } };
});

/** Words for the end of a reply, and a reply that ends so. */
export const ENDS: readonly { readonly from: ProviderWire; readonly word: string; readonly reply: JsonRecord }[] = [
  ...['stop', 'length', 'content_filter'].map((word) => ({
    from: 'openai-chat' as const,
    word,
    reply: openai({}, { finish_reason: word }),
  })),
  {
    from: 'openai-chat',
    word: 'tool_calls',
    reply: openai({ content: null, tool_calls: [CALL] }, { finish_reason: 'tool_calls' }),
  },
  ...['max_output_tokens', 'content_filter'].map((word) => ({
    from: 'openai-responses' as const,
    word,
    reply: reply([said('x')], { status: 'incomplete', incomplete_details: { reason: word } }),
  })),
  ...['completed', 'cancelled'].map((word) => ({
    from: 'openai-responses' as const,
    word,
    reply: reply([said('x')], { status: word }),
  })),
  ...['end_turn', 'max_tokens', 'model_context_window_exceeded', 'refusal', 'pause_turn'].map((word) => ({
    from: 'anthropic-messages' as const,
    word,
    reply: anthropic([{ type: 'text', text: 'x' }], { stop_reason: word }),
  })),
  {
    from: 'anthropic-messages',
    word: 'stop_sequence',
    reply: anthropic([{ type: 'text', text: 'x' }], { stop_reason: 'stop_sequence', stop_sequence: 'END' }),
  },
  {
    from: 'anthropic-messages',
    word: 'tool_use',
    reply: anthropic([{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} }], { stop_reason: 'tool_use' }),
  },
  ...['STOP', 'MAX_TOKENS', 'SAFETY', 'RECITATION', 'MALFORMED_FUNCTION_CALL', 'OTHER', 'LANGUAGE'].map((word) => ({
    from: 'gemini' as const,
    word,
    reply: gemini([{ text: 'x' }], { finishReason: word }),
  })),
  ...[
    'end_turn',
    'stop_sequence',
    'max_tokens',
    'guardrail_intervened',
    'content_filtered',
    'malformed_tool_use',
    'model_context_window_exceeded',
  ].map((word) => ({
    from: 'bedrock-converse' as const,
    word,
    reply: bedrock([{ text: 'x' }], { stopReason: word }),
  })),
  ...['stop', 'length'].map((word) => ({
    from: 'bedrock-invoke' as const,
    word,
    reply: llama({ stop_reason: word }),
  })),
  { from: 'replicate', word: 'succeeded', reply: prediction({}) },
  ...['COMPLETE', 'STOP_SEQUENCE', 'MAX_TOKENS', 'TOOL_CALL'].map((word) => ({
    from: 'cohere' as const,
    word,
    reply: cohereReply({}, { finish_reason: word }),
  })),
  ...['stop', 'length', 'load'].map((word) => ({
    from: 'ollama' as const,
    word,
    reply: ollamaReply({}, { done_reason: word }),
  })),
];

/** The word that ends a reply for a client. */
export function endOf(wire: Wire, body: JsonRecord): string {
  const why = asRecord(body['incomplete_details'])?.['reason'];
  if (wire === 'openai-responses') return asString(why) ?? asString(body['status']) ?? '';
  const path = {
    'openai-chat': 'choices.0.finish_reason',
    'anthropic-messages': 'stop_reason',
    gemini: 'candidates.0.finishReason',
    cohere: 'finish_reason',
  };
  return asString(at(path[wire])(body)) ?? '';
}

/** A request of a client that sends the reply back and goes on. */
export function nextRequest(wire: Wire, reply: JsonRecord): JsonRecord {
  const hi = { role: 'user', content: 'hi' };
  if (wire === 'cohere') return cohereNext(reply);
  if (wire === 'openai-chat') {
    const message = asRecord(at(OPENAI_MESSAGE)(reply)) ?? {};
    const results = (asArray(message['tool_calls']) ?? []).map((call) => ({
      role: 'tool',
      tool_call_id: asRecord(call)?.['id'] ?? null,
      content: '1',
    }));
    return { model: 'm', messages: [hi, message, ...(results.length === 0 ? [hi] : results)] };
  }
  if (wire === 'openai-responses') {
    const output = asArray(reply['output']) ?? [];
    const results = output.flatMap((item) => {
      const made = asRecord(item);
      if (made?.['type'] !== 'function_call') return [];
      return [{ type: 'function_call_output', call_id: made['call_id'] ?? null, output: '1' }];
    });
    return { model: 'm', input: [hi, ...output, ...(results.length === 0 ? [hi] : results)] };
  }
  if (wire === 'anthropic-messages') {
    const content = asArray(reply['content']) ?? [];
    const results = content.flatMap((block) =>
      asRecord(block)?.['type'] === 'tool_use'
        ? [{ type: 'tool_result', tool_use_id: asRecord(block)?.['id'] ?? null, content: '1' }]
        : [],
    );
    return {
      model: 'm',
      max_tokens: 100,
      messages: [hi, { role: 'assistant', content }, results.length === 0 ? hi : { role: 'user', content: results }],
    };
  }
  const content = asRecord(at('candidates.0.content')(reply)) ?? {};
  const results = (asArray(content['parts']) ?? []).flatMap((part) => {
    const call = asRecord(asRecord(part)?.['functionCall']);
    return call === undefined
      ? []
      : [
          {
            functionResponse: {
              name: call['name'] ?? null,
              ...(call['id'] === undefined ? {} : { id: call['id'] }),
              response: { output: '1' },
            },
          },
        ];
  });
  const user = { role: 'user', parts: [{ text: 'hi' }] };
  return { contents: [user, content, results.length === 0 ? user : { role: 'user', parts: results }] };
}
