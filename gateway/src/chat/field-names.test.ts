import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldName, toolFieldName } from './field-names.ts';

describe('fieldName', () => {
  it('speaks the caller’s language', () => {
    assert.equal(fieldName({ origin: 'openai-chat' }, 'topP'), 'top_p');
    assert.equal(fieldName({ origin: 'anthropic-messages' }, 'stop'), 'stop_sequences');
    assert.equal(fieldName({ origin: 'gemini' }, 'n'), 'generationConfig.candidateCount');
    assert.equal(fieldName({ origin: 'openai-responses' }, 'maxOutputTokens'), 'max_output_tokens');
    assert.equal(fieldName({ origin: 'ollama' }, 'seed'), 'options.seed');
  });

  it('takes the name that the caller chose among several', () => {
    const names = { maxOutputTokens: 'max_completion_tokens' };
    assert.equal(fieldName({ origin: 'openai-chat', names }, 'maxOutputTokens'), 'max_completion_tokens');
    assert.equal(fieldName({ origin: 'openai-chat', names }, 'seed'), 'seed');
  });

  it('finds a field of a tool where the caller wrote it', () => {
    assert.equal(toolFieldName('openai-chat', 'tools[0]', 'strict'), 'tools[0].function.strict');
    assert.equal(toolFieldName('openai-chat', 'functions[0]', 'strict'), 'functions[0].strict');
    assert.equal(toolFieldName('anthropic-messages', 'tools[0]', 'strict'), 'tools[0].strict');
  });
});
