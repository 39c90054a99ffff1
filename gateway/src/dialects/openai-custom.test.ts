import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from '../chat/collect.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Dialect, EncodeContext } from './dialect.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';

const CONTEXT: EncodeContext = { requestId: 'r1', model: 'm', nowS: 1, wantsStreamUsage: true };
const GRAMMAR = { syntax: 'lark', definition: 'start: "a"' };
const CHAT: JsonRecord = {
  model: 'm',
  messages: [
    { role: 'user', content: 'Patch it.' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'call_1', type: 'custom', custom: { name: 'patch', input: '*** Begin\n' } }],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'done' },
  ],
  tools: [
    {
      type: 'custom',
      custom: { name: 'patch', description: 'Patches.', format: { type: 'grammar', grammar: GRAMMAR } },
    },
    { type: 'custom', custom: { name: 'note', format: { type: 'text' } } },
  ],
};
const RESPONSES: JsonRecord = {
  model: 'm',
  store: false,
  input: [
    { type: 'message', role: 'user', content: 'Patch it.' },
    { type: 'custom_tool_call', call_id: 'call_1', name: 'patch', input: '*** Begin\n' },
    { type: 'custom_tool_call_output', call_id: 'call_1', output: 'done' },
  ],
  tools: [
    { type: 'custom', name: 'patch', description: 'Patches.', format: { type: 'grammar', ...GRAMMAR } },
    { type: 'custom', name: 'note', format: { type: 'text' } },
  ],
};

function translated(from: Dialect, to: Dialect, body: JsonRecord): ReturnType<Dialect['encodeRequest']> {
  const decoded = from.decodeRequest(body, {});
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message);
  return to.encodeRequest(decoded.value, { model: 'm' });
}

describe('custom tools', () => {
  it('go from chats to responses whole: declared, called, answered', () => {
    assert.deepEqual(translated(openaiChat, openaiResponses, CHAT), { body: RESPONSES, losses: [] });
  });

  it('go from responses to chats whole', () => {
    const { body, losses } = translated(openaiResponses, openaiChat, RESPONSES);
    assert.deepEqual(losses, []);
    assert.deepEqual(JSON.parse(JSON.stringify(body)), CHAT);
  });

  it('are lost by name to every other protocol', async () => {
    const { anthropicMessages } = await import('./anthropic-messages.ts');
    const { losses } = translated(openaiResponses, anthropicMessages, RESPONSES);
    assert.ok(
      losses.some(({ code, field, weight }) => code === 'opaque' && field === 'tools[0]' && weight === 'meaning'),
    );
  });

  const chatReply: JsonRecord = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'call_1', type: 'custom', custom: { name: 'patch', input: 'x' } }],
        },
        finish_reason: 'tool_calls',
      },
    ],
  };

  it('are called in the words of a response where a chat called them, whole and streamed', () => {
    const decoded = openaiChat.decodeResponse(chatReply, 'p');
    assert.ok(decoded.ok);
    const { body, losses } = openaiResponses.encodeResponse(decoded.value, CONTEXT);
    assert.deepEqual(losses, []);
    const item = { status: 'completed', type: 'custom_tool_call', call_id: 'call_1', name: 'patch', input: 'x' };
    const [made] = body['output'] as unknown as readonly JsonRecord[];
    assert.match(String(made?.['id']), /^ctc_/);
    assert.deepEqual({ ...made, id: undefined }, { ...item, id: undefined });
    const encoder = openaiResponses.encoder(CONTEXT);
    const text =
      replay(decoded.value)
        .map((event) => encoder.push(event))
        .join('') + encoder.end();
    assert.deepEqual(encoder.losses(), []);
    const decoder = openaiResponses.decoder('p');
    const again = collect([...decoder.push(Buffer.from(text)), ...decoder.end()], 'openai-responses');
    const [part] = again.choices[0]?.parts ?? [];
    assert.ok(part?.kind === 'opaque');
    assert.deepEqual({ ...(part.value as JsonRecord), id: undefined }, { ...item, id: undefined });
    assert.equal(again.choices[0]?.finish.reason, 'tool-calls');
  });

  it('are called in the words of a chat where a response called them, whole and streamed', () => {
    const output = [
      { id: 'ctc_1', type: 'custom_tool_call', status: 'completed', call_id: 'call_1', name: 'patch', input: 'x' },
    ];
    const reply = { id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'm', output };
    const decoded = openaiResponses.decodeResponse(reply, 'p');
    assert.ok(decoded.ok);
    const { body, losses } = openaiChat.encodeResponse({ ...decoded.value, echo: {} }, CONTEXT);
    assert.deepEqual(losses, []);
    const call = { id: 'call_1', type: 'custom', custom: { name: 'patch', input: 'x' } };
    assert.match(
      JSON.stringify(body),
      new RegExp(`"tool_calls":\\[${JSON.stringify(call)}\\].*"finish_reason":"tool_calls"`),
    );
    const encoder = openaiChat.encoder(CONTEXT);
    const text =
      replay(decoded.value)
        .map((event) => encoder.push(event))
        .join('') + encoder.end();
    assert.deepEqual(encoder.losses(), []);
    assert.ok(text.includes(`"tool_calls":[${JSON.stringify({ ...call, index: 0 })}]`));
  });
});
