import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldName } from './field-names.ts';

describe('fieldName', () => {
  it('speaks the caller’s language', () => {
    assert.equal(fieldName('openai-chat', 'topP'), 'top_p');
    assert.equal(fieldName('anthropic-messages', 'stop'), 'stop_sequences');
    assert.equal(fieldName('gemini', 'n'), 'generationConfig.candidateCount');
    assert.equal(fieldName('openai-responses', 'maxOutputTokens'), 'max_output_tokens');
    assert.equal(fieldName('ollama', 'seed'), 'options.seed');
  });
});
