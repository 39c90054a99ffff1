import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonRecord } from '../lib/json.ts';
import { anthropicMessages, countTokensResponse } from './anthropic-messages.ts';

describe('the dialect anthropic-messages', () => {
  it('calls two paths with the key and the version', () => {
    const shape = { model: 'm', isStreaming: true };
    assert.equal(anthropicMessages.path({ ...shape, operation: 'chat' }), '/v1/messages');
    assert.equal(anthropicMessages.path({ ...shape, operation: 'count-tokens' }), '/v1/messages/count_tokens');
    assert.deepEqual(anthropicMessages.headers('s'), { 'x-api-key': 's', 'anthropic-version': '2023-06-01' });
    assert.deepEqual(anthropicMessages.headers(undefined), { 'anthropic-version': '2023-06-01' });
  });

  it('answers a count of tokens', () => assert.deepEqual(countTokensResponse(12), { input_tokens: 12 }));

  it('limits output, and thinking below it', () => {
    const limitOutput = (body: JsonRecord, maxTokens: number): JsonRecord =>
      anthropicMessages.limitOutput(body, maxTokens);
    const thinking = { type: 'enabled', budget_tokens: 8000 };
    assert.deepEqual(limitOutput({ max_tokens: 5 }, 10), { max_tokens: 5 });
    assert.deepEqual(limitOutput({ max_tokens: 50 }, 10), { max_tokens: 10 });
    assert.deepEqual(limitOutput({}, 10), { max_tokens: 10 });
    assert.deepEqual(limitOutput({ max_tokens: 9000, thinking }, 4000), {
      max_tokens: 4000,
      thinking: { ...thinking, budget_tokens: 3999 },
    });
    assert.deepEqual(limitOutput({ max_tokens: 9000, thinking }, 1000), { max_tokens: 1000 });
  });

  it('reads a 200 with an error as the error, and one without content as no answer', () => {
    const overloaded = anthropicMessages.decodeResponse(
      { type: 'error', error: { type: 'overloaded_error', message: 'x' } },
      'acme',
    );
    assert.equal(overloaded.ok ? '' : overloaded.error.code, 'upstream-overloaded');
    const empty = anthropicMessages.decodeResponse({ id: 'x' }, 'acme');
    assert.equal(empty.ok ? '' : empty.error.code, 'upstream-invalid');
  });
});
