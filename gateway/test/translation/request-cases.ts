/**
 * Small requests, each with something that another protocol cannot say. Run through the dialects they make the page
 * docs/reference/translation.md: what it says of a loss is what happens to these.
 */
import type { Origin } from '../../src/chat/part.ts';
import type { EncodeTarget } from '../../src/dialects/dialect.ts';
import type { JsonRecord } from '../../src/lib/json.ts';

export type Wire = Extract<Origin, 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'gemini'>;
/** The protocols that clients speak. */
export const WIRES: readonly Wire[] = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'];
/** The three whose fields, signatures and odd places are walked in full; the others have suites of their own. */
export const WALKED = ['openai-chat', 'anthropic-messages', 'gemini'] as const;
export type WalkedWire = (typeof WALKED)[number];
/** Those that providers speak. */
export type ProviderWire = Wire | 'bedrock-converse' | 'bedrock-invoke';
export const PROVIDER_WIRES: readonly ProviderWire[] = [...WIRES, 'bedrock-converse', 'bedrock-invoke'];

export interface RequestCase {
  readonly from: Wire;
  /** What is special about it. */
  readonly says: string;
  readonly body: JsonRecord;
  /** Where it goes beside `DEFAULT_MODEL`: models that take less than others. */
  readonly at?: Partial<Readonly<Record<ProviderWire, readonly EncodeTarget[]>>>;
}

/** A model of which nothing is known but the protocol. */
export const DEFAULT_MODEL: Readonly<Record<ProviderWire, string>> = {
  'openai-chat': 'some-model',
  'openai-responses': 'some-model',
  'anthropic-messages': 'some-model',
  gemini: 'gemini-2.5-flash',
  'bedrock-converse': 'maker.some-model',
  'bedrock-invoke': 'meta.llama3-70b-instruct',
};

/** Bedrock has one wire for the models of many makers, and each takes another part of it: every case goes to one of each. */
export const BEDROCK_MODELS: readonly EncodeTarget[] = models(
  'anthropic.claude-haiku-4-5',
  'anthropic.claude-opus-4-8',
  'amazon.nova-2-lite',
  'meta.llama4-maverick',
  'openai.gpt-oss-120b',
);

const HI = { role: 'user', content: 'hi' } as const;
const PNG = 'iVBORw0KGgo=';
const CITY = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const AGE = {
  type: 'object',
  properties: { age: { type: 'integer', minimum: 0 } },
  required: ['age'],
  additionalProperties: false,
};
/** A signature of a protocol that none of these can read. */
const FOREIGN_SIGNATURE = 'turnout:cohere:c2ln';

function models(...names: readonly string[]): readonly EncodeTarget[] {
  return names.map((model) => ({ model }));
}

/** Objects of no further interest under these names. */
function fields(...names: readonly string[]): JsonRecord {
  return Object.fromEntries(names.map((name) => [name, { a: 'b' }]));
}

function openai(says: string, body: JsonRecord, at?: RequestCase['at']): RequestCase {
  return {
    from: 'openai-chat',
    says,
    body: { model: 'm', messages: [HI], ...body },
    ...(at === undefined ? {} : { at }),
  };
}

function anthropic(says: string, body: JsonRecord, at?: RequestCase['at']): RequestCase {
  return {
    from: 'anthropic-messages',
    says,
    body: { model: 'm', max_tokens: 2000, messages: [HI], ...body },
    ...(at === undefined ? {} : { at }),
  };
}

function gemini(says: string, body: JsonRecord, at?: RequestCase['at']): RequestCase {
  return {
    from: 'gemini',
    says,
    body: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }], ...body },
    ...(at === undefined ? {} : { at }),
  };
}

function openaiTool(name: string, parameters: JsonRecord, more: JsonRecord = {}): JsonRecord {
  return { type: 'function', function: { name, parameters, ...more } };
}

function openaiCall(id: string, text: string): JsonRecord {
  return { id, type: 'function', function: { name: 'weather', arguments: text } };
}

const WEATHER = openaiTool('weather', CITY);
const OPENAI_LOOP = [
  HI,
  { role: 'assistant', content: null, tool_calls: [openaiCall('c1', '{"city":"Rome"}')] },
  { role: 'tool', tool_call_id: 'c1', content: '21' },
];

