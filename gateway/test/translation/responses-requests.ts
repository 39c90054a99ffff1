/** Requests of the Responses API, each with something that another protocol cannot say. */
import { AGE, CITY, fields, HI, PNG, requestsFrom, type RequestCase } from './request-case.ts';
import { models } from './wires.ts';

const responses = requestsFrom('openai-responses', { model: 'm', input: [HI] });

const SMALL_EFFORTS = { 'openai-chat': models('o3'), 'anthropic-messages': models('claude-sonnet-4-5') } as const;
const MOST_EFFORTS = { gemini: models('gemini-2.5-pro', 'gemini-3.5-flash') } as const;
const RESPONSES_TOOL = { type: 'function', name: 'weather', parameters: CITY, strict: true } as const;

export const RESPONSES_CASES: readonly RequestCase[] = [
  responses('streams', { stream: true }),
  responses('shows nothing but a picture by its address, and wants JSON by a schema', {
    input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://a.example/a.png' }] }],
    text: { format: { type: 'json_schema', name: 'place', schema: CITY } },
  }),
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
  responses('gives back a call of a space', {
    input: [
      HI,
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{}', namespace: 'n' },
      { type: 'function_call_output', call_id: 'c1', output: '21' },
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
  responses('holds one of its tools to its schema', {
    tools: [RESPONSES_TOOL, { type: 'function', name: 'time', parameters: CITY, strict: false }],
  }),
  responses('wants JSON by a schema beside tools', {
    tools: [RESPONSES_TOOL],
    text: { format: { type: 'json_schema', name: 'a', schema: CITY } },
  }),
];
