/** Messages requests, each with something that another protocol cannot say. */
import { AGE, CITY, FOREIGN_SIGNATURE, HI, OPENAI_SMALL, PNG, requestsFrom, type RequestCase } from './request-case.ts';
import { models } from './wires.ts';

const anthropic = requestsFrom('anthropic-messages', { model: 'm', max_tokens: 2000, messages: [HI] });

const ANTHROPIC_LOOP = [
  HI,
  { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Rome' } }] },
];

export const ANTHROPIC_CASES: readonly RequestCase[] = [
  anthropic('streams', { stream: true }),
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
  anthropic('shows a picture that Anthropic keeps', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'file', file_id: 'file_1' } },
          { type: 'text', text: 'hi' },
        ],
      },
    ],
  }),
  anthropic('tries very hard', { max_tokens: 9000, output_config: { effort: 'xhigh' } }),
  anthropic('holds one of its tools to its schema', {
    tools: [
      { name: 'weather', input_schema: CITY, strict: true },
      { name: 'time', input_schema: CITY },
    ],
  }),
  anthropic('wants JSON by a schema beside tools', {
    tools: [{ name: 'weather', input_schema: CITY }],
    output_config: { format: { type: 'json_schema', schema: CITY } },
  }),
];