const OPENAI_CASES: readonly RequestCase[] = [
  openai('wants to see reasoning that it does not ask for', { include_reasoning: true }),
  openai('puts thoughts into the mouth of the user', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  openai('has fields of its own that only keep books or save time', {
    ...fields('metadata', 'prediction', 'prompt_cache_options', 'stream_options', 'trace', 'usage'),
    store: true,
    service_tier: 'flex',
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
    session_id: 's',
    verbosity: 'low',
    cache_prompt: true,
    keep_alive: '5m',
    request_id: 'r',
    user_id: 'u',
    debug: true,
    typical_p: 0.5,
    top_a: 0.5,
    mirostat: 1,
    return_citations: true,
    clear_thinking: true,
    transforms: [],
    stream: true,
  }),
  openai('has a field that nobody knows', { a_field_of_tomorrow: 1 }),
  openai('searches the web', { web_search_options: {} }),
  openai('wants two choices', { n: 2 }),
  openai('wants log probabilities', { logprobs: true, top_logprobs: 2 }),
  openai('weights tokens', { logit_bias: { '50256': -100 } }),
  openai(
    'sets every way of sampling',
    { seed: 7, frequency_penalty: 0.5, presence_penalty: 0.5, top_k: 40, min_p: 0.1, repetition_penalty: 1.1 },
    { 'anthropic-messages': models('claude-opus-4-8') },
  ),
  openai(
    'is hot',
    { temperature: 1.5, top_p: 0.5 },
    { 'anthropic-messages': models('claude-opus-4-5', 'claude-opus-4-8') },
  ),
  openai('samples while it thinks', { temperature: 0.2, top_p: 0.5, max_tokens: 4000, reasoning_effort: 'low' }),
  openai('stops at white space', { stop: ['\n', 'END'] }),
  openai('has more stops than Google takes', { stop: ['1', '2', '3', '4', '5', '6'] }),
  openai(
    'wants more than the model gives',
    { max_tokens: 100_000 },
    { 'anthropic-messages': [{ model: 'some-model', maxOutputTokens: 8192 }] },
  ),
  openai('wants to be spoken to', { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'wav' } }),
  openai('names a voice only', { audio: { voice: 'alloy', format: 'wav' } }),
  openai('wants one call at a time', { tools: [WEATHER], parallel_tool_calls: false }),
  openai('has a strict tool of an open schema', { tools: [openaiTool('weather', AGE, { strict: true })] }),
  openai('has too many strict tools', {
    tools: Array.from({ length: 21 }, (_, index) => openaiTool(`t${index}`, CITY, { strict: true })),
  }),
  openai('has a tool of two forms', { tools: [openaiTool('weather', { anyOf: [CITY, AGE] })] }),
  openai('has a tool with a dot in its name', { tools: [openaiTool('city.weather', CITY)] }),
  openai('has a tool with fields of its own', { tools: [{ ...WEATHER, priority: 1 }] }),
  openai('has tools of its own kinds', {
    tools: [{ type: 'custom', custom: { name: 'shell' } }, { type: 'openrouter:advisor' }],
  }),
  openai('demands a call without tools', { tool_choice: 'required' }),
  openai(
    'demands a call',
    { tools: [WEATHER], tool_choice: 'required' },
    { 'anthropic-messages': models('claude-opus-5-5') },
  ),
  openai(
    'demands a call of a thinking model',
    { tools: [WEATHER], tool_choice: 'required', reasoning_effort: 'high', max_tokens: 50_000 },
    { 'anthropic-messages': models('claude-opus-4-6') },
  ),
  openai('forbids calls', { tools: [WEATHER], tool_choice: 'none' }),
  openai('wants any JSON', { response_format: { type: 'json_object' } }),
  openai(
    'wants JSON of a schema',
    { response_format: { type: 'json_schema', json_schema: { name: 'person', schema: AGE } } },
    { 'anthropic-messages': models('claude-3-7-sonnet') },
  ),
  openai(
    'thinks where the model does not',
    { reasoning_effort: 'high' },
    { 'anthropic-messages': models('claude-3-5-haiku'), gemini: [{ model: 'gemini-2.0-flash', canReason: false }] },
  ),
  openai(
    'does not think where the model always does',
    { reasoning_effort: 'none' },
    {
      'anthropic-messages': models('claude-opus-5-5', 'claude-sonnet-5-5'),
      gemini: models('gemini-2.5-pro', 'gemini-3.5-flash'),
    },
  ),
  openai(
    'thinks as hard as it can',
    { reasoning_effort: 'xhigh' },
    { 'anthropic-messages': models('claude-opus-4-6'), gemini: models('gemini-3.5-flash') },
  ),
  openai(
    'thinks with a budget',
    { reasoning: { max_tokens: 5000 } },
    { 'anthropic-messages': models('claude-opus-4-8'), gemini: models('gemini-3.5-flash') },
  ),
  openai(
    'thinks with a budget where the model does not',
    { reasoning: { max_tokens: 5000 } },
    { 'anthropic-messages': models('claude-3-5-haiku') },
  ),
  openai('thinks with too small a budget', { reasoning: { max_tokens: 100 } }, { gemini: models('gemini-2.5-pro') }),
  openai('thinks with too much effort for its budget', { reasoning_effort: 'max' }),
  openai('thinks with more tokens than it may give', { reasoning_effort: 'high', max_tokens: 2000 }),
  openai('thinks with fewer tokens than thinking takes', { reasoning_effort: 'low', max_tokens: 500 }),
  openai('thinks on in a loop that began without', {
    messages: OPENAI_LOOP,
    tools: [WEATHER],
    reasoning_effort: 'low',
    max_tokens: 5000,
  }),
  openai('names the end user at length', { user: 'u'.repeat(300) }),
  openai('names a participant', { messages: [{ ...HI, name: 'bob' }] }),
  openai('instructs in the middle', {
    messages: [HI, { role: 'assistant', content: 'yes' }, { role: 'system', content: 'be brief' }, HI],
  }),
  openai('only instructs', { messages: [{ role: 'system', content: 'say hi' }] }),
  openai('instructs with a picture', {
    messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'https://a.example/b.png' } }] }, HI],
  }),
  openai('says nothing', { messages: [{ role: 'user', content: '' }] }),
  openai('lets the assistant begin', { messages: [{ role: 'assistant', content: 'hi' }, HI] }),
  openai(
    'begins the answer',
    { messages: [HI, { role: 'assistant', content: 'Once' }] },
    { 'anthropic-messages': models('claude-opus-4-6') },
  ),
  openai('marks five places to be kept', {
    messages: [
      {
        role: 'user',
        content: ['a', 'b', 'c', 'd', 'e'].map((text) => ({
          type: 'text',
          text,
          cache_control: { type: 'ephemeral' },
        })),
      },
    ],
  }),
  openai('marks a tool to be kept', { tools: [{ ...WEATHER, cache_control: { type: 'ephemeral' } }] }),
  openai('looks closely', {
    messages: [
      {
        role: 'user',
        content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'low' } }],
      },
    ],
  }),
  openai('sends a file by name', {
    messages: [
      {
        role: 'user',
        content: [{ type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } }],
      },
    ],
  }),
  openai('sends a file of a kind that is not read', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'file', file: { file_data: 'data:application/zip;base64,UEsDBA==' } },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  openai('sends a file by its id', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'file', file: { file_id: 'file-1' } },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  openai('sends sound', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'input_audio', input_audio: { data: 'UklGRgAA', format: 'wav' } },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  openai('sends a film', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'video_url', video_url: { url: 'https://a.example/b.mp4' } },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  openai('gives back a spoken answer', {
    messages: [HI, { role: 'assistant', content: null, audio: { id: 'audio_1' } }, HI],
  }),
  openai('gives back a spoken answer with its words', {
    messages: [HI, { role: 'assistant', content: null, audio: { id: 'audio_1', transcript: 'hello' } }, HI],
  }),
  openai('gives back sources', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: 'x',
        annotations: [
          {
            type: 'url_citation',
            url_citation: { url: 'https://a.example', title: 'A', start_index: 0, end_index: 1 },
          },
        ],
      },
      HI,
    ],
  }),
  openai('gives back a refusal', { messages: [HI, { role: 'assistant', content: null, refusal: 'no' }, HI] }),
  openai('gives back reasoning', { messages: [HI, { role: 'assistant', content: 'x', reasoning_content: 'hm' }, HI] }),
  openai('gives back sealed reasoning', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: 'x',
        reasoning_details: [{ type: 'reasoning.encrypted', data: 'c2VhbGVk', format: 'unknown', index: 0 }],
      },
      HI,
    ],
  }),
  openai('gives back a signed call', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ ...openaiCall('c1', '{}'), extra_content: { google: { thought_signature: 'c2ln' } } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '21' },
    ],
  }),
  openai('gives back reasoning signed by Claude', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: 'x',
        reasoning_details: [
          { type: 'reasoning.text', text: 'hm', signature: 'c2ln', format: 'anthropic-claude-v1', index: 0 },
        ],
      },
      HI,
    ],
  }),
  openai('gives back a call with broken arguments', {
    messages: [
      HI,
      { role: 'assistant', content: null, tool_calls: [openaiCall('c1', '["Rome"]')] },
      { role: 'tool', tool_call_id: 'c1', content: '21' },
    ],
  }),
  openai('answers a call that nobody made', { messages: [HI, { role: 'tool', tool_call_id: 'c9', content: '21' }] }),
  openai('answers a call with a picture', {
    messages: [
      ...OPENAI_LOOP.slice(0, 2),
      {
        role: 'tool',
        tool_call_id: 'c1',
        content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }],
      },
    ],
  }),
  openai('says things in messages that only it knows', { messages: [{ ...HI, weight: 1 }] }),
];

