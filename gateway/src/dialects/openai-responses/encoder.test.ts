import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatEvent } from '../../chat/reply.ts';
import { fault } from '../../chat/fault.ts';
import { asRecord, parseJson, type JsonRecord } from '../../lib/json.ts';
import { encoder } from './encoder.ts';

const CONTEXT = { requestId: 'req_1', model: 'm', nowS: 1, wantsStreamUsage: true };
const END: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'stop' } };

/** The events that a list of events becomes, by type, and the last response. */
function written(...events: readonly ChatEvent[]): { readonly types: readonly string[]; readonly last: JsonRecord } {
  const made = encoder(CONTEXT);
  const text = events.map((event) => made.push(event)).join('') + made.end();
  const data = [...text.matchAll(/^data: (.*)$/gm)].map((match) => asRecord(parseJson(match[1] ?? '')) ?? {});
  assert.deepEqual(
    data.map((event) => event['sequence_number']),
    data.map((_, index) => index),
  );
  const types = data.map((event) => String(event['type']).replace('response.', ''));
  return { types, last: asRecord(data.at(-1)?.['response']) ?? {} };
}

describe('the writer of response streams', () => {
  it('closes each part before another of its item, and the item before the next', () => {
    const { types, last } = written(
      { type: 'text-delta', choice: 0, text: 'a' },
      { type: 'refusal-delta', choice: 0, text: 'b' },
      END,
    );
    const part = (name: string): readonly string[] => [
      'content_part.added',
      `${name}.delta`,
      `${name}.done`,
      'content_part.done',
    ];
    const item = ['output_item.added', ...part('output_text'), ...part('refusal'), 'output_item.done'];
    assert.deepEqual(types, ['created', 'in_progress', ...item, 'completed']);
    assert.deepEqual(last['output'], [
      {
        type: 'message',
        id: 'msg_1_0',
        status: 'completed',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'a', annotations: [], logprobs: [] },
          { type: 'refusal', refusal: 'b' },
        ],
      },
    ]);
  });

  it('lets two calls grow side by side, and ends one that is whole as soon as another item follows', () => {
    const start = (call: number): ChatEvent => ({
      type: 'tool-call-start',
      choice: 0,
      call,
      id: `c${call}`,
      name: 'f',
    });
    const delta = (call: number, text: string): ChatEvent => ({
      type: 'tool-call-delta',
      choice: 0,
      call,
      arguments: text,
    });
    const apart = written(start(0), delta(0, '{}'), start(1), delta(1, '{}'), END).types;
    assert.ok(apart.indexOf('output_item.done') < apart.lastIndexOf('output_item.added'));
    const mixed = written(start(0), delta(0, '{"a":'), start(1), delta(1, '{}'), delta(0, '1}'), END);
    const output = JSON.stringify(mixed.last['output']);
    assert.ok(output.includes('"call_id":"c0","name":"f","arguments":"{\\"a\\":1}"'), output);
    assert.equal(mixed.types.filter((type) => type === 'output_item.done').length, 2);
  });

  it('puts a signature of Gemini’s for a call into a reasoning item of its own, right before it', () => {
    const signature = { origin: 'gemini', value: 's' } as const;
    const { last } = written({ type: 'tool-call-start', choice: 0, call: 0, id: 'c', name: 'f', signature }, END);
    const [reasoning, call] = Array.isArray(last['output']) ? last['output'] : [];
    assert.equal(asRecord(reasoning)?.['encrypted_content'], 'turnout:gemini:s');
    assert.equal(asRecord(call)?.['type'], 'function_call');
  });

  it('marks what the limit cut short, in the item and in the reply', () => {
    const { types, last } = written(
      { type: 'text-delta', choice: 0, text: 'a' },
      { type: 'finish', choice: 0, finish: { reason: 'length' } },
    );
    assert.equal(types.at(-1), 'incomplete');
    assert.deepEqual(last['incomplete_details'], { reason: 'max_output_tokens' });
    assert.ok(JSON.stringify(last['output']).includes('"status":"incomplete"'));
  });

  it('ends a broken stream with a failed response that counts on', () => {
    const { types, last } = written(
      { type: 'text-delta', choice: 0, text: 'a' },
      { type: 'error', fault: fault('upstream-cut', { provider: 'p' }) },
      END,
    );
    assert.equal(types.at(-1), 'failed');
    assert.deepEqual([last['status'], asRecord(last['error'])?.['code']], ['failed', 'upstream_cut']);
  });

  it('repeats what the caller asked for', () => {
    const made = encoder({ ...CONTEXT, request: { instructions: 'be brief', temperature: 0.5, input: 'secret' } });
    const text = made.push({ type: 'text-delta', choice: 0, text: 'a' });
    assert.ok(text.includes('"instructions":"be brief"') && text.includes('"temperature":0.5'));
    assert.ok(!text.includes('secret'));
  });
});
