import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatEvent, ChatResponse } from '../chat/reply.ts';
import type { Part } from '../chat/part.ts';
import { reshaped, reshaper, type Reshaping } from './reshape.ts';

const SCHEMA = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };
const WANTED = { kind: 'json-schema', schema: SCHEMA } as const;
const BY_TOOL: Reshaping = { choices: 1, format: { way: 'tool', wanted: WANTED, isChecked: true } };
const BY_WORDS: Reshaping = { choices: 1, format: { way: 'instruction', wanted: WANTED, isChecked: true } };

const text = (words: string): ChatEvent => ({ type: 'text-delta', choice: 0, text: words });
const start = (name: string, call = 0): ChatEvent => ({
  type: 'tool-call-start',
  choice: 0,
  call,
  id: `c${call}`,
  name,
});
const args = (words: string, call = 0): ChatEvent => ({ type: 'tool-call-delta', choice: 0, call, arguments: words });
const finish = (reason: 'stop' | 'tool-calls' | 'length'): ChatEvent => ({
  type: 'finish',
  choice: 0,
  finish: { reason, raw: `raw-${reason}` },
});

/** What a caller sees of a stream: its text, why it ended, what else there was, and what was found wrong. */
function seen(of: Reshaping, events: readonly ChatEvent[]): readonly (string | undefined)[] {
  const machine = reshaper(of);
  const out = events.flatMap((event) => machine.push(event));
  const words = out.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
  const end = out.flatMap((event) =>
    event.type === 'finish' ? [event.finish.stopSequence ?? event.finish.reason] : [],
  );
  const rest = out.map((event) => event.type).filter((type) => type !== 'text-delta' && type !== 'finish');
  return [words, end.join(), rest.join(), machine.invalid()?.reason];
}

describe('an answer that came as a call of our tool', () => {
  it('is text that simply ended', () => {
    const events = [start('answer'), args('{"a"'), args(': 1}'), finish('tool-calls')];
    assert.deepEqual(seen(BY_TOOL, events), ['{"a": 1}', 'stop', '', undefined]);
  });

  it('has no words beside it, and one call', () => {
    const events = [text('Let me see.'), start('answer'), args('{"a":1}'), start('answer', 1), args('{}', 1)];
    assert.deepEqual(seen(BY_TOOL, [...events, finish('tool-calls')]), ['{"a":1}', 'stop', '', undefined]);
  });

  it('keeps its reasoning', () => {
    const events: ChatEvent[] = [{ type: 'reasoning-delta', choice: 0, text: 'Hm' }, start('x'), args('{"a":1}')];
    assert.deepEqual(seen(BY_TOOL, [...events, finish('stop')])[2], 'reasoning-delta');
  });

  it('is looked for in the words where the model calls nothing', () => {
    assert.deepEqual(seen(BY_TOOL, [text('Here: {"a"'), text(':1} ok'), finish('stop')])[0], '{"a":1}');
  });

  it('is an empty object where the call has no arguments', () => {
    assert.deepEqual(seen(BY_TOOL, [start('x'), finish('tool-calls')]), ['{}', 'stop', '', '`$.a` must be there']);
  });
});

describe('an answer that was asked for in words', () => {
  it('is held against its schema, unless it was cut by its limit', () => {
    assert.equal(seen(BY_WORDS, [text('{"a":"x"}'), finish('stop')])[3], '`$.a` must be of type integer');
    assert.equal(seen(BY_WORDS, [text('No.'), finish('stop')])[3], 'it is not JSON');
    assert.deepEqual(seen(BY_WORDS, [text('{"a":'), finish('length')]), ['{"a":', 'length', '', undefined]);
  });

  it("is none where the model calls a tool of the caller's, or refuses", () => {
    const called = [text('I ask.'), start('weather'), args('{}'), finish('tool-calls')];
    assert.deepEqual(seen(BY_WORDS, called), ['I ask.', 'tool-calls', 'tool-call-start,tool-call-delta', undefined]);
    const refused: ChatEvent[] = [{ type: 'refusal-delta', choice: 0, text: 'No.' }, finish('stop')];
    assert.equal(seen(BY_WORDS, refused)[3], undefined);
  });

  it('is looked at in each choice by itself', () => {
    const machine = reshaper({ ...BY_WORDS, choices: 2 });
    for (const choice of [0, 1]) machine.push({ type: 'text-delta', choice, text: choice === 0 ? '{"a":1}' : '{"a"' });
    machine.push({ type: 'finish', choice: 0, finish: { reason: 'stop' } });
    assert.equal(machine.invalid(), undefined);
    machine.push({ type: 'finish', choice: 1, finish: { reason: 'stop' } });
    assert.equal(machine.invalid()?.answer, '{"a"');
  });
});

describe('a text with stop sequences of ours', () => {
  const cut: Reshaping = { choices: 1, stops: ['END'] };

  it('ends at the first, and nothing follows it', () => {
    const events = [text('one E'), text('ND two'), start('x'), finish('tool-calls')];
    assert.deepEqual(seen(cut, events), ['one ', 'END', '', undefined]);
    assert.deepEqual(seen(cut, [text('one EN'), finish('stop')]), ['one EN', 'stop', '', undefined]);
    assert.deepEqual(seen(cut, [text('one EN'), start('x'), finish('tool-calls')])[0], 'one EN');
  });

  it('is done when each of its choices is', () => {
    const machine = reshaper({ choices: 2, stops: ['END'] });
    machine.push(text('END'));
    assert.equal(machine.isDone(), false);
    machine.push({ type: 'text-delta', choice: 1, text: 'END' });
    assert.equal(machine.isDone(), true);
  });
});

describe('a whole reply', () => {
  it('is reshaped as its stream is, and keeps all else', () => {
    const parts: readonly Part[] = [
      { kind: 'reasoning', text: 'Hm' },
      { kind: 'tool-call', id: '1', name: 'answer', arguments: '{"a":1}' },
    ];
    const reply: ChatResponse = {
      origin: 'openai-chat',
      id: 'x',
      model: 'm',
      choices: [{ index: 0, parts, finish: { reason: 'tool-calls' } }],
      usage: { inputTokens: 1, outputTokens: 2 },
      extra: { future: 1 },
    };
    const { response, invalid } = reshaped(reply, BY_TOOL);
    assert.equal(invalid, undefined);
    assert.deepEqual(response, {
      ...reply,
      choices: [{ index: 0, parts: [parts[0], { kind: 'text', text: '{"a":1}' }], finish: { reason: 'stop' } }],
    });
  });
});