const ANTHROPIC_LOOP = [
  HI,
  { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Rome' } }] },
];
const OPENAI_SMALL = { 'openai-chat': models('gpt-5-nano') };

const ANTHROPIC_CASES: readonly RequestCase[] = [
  anthropic('does not want to see the reasoning', { thinking: { type: 'adaptive', display: 'omitted' } }),
  anthropic('puts thoughts and calls into the mouth of the user', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'thinking', thinking: 'hm', signature: '' },
          { type: 'tool_use', id: 'c1', name: 'f', input: {} },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  anthropic('has a result in the mouth of the assistant', {
    messages: [HI, { role: 'assistant', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'x' }] }, HI],
  }),
  anthropic('marks the cache after an empty result', {
    messages: [
      HI,
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'f', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', cache_control: { type: 'ephemeral' } }] },
    ],
  }),
  anthropic('forbids calls', { tools: [{ name: 'weather', input_schema: CITY }], tool_choice: { type: 'none' } }),
  anthropic('begins the answer', { messages: [HI, { role: 'assistant', content: 'Once' }] }),
  anthropic('wants JSON of a schema', { output_config: { format: { type: 'json_schema', schema: AGE } } }),
  anthropic('sends a document by its address, and one with dots in its name', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'document', source: { type: 'url', url: 'https://a.example/b.pdf' } },
          {
            type: 'document',
            title: 'a.b.pdf',
            source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
          },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  anthropic('has a field that nobody knows', { a_field_of_tomorrow: 1 }),
  anthropic('has fields of its own', { context_management: { edits: [] }, service_tier: 'auto', speed: 'fast' }),
  anthropic('lets the provider call servers', {
    mcp_servers: [{ type: 'url', url: 'https://a.example', name: 'a' }],
    container: 'c',
  }),
  anthropic('demands a call of such a tool', {
    tools: [{ type: 'web_search_20250305', name: 'web_search' }],
    tool_choice: { type: 'any' },
  }),
  anthropic('loads a tool later', { tools: [{ name: 'weather', input_schema: CITY, defer_loading: true }] }),
  anthropic('has a strict tool', { tools: [{ name: 'weather', input_schema: CITY, strict: true }] }),
  anthropic('wants one call at a time', {
    tools: [{ name: 'weather', input_schema: CITY }],
    tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  }),
  anthropic('sets its sampling', { temperature: 0.2, top_p: 0.5, top_k: 40 }, OPENAI_SMALL),
  anthropic(
    'has more stops than others take',
    { stop_sequences: ['1', '2', '3', '4', '5', '6'] },
    { 'openai-chat': models('gpt-4o', 'o3') },
  ),
  anthropic('wants one token', { max_tokens: 1 }, OPENAI_SMALL),
  anthropic(
    'thinks with a budget',
    { max_tokens: 9000, thinking: { type: 'enabled', budget_tokens: 5000 } },
    { 'openai-chat': models('gpt-4o'), gemini: models('gemini-3.5-flash') },
  ),
  anthropic('thinks with a great budget', { max_tokens: 90_000, thinking: { type: 'enabled', budget_tokens: 60_000 } }),
  anthropic(
    'thinks where the model does not',
    { output_config: { effort: 'high' } },
    { 'openai-chat': models('gpt-4o'), gemini: [{ model: 'gemini-2.0-flash', canReason: false }] },
  ),
  anthropic(
    'thinks as hard as it can',
    { output_config: { effort: 'max' } },
    { ...OPENAI_SMALL, gemini: models('gemini-3.5-flash', 'gemini-2.5-flash') },
  ),
  anthropic(
    'does not think',
    { thinking: { type: 'disabled' } },
    { ...OPENAI_SMALL, gemini: models('gemini-3.5-flash', 'gemini-2.5-pro') },
  ),
  anthropic('marks what is to be kept', {
    system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral', ttl: '1h' } }],
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hi', cache_control: { type: 'ephemeral' } }] }],
    tools: [{ name: 'weather', input_schema: CITY, cache_control: { type: 'ephemeral' } }],
  }),
  anthropic('names the end user', { metadata: { user_id: 'u1' } }),
  anthropic('instructs in the middle', { messages: [HI, { role: 'system', content: 'be brief' }] }),
  anthropic('sends a document as text', {
    messages: [
      {
        role: 'user',
        content: [{ type: 'document', title: 'A', source: { type: 'text', media_type: 'text/plain', data: 'words' } }],
      },
    ],
  }),
  anthropic('sends a file by its id', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'document', source: { type: 'file', file_id: 'file_1' } },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  anthropic('sends a block that only it knows', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'container_upload', file_id: 'file_1' },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  anthropic('says things in messages that only it knows', {
    messages: [{ role: 'user', content: [{ type: 'text', text: 'hi', note: 'x' }], output_config: { effort: 'low' } }],
  }),
  anthropic('tells that a call failed', {
    messages: [
      ...ANTHROPIC_LOOP,
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: 'no', is_error: true }] },
    ],
  }),
  anthropic('answers a call with a picture', {
    messages: [
      ...ANTHROPIC_LOOP,
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 't1',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }],
          },
        ],
      },
    ],
  }),
  anthropic('answers a call that nobody made', {
    messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't9', content: '21' }] }],
  }),
  anthropic('gives back signed thinking', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
          { type: 'text', text: 'x' },
        ],
      },
      HI,
    ],
  }),
  anthropic('gives back sealed thinking', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: [
          { type: 'redacted_thinking', data: 'c2VhbGVk' },
          { type: 'text', text: 'x' },
        ],
      },
      HI,
    ],
  }),
  anthropic('gives back thinking of a third provider', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: FOREIGN_SIGNATURE },
          { type: 'text', text: 'x' },
        ],
      },
      HI,
    ],
  }),
  anthropic('gives back sources', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: [
          {
            type: 'text',
            text: 'x',
            citations: [
              {
                type: 'char_location',
                cited_text: 'w',
                document_index: 0,
                document_title: 'A',
                start_char_index: 0,
                end_char_index: 1,
              },
            ],
          },
        ],
      },
      HI,
    ],
  }),
  anthropic('gives back what the provider’s tools did', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: [
          { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
          { type: 'text', text: 'x' },
        ],
      },
      HI,
    ],
  }),
];

