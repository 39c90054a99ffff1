import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asArray, type JsonRecord } from '../../lib/json.ts';
import { hasForeignThinking, withoutForeignThinking } from './foreign-thinking.ts';

const CLAUDE = { refusesUnsigned: true };
const OTHERS = { refusesUnsigned: false };
const thought = (signature: string): JsonRecord => ({ type: 'thinking', thinking: 't', signature });
const USE = { type: 'tool_use', id: 'a', name: 'f', input: {} };

function body(...content: readonly JsonRecord[]): JsonRecord {
  return {
    model: 'm',
    thinking: { type: 'enabled', budget_tokens: 2000 },
    messages: [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a' }] },
    ],
  };
}

describe('thinking of other providers in a body of this wire', () => {
  it('is seen by its signature', () => {
    assert.equal(hasForeignThinking(body(thought('EqRk'), USE), CLAUDE), false);
    assert.equal(hasForeignThinking(body(thought('turnout:gemini:x'), USE), CLAUDE), true);
    assert.equal(
      hasForeignThinking(body({ type: 'redacted_thinking', data: 'turnout:openai-responses:x' }), OTHERS),
      true,
    );
    assert.equal(hasForeignThinking(body(thought('')), CLAUDE), true);
    assert.equal(hasForeignThinking(body(thought('')), OTHERS), false);
    assert.equal(hasForeignThinking({ messages: 'x' }, CLAUDE), false);
  });

  it('is taken out; a loop that then begins without thinking goes on without', () => {
    const cleaned = withoutForeignThinking(body(thought('turnout:gemini:x'), USE), CLAUDE);
    assert.deepEqual(cleaned, {
      model: 'm',
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: [USE] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a' }] },
      ],
    });
    const kept = withoutForeignThinking(body(thought('EqRk'), thought('turnout:gemini:x'), USE), CLAUDE);
    assert.deepEqual(kept, body(thought('EqRk'), USE));
  });

  it('takes a message of nothing else with it', () => {
    const { messages } = withoutForeignThinking(body(thought('')), CLAUDE);
    assert.equal(asArray(messages)?.length, 2);
  });
});
