import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ChatEvent } from '../chat/reply.ts';
import { openaiChat } from '../dialects/openai-chat.ts';
import { createStrand } from './going-on.ts';
import type { Resumed } from './unfinished.ts';

const encoder = openaiChat.encoder({ requestId: 'r', model: 'm', nowS: 1, wantsStreamUsage: true });
const text = (of: string, choice = 0): ChatEvent => ({ type: 'text-delta', choice, text: of });
const finish: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'stop' } };
const thought: ChatEvent = { type: 'reasoning-delta', choice: 0, text: 'hm' };
const call: ChatEvent = { type: 'tool-call-start', choice: 0, call: 0, id: 'c', name: 'f' };

function before(said: string): Resumed {
  const mark = { offset: said.length, from: 'p/m', to: 's/m' };
  return { encoder, text: said, usage: { inputTokens: 10, outputTokens: 4 }, way: 'instruction', mark };
}

function leftBy(...events: readonly ChatEvent[]): string | undefined {
  const strand = createStrand();
  for (const event of events) strand.take(event);
  return strand.unfinished(encoder)?.text;
}

describe('an answer that broke off', () => {
  it('can be gone on with in the middle of a text, thoughts before it or not', () => {
    assert.equal(leftBy({ type: 'start' }, text('a'), text('b')), 'ab');
    assert.equal(leftBy(thought, text('a')), 'a');
  });

  it('cannot where it is more than a text, has not begun with one, or is complete', () => {
    const cases: Readonly<Record<string, readonly ChatEvent[]>> = {
      'thoughts alone': [thought],
      'thoughts in the middle': [text('a'), thought],
      'a call': [text('a'), call],
      'a refusal': [text('a'), { type: 'refusal-delta', choice: 0, text: 'no' }],
      'a second choice': [text('a'), text('b', 1)],
      'a finish': [text('a'), finish],
      'too long': [text('a'.repeat(300_000))],
      nothing: [],
    };
    for (const [name, events] of Object.entries(cases)) assert.equal(leftBy(...events), undefined, name);
  });
});

describe('an answer that goes on with another', () => {
  it('has no beginning of its own, and says nothing twice', () => {
    const strand = createStrand(before('The quick brown'));
    const events = [{ type: 'start', id: 'x' } as const, thought, text('quick br'), text('own fox'), thought, finish];
    assert.deepEqual(
      events.flatMap((event) => strand.take(event)),
      [text(' fox'), thought, finish],
    );
  });

  it('gives back what was kept for a repetition before anything else follows', () => {
    const strand = createStrand(before('The quick brown'));
    assert.deepEqual(
      [text('quick'), call].flatMap((event) => strand.take(event)),
      [text('quick'), call],
    );
    assert.equal(strand.unfinished(encoder), undefined);
  });

  it('tells the usage of both, counted here where the second provider tells none', () => {
    const told = createStrand(before('One'));
    assert.deepEqual(told.take({ type: 'usage', usage: { inputTokens: 20, outputTokens: 6 } }), [
      { type: 'usage', usage: { inputTokens: 30, outputTokens: 10 } },
    ]);
    assert.deepEqual(told.close(), []);
    const untold = createStrand(before('One'));
    untold.take(text(' two three'));
    assert.deepEqual(untold.close(), [{ type: 'usage', usage: { inputTokens: 10, outputTokens: 7 } }]);
  });

  it('can be gone on with once more, from all of the text', () => {
    const strand = createStrand(before('One two'));
    for (const event of [text(' three'), text(' four')]) strand.take(event);
    assert.equal(strand.unfinished(encoder)?.text, 'One two three four');
  });
});
