import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { collect } from '../../chat/collect.ts';
import type { ChatEvent } from '../../chat/reply.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { decoder } from './decoder.ts';
import { tap } from './tap.ts';

function chunk(delta: JsonRecord, more: JsonRecord = {}, beside: JsonRecord = {}): string {
  return `data: ${JSON.stringify({ id: 'i', model: 'm', created: 5, choices: [{ index: 0, delta, ...more }], ...beside })}\n\n`;
}

const FINISH = chunk({}, { finish_reason: 'stop' });
const CALLS = chunk({}, { finish_reason: 'tool_calls' });
const DONE = 'data: [DONE]\n\n';

function decode(text: string): readonly ChatEvent[] {
  const decoding = decoder('p');
  return [...decoding.push(Buffer.from(text)), ...decoding.end()];
}

function partsOf(text: string): unknown {
  return collect(decode(text), 'openai-chat').choices[0]?.parts;
}

function faultOf(text: string): string | undefined {
  const last = decode(text).at(-1);
  return last?.type === 'error' ? last.fault.code : undefined;
}

const call = (index: number | undefined, more: JsonRecord, named: JsonRecord): JsonRecord => ({
  tool_calls: [{ ...(index === undefined ? {} : { index }), ...more, function: named }],
});

describe('decoder of openai-chat', () => {
  it('reads the same events wherever the network cuts the bytes', () => {
    const wire = Buffer.from(
      `\ufeff: hello\r\n\r\n${chunk({ role: 'assistant', content: '' })}${chunk({ reasoning_content: 'hmé' })}${chunk({ content: 'a"finish_reason":"x 🙂' })}` +
        `${chunk(call(0, { id: 'c', type: 'function' }, { name: 'f', arguments: '' }))}${chunk(call(0, {}, { arguments: '{"a":1}' }))}${CALLS}` +
        `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } })}\n\n${DONE}`,
    );
    const expected = decode(wire.toString());
    fc.assert(
      fc.property(fc.array(fc.nat(wire.length), { maxLength: 30 }), (cuts) => {
        const decoding = decoder('p');
        const edges = [0, ...cuts.toSorted((a, b) => a - b), wire.length];
        const events = edges.slice(1).flatMap((to, at) => decoding.push(wire.subarray(edges[at], to)));
        assert.deepEqual([...events, ...decoding.end()], expected);
      }),
    );
  });

  it('takes calls without numbers and ids apart where the arguments of one are whole', () => {
    const one = chunk(call(undefined, {}, { name: 'f', arguments: '{"a":1}' }));
    const two = chunk(call(undefined, {}, { name: 'f', arguments: '{"a":2}' }));
    assert.deepEqual(partsOf(`${one}${two}${CALLS}${DONE}`), [
      { kind: 'tool-call', id: 'call_0_f', name: 'f', arguments: '{"a":1}' },
      { kind: 'tool-call', id: 'call_1_f', name: 'f', arguments: '{"a":2}' },
    ]);
  });

  it('keeps a call without a name, and fields of a call that it does not know', () => {
    const nameless = chunk(call(0, { id: 'c' }, { arguments: '{}' }));
    const value = { id: 'c', type: 'function', function: { arguments: '{}' } };
    assert.deepEqual(partsOf(`${nameless}${CALLS}${DONE}`), [
      { kind: 'opaque', origin: 'openai-chat', name: 'tool_call', value },
    ]);
    const known = chunk(call(0, { id: 'c', tomorrow: 1 }, { name: 'f', arguments: '{}', later: 2 }));
    assert.deepEqual(partsOf(`${known}${CALLS}${DONE}`), [
      { kind: 'tool-call', id: 'c', name: 'f', arguments: '{}', extra: { tomorrow: 1, 'function.later': 2 } },
    ]);
  });

  it('reads usage in the choice (Moonshot), and under the names of other protocols', () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
    for (const wire of [
      chunk({}, { finish_reason: 'stop', usage }),
      chunk({}, { finish_reason: 'stop' }, { usage: { input_tokens: 3, output_tokens: 4 } }),
    ]) {
      const { usage: read } = collect(decode(`${chunk({ content: 'a' })}${wire}${DONE}`), 'openai-chat');
      assert.deepEqual([read?.inputTokens, read?.outputTokens], [3, 4]);
      assert.equal(tap('p').see('', Buffer.from(wire.slice('data: '.length))).usage?.outputTokens, 4);
    }
  });

  it('reads the signature of a picture, and of thoughts that are not shown', () => {
    const extra_content = { google: { thought_signature: 'c2ln' } };
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' }, extra_content };
    const thought = (index: number): JsonRecord => ({
      reasoning_details: [{ type: 'reasoning.text', signature: `s${index}`, format: 'anthropic-claude-v1', index }],
    });
    const wire = `${chunk(thought(0))}${chunk(thought(1))}${chunk({ images: [image] })}${FINISH}${DONE}`;
    assert.deepEqual(partsOf(wire), [
      { kind: 'reasoning', text: '', signature: { origin: 'anthropic-messages', value: 's0' } },
      { kind: 'reasoning', text: '', signature: { origin: 'anthropic-messages', value: 's1' } },
      {
        kind: 'image',
        source: { by: 'base64', data: 'AAAA', mediaType: 'image/png' },
        signature: { origin: 'gemini', value: 'c2ln' },
      },
    ]);
  });

  it('reads content as an object, and text where the delta should be', () => {
    const text = [{ kind: 'text', text: 'ab' }];
    const object = chunk({ content: { type: 'text', text: 'ab' } });
    assert.deepEqual(partsOf(`${object}${FINISH}${DONE}`), text);
    const completion = `data: ${JSON.stringify({ id: 'i', choices: [{ index: 0, text: 'ab' }] })}\n\n`;
    assert.deepEqual(partsOf(`${completion}${FINISH}${DONE}`), text);
  });

  it('never reads a stream that was cut off as a whole one', () => {
    const wire = Buffer.from(`${chunk({ role: 'assistant', content: 'a' })}${chunk({ content: 'b' })}${FINISH}${DONE}`);
    const finish = wire.indexOf('"finish_reason"');
    fc.assert(
      fc.property(fc.nat(finish), (cut) => {
        const decoding = decoder('p');
        const events = [...decoding.push(wire.subarray(0, cut)), ...decoding.end()];
        assert.equal(events.at(-1)?.type, 'error');
        assert.equal(events.filter((event) => event.type === 'error').length, 1);
      }),
    );
  });

  it('puts calls together whose ids or names are repeated, late or missing', () => {
    const repeated =
      chunk(call(0, { id: 'c' }, { name: 'f', arguments: '{' })) +
      chunk(call(0, { id: 'c' }, { name: 'f', arguments: '}' })) +
      CALLS;
    assert.deepEqual(partsOf(repeated), [{ kind: 'tool-call', id: 'c', name: 'f', arguments: '{}' }]);
    const late =
      chunk(call(0, { id: 'c' }, { arguments: '{' })) + chunk(call(0, {}, { name: 'f', arguments: '}' })) + CALLS;
    assert.deepEqual(partsOf(late), [{ kind: 'tool-call', id: 'c', name: 'f', arguments: '{}' }]);
    const nameless = chunk(call(0, {}, { name: 'f', arguments: '{}' })) + CALLS;
    assert.deepEqual(partsOf(nameless), [{ kind: 'tool-call', id: 'call_0_f', name: 'f', arguments: '{}' }]);
    const unnumbered =
      chunk(call(undefined, { id: 'a' }, { name: 'f', arguments: '1' })) +
      chunk(call(undefined, { id: 'b' }, { name: 'g', arguments: '2' })) +
      CALLS;
    assert.deepEqual(partsOf(unnumbered), [
      { kind: 'tool-call', id: 'a', name: 'f', arguments: '1' },
      { kind: 'tool-call', id: 'b', name: 'g', arguments: '2' },
    ]);
    const allZero =
      chunk(call(0, { id: 'a' }, { name: 'f', arguments: '1' })) +
      chunk(call(0, { id: 'b' }, { name: 'g', arguments: '2' })) +
      CALLS;
    assert.deepEqual(partsOf(allZero), partsOf(unnumbered));
    const object = chunk(call(0, { id: 'c' }, { name: 'f', arguments: { a: 1 } })) + CALLS;
    assert.deepEqual(partsOf(object), [{ kind: 'tool-call', id: 'c', name: 'f', arguments: '{"a":1}' }]);
  });

  it('reads function calls of the old form, and custom calls', () => {
    const legacy =
      chunk({ function_call: { name: 'f', arguments: '{' } }) +
      chunk({ function_call: { arguments: '}' } }) +
      chunk({}, { finish_reason: 'function_call' });
    assert.deepEqual(partsOf(legacy), [{ kind: 'tool-call', id: 'call_0_f', name: 'f', arguments: '{}' }]);
    const custom =
      chunk({ tool_calls: [{ index: 0, id: 'c', type: 'custom', custom: { name: 'e', input: '4 +' } }] }) +
      chunk({ tool_calls: [{ index: 0, custom: { input: ' 4' } }] }) +
      CALLS;
    const value = { id: 'c', type: 'custom', custom: { name: 'e', input: '4 + 4' } };
    assert.deepEqual(partsOf(custom), [{ kind: 'opaque', origin: 'openai-chat', name: 'custom_tool_call', value }]);
  });

  it('keeps blocks of reasoning and their signatures apart', () => {
    const detail = (index: number, more: JsonRecord): string =>
      chunk({ reasoning_details: [{ type: 'reasoning.text', format: 'anthropic-claude-v1', index, ...more }] });
    const wire =
      detail(0, { text: 'a' }) +
      detail(0, { text: 'b' }) +
      detail(0, { signature: 's1' }) +
      detail(1, { text: 'c' }) +
      detail(1, { signature: 's2' }) +
      chunk({ content: 'x' }) +
      FINISH;
    assert.deepEqual(partsOf(wire), [
      { kind: 'reasoning', text: 'ab', signature: { origin: 'anthropic-messages', value: 's1' } },
      { kind: 'reasoning', text: 'c', signature: { origin: 'anthropic-messages', value: 's2' } },
      { kind: 'text', text: 'x' },
    ]);
  });

  it('keeps choices apart that come interleaved', () => {
    const piece = (index: number, content: string): string => chunk({ content }, { index });
    const wire =
      piece(0, 'a') +
      piece(1, 'b') +
      piece(0, 'c') +
      chunk({}, { index: 1, finish_reason: 'stop' }) +
      piece(0, 'd') +
      FINISH;
    const { choices } = collect(decode(wire), 'openai-chat');
    assert.deepEqual(
      choices.map((choice) => choice.parts),
      [[{ kind: 'text', text: 'acd' }], [{ kind: 'text', text: 'b' }]],
    );
    assert.equal(faultOf(wire.slice(0, -FINISH.length)), 'upstream-cut');
  });

  it('takes a finish back where the reply goes on with another call (Together)', () => {
    const first = chunk(call(0, { id: 'a' }, { name: 'f', arguments: '1' })) + CALLS;
    const second = chunk(call(1, { id: 'b' }, { name: 'g', arguments: '2' }));
    assert.equal(faultOf(first), undefined);
    assert.equal(faultOf(first + second), 'upstream-cut');
    const events = decode(first + second + CALLS + DONE);
    assert.equal(events.filter((event) => event.type === 'finish').length, 1);
    assert.equal(events.at(-1)?.type, 'finish');
  });

  it('reads errors inside a 200 as what they are', () => {
    const inside = (error: JsonRecord): string | undefined =>
      faultOf(`${chunk({ content: 'a' })}data: ${JSON.stringify(error)}\n\n`);
    assert.equal(inside({ error: { message: 'Rate limit reached', code: 429 } }), 'upstream-rate-limited');
    assert.equal(inside({ error: { message: 'x', type: 'server_error' } }), 'upstream-error');
    assert.equal(inside({ object: 'error', message: 'overloaded_error', code: 503 }), 'upstream-overloaded');
    assert.equal(
      inside({
        id: 'i',
        choices: [{ index: 0, delta: {}, finish_reason: 'error', error: { code: 502, message: 'gone' } }],
      }),
      'upstream-error',
    );
    assert.equal(
      faultOf(
        `${chunk({ content: 'a' })}event: error\ndata: {"message":"context length exceeded","type":"invalid_request_error"}\n\n`,
      ),
      'context-length',
    );
  });

  it('takes the end mark as an end, and nothing after it', () => {
    const finish = decode(`${chunk({ content: 'a' })}${DONE}${chunk({ content: 'b' })}`);
    assert.deepEqual(finish.at(-1), { type: 'finish', choice: 0, finish: { reason: 'stop' } });
    assert.equal(faultOf(chunk({ content: 'a' }) + FINISH), undefined);
    assert.equal(faultOf(DONE), 'upstream-invalid');
  });

  it('reads a JSON reply where a stream was asked for, and no page as one', () => {
    const reply = {
      id: 'i',
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
    };
    assert.deepEqual(partsOf(JSON.stringify(reply)), [{ kind: 'text', text: 'a' }]);
    assert.equal(faultOf(JSON.stringify({ error: { message: 'x', type: 'server_error' } })), 'upstream-error');
    assert.equal(faultOf('<html><body>502</body></html>'), 'upstream-invalid');
    assert.equal(faultOf(JSON.stringify(reply).slice(0, -9)), 'upstream-invalid');
    assert.equal(faultOf(''), 'upstream-cut');
  });

  it('cuts off an event that grows without end', () => {
    const decoding = decoder('p');
    const events = [...decoding.push(Buffer.from(`data: {"x":"${'y'.repeat(9 * 2 ** 20)}`)), ...decoding.end()];
    assert.deepEqual(
      events.map((event) => (event.type === 'error' ? event.fault.code : event.type)),
      ['upstream-too-big'],
    );
  });
});

