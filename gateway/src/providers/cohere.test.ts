import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cohere, cohereSeams } from './cohere.ts';

describe('providers of Cohere’s wire', () => {
  const asked = (message: object) => ({ model: 'm', messages: [{ role: 'assistant', ...message }] });
  const thinking = { type: 'thinking', thinking: 'hm' };
  const call = { id: 'c1', type: 'function', function: { name: 'add', arguments: '{}' } };

  it('get requests as they are where nobody else signed anything', () => {
    const plain = [asked({ content: [thinking], tool_calls: [call] }), asked({ content: 'x' }), { message: 'v1' }];
    assert.deepEqual(
      plain.map((body) => cohere.needsAmend?.(body)),
      [false, false, false],
    );
  });

  it('get no signature of another provider, and no thoughts that only it can read', () => {
    const body = asked({
      content: [
        { ...thinking, signature: 'turnout:anthropic-messages:EqR' },
        { type: 'thinking', thinking: '', encrypted: 'turnout:gemini:x' },
      ],
      tool_calls: [{ ...call, signature: 'turnout:gemini:y' }],
    });
    assert.equal(cohereSeams.needsAmend(body), true);
    assert.deepEqual(cohereSeams.amendRequest(body), asked({ content: [thinking], tool_calls: [call] }));
  });
});