const GEMINI_CASES: readonly RequestCase[] = [
  gemini('wants to see reasoning that it does not ask for', {
    generationConfig: { thinkingConfig: { includeThoughts: true } },
  }),
  gemini('puts calls into the mouth of the user', {
    contents: [{ role: 'user', parts: [{ functionCall: { name: 'f', args: {} } }, { text: 'hi' }] }],
  }),
  gemini('names alternatives to tokens that it does not ask for', { generationConfig: { logprobs: 2 } }),
  gemini('has a field that nobody knows', { aFieldOfTomorrow: 1, generationConfig: { anotherOne: 1 } }),
  gemini('has fields of its own', {
    safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
    labels: { team: 'a' },
    generationConfig: { mediaResolution: 'MEDIA_RESOLUTION_LOW' },
  }),
  gemini('goes on from a cache', { cachedContent: 'cachedContents/1' }),
  gemini('forbids calls', {
    tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY }] }],
    toolConfig: { functionCallingConfig: { mode: 'NONE' } },
  }),
  gemini('has tools that Google runs', { tools: [{ googleSearch: {} }] }),
  gemini('demands a call of such a tool', {
    tools: [{ codeExecution: {} }],
    toolConfig: { functionCallingConfig: { mode: 'ANY' } },
  }),
  gemini('holds calls to their schemas', {
    tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY }] }],
    toolConfig: { functionCallingConfig: { mode: 'VALIDATED', allowedFunctionNames: ['weather'] } },
  }),
  gemini(
    'demands a call',
    {
      tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY }] }],
      toolConfig: { functionCallingConfig: { mode: 'ANY' } },
    },
    { 'anthropic-messages': models('claude-opus-5-5') },
  ),
  gemini('has a tool with a dot in its name', {
    tools: [{ functionDeclarations: [{ name: 'city.weather', parameters: CITY }] }],
  }),
  gemini('has a tool of two forms', {
    tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: { anyOf: [CITY, AGE] } }] }],
  }),
  gemini('has a tool that waits', {
    tools: [{ functionDeclarations: [{ name: 'weather', parameters: CITY, behavior: 'NON_BLOCKING' }] }],
  }),
  gemini('sets every way of sampling', {
    generationConfig: { seed: 7, frequencyPenalty: 0.5, presencePenalty: 0.5, topK: 40 },
  }),
  gemini(
    'is hot',
    { generationConfig: { temperature: 1.5, topP: 0.5 } },
    { ...OPENAI_SMALL, 'anthropic-messages': models('claude-opus-4-5', 'claude-opus-4-8') },
  ),
  gemini('samples while it thinks', {
    generationConfig: {
      temperature: 0.2,
      topP: 0.5,
      topK: 40,
      maxOutputTokens: 9000,
      thinkingConfig: { thinkingBudget: 2000 },
    },
  }),
  gemini('wants two choices', { generationConfig: { candidateCount: 2 } }),
  gemini('wants log probabilities', { generationConfig: { responseLogprobs: true, logprobs: 2 } }),
  gemini('stops at white space', { generationConfig: { stopSequences: ['\n', 'END'] } }),
  gemini(
    'has more stops than OpenAI takes',
    { generationConfig: { stopSequences: ['1', '2', '3', '4', '5'] } },
    { 'openai-chat': models('gpt-4o', 'o3') },
  ),
  gemini('wants one token', { generationConfig: { maxOutputTokens: 1 } }, OPENAI_SMALL),
  gemini(
    'wants more than the model gives',
    { generationConfig: { maxOutputTokens: 100_000 } },
    { 'anthropic-messages': [{ model: 'some-model', maxOutputTokens: 8192 }] },
  ),
  gemini('wants to be spoken to', {
    generationConfig: {
      responseModalities: ['AUDIO'],
      speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: 'Kore' } } },
    },
  }),
  gemini('wants a picture', { generationConfig: { responseModalities: ['TEXT', 'IMAGE'] } }),
  gemini('wants any JSON', { generationConfig: { responseMimeType: 'application/json' } }),
  gemini(
    'wants JSON of a schema',
    { generationConfig: { responseMimeType: 'application/json', responseSchema: AGE } },
    { 'anthropic-messages': models('claude-3-7-sonnet') },
  ),
  gemini('wants a word of a list', {
    generationConfig: { responseMimeType: 'text/x.enum', responseSchema: { type: 'STRING', enum: ['a', 'b'] } },
  }),
  gemini(
    'thinks with a budget',
    { generationConfig: { thinkingConfig: { thinkingBudget: 5000 } } },
    { 'openai-chat': models('gpt-4o'), 'anthropic-messages': models('claude-opus-4-8', 'claude-3-5-haiku') },
  ),
  gemini(
    'thinks at a level where the model does not',
    { generationConfig: { thinkingConfig: { thinkingLevel: 'LOW' } } },
    { 'openai-chat': models('gpt-4o'), 'anthropic-messages': models('claude-3-5-haiku') },
  ),
  gemini('thinks with too small a budget', {
    generationConfig: { maxOutputTokens: 9000, thinkingConfig: { thinkingBudget: 100 } },
  }),
  gemini('thinks with fewer tokens than thinking takes', {
    generationConfig: { maxOutputTokens: 500, thinkingConfig: { thinkingLevel: 'LOW' } },
  }),
  gemini('thinks with more tokens than it may give', {
    generationConfig: { maxOutputTokens: 2000, thinkingConfig: { thinkingLevel: 'HIGH' } },
  }),
  gemini(
    'thinks as little as it can',
    { generationConfig: { thinkingConfig: { thinkingLevel: 'MINIMAL' } } },
    { 'openai-chat': models('gpt-5.4') },
  ),
  gemini(
    'does not think',
    { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } },
    { ...OPENAI_SMALL, 'anthropic-messages': models('claude-opus-5-5') },
  ),
  gemini('instructs with a picture', {
    systemInstruction: { parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }] },
  }),
  gemini('lets the model begin', {
    contents: [
      { role: 'model', parts: [{ text: 'hi' }] },
      { role: 'user', parts: [{ text: 'hi' }] },
    ],
  }),
  gemini(
    'begins the answer',
    {
      contents: [
        { role: 'user', parts: [{ text: 'hi' }] },
        { role: 'model', parts: [{ text: 'Once' }] },
      ],
    },
    { 'anthropic-messages': models('claude-opus-4-6') },
  ),
  gemini('sends sound and film', {
    contents: [
      {
        role: 'user',
        parts: [
          { inlineData: { mimeType: 'audio/wav', data: 'UklGRgAA' } },
          { inlineData: { mimeType: 'video/mp4', data: 'AAAA' } },
          { text: 'hi' },
        ],
      },
    ],
  }),
  gemini('sends a file of a kind that is not read', {
    contents: [
      { role: 'user', parts: [{ inlineData: { mimeType: 'application/zip', data: 'UEsDBA==' } }, { text: 'hi' }] },
    ],
  }),
  gemini('only sends a file that Google keeps', {
    systemInstruction: { parts: [{ text: 'what is it?' }] },
    contents: [{ role: 'user', parts: [{ fileData: { mimeType: 'image/png', fileUri: 'gs://a/b.png' } }] }],
  }),
  gemini('says things in parts that only it knows', {
    contents: [{ role: 'user', parts: [{ text: 'hi', partMetadata: { a: 'b' } }] }],
  }),
  gemini('gives back a picture and a page', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      {
        role: 'model',
        parts: [
          { inlineData: { mimeType: 'image/png', data: PNG } },
          { inlineData: { mimeType: 'application/pdf', data: 'JVBERi0=' } },
        ],
      },
      { role: 'user', parts: [{ text: 'hi' }] },
    ],
  }),
  gemini('gives back thoughts and signatures', {
    contents: [
      { role: 'user', parts: [{ text: 'hi', thoughtSignature: 'c2ln' }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true },
          { text: 'x', thoughtSignature: 'c2ln' },
          { functionCall: { name: 'weather', args: {} }, thoughtSignature: 'c2ln' },
        ],
      },
      { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { output: '21' } } }] },
    ],
  }),
  gemini('gives back thoughts of a third provider', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      {
        role: 'model',
        parts: [
          { text: 'hm', thought: true, thoughtSignature: Buffer.from(FOREIGN_SIGNATURE).toString('base64') },
          { text: 'x' },
        ],
      },
      { role: 'user', parts: [{ text: 'hi' }] },
    ],
  }),
  gemini('thinks on in a loop that began without', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ functionCall: { name: 'weather', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'weather', response: { output: '21' } } }] },
    ],
    generationConfig: { maxOutputTokens: 9000, thinkingConfig: { thinkingBudget: 2000 } },
  }),
  gemini('gives back what Google ran', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ executableCode: { language: 'PYTHON', code: '1' } }, { text: 'x' }] },
      { role: 'user', parts: [{ text: 'hi' }] },
    ],
  }),
  gemini('tells that a call failed, with a picture', {
    contents: [
      { role: 'user', parts: [{ text: 'hi' }] },
      { role: 'model', parts: [{ functionCall: { name: 'weather', args: {} } }] },
      {
        role: 'user',
        parts: [
          {
            functionResponse: {
              name: 'weather',
              response: { error: 'no' },
              parts: [{ inlineData: { mimeType: 'image/png', data: PNG } }],
            },
          },
        ],
      },
    ],
  }),
];

