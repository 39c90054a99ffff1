import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { asRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { inspect } from './inspect.ts';

const HI = [{ role: 'user', content: 'hi' }];

function paramOf(more: JsonRecord): string | undefined {
  const result = inspect({ model: 'm', messages: HI, ...more }, {});
  return result.ok ? undefined : result.error.param;
}

/** An object literal would set the prototype instead of making a key. */
function parsed(text: string): JsonRecord {
  return asRecord(parseJson(text)) ?? {};
}

const image = (url: string): JsonRecord => ({
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
});
const fourth = (message: JsonRecord): JsonRecord => ({ messages: [...HI, ...HI, ...HI, message] });

/** Bodies that are refused, by the row of faults.md, and the field that the refusal names. */
const REFUSED: readonly (readonly [row: string, more: JsonRecord, param: string])[] = [
  ['B15', { model: null }, 'model'],
  ['B15', { model: '' }, 'model'],
  ['B15', { model: 'm'.repeat(10_240) }, 'model'],
  ['B15', { model: 'a\r\nx-evil: 1' }, 'model'],
  ['B15', { model: 7 }, 'model'],
  ['B17', { messages: null }, 'messages'],
  ['B17', { messages: [] }, 'messages'],
  ['B17', { messages: { role: 'user' } }, 'messages'],
  ['B17', { messages: 'hi' }, 'messages'],
  ['B17', { messages: [null] }, 'messages[0]'],
  ['B18', fourth({ role: 'robot', content: 'x' }), 'messages[3].role'],
  ['B18', fourth({ role: 'user', content: null }), 'messages[3].content'],
  ['B18', fourth({ role: 'user' }), 'messages[3].content'],
  ['B18', fourth({ role: 'user', content: 5 }), 'messages[3].content'],
  ['B18', fourth({ role: 'user', content: [] }), 'messages[3].content'],
  ['B18', fourth({ role: 'user', content: [{ type: 'hologram' }] }), 'messages[3].content'],
  ['B18', fourth({ role: 'user', content: [{ type: 'text' }] }), 'messages[3].content'],
  ['B18', fourth({ role: 'user', content: ['x'] }), 'messages[3].content'],
  ['B18', fourth({ role: 'assistant', content: null }), 'messages[3].content'],
  ['B19', fourth({ role: 'assistant', tool_calls: [{ id: 'c' }] }), 'messages[3].tool_calls[0]'],
  ['B19', fourth({ role: 'tool', tool_call_id: 7, content: 'x' }), 'messages[3].tool_call_id'],
  ['B20', { temperature: -1 }, 'temperature'],
  ['B20', { temperature: 99 }, 'temperature'],
  ['B20', { temperature: 'hot' }, 'temperature'],
  ['B20', { top_p: 2 }, 'top_p'],
  ['B20', { n: 0 }, 'n'],
  ['B20', { n: 10_000 }, 'n'],
  ['B20', { n: 1.5 }, 'n'],
  ['B20', { stop: Array.from({ length: 100 }, () => 'x') }, 'stop'],
  ['B20', { stop: [1] }, 'stop'],
  ['B20', { max_tokens: 0 }, 'max_tokens'],
  ['B20', { max_tokens: -1 }, 'max_tokens'],
  ['B20', { max_tokens: 2 ** 31 }, 'max_tokens'],
  ['B08', { max_tokens: 2 ** 53 }, 'max_tokens'],
  ['B08', { max_completion_tokens: -0 }, 'max_completion_tokens'],
  ['B21', { stream: 'true' }, 'stream'],
  ['B21', { stream: 1 }, 'stream'],
  ['B21', { stream_options: { include_usage: true } }, 'stream_options'],
  [
    'B22',
    { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { x: 'y'.repeat(2 ** 21) } } } },
    'response_format',
  ],
  ['B22', { response_format: { type: 'json_schema' } }, 'response_format.json_schema'],
  [
    'B22',
    { response_format: { type: 'json_schema', json_schema: { schema: [] } } },
    'response_format.json_schema.schema',
  ],
  [
    'B22',
    { response_format: { type: 'json_schema', json_schema: { schema: 'x' } } },
    'response_format.json_schema.schema',
  ],
  ['B23', image('file:///etc/passwd'), 'messages[0].content'],
  ['B23', image('gopher://x'), 'messages[0].content'],
  ['B24', image(`data:image/png;base64,${'A'.repeat(40 * 2 ** 20)}`), 'messages[0].content'],
  ['B24', image('data:image/png;base64,<not base64>'), 'messages[0].content'],
  ['B24', image('data:text/html;base64,AAAA'), 'messages[0].content'],
  ['B24', image('data:image/png,AAAA'), 'messages[0].content'],
  ['B27', { models: Array.from({ length: 10_000 }, () => 'm') }, 'models'],
  ['B27', { models: [7] }, 'models'],
  ['B29', { metadata: { a: 'x'.repeat(2 ** 20) } }, 'metadata'],
  ['B29', { metadata: { a: { b: 'c' } } }, 'metadata'],
  ['B29', { metadata: { 'a.b': 'c' } }, 'metadata'],
  ['B29', { metadata: parsed('{"__proto__":"x"}') }, 'metadata'],
  ['B29', { metadata: { a: 'x"}\n' } }, 'metadata'],
  ['B30', { user: 7 }, 'user'],
  ['B13', { tools: Array.from({ length: 5000 }, () => ({ type: 'function', function: { name: 'f' } })) }, 'tools'],
  ['B22', { tools: [{ type: 'function', function: { name: 'f', parameters: 'x' } }] }, 'tools[0].function.parameters'],
  ['B22', { tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name'],
];

/** Bodies that pass: no provider is known to refuse them. */
const TAKEN: readonly (readonly [row: string, more: JsonRecord])[] = [
  ['B15', { model: '../../etc/passwd' }],
  ['B15', { model: '模型' }],
  ['B19', fourth({ role: 'tool', tool_call_id: 'nobody', content: 'x' })],
  [
    'B19',
    fourth({
      role: 'assistant',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{not json' } }],
    }),
  ],
  ['B21', { stream: null }],
  ['B23', image('http://169.254.169.254/latest')],
  ['B26', { Model: 7, MESSAGES: 'x', Stream: 'yes' }],
  ['B30', { user: `\u001b[31m${'u'.repeat(10_240)}` }],
  [
    'nulls',
    {
      temperature: null,
      tools: null,
      stop: null,
      n: null,
      response_format: null,
      stream_options: null,
      metadata: null,
    },
  ],
  ['unknown', { something_new: { a: 1 } }],
  ['MCP', fourth({ role: 'tool', tool_call_id: 'c', content: [] })],
  ['Together', { logprobs: 3 }],
];

describe('inspect of openai-chat', () => {
  for (const [row, more, param] of REFUSED) {
    it(`refuses ${row}: ${JSON.stringify(more).slice(0, 60)}`, () => {
      assert.equal(paramOf(more), param);
    });
  }

  for (const [row, more] of TAKEN) {
    it(`takes ${row}: ${JSON.stringify(more).slice(0, 60)}`, () => {
      assert.equal(paramOf(more), undefined);
    });
  }

  it('tells what the router must know, in one pass', () => {
    const result = inspect(
      {
        model: 'gpt-5',
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 9,
        max_completion_tokens: 10,
        n: 2,
        reasoning_effort: 'low',
        messages: [
          { role: 'system', content: 'abc' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'äö' },
              { type: 'image_url', image_url: { url: 'https://x.example/a.png' } },
              { type: 'file', file: { file_id: 'file-1' } },
              { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
            ],
          },
        ],
        response_format: { type: 'json_schema', json_schema: { name: 'r', schema: {} } },
        tools: [{ type: 'function', function: { name: 'f' } }],
        modalities: ['text', 'audio'],
      },
      {},
    );
    assert.ok(result.ok);
    const { textLength, needs, ...rest } = result.value;
    assert.deepEqual(rest, {
      model: 'gpt-5',
      isStreaming: true,
      wantsStreamUsage: true,
      maxOutputTokens: 10,
      choices: 2,
      nonAsciiLength: 2,
      imageCount: 1,
      messageCount: 2,
    });
    assert.deepEqual(needs.toSorted(), [
      'audio',
      'audio-out',
      'document',
      'image',
      'json-schema',
      'reasoning',
      'tools',
    ]);
    assert.ok(textLength > 5 && textLength < 300);
  });

  it('takes the model from the path where the body names none', () => {
    const result = inspect({ messages: HI }, { model: 'deployment' });
    assert.equal(result.ok ? result.value.model : '', 'deployment');
  });
});
