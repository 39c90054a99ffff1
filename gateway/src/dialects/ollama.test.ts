import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatRequest } from '../chat/request.ts';
import type { JsonRecord } from '../lib/json.ts';
import { ollama } from './ollama.ts';
import { openaiChat } from './openai-chat.ts';

const CONTEXT = { requestId: 'r1', model: 'asked', nowS: 1_790_000_000, wantsStreamUsage: true };
const HI = { role: 'user', content: 'hi' } as const;
const TOOL = { type: 'function', function: { name: 'add', parameters: { type: 'object' } } } as const;

function read(body: JsonRecord): ChatRequest {
  const decoded = ollama.decodeRequest({ model: 'm', messages: [HI], ...body }, {});
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message);
  return decoded.value;
}

/** What a client of OpenAI's wire asks of Ollama. */
function sent(
  body: JsonRecord,
  canReason?: boolean,
): { readonly body: JsonRecord; readonly losses: readonly string[] } {
  const decoded = openaiChat.decodeRequest({ model: 'm', messages: [HI], ...body }, {});
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message);
  const encoded = ollama.encodeRequest(decoded.value, {
    model: 'm',
    ...(canReason === undefined ? {} : { canReason }),
  });
  return { body: encoded.body, losses: encoded.losses.map(({ code, weight }) => `${code} ${weight}`) };
}

function decode(...lines: readonly (JsonRecord | string)[]): readonly unknown[] {
  const decoder = ollama.decoder('p');
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  return [...decoder.push(Buffer.from(text)), ...decoder.end()].map((event) =>
    event.type === 'error' ? event.fault.code : event.type,
  );
}