function responses(says: string, body: JsonRecord, at?: RequestCase['at']): RequestCase {
  return {
    from: 'openai-responses',
    says,
    body: { model: 'm', input: [HI], ...body },
    ...(at === undefined ? {} : { at }),
  };
}

/** What only differs at OpenAI's own models, over this wire as over the other. */
const OPENAI_AT_RESPONSES: readonly RequestCase[] = [
  openai('thinks where the model cannot', { reasoning_effort: 'low' }, { 'openai-responses': models('gpt-4o') }),
  openai(
    'thinks with a budget where the model cannot',
    { reasoning: { max_tokens: 4000 } },
    { 'openai-responses': models('gpt-4o') },
  ),
  openai('does not think where the model must', { reasoning_effort: 'none' }, { 'openai-responses': models('o3') }),
  openai('samples where the model thinks', { temperature: 0.2, top_p: 0.5 }, { 'openai-responses': models('o3') }),
  openai('wants one token', { max_tokens: 1 }),
];

const SMALL_EFFORTS = { 'openai-chat': models('o3'), 'anthropic-messages': models('claude-sonnet-4-5') } as const;
const MOST_EFFORTS = { gemini: models('gemini-2.5-pro', 'gemini-3.5-flash') } as const;
const RESPONSES_TOOL = { type: 'function', name: 'weather', parameters: CITY, strict: true } as const;

