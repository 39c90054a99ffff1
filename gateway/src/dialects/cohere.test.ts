import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect } from '../chat/collect.ts';
import type { ChatEvent, ChatResponse } from '../chat/reply.ts';
import type { JsonRecord } from '../lib/json.ts';
import { cohere as provider } from '../providers/cohere.ts';
import { cohere } from './cohere.ts';
import { openaiChat } from './openai-chat.ts';

const CONTEXT = { requestId: 'r1', model: 'asked', nowS: 1_790_000_000, wantsStreamUsage: true };
const HI = { role: 'user', content: 'hi' } as const;
const CALL = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{"x":1}' } } as const;

function tool(name: string, strict?: boolean): JsonRecord {
  const inner = { name, parameters: { type: 'object' }, ...(strict === undefined ? {} : { strict }) };
  return { type: 'function', function: inner };
}

/** What a client of OpenAI's wire asks of Cohere. */
function sent(
  body: JsonRecord,
  canReason?: boolean,
): { readonly body: JsonRecord; readonly losses: readonly string[] } {
  const decoded = openaiChat.decodeRequest({ model: 'm', messages: [HI], ...body }, {});
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message);
  const encoded = cohere.encodeRequest(decoded.value, {
    model: 'm',
    ...(canReason === undefined ? {} : { canReason }),
  });
  return { body: encoded.body, losses: encoded.losses.map(({ code, weight }) => `${code} ${weight}`) };
}

function decode(...events: readonly (JsonRecord | string)[]): readonly ChatEvent[] {
  const decoder = cohere.decoder('p');
  const text = events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
  return [...decoder.push(Buffer.from(text)), ...decoder.end()];
}

function kinds(events: readonly ChatEvent[]): readonly string[] {
  return events.map((event) => (event.type === 'error' ? event.fault.code : event.type));
}

describe('cohere requests', () => {
  it('demand a tool by declaring it alone', () => {
    const tools = [tool('add'), tool('sub')];
    const one = sent({ tools, tool_choice: { type: 'function', function: { name: 'sub' } } });
    assert.deepEqual([one.body['tool_choice'], one.body['tools'], one.losses], ['REQUIRED', [tool('sub')], []]);
    assert.equal(sent({ tools, tool_choice: 'none' }).body['tool_choice'], 'NONE');
    assert.equal('tool_choice' in sent({ tools, tool_choice: 'auto' }).body, false);
    const gone = sent({ tools, tool_choice: { type: 'function', function: { name: 'mul' } } });
    assert.deepEqual(gone.losses, ['tool-choice meaning']);
  });

  it('hold all tools to their schemas, or none', () => {
    const all = sent({ tools: [tool('add', true), tool('sub', true)] });
    assert.deepEqual([all.body['strict_tools'], all.losses], [true, []]);
    const some = sent({ tools: [tool('add', true), tool('sub')] });
    assert.deepEqual([some.body['strict_tools'], some.losses], [undefined, ['tool-strict hint']]);
  });

  it('think with a budget, which an effort becomes', () => {
    const asked = ['none', 'low', 'high'].map((effort) => sent({ reasoning_effort: effort }));
    assert.deepEqual(
      asked.map(({ body, losses }) => [body['thinking'], ...losses]),
      [
        [{ type: 'disabled' }],
        [{ type: 'enabled', token_budget: 1024 }, 'reasoning-effort hint'],
        [{ type: 'enabled' }, 'reasoning-effort hint'],
      ],
    );
    const budget = sent({ reasoning: { max_tokens: 300 } });
    assert.deepEqual([budget.body['thinking'], budget.losses], [{ type: 'enabled', token_budget: 300 }, []]);
    const plain = sent({ reasoning_effort: 'low' }, false);
    assert.deepEqual([plain.body['thinking'], plain.losses], [undefined, ['reasoning hint']]);
  });

  it('keep to what Cohere takes, and name what it does not', () => {
    const odd = sent({ top_p: 1, frequency_penalty: -1, stop: ['a', 'b', 'c', 'd', 'e', 'f'] });
    assert.deepEqual(
      [odd.body['p'], odd.body['frequency_penalty'], odd.body['stop_sequences']],
      [0.99, 0, ['a', 'b', 'c', 'd', 'e']],
    );
    assert.deepEqual(odd.losses, ['sampling hint', 'stop meaning']);
    const both = sent({ tools: [tool('add')], response_format: { type: 'json_object' } });
    assert.deepEqual([both.body['response_format'], both.losses], [undefined, ['format meaning']]);
  });

  it('take back a plan as a plan, and thoughts as thoughts where the model has some', () => {
    const history = (message: JsonRecord): JsonRecord => ({ messages: [HI, { role: 'assistant', ...message }] });
    const thought = history({ reasoning_content: 'hm', content: 'yes' });
    const block = [
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'yes' },
    ];
    const said = (body: JsonRecord, canReason?: boolean): unknown =>
      (sent(body, canReason).body['messages'] as readonly JsonRecord[])[1];
    assert.deepEqual(said(thought), { role: 'assistant', content: block });
    assert.deepEqual(said(thought, false), { role: 'assistant', content: 'yes' });
    const call = history({ reasoning_content: 'hm', tool_calls: [CALL] });
    assert.deepEqual(said(call, false), { role: 'assistant', tool_plan: 'hm', tool_calls: [CALL] });
  });

  it('keep documents of results for Cohere, and their words for all others', () => {
    const document = { id: 'd1', data: { title: 'T', text: 'words' } };
    const result = { role: 'tool', tool_call_id: 'c1', content: [{ type: 'document', document }] };
    const body = { model: 'm', messages: [HI, { role: 'assistant', tool_calls: [CALL] }, result] };
    const decoded = cohere.decodeRequest(body, {});
    assert.ok(decoded.ok);
    const home = cohere.encodeRequest(decoded.value, { model: 'm' }).body['messages'] as readonly JsonRecord[];
    assert.deepEqual(home[2], result);
    const other = openaiChat.encodeRequest(decoded.value, { model: 'm' });
    const told = (other.body['messages'] as readonly JsonRecord[])[2];
    assert.equal(told?.['content'], '{"title":"T","text":"words"}');
    assert.deepEqual(
      other.losses.map(({ field }) => field),
      ['messages[2].content[0].document'],
    );
  });

  it('lose the budget of thinking rather than exceed the limit', () => {
    const thinking = { type: 'enabled', token_budget: 500 };
    assert.deepEqual(cohere.limitOutput({ thinking }, 100), { thinking: { type: 'enabled' }, max_tokens: 100 });
    assert.deepEqual(cohere.limitOutput({ max_tokens: 50 }, 100), { max_tokens: 50 });
  });

  it('refuse what is plainly wrong, by its field', () => {
    const wrong: readonly (readonly [JsonRecord, string])[] = [
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'user' }] }, 'messages[0].content'],
      [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].tool_call_id'],
      [{ messages: [{ role: 'user', content: [{ type: 'sound' }] }] }, 'messages[0].content[0].type'],
      [{ tool_choice: 'auto' }, 'tool_choice'],
      [{ k: 501 }, 'k'],
      [{ thinking: { type: 'enabled', token_budget: 0 } }, 'thinking.token_budget'],
      [{ response_format: { type: 'json_schema' } }, 'response_format.type'],
      [{ documents: 'x' }, 'documents'],
    ];
    for (const [body, param] of wrong) {
      const inspected = cohere.inspect({ model: 'm', messages: [HI], ...body }, {});
      assert.equal(inspected.ok ? undefined : inspected.error.param, param);
    }
  });
});