describe('ollama requests', () => {
  it('stream unless they say no', () => {
    assert.deepEqual(
      [{}, { stream: true }, { stream: false }].map((body) => read(body).isStreaming),
      [true, true, false],
    );
    assert.equal(sent({}).body['stream'], false);
  });

  it('think on, off, or at a level', () => {
    const asked = [true, false, 'high', undefined].map((think) => read(think === undefined ? {} : { think }).reasoning);
    assert.deepEqual(asked, [{ budgetTokens: -1 }, { effort: 'none' }, { effort: 'high' }, undefined]);
    const efforts = ['none', 'minimal', 'low', 'high', 'xhigh', 'max'].map((effort) =>
      sent({ reasoning_effort: effort }),
    );
    assert.deepEqual(
      efforts.map(({ body, losses }) => [body['think'], ...losses]),
      [[false], ['low', 'reasoning-effort hint'], ['low'], ['high'], ['high', 'reasoning-effort hint'], ['max']],
    );
    const refused = sent({ reasoning_effort: 'low' }, false);
    assert.deepEqual([refused.body['think'], refused.losses], [undefined, ['reasoning hint']]);
  });

  it('name what Ollama cannot do, and leave tools out where none may be called', () => {
    assert.deepEqual(sent({ tools: [TOOL], tool_choice: 'required' }).losses, ['tool-choice meaning']);
    const silent = sent({ tools: [TOOL], tool_choice: 'none' });
    assert.deepEqual([silent.body['tools'], silent.losses], [undefined, []]);
    assert.deepEqual(sent({ logit_bias: { 1: 2 }, n: 2 }).losses, ['logit-bias meaning', 'choices meaning']);
  });

  it('hold pictures as bare base64, and say so where there is only an address', () => {
    const picture = (url: string): JsonRecord => ({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    });
    const inline = sent(picture('data:image/png;base64,iVBORw0KGgo='));
    assert.deepEqual(inline.body['messages'], [{ role: 'user', content: '', images: ['iVBORw0KGgo='] }]);
    assert.deepEqual(sent(picture('https://a.example/b.png')).losses, ['media-kind meaning']);
    const back = read({ messages: [{ ...HI, images: ['iVBORw0KGgo='] }] }).messages[0]?.parts[1];
    assert.equal(back?.kind === 'image' ? back.source.mediaType : undefined, 'image/png');
  });

  it('join results to calls by name, and in order where one tool was called twice', () => {
    const call = (x: number): JsonRecord => ({ function: { name: 'add', arguments: { x } } });
    const other = { function: { name: 'sub', arguments: {} } };
    const result = (content: string, name?: string): JsonRecord =>
      name === undefined ? { role: 'tool', content } : { role: 'tool', content, tool_name: name };
    const asked = read({
      messages: [
        HI,
        { role: 'assistant', content: '', tool_calls: [call(1), other, call(2)] },
        result('c', 'sub'),
        result('a', 'add'),
        result('b'),
      ],
    });
    const said = asked.messages.flatMap((message) =>
      message.parts.flatMap((part) => (part.kind === 'tool-result' ? [`${part.callId} ${part.name ?? ''}`] : [])),
    );
    assert.deepEqual(said, ['call_1 sub', 'call_0 add', 'call_2 add']);
    // The ids were made here, so they do not go out; the names do.
    const again = JSON.stringify(ollama.encodeRequest(asked, { model: 'm' }).body);
    assert.deepEqual([again.includes('call_0'), again.match(/tool_name/g)?.length], [false, 3]);
  });

  it('keep what is asked for below what it may cost', () => {
    const limit = (options: JsonRecord): unknown => ollama.limitOutput({ options }, 100)['options'];
    assert.deepEqual(
      [limit({}), limit({ num_predict: -1 }), limit({ num_predict: 50, num_ctx: 9 })],
      [{ num_predict: 100 }, { num_predict: 100 }, { num_predict: 50, num_ctx: 9 }],
    );
  });

  it('refuse what is plainly wrong, by its field', () => {
    const wrong: readonly (readonly [JsonRecord, string])[] = [
      [{ messages: [] }, 'messages'],
      [{ messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
      [{ messages: [{ role: 'user', content: [] }] }, 'messages[0].content'],
      [{ messages: [{ ...HI, images: ['not base64!'] }] }, 'messages[0].images[0]'],
      [{ options: { num_predict: 1.5 } }, 'options.num_predict'],
      [{ options: 'x' }, 'options'],
      [{ think: 'deeply' }, 'think'],
      [{ format: 'xml' }, 'format'],
      [{ stream: 'yes' }, 'stream'],
      [{ tools: [{ type: 'function' }] }, 'tools[0].function'],
    ];
    for (const [body, param] of wrong) {
      const inspected = ollama.inspect({ model: 'm', messages: [HI], ...body }, {});
      assert.equal(inspected.ok ? undefined : inspected.error.param, param);
    }
  });
});

describe('ollama replies', () => {
  const message = { role: 'assistant', content: '', tool_calls: [{ function: { name: 'add', arguments: {} } }] };

  it('get ids for calls that no other reply of the conversation has', () => {
    const ids = ['2026-01-01T00:00:00.1Z', '2026-01-01T00:00:00.2Z'].map((time) => {
      const decoded = ollama.decodeResponse({ model: 'm', created_at: time, message, done: true }, 'p');
      const part = decoded.ok ? decoded.value.choices[0]?.parts[0] : undefined;
      assert.ok(decoded.ok && part?.kind === 'tool-call');
      assert.equal(decoded.value.choices[0]?.finish.reason, 'tool-calls');
      const back = ollama.encodeResponse(decoded.value, CONTEXT).body['message'];
      assert.equal(JSON.stringify(back).includes('"id"'), false, 'made here, it stays here');
      return part.id;
    });
    assert.equal(new Set(ids).size, 2);
  });

  it('are no replies where they are errors, or have not ended', () => {
    const bodies: readonly JsonRecord[] = [{ error: 'model is overloaded' }, { message, done: false }, { done: true }];
    const codes = bodies.map((body) => {
      const decoded = ollama.decodeResponse(body, 'p');
      return decoded.ok ? 'ok' : decoded.error.code;
    });
    assert.deepEqual(codes, ['upstream-overloaded', 'upstream-cut', 'upstream-invalid']);
  });
});

describe('ollama streams', () => {
  const piece = { model: 'm', message: { role: 'assistant', content: 'a' }, done: false };
  const last = { model: 'm', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' };

  it('end in the error that stands in a line, in that of a cut, and in nothing after the end', () => {
    assert.deepEqual(decode(piece, { error: 'out of memory' }, piece), ['start', 'text-delta', 'upstream-error']);
    assert.deepEqual(decode(piece, '{"model":"m","mess'), ['start', 'text-delta', 'upstream-cut']);
    assert.deepEqual(decode(piece, 'what?', last), ['start', 'text-delta', 'upstream-invalid']);
    assert.deepEqual(decode(piece, last, piece), ['start', 'text-delta', 'finish']);
  });

  it('may be one whole reply, though over several lines', () => {
    const whole = JSON.stringify({ ...piece, done: true }, null, 2);
    assert.deepEqual(decode(whole), ['start', 'text-delta', 'finish']);
    assert.deepEqual(decode('{', 'no json'), ['upstream-invalid']);
  });

  it('hold calls whole, however the other side sent their arguments', () => {
    const encoder = ollama.encoder(CONTEXT);
    const text = [
      encoder.push({ type: 'tool-call-start', choice: 0, call: 0, id: 'toolu_1', name: 'add' }),
      encoder.push({ type: 'tool-call-delta', choice: 0, call: 0, arguments: '{"x"' }),
      encoder.push({ type: 'tool-call-delta', choice: 0, call: 0, arguments: ':1}' }),
      encoder.push({ type: 'finish', choice: 0, finish: { reason: 'refusal' } }),
      encoder.end(),
    ].join('');
    const [first, second] = text
      .split('\n')
      .map((line) => (line === '' ? undefined : (JSON.parse(line) as JsonRecord)));
    assert.deepEqual(first?.['message'], {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'toolu_1', function: { index: 0, name: 'add', arguments: { x: 1 } } }],
    });
    assert.deepEqual([second?.['done'], second?.['done_reason']], [true, 'stop']);
    assert.deepEqual(
      encoder.losses().map((loss) => loss.code),
      ['finish'],
    );
  });
});
