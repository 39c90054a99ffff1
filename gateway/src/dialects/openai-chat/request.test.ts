import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import type { Message } from '../../chat/request.ts';
import type { ChatRequest } from '../../chat/request.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { encodeRequest } from './encode-request.ts';
import { decodeRequest } from './request.ts';

function decode(body: JsonRecord): ChatRequest {
  const result = decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...body }, {});
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

function partsOf(message: JsonRecord): Message['parts'] {
  return decode({ messages: [message] }).messages[0]?.parts ?? [];
}

const CLAUDE = { type: 'reasoning.text', text: 'hm', signature: 'sig', format: 'anthropic-claude-v1', index: 0 };

describe('decoding chat completions', () => {
  it('keeps system and developer apart, and the results of one round together', () => {
    const { messages } = decode({
      messages: [
        { role: 'system', content: 's' },
        { role: 'developer', content: 'd' },
        { role: 'user', content: 'u' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
            { id: 'b', type: 'function', function: { name: 'g', arguments: '' } },
          ],
        },
        { role: 'tool', tool_call_id: 'a', content: 'A' },
        { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'B' }] },
      ],
    });
    assert.deepEqual(
      messages.map((message) => message.role),
      ['system', 'developer', 'user', 'assistant', 'tool'],
    );
    const results = messages[4]?.parts.map((part) =>
      part.kind === 'tool-result' ? [part.callId, part.name, part.at] : [],
    );
    assert.deepEqual(results, [
      ['a', 'f', 'messages[4]'],
      ['b', 'g', 'messages[5]'],
    ]);
  });

  it('reads every way to ask for thoughts, and keeps the name that the caller gave it', () => {
    const asked = [
      { thinking: { type: 'enabled', budget_tokens: 2000 } },
      { enable_thinking: true, thinking_budget: 2000 },
      { reasoning: { max_tokens: 2000 } },
      { thinking: { type: 'auto' } },
      { chat_template_kwargs: { enable_thinking: false } },
      { reasoning: { effort: 'high' } },
    ].map((body) => decode(body));
    assert.deepEqual(
      asked.map((request) => [request.reasoning, request.extras.every((extra) => extra.isCovered)]),
      [
        [{ budgetTokens: 2000 }, true],
        [{ budgetTokens: 2000 }, true],
        [{ budgetTokens: 2000 }, true],
        [{ budgetTokens: -1 }, true],
        [{ effort: 'none' }, true],
        [{ effort: 'high' }, true],
      ],
    );
    assert.deepEqual(
      asked.map(({ names }) => names?.['reasoningBudget'] ?? names?.['reasoningEffort']),
      [
        'thinking.budget_tokens',
        'thinking_budget',
        'reasoning.max_tokens',
        'thinking.type',
        'chat_template_kwargs.enable_thinking',
        'reasoning.effort',
      ],
    );
  });

  it('lists what it does not understand of a wish to think, and writes it back whole', () => {
    const body = { reasoning: { effort: 'high', summary: 'auto' }, reasoning_effort: 'default', top_logprobs: 2 };
    const request = decode(body);
    assert.deepEqual(
      request.extras.filter((extra) => extra.isCovered !== true).map((extra) => extra.field),
      ['reasoning.summary', 'reasoning_effort', 'top_logprobs'],
    );
    const { messages: _, model: __, ...sent } = encodeRequest(request, { model: 'm' }).body;
    assert.deepEqual(sent, body);
  });

  it('keeps thoughts in a tool’s result as they came', () => {
    const thought = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] };
    const [result] = partsOf({ role: 'tool', tool_call_id: 'a', content: [thought] });
    assert.deepEqual(result?.kind === 'tool-result' ? result.parts.map((part) => part.kind) : [], ['opaque']);
  });

  it('reads pictures, documents and sound', () => {
    const parts = partsOf({
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/webp;base64,AAAA', detail: 'low' } },
        { type: 'image_url', image_url: { url: 'https://x.example/a.png' } },
        { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' } },
        { type: 'file', file: { file_id: 'file-1' } },
        { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
      ],
    });
    assert.deepEqual(
      parts.map((part) => ('source' in part ? [part.kind, part.source, part.detail, part.name] : [])),
      [
        ['image', { by: 'base64', data: 'AAAA', mediaType: 'image/webp' }, 'low', undefined],
        ['image', { by: 'url', url: 'https://x.example/a.png' }, undefined, undefined],
        ['document', { by: 'base64', data: 'JVBERi0=', mediaType: 'application/pdf' }, undefined, 'a.pdf'],
        ['document', { by: 'file', id: 'file-1' }, undefined, undefined],
        ['audio', { by: 'base64', data: 'AAAA', mediaType: 'audio/mpeg' }, undefined, undefined],
      ],
    );
  });

  it('reads every way of asking for reasoning, and none as a loss for other protocols', () => {
    const cases: readonly (readonly [JsonRecord, ChatRequest['reasoning']])[] = [
      [{ reasoning_effort: 'xhigh' }, { effort: 'xhigh' }],
      [{ reasoning: { effort: 'low', exclude: true } }, { effort: 'low', isShown: false }],
      [{ reasoning: { max_tokens: 2000 } }, { budgetTokens: 2000 }],
      [{ reasoning: { enabled: true } }, { budgetTokens: -1 }],
      [{ thinking: { type: 'disabled' } }, { effort: 'none' }],
      [{ thinking: { type: 'enabled' } }, { budgetTokens: -1 }],
      [{ enable_thinking: false }, { effort: 'none' }],
      [{ include_reasoning: true }, { isShown: true }],
    ];
    for (const [body, reasoning] of cases) {
      const request = decode(body);
      assert.deepEqual(request.reasoning, reasoning);
      assert.ok(request.extras.every((extra) => extra.isCovered === true));
      const again = encodeRequest(request, { model: 'm' }).body;
      assert.deepEqual({ ...again, ...body }, again);
    }
  });

  it('reads signatures by their form, and those that were packed for a client', () => {
    const parts = partsOf({
      role: 'assistant',
      content: 'x',
      reasoning_details: [
        { ...CLAUDE, text: 'h', signature: undefined },
        { ...CLAUDE, text: 'm' },
        { type: 'reasoning.encrypted', data: 'turnout:openai-responses:enc', format: 'unknown', index: 1 },
        { type: 'reasoning.encrypted', data: 'own', format: 'xai-responses-v1', id: 'rs_1', index: 2 },
      ],
    });
    assert.deepEqual(
      parts.slice(0, 3).map((part) => (part.kind === 'reasoning' ? [part.text, part.signature, part.encrypted] : [])),
      [
        ['hm', { origin: 'anthropic-messages', value: 'sig' }, undefined],
        ['', undefined, { origin: 'openai-responses', value: 'enc' }],
        ['', undefined, { origin: 'openai-chat', value: 'own' }],
      ],
    );
  });

  it("gives Gemini's signature to its call, from either place", () => {
    const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } };
    const signature = { origin: 'gemini', value: 'sig' };
    const forms: readonly JsonRecord[] = [
      { tool_calls: [{ ...call, extra_content: { google: { thought_signature: 'sig' } } }] },
      {
        tool_calls: [call],
        reasoning_details: [
          { type: 'reasoning.encrypted', data: 'sig', format: 'google-gemini-v1', id: 'c1', index: 0 },
        ],
      },
      { tool_calls: [call], extra_content: { google: { thought_signature: 'sig' } } },
    ];
    for (const form of forms) {
      const parts = partsOf({ role: 'assistant', content: null, ...form });
      assert.equal(parts.length, 1);
      assert.deepEqual(parts[0]?.kind === 'tool-call' ? parts[0].signature : undefined, signature);
    }
  });

  it('reads the form before tools as tools', () => {
    const request = decode({
      messages: [
        { role: 'user', content: 'u' },
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: 'r' },
      ],
      functions: [{ name: 'f', parameters: {} }],
      function_call: { name: 'f' },
    });
    const call = request.messages[1]?.parts[0];
    const result = request.messages[2]?.parts[0];
    assert.ok(call?.kind === 'tool-call' && result?.kind === 'tool-result');
    assert.equal(call.id, result.callId);
    assert.deepEqual(request.toolChoice, { kind: 'tool', name: 'f' });
    assert.equal(request.tools?.[0]?.kind, 'function');
  });

  it('weighs fields that it does not know', () => {
    const { extras } = decode({
      metadata: { a: 'b' },
      web_search_options: {},
      turnout: { tags: [] },
      store: true,
      new_thing: 1,
    });
    assert.deepEqual(
      extras.map(({ field, weight }) => [field, weight]),
      [
        ['metadata', 'hint'],
        ['web_search_options', 'meaning'],
        ['store', 'hint'],
        ['new_thing', 'meaning'],
      ],
    );
  });

  it('reads a choice among few tools', () => {
    const tool = (name: string): JsonRecord => ({ type: 'function', function: { name } });
    const among = (mode: string): JsonRecord => ({
      tool_choice: { type: 'allowed_tools', allowed_tools: { mode, tools: [tool('a'), tool('b')] } },
    });
    assert.deepEqual(decode(among('required')).toolChoice, { kind: 'required', only: ['a', 'b'] });
    const soft = decode(among('auto'));
    assert.equal(soft.toolChoice, undefined);
    assert.deepEqual(
      soft.extras.map(({ field, weight }) => [field, weight]),
      [['tool_choice', 'meaning']],
    );
  });
});

