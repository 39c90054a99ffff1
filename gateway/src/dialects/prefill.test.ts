import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claudeTakesPrefill } from './prefill.ts';

describe('a conversation that ends with words of the assistant', () => {
  const names: Readonly<Record<string, boolean>> = {
    'claude-3-5-sonnet-20241022': true,
    'claude-3-haiku-20240307': true,
    'claude-sonnet-4-20250514': true,
    'claude-opus-4-1': true,
    'claude-sonnet-4-5-20250929': true,
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0': true,
    'claude-haiku-4-5@20251001': true,
    'claude-2.1': true,
    'claude-opus-4-6': false,
    'us.anthropic.claude-opus-4-6-v1': false,
    'claude-sonnet-5': false,
    'claude-opus-4-10': false,
    'deepseek-chat': false,
    m: false,
  };
  for (const [name, takes] of Object.entries(names)) {
    it(`is ${takes ? '' : 'not '}gone on with by ${name}`, () => assert.equal(claudeTakesPrefill(name), takes));
  }
});
