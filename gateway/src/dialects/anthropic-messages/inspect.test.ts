import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonRecord } from '../../lib/json.ts';
import { inspect } from './inspect.ts';

const GOOD: JsonRecord = { model: 'claude-sonnet-5', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] };

function paramOf(body: JsonRecord): string | undefined {
  const inspected = inspect(body, {});
  return inspected.ok ? undefined : inspected.error.param;
}

function withContent(content: Json, role = 'user'): JsonRecord {
  return {
    ...GOOD,
    messages: [
      { role, content },
      { role: 'user', content: 'go on' },
    ],
  };
}

const image = (source: JsonRecord): JsonRecord => withContent([{ type: 'image', source }]);
const tool = (fields: JsonRecord): JsonRecord => ({
  ...GOOD,
  tools: [{ name: 'f', input_schema: { type: 'object' }, ...fields }],
});

describe('inspect of a Messages body', () => {
  const refused: readonly (readonly [string, JsonRecord, string])[] = [
    ['no model', { ...GOOD, model: undefined }, 'model'],
    ['an empty model', { ...GOOD, model: ' ' }, 'model'],
    ['a model of 10 KB', { ...GOOD, model: 'm'.repeat(10_240) }, 'model'],
    ['a model with a line end', { ...GOOD, model: 'a\r\nb' }, 'model'],
    ['a model that is a number', { ...GOOD, model: 4 }, 'model'],
    ['no messages', { ...GOOD, messages: undefined }, 'messages'],
    ['no message', { ...GOOD, messages: [] }, 'messages'],
    ['messages that are an object', { ...GOOD, messages: {} }, 'messages'],
    ['messages that are a text', { ...GOOD, messages: 'hi' }, 'messages'],
    [
      '100,001 messages',
      { ...GOOD, messages: Array.from({ length: 100_001 }, () => ({ role: 'user', content: 'a' })) },
      'messages',
    ],
    ['a message that is a text', { ...GOOD, messages: ['hi'] }, 'messages[0]'],
    ['an unknown role', withContent('x', 'tool'), 'messages[0].role'],
    ['content null', withContent(null), 'messages[0].content'],
    ['content that is a number', withContent(1), 'messages[0].content'],
    ['content without blocks', withContent([]), 'messages[0].content'],
    ['a block that is a text', withContent(['x']), 'messages[0].content[0]'],
    [
      'a block of another protocol',
      withContent([{ type: 'image_url', image_url: { url: 'x' } }]),
      'messages[0].content[0].type',
    ],
    ['a block without a type', withContent([{ text: 'x' }]), 'messages[0].content[0].type'],
    ['a text that is none', withContent([{ type: 'text', text: 1 }]), 'messages[0].content[0].text'],
    [
      'a call whose arguments are a text',
      withContent([{ type: 'tool_use', id: 'a', name: 'f', input: '{}' }]),
      'messages[0].content[0].input',
    ],
    ['a call without an id', withContent([{ type: 'tool_use', name: 'f', input: {} }]), 'messages[0].content[0].id'],
    [
      'a result without its call',
      withContent([{ type: 'tool_result', content: 'x' }]),
      'messages[0].content[0].tool_use_id',
    ],
    [
      'an unknown block inside a result',
      withContent([{ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'hologram' }] }]),
      'messages[0].content[0].content[0].type',
    ],
    ['an image of no kind', image({ type: 'base64', data: 'aGk=' }), 'messages[0].content[0].source.media_type'],
    [
      'an image that is a page',
      image({ type: 'base64', media_type: 'text/html', data: 'aGk=' }),
      'messages[0].content[0].source.media_type',
    ],
    [
      'an image that is not base64',
      image({ type: 'base64', media_type: 'image/png', data: 'no, it is not!' }),
      'messages[0].content[0].source.data',
    ],
    [
      'an image of 40 MB',
      image({ type: 'base64', media_type: 'image/png', data: 'A'.repeat(40_000_000) }),
      'messages[0].content[0].source.data',
    ],
    ['a file on this machine', image({ type: 'url', url: 'file:///etc/passwd' }), 'messages[0].content[0].source.url'],
    ['a gopher address', image({ type: 'url', url: 'gopher://x' }), 'messages[0].content[0].source.url'],
    ['a system that is a number', { ...GOOD, system: 1 }, 'system'],
    ['an image in the system', { ...GOOD, system: [{ type: 'image' }] }, 'system[0]'],
    ['no limit on tokens', { ...GOOD, max_tokens: undefined }, 'max_tokens'],
    ['no tokens at all', { ...GOOD, max_tokens: 0 }, 'max_tokens'],
    ['fewer than none', { ...GOOD, max_tokens: -1 }, 'max_tokens'],
    ['half a token', { ...GOOD, max_tokens: 1.5 }, 'max_tokens'],
    ['2^31 tokens', { ...GOOD, max_tokens: 2 ** 31 }, 'max_tokens'],
    ['tokens as text', { ...GOOD, max_tokens: '100' }, 'max_tokens'],
    ['a temperature below zero', { ...GOOD, temperature: -1 }, 'temperature'],
    ['a temperature of 99', { ...GOOD, temperature: 99 }, 'temperature'],
    ['a hot temperature', { ...GOOD, temperature: 'hot' }, 'temperature'],
    ['a top_p of 2', { ...GOOD, top_p: 2 }, 'top_p'],
    ['half a top_k', { ...GOOD, top_k: 0.5 }, 'top_k'],
    ['100 stop sequences', { ...GOOD, stop_sequences: Array.from({ length: 100 }, () => 'x') }, 'stop_sequences'],
    ['a stop sequence that is a number', { ...GOOD, stop_sequences: ['a', 1] }, 'stop_sequences[1]'],
    ['stream as text', { ...GOOD, stream: 'true' }, 'stream'],
    ['stream as a number', { ...GOOD, stream: 1 }, 'stream'],
    ['tools that are an object', { ...GOOD, tools: {} }, 'tools'],
    ['a tool without a name', tool({ name: '' }), 'tools[0].name'],
    ['a tool without a schema', tool({ input_schema: null }), 'tools[0].input_schema'],
    ['a tool whose schema is a text', tool({ input_schema: 'object' }), 'tools[0].input_schema'],
    ['a tool choice of OpenAI', { ...tool({}), tool_choice: 'auto' }, 'tool_choice'],
    ['an unknown tool choice', { ...tool({}), tool_choice: { type: 'required' } }, 'tool_choice.type'],
    ['a tool choice without the tool', { ...tool({}), tool_choice: { type: 'tool' } }, 'tool_choice.name'],
    ['thinking as true', { ...GOOD, thinking: true }, 'thinking'],
    ['thinking without a budget', { ...GOOD, thinking: { type: 'enabled' } }, 'thinking.budget_tokens'],
    [
      'a thinking budget as text',
      { ...GOOD, thinking: { type: 'enabled', budget_tokens: '1' } },
      'thinking.budget_tokens',
    ],
    ['metadata of 1 MB', { ...GOOD, metadata: { user_id: 'x'.repeat(1_000_000) } }, 'metadata'],
    ['nested metadata', { ...GOOD, metadata: { a: { b: 1 } } }, 'metadata.a'],
    ['metadata with dots in a name', { ...GOOD, metadata: { 'a.b': 'c' } }, 'metadata'],
    [
      'a schema of 2 MiB',
      { ...GOOD, output_config: { format: { type: 'json_schema', schema: { description: 'x'.repeat(2 ** 21) } } } },
      'output_config.format.schema',
    ],
    [
      'a format without a schema',
      { ...GOOD, output_config: { format: { type: 'json_schema' } } },
      'output_config.format.schema',
    ],
    ['an output_config that is a text', { ...GOOD, output_config: 'high' }, 'output_config'],
  ];
  for (const [what, body, param] of refused)
    it(`refuses ${what} and names ${param}`, () => assert.equal(paramOf(body), param));

  const taken: readonly (readonly [string, JsonRecord])[] = [
    ['stream null as false', { ...GOOD, stream: null }],
    ['fields that nobody knows yet', { ...GOOD, brave_new_field: { a: [1] }, Model: 'other', MESSAGES: 1 }],
    [
      'blocks of server tools that are new',
      withContent([{ type: 'time_machine_tool_result', tool_use_id: 'x', content: [] }]),
    ],
    ['no token where a cache is filled', { ...GOOD, max_tokens: 0, cache_control: { type: 'ephemeral' } }],
    [
      'an empty last message of the assistant',
      {
        ...GOOD,
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: [] },
        ],
      },
    ],
    ['a private address, which is never fetched here', image({ type: 'url', url: 'http://169.254.169.254/' })],
  ];
  for (const [what, body] of taken) it(`takes ${what}`, () => assert.equal(paramOf(body), undefined));

  it('asks for no limit on tokens where tokens are only counted', () => {
    const { max_tokens: _, ...body } = GOOD;
    assert.ok(inspect(body, { operation: 'count-tokens' }).ok);
  });

  it('tells the router what the request is', () => {
    const inspected = inspect(
      {
        ...GOOD,
        stream: true,
        system: 'Sei höflich.',
        thinking: { type: 'enabled', budget_tokens: 2048 },
        tools: [{ name: 'f', description: 'does f', input_schema: { type: 'object' } }],
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'hé' },
              { type: 'image', source: { type: 'url', url: 'https://a.b/c' } },
            ],
          },
        ],
        output_config: { format: { type: 'json_schema', schema: { type: 'object' } } },
      },
      {},
    );
    assert.ok(inspected.ok);
    const { textLength, ...facts } = inspected.value;
    assert.deepEqual(facts, {
      model: 'claude-sonnet-5',
      isStreaming: true,
      wantsStreamUsage: true,
      maxOutputTokens: 100,
      choices: 1,
      needs: ['image', 'tools', 'reasoning', 'json-schema'],
      nonAsciiLength: 2,
      imageCount: 1,
      messageCount: 1,
    });
    assert.ok(textLength > 60 && textLength < 140, String(textLength));
  });

  it('never throws, whatever stands in a field', () => {
    const values: readonly Json[] = [
      null,
      true,
      0,
      -1,
      1e300,
      '',
      'x',
      [],
      {},
      [null],
      [[]],
      [{}],
      { type: 'text' },
      { type: null },
    ];
    const fields = [
      'model',
      'messages',
      'system',
      'tools',
      'tool_choice',
      'max_tokens',
      'thinking',
      'metadata',
      'output_config',
      'stop_sequences',
    ];
    for (const field of fields) for (const value of values) inspect({ ...GOOD, [field]: value }, {});
    for (const value of values) inspect(withContent([value]), {});
    for (const value of values) inspect(image({ type: 'base64', data: value, media_type: value }), {});
  });
});