describe('cohere replies', () => {
  it('count what is billed, and where nothing was billed what was read', () => {
    const usage = (raw: JsonRecord): readonly unknown[] => {
      const decoded = cohere.decodeResponse({ message: { content: [] }, usage: raw }, 'p');
      const read = decoded.ok ? decoded.value.usage : undefined;
      return [read?.inputTokens, read?.outputTokens, read?.reasoningTokens, read?.cachedInputTokens];
    };
    const tokens = { input_tokens: 500, output_tokens: 9, reasoning_tokens: 7 };
    const billed = { input_tokens: 5, output_tokens: 6 };
    assert.deepEqual(usage({ billed_units: billed, tokens, cached_tokens: 464 }), [5, 6, 6, undefined]);
    assert.deepEqual(usage({ tokens }), [500, 9, 7, undefined]);
    assert.deepEqual(usage({}), [undefined, undefined, undefined, undefined]);
  });

  it('find the place of a citation whichever way it is counted', () => {
    const cited = (start: number, end: number): readonly unknown[] => {
      const message = { content: [{ type: 'text', text: '😀 sky is blue' }], citations: [{ start, end, text: 'sky' }] };
      const decoded = cohere.decodeResponse({ message, finish_reason: 'COMPLETE' }, 'p');
      const part = decoded.ok ? decoded.value.choices[0]?.parts[0] : undefined;
      const citation = part?.kind === 'text' ? part.citations?.[0] : undefined;
      return [citation?.start, citation?.end];
    };
    assert.deepEqual(
      [cited(3, 6), cited(2, 5), cited(9, 12)],
      [
        [3, 6],
        [3, 6],
        [undefined, undefined],
      ],
    );
  });

  it('give each citation to the block that it names', () => {
    const content = ['one', 'two'].map((text) => ({ type: 'text', text }));
    const citations = [
      { start: 0, end: 3, text: 'one' },
      { start: 0, end: 3, text: 'two', content_index: 1 },
    ];
    const message = { role: 'assistant', content, citations };
    const decoded = cohere.decodeResponse({ id: 'x', message, finish_reason: 'COMPLETE' }, 'p');
    assert.ok(decoded.ok);
    const counts = decoded.value.choices[0]?.parts.map((part) => (part.kind === 'text' ? part.citations?.length : 0));
    assert.deepEqual(counts, [1, 1]);
    assert.deepEqual(cohere.encodeResponse(decoded.value, CONTEXT).body['message'], message);
  });

  const signed: ChatResponse = {
    origin: 'anthropic-messages',
    choices: [
      {
        index: 0,
        parts: [
          { kind: 'reasoning', text: 'hm', signature: { origin: 'anthropic-messages', value: 'EqR' } },
          { kind: 'reasoning', text: '', encrypted: { origin: 'anthropic-messages', value: 'xyz' } },
          { kind: 'tool-call', id: 'c1', name: 'add', arguments: '{}', signature: { origin: 'gemini', value: 'abc' } },
        ],
        finish: { reason: 'tool-calls' },
      },
    ],
  };

  it('carry the signatures of others to a client and back, and never to Cohere', () => {
    const { body, losses } = cohere.encodeResponse(signed, CONTEXT);
    assert.deepEqual(losses, []);
    const next = {
      model: 'm',
      messages: [HI, body['message'] ?? {}, { role: 'tool', tool_call_id: 'c1', content: '1' }],
    };
    const decoded = cohere.decodeRequest(next, {});
    assert.ok(decoded.ok);
    const parts = decoded.value.messages[1]?.parts.map((part) =>
      Object.fromEntries(Object.entries(part).filter(([name]) => name !== 'at')),
    );
    assert.deepEqual(parts, signed.choices[0]?.parts);
    assert.equal(provider.needsAmend?.(next), true);
    const amended = JSON.stringify(provider.amendRequest?.(next));
    assert.deepEqual([amended.includes('turnout:'), amended.includes('hm')], [false, true]);
    const written = cohere.encodeRequest(decoded.value, { model: 'm' });
    assert.equal(JSON.stringify(written.body).includes('turnout:'), false);
  });

  it('carry them in a stream too', () => {
    const encoder = cohere.encoder(CONTEXT);
    const events: readonly ChatEvent[] = [
      { type: 'reasoning-delta', choice: 0, text: 'hm' },
      { type: 'signature', choice: 0, of: 'reasoning', signature: { origin: 'anthropic-messages', value: 'EqR' } },
      { type: 'reasoning-encrypted', choice: 0, encrypted: { origin: 'anthropic-messages', value: 'xyz' } },
      {
        type: 'tool-call-start',
        choice: 0,
        call: 0,
        id: 'c1',
        name: 'add',
        signature: { origin: 'gemini', value: 'abc' },
      },
      { type: 'tool-call-delta', choice: 0, call: 0, arguments: '{}' },
      { type: 'finish', choice: 0, finish: { reason: 'tool-calls' } },
    ];
    const text = events.map((event) => encoder.push(event)).join('') + encoder.end();
    const decoder = cohere.decoder('p');
    const again = collect([...decoder.push(Buffer.from(text)), ...decoder.end()], 'cohere');
    assert.deepEqual([again.choices[0]?.parts, encoder.losses()], [signed.choices[0]?.parts, []]);
  });
});

