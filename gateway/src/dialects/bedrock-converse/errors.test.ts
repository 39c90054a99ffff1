import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeError } from './errors.ts';

describe('bedrock-converse: errors in which the caller may be repeated', () => {
  const cases: readonly (readonly [number, string, string, boolean])[] = [
    [400, 'ValidationException', "Value 'access to the model' at 'x' failed to satisfy constraint", true],
    [404, 'ResourceNotFoundException', 'Could not find the guardrail abc.', true],
    [404, 'ResourceNotFoundException', 'This model version has reached the end of its life.', false],
    [400, 'ValidationException', 'The provided model identifier is invalid.', false],
    [
      400,
      'ValidationException',
      'Invocation of model ID x with on-demand throughput isn’t supported. Retry with the ID of an inference profile.',
      false,
    ],
    [403, 'AccessDeniedException', "You don't have access to the model with the specified model ID.", false],
  ];
  for (const [status, name, message, isHearsay] of cases) {
    it(`are ${isHearsay ? 'no lesson' : 'a lesson'}: ${message}`, () => {
      const headers = { 'x-amzn-errortype': name };
      const body = JSON.stringify({ message });
      const of = decodeError({ status, headers, body, provider: 'bedrock', model: 'm', nowMs: 0 });
      assert.deepEqual([of.code, of.isHearsay === true], ['upstream-not-found', isHearsay]);
    });
  }
});
