/** Good requests with about every field of their protocol, and all that can be made of them by changing one place. */
import { isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import type { Protocol } from './bad-input.ts';

const PNG = 'iVBORw0KGgo=';
const SCHEMA = { type: 'object', properties: { a: { type: 'string', format: 'date' } } };

/** Without the model, which stands in the path for Gemini. */
export const RICH: Readonly<Record<Protocol, JsonRecord>> = {
  openai: {
    user: 'u',
    seed: 1,
    stop: ['x'],
    verbosity: 'low',
    metadata: { a: 'b' },
    tool_choice: 'auto',
    service_tier: 'auto',
    reasoning_effort: 'low',
    modalities: ['text'],
    audio: { voice: 'alloy', format: 'wav' },
    prediction: { type: 'content', content: 'x' },
    web_search_options: { search_context_size: 'low' },
    response_format: { type: 'json_schema', json_schema: { name: 'n', schema: SCHEMA } },
    tools: [
      { type: 'function', function: { name: 'f', description: 'd', parameters: SCHEMA } },
      {
        type: 'custom',
        custom: { name: 'c', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } } },
      },
    ],
    messages: [
      { role: 'system', content: 's' },
      { role: 'developer', content: 's' },
      {
        role: 'user',
        name: 'bob',
        content: [
          { type: 'text', text: 't', cache_control: { type: 'ephemeral', ttl: '5m' } },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'low' } },
          { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'r',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'x' },
      { role: 'user', content: 'hi' },
    ],
  },
  anthropic: {
    max_tokens: 5000,
    service_tier: 'auto',
    stop_sequences: ['x'],
    metadata: { user_id: 'u' },
    tool_choice: { type: 'tool', name: 'f' },
    thinking: { type: 'enabled', budget_tokens: 1024 },
    output_config: { effort: 'low', format: { type: 'json_schema', schema: SCHEMA } },
    system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    tools: [
      { name: 'f', description: 'd', input_schema: SCHEMA, cache_control: { type: 'ephemeral' } },
      { type: 'web_search_20250305', name: 'web_search' },
    ],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 't' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
          { type: 'document', title: 'x', source: { type: 'text', media_type: 'text/plain', data: 'x' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'x', signature: 's' },
          { type: 'redacted_thinking', data: 'x' },
          { type: 'tool_use', id: 'a', name: 'f', input: { a: 'b' } },
        ],
      },
      {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'text', text: 'x' }], is_error: true }],
      },
    ],
  },
  gemini: {
    labels: { a: 'b' },
    cachedContent: 'x',
    systemInstruction: { role: 'system', parts: [{ text: 's' }] },
    toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
    safetySettings: [{ category: 'HARM_CATEGORY_HATE_SPEECH', threshold: 'BLOCK_NONE' }],
    generationConfig: {
      stopSequences: ['x'],
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING', format: 'date' } } },
      responseModalities: ['TEXT'],
      mediaResolution: 'MEDIA_RESOLUTION_LOW',
      thinkingConfig: { thinkingLevel: 'LOW' },
      speechConfig: { languageCode: 'de', voiceConfig: { prebuiltVoiceConfig: { voiceName: 'x' } } },
    },
    tools: [
      { functionDeclarations: [{ name: 'f', description: 'd', parameters: { type: 'OBJECT' } }] },
      { googleSearch: {} },
    ],
    contents: [
      {
        role: 'user',
        parts: [
          { text: 't' },
          { inlineData: { mimeType: 'image/png', data: PNG } },
          { fileData: { mimeType: 'image/png', fileUri: 'gs://b/x' } },
        ],
      },
      {
        role: 'model',
        parts: [
          { text: 'x', thought: true, thoughtSignature: 'AAAA' },
          { functionCall: { id: 'a', name: 'f', args: { a: 'b' } } },
          { executableCode: { language: 'PYTHON', code: 'x' } },
        ],
      },
      { role: 'user', parts: [{ functionResponse: { id: 'a', name: 'f', response: { a: 'b' } } }] },
    ],
  },
};

type Path = readonly (string | number)[];

/** The record with `leaf` in the place of each of its inner values, one at a time, and where that is. */
export function* mutations(record: JsonRecord, leaf: Json): Generator<readonly [where: string, mutant: JsonRecord]> {
  for (const path of pathsOf(record)) {
    const mutant = put(record, path, leaf);
    if (path.length > 0 && isRecord(mutant)) yield [path.join('.'), mutant];
  }
}

function* pathsOf(value: Json, path: Path = []): Generator<Path> {
  yield path;
  if (isArray(value)) for (const [index, item] of value.entries()) yield* pathsOf(item, [...path, index]);
  else if (isRecord(value)) {
    for (const [key, item] of Object.entries(value)) if (item !== undefined) yield* pathsOf(item, [...path, key]);
  }
}

function put(value: Json, path: Path, leaf: Json): Json {
  const [head, ...rest] = path;
  if (head === undefined) return leaf;
  if (isArray(value)) return value.map((item, index) => (index === head ? put(item, rest, leaf) : item));
  return isRecord(value) ? { ...value, [head]: put(value[head] ?? null, rest, leaf) } : value;
}