describe('cohere streams', () => {
  const start = { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: 'a' } } } };
  const end = (delta: JsonRecord): JsonRecord => ({ type: 'message-end', delta });

  it('end in the error that they tell, and in that of a cut', () => {
    assert.deepEqual(kinds(decode(start, end({ finish_reason: 'ERROR', error: 'internal' }))), [
      'text-delta',
      'upstream-error',
    ]);
    assert.deepEqual(kinds(decode(start, end({ finish_reason: 'TIMEOUT' }))), ['text-delta', 'upstream-error']);
    assert.deepEqual(kinds(decode(start, { message: 'rate limit exceeded' })), ['text-delta', 'upstream-rate-limited']);
    assert.deepEqual(kinds(decode(start)), ['text-delta', 'upstream-cut']);
    assert.deepEqual(kinds(decode(start, 'what?')), ['text-delta', 'upstream-invalid']);
    assert.deepEqual(kinds(decode(start, end({ finish_reason: 'COMPLETE' }), start)), ['text-delta', 'finish']);
  });

  it('are told as errors to clients in the protocol’s own last event', () => {
    const encoder = cohere.encoder(CONTEXT);
    const last = encoder.push({ type: 'error', fault: { code: 'upstream-cut', message: 'It broke.' } });
    const text = `${last.toString()}${encoder.end().toString()}`;
    assert.match(text, /^event: message-end\ndata: .*"error":"It broke\.".*"finish_reason":"ERROR"/);
  });

  it('may be one whole reply, or a page that is none', () => {
    const read = (text: string): readonly string[] => {
      const decoder = cohere.decoder('p');
      return kinds([...decoder.push(Buffer.from(text)), ...decoder.end()]);
    };
    const whole = { id: 'x', message: { content: [{ type: 'text', text: 'a' }] }, finish_reason: 'COMPLETE' };
    assert.deepEqual(read(JSON.stringify(whole, null, 2)), ['start', 'text-delta', 'finish']);
    assert.deepEqual(read('<html>'), ['upstream-invalid']);
    assert.deepEqual(read(''), ['upstream-cut']);
  });
});
