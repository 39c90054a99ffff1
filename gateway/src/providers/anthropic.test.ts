import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anthropic, anthropicSeams, anthropicUrl } from './anthropic.ts';

describe('providers of Anthropic’s wire', () => {
  it('understand a base with and without /v1', () => {
    const bases = ['https://a.b', 'https://a.b/', 'https://a.b/v1', 'https://a.b/v1/'];
    for (const baseUrl of bases)
      assert.equal(anthropicUrl({ baseUrl, path: '/v1/messages' }), 'https://a.b/v1/messages');
    assert.equal(
      anthropicUrl({ baseUrl: 'https://a.b/anthropic/v1', path: '/v1/messages' }),
      'https://a.b/anthropic/v1/messages',
    );
  });

  it('get no thinking of another provider; a Claude none without a signature either', () => {
    const body = (signature: string) => ({
      messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: '', signature }] }],
    });
    assert.deepEqual(
      [
        anthropic.needsAmend?.(body('EqR')),
        anthropic.needsAmend?.(body('')),
        anthropic.needsAmend?.(body('turnout:gemini:x')),
      ],
      [false, true, true],
    );
    assert.deepEqual(
      [anthropicSeams.needsAmend(body('')), anthropicSeams.needsAmend(body('turnout:gemini:x'))],
      [false, true],
    );
    assert.deepEqual(anthropic.amendRequest?.(body('')), { messages: [] });
  });
});
