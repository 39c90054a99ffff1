import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { traitsOf, type ModelTraits } from './model.ts';

describe('traitsOf a model by its name', () => {
  const thinking: readonly (readonly [string, ModelTraits['thinking']])[] = [
    ['claude-3-opus-20240229', 'none'],
    ['claude-3-5-haiku-latest', 'none'],
    ['claude-3-7-sonnet@20250219', 'budget'],
    ['claude-sonnet-4-20250514', 'budget'],
    ['claude-opus-4-0', 'budget'],
    ['claude-haiku-4-5@20251001', 'budget'],
    ['us.anthropic.claude-opus-4-6-v1:0', 'both'],
    ['anthropic/claude-sonnet-4.6', 'both'],
    ['claude-opus-4-8-20260528', 'adaptive'],
    ['claude-sonnet-5', 'adaptive'],
    ['claude-fable-5-1', 'adaptive'],
    ['kimi-k2', 'budget'],
  ];
  for (const [name, expected] of thinking)
    it(`${name}: thinking is ${expected}`, () => assert.equal(traitsOf(name).thinking, expected));

  it('knows what the recordings show of single models', () => {
    assert.equal(traitsOf('claude-opus-4-8').takesLaterSystem, true);
    assert.equal(traitsOf('claude-opus-4-7').takesLaterSystem, false);
    assert.equal(traitsOf('claude-fable-5').takesSampling, false);
    assert.equal(traitsOf('claude-sonnet-4-6').takesSampling, true);
    assert.equal(traitsOf('claude-sonnet-4-5').takesPrefill, true);
    assert.deepEqual(traitsOf('claude-opus-4-6').efforts, ['low', 'medium', 'high', 'max']);
    assert.deepEqual(traitsOf('claude-haiku-4-5').efforts, []);
    assert.equal(traitsOf('claude-opus-5-5').takesForcedTool, false);
    assert.equal(traitsOf('claude-opus-5').takesForcedTool, true);
  });
});
