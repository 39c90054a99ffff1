/** Chat completions, each with something that another protocol cannot say. */
import type { JsonRecord } from '../../src/lib/json.ts';
import { AGE, CITY, fields, HI, PNG, requestsFrom, type RequestCase } from './request-case.ts';
import { models } from './wires.ts';

const openai = requestsFrom('openai-chat', { model: 'm', messages: [HI] });

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

export const OPENAI_CASES: readonly RequestCase[] = [
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
  openai('stops at a text with a comma in it', { stop: ['a,b'] }),
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
  openai('has a tool of its own kind', { tools: [{ type: 'custom', custom: { name: 'shell' } }] }),
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
  openai('holds one of its tools to its schema', {
    tools: [openaiTool('weather', CITY, { strict: true }), openaiTool('time', CITY)],
  }),
  openai('wants JSON by a schema beside tools', {
    tools: [WEATHER],
    response_format: { type: 'json_schema', json_schema: { name: 'a', schema: CITY } },
  }),
  openai(
    'asks a model to think that cannot',
    { reasoning_effort: 'low' },
    {
      cohere: [{ model: 'some-model', canReason: false }],
      ollama: [{ model: 'some-model', canReason: false }],
    },
  ),
];

/** What only differs at OpenAI's own models, over this wire as over the other. */
export const OPENAI_AT_RESPONSES: readonly RequestCase[] = [
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