const RESPONSES_CASES: readonly RequestCase[] = [
  responses(
    'has fields of its own that only keep books or save time',
    fields('metadata', 'client_metadata', 'prompt_cache_options'),
  ),
  responses(
    'wants to see the reasoning',
    { reasoning: { summary: 'auto' } },
    {
      'openai-chat': models('o3'),
      'anthropic-messages': models('claude-3-5-haiku'),
    },
  ),
  responses('forbids calls', { tools: [RESPONSES_TOOL], tool_choice: 'none' }),
  responses('sends a document by its address', {
    input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'https://a.example/b.pdf' }] }],
  }),
  responses('has a picture by its address in a result', {
    input: [
      HI,
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}' },
      {
        type: 'function_call_output',
        call_id: 'c1',
        output: [{ type: 'input_image', image_url: 'https://a.example/b.png' }],
      },
    ],
  }),
  responses('chooses how many words to make', { text: { verbosity: 'low' } }),
  responses('asks with a prompt that OpenAI keeps', { prompt: { id: 'pmpt_1' } }),
  responses('has a tool that OpenAI runs', { tools: [{ type: 'web_search' }] }),
  responses('gives back what OpenAI ran', {
    input: [
      HI,
      { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'a' } },
      HI,
    ],
  }),
  responses('has a group of tools', {
    tools: [
      {
        type: 'namespace',
        name: 'weather',
        description: 'Weather of cities.',
        tools: [{ type: 'function', name: 'now', parameters: CITY }],
      },
    ],
  }),
  responses(
    'thinks where the model cannot',
    { reasoning: { effort: 'low' } },
    {
      'openai-chat': models('gpt-4o'),
      'anthropic-messages': models('claude-3-5-haiku'),
    },
  ),
  responses('thinks with the least effort', { reasoning: { effort: 'minimal' } }, SMALL_EFFORTS),
  responses('thinks with the greatest effort', { reasoning: { effort: 'max' } }, MOST_EFFORTS),
  responses(
    'samples where the model thinks',
    { temperature: 0.2 },
    {
      'openai-chat': models('o3'),
      'anthropic-messages': models('claude-opus-5-5'),
    },
  ),
  responses('wants one token', { max_output_tokens: 1 }, { 'openai-chat': models('o3') }),
  responses(
    'wants numbers within bounds',
    { text: { format: { type: 'json_schema', name: 'a', schema: AGE } } },
    {
      'anthropic-messages': models('claude-3-5-haiku'),
    },
  ),
  responses('wants any JSON', { text: { format: { type: 'json_object' } } }),
  responses('has a strict tool, one call at a time', { tools: [RESPONSES_TOOL], parallel_tool_calls: false }),
  responses(
    'demands a call',
    { tools: [RESPONSES_TOOL], tool_choice: 'required' },
    {
      'anthropic-messages': models('claude-opus-5-5'),
    },
  ),
  responses('lets the assistant begin', { input: [{ role: 'assistant', content: 'hi' }, HI] }),
  responses(
    'lets the assistant go on',
    { input: [HI, { role: 'assistant', content: 'I am' }] },
    {
      'anthropic-messages': models('claude-opus-5-5'),
    },
  ),
  responses('names the end user', { user: 'u1' }),
  responses('marks what is to be kept', {
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'hi', prompt_cache_breakpoint: { mode: 'explicit' } }] },
    ],
  }),
  responses('sends a file by name, and looks closely', {
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
          { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'high' },
        ],
      },
    ],
  }),
  responses('sends a file by its id', {
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'hi' },
          { type: 'input_file', file_id: 'file-1' },
        ],
      },
    ],
  }),
  responses('answers a call that nobody made', {
    input: [HI, { type: 'function_call_output', call_id: 'c9', output: '21' }],
  }),
  responses('gives back sealed reasoning', {
    input: [
      HI,
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'gAAAA' },
      { role: 'assistant', content: 'x' },
      HI,
    ],
  }),
  responses('gives back sources', {
    input: [
      HI,
      {
        role: 'assistant',
        content: [{ type: 'output_text', text: 'x', annotations: [{ type: 'file_citation', file_id: 'f', index: 0 }] }],
      },
      HI,
    ],
  }),
];

export const REQUEST_CASES: readonly RequestCase[] = [
  ...OPENAI_CASES,
  ...OPENAI_AT_RESPONSES,
  ...RESPONSES_CASES,
  ...ANTHROPIC_CASES,
  ...GEMINI_CASES,
];