describe('encoding chat completions', () => {
  const base: ChatRequest = {
    origin: 'anthropic-messages',
    model: 'x',
    messages: [],
    sampling: {},
    isStreaming: false,
    extras: [],
  };

  it("writes another protocol's history as OpenAI takes it, and names what was lost", () => {
    const { body, losses } = encodeRequest(
      {
        ...base,
        messages: [
          { role: 'system', parts: [{ kind: 'text', text: 'a', cache: { ttl: '1h' } }], at: 'system' },
          {
            role: 'assistant',
            parts: [
              { kind: 'reasoning', text: 'hm', signature: { origin: 'anthropic-messages', value: 'sig' } },
              {
                kind: 'reasoning',
                text: '',
                encrypted: { origin: 'openai-responses', value: 'enc' },
                at: 'messages[0].content[1]',
              },
              {
                kind: 'tool-call',
                id: 'c',
                name: 'f',
                arguments: '{}',
                extra: { caller: {} },
                at: 'messages[0].content[2]',
              },
            ],
          },
          {
            role: 'tool',
            parts: [
              {
                kind: 'tool-result',
                callId: 'c',
                isError: true,
                at: 'messages[1].content[0]',
                parts: [
                  { kind: 'text', text: 'see' },
                  { kind: 'image', source: { by: 'base64', data: 'AA', mediaType: 'image/png' } },
                ],
              },
            ],
          },
        ],
        maxOutputTokens: 9,
        sampling: { topK: 4, temperature: 0.5 },
        reasoning: { budgetTokens: 1024 },
        toolChoice: { kind: 'required', only: ['f'] },
        tools: [{ kind: 'function', name: 'f', isCacheEnd: true }],
        isStreaming: true,
        wantsStreamUsage: true,
      },
      { model: 'some-model' },
    );
    assert.deepEqual(body, {
      model: 'some-model',
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } }] },
        {
          role: 'assistant',
          content: null,
          reasoning_content: 'hm',
          reasoning_details: [
            { type: 'reasoning.text', text: 'hm', signature: 'sig', format: 'anthropic-claude-v1', index: 0 },
          ],
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c', content: 'see' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Attached to the result of c:' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } },
          ],
        },
      ],
      tools: [{ type: 'function', function: { name: 'f' }, cache_control: { type: 'ephemeral' } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
      max_completion_tokens: 9,
      temperature: 0.5,
      reasoning_effort: 'low',
      stream: true,
      stream_options: { include_usage: true },
    });
    assert.deepEqual(
      losses.map(({ code, field, weight }) => [code, field, weight]),
      [
        ['unknown-field', 'messages[0].content[2].caller', 'hint'],
        ['reasoning-history', 'messages[0].content[1]', 'hint'],
        ['tool-result-media', 'messages[1].content[0]', 'hint'],
        ['tool-error', 'messages[1].content[0]', 'hint'],
        ['sampling', 'top_k', 'hint'],
        ['reasoning-budget', 'thinking.budget_tokens', 'hint'],
      ],
    );
  });

  it('refuses what only the provider that keeps a file could read', () => {
    const { losses } = encodeRequest(
      {
        ...base,
        messages: [
          {
            role: 'user',
            parts: [{ kind: 'document', source: { by: 'file', id: 'f' }, at: 'messages[0].content[0]' }],
          },
        ],
      },
      { model: 'm' },
    );
    assert.deepEqual(
      losses.map(({ code, weight }) => [code, weight]),
      [['file-id', 'meaning']],
    );
  });
});