describe('tap of openai-chat', () => {
  it('is not misled by text that looks like the end', () => {
    const tapping = tap('p');
    const see = (text: string): unknown => tapping.see('', Buffer.from(text.slice('data: '.length).trim()));
    assert.deepEqual(see(chunk({ content: 'a' })), { hasContent: true });
    assert.deepEqual(
      see(
        chunk(
          { content: '"finish_reason":"stop" "usage":{ "error": [DONE]' },
          { finish_reason: null },
          { usage: null, error: null },
        ),
      ),
      { hasContent: true },
    );
    assert.deepEqual(see(FINISH), { isFinished: true });
    assert.deepEqual(see(DONE), { isLast: true });
  });

  it('waits for every choice that it saw', () => {
    const tapping = tap('p');
    const see = (index: number, more: JsonRecord): unknown =>
      tapping.see('', Buffer.from(JSON.stringify({ choices: [{ index, delta: { content: 'a' }, ...more }] })));
    see(0, {});
    see(1, {});
    assert.deepEqual(see(0, { finish_reason: 'stop' }), { hasContent: true });
    assert.deepEqual(see(1, { finish_reason: 'stop' }), { hasContent: true, isFinished: true });
  });

  it('tells usage that stands alone from usage with the finish', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const read = { inputTokens: 1, outputTokens: 2, raw: usage };
    const tapping = tap('p');
    const alone = tapping.see('', Buffer.from(JSON.stringify({ choices: [], usage })));
    assert.deepEqual(alone, { usage: read, isUsageOnly: true });
    const last = tapping.see(
      '',
      Buffer.from(JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage })),
    );
    assert.deepEqual(last, { usage: read, isFinished: true });
  });
});
