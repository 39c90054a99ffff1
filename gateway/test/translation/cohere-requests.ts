/** Cohere requests, each with something that another protocol cannot say. */
import { CITY, HI, OPENAI_SMALL, PNG, requestsFrom, type RequestCase } from './request-case.ts';
import { models } from './wires.ts';

const cohere = requestsFrom('cohere', { model: 'm', messages: [HI] });

const WEATHER = { type: 'function', function: { name: 'weather', parameters: CITY } };
const CALL = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } };

export const COHERE_CASES: readonly RequestCase[] = [
  cohere('streams', { stream: true }),
  cohere('has fields of its own', { safety_mode: 'NONE', citation_options: { mode: 'accurate' }, priority: 1 }),
  cohere('has a field that nobody knows', { a_field_of_tomorrow: 1 }),
  cohere('brings documents along', { documents: [{ id: 'd1', data: { title: 'Rome', text: 'It was 21 degrees.' } }] }),
  cohere('gives a result as a document with an id', {
    messages: [
      HI,
      { role: 'assistant', tool_plan: 'I ask.', tool_calls: [CALL] },
      { role: 'tool', tool_call_id: 'c1', content: [{ type: 'document', document: { id: 'd1', data: '21' } }] },
    ],
    tools: [WEATHER],
  }),
  cohere('holds tools to their schemas', { tools: [WEATHER], strict_tools: true }),
  cohere(
    'demands a call',
    { tools: [WEATHER], tool_choice: 'REQUIRED' },
    { 'anthropic-messages': models('claude-opus-5-5') },
  ),
  cohere('forbids calls', { tools: [WEATHER], tool_choice: 'NONE' }),
  cohere('is warm', { temperature: 0.5 }, { ...OPENAI_SMALL, 'anthropic-messages': models('claude-opus-5-5') }),
  cohere('wants a word or two', { max_tokens: 2 }, OPENAI_SMALL),
  cohere('thinks as it likes', { thinking: { type: 'enabled' } }, { 'anthropic-messages': models('claude-3-5-haiku') }),
  cohere('sets every way of sampling', { k: 40, p: 0.5, seed: 7, frequency_penalty: 0.5, presence_penalty: 0.5 }),
  cohere('has stop sequences', { stop_sequences: ['END'] }, { 'openai-chat': models('o3') }),
  cohere('wants log probabilities', { logprobs: true }),
  cohere('thinks within a budget', { thinking: { type: 'enabled', token_budget: 2000 } }),
  cohere('wants JSON', { response_format: { type: 'json_object' } }),
  cohere(
    'wants JSON by a schema',
    { response_format: { type: 'json_object', json_schema: CITY } },
    { 'anthropic-messages': models('claude-3-5-haiku') },
  ),
  cohere('shows a picture', {
    messages: [
      {
        role: 'user',
        content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'low' } }],
      },
    ],
  }),
  cohere('shows a picture by its address', {
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.example/a.png' } }] }],
  }),
  cohere('goes on after citations', {
    messages: [
      HI,
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'x' },
        ],
        citations: [
          {
            start: 0,
            end: 1,
            text: 'x',
            sources: [{ type: 'document', id: 'd1', document: { id: 'd1', title: 'A' } }],
          },
        ],
      },
      HI,
    ],
  }),
];
