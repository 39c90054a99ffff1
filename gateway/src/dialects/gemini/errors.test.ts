import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault } from '../../chat/fault.ts';
import type { JsonRecord } from '../../lib/json.ts';
import { gemini } from '../gemini.ts';

function answer(
  status: number,
  error: JsonRecord | string,
  headers: Record<string, string> = {},
): ReturnType<typeof gemini.decodeError> {
  const body = typeof error === 'string' ? error : JSON.stringify({ error });
  return gemini.decodeError({ status, headers, body, provider: 'google', model: 'gemini-x', nowMs: 1_000 });
}

function quota(quotaId: string): JsonRecord {
  return {
    code: 429,
    message: 'You exceeded your current quota, please check your plan and billing details.',
    status: 'RESOURCE_EXHAUSTED',
    details: [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [{ quotaId }] }],
  };
}

describe('gemini: errors', () => {
  const cases: readonly (readonly [string, number, JsonRecord | string, string])[] = [
    [
      'a bad key is a 400',
      400,
      { message: 'API key not valid. Please pass a valid API key.', status: 'INVALID_ARGUMENT' },
      'upstream-auth',
    ],
    ['an expired key by its reason', 400, { message: 'x', details: [{ reason: 'API_KEY_EXPIRED' }] }, 'upstream-auth'],
    [
      'no credentials',
      401,
      { message: 'Request had invalid authentication credentials.', status: 'UNAUTHENTICATED' },
      'upstream-auth',
    ],
    [
      'a file of the caller',
      403,
      {
        message: 'You do not have permission to access the File abc or it may not exist.',
        status: 'PERMISSION_DENIED',
      },
      'upstream-refused',
    ],
    [
      'a project without billing',
      403,
      { message: 'This API method requires billing to be enabled.', status: 'PERMISSION_DENIED' },
      'upstream-quota',
    ],
    [
      'too long a prompt',
      400,
      {
        message: 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
        status: 'INVALID_ARGUMENT',
      },
      'context-length',
    ],
    [
      'a filtered prompt',
      400,
      {
        message: "The prompt contains sensitive words that violate Google's Responsible AI practices.",
        status: 'INVALID_ARGUMENT',
      },
      'content-filtered',
    ],
    ['a limit a minute', 429, quota('GenerateRequestsPerMinutePerProjectPerModel'), 'upstream-rate-limited'],
    ['a limit a day', 429, quota('GenerateRequestsPerDayPerProjectPerModel-FreeTier'), 'upstream-quota'],
    [
      'credit that is gone',
      429,
      { message: 'Your prepayment credits are depleted.', status: 'RESOURCE_EXHAUSTED' },
      'upstream-quota',
    ],
    ['a crash', 500, { message: 'An internal error has occurred.', status: 'INTERNAL' }, 'upstream-error'],
    ['too big a body', 413, '<html><title>413</title></html>', 'upstream-refused'],
    ['a page', 502, '<html>bad gateway</html>', 'upstream-error'],
    ['nothing', 503, '', 'upstream-overloaded'],
    ['half a body', 404, '{"error": {"code": 404, "mess', 'upstream-not-found'],
  ];
  for (const [name, status, error, code] of cases) {
    it(`reads ${name} as ${code}`, () => assert.equal(answer(status, error).code, code));
  }

  it('believes a wait within reason, from the body before the headers', () => {
    const info = (retryDelay: string): JsonRecord => ({
      message: 'x',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }],
    });
    assert.equal(answer(429, info('1.5s')).retryAfterMs, 1500);
    assert.equal(answer(429, info('99999s')).retryAfterMs, 60_000);
    assert.equal(answer(429, info('-5s'), { 'retry-after': '3' }).retryAfterMs, 3000);
    assert.equal(answer(429, { message: 'Please retry in 48.9s.' }).retryAfterMs, 48_900);
    assert.equal(answer(429, { message: 'x' }, { 'retry-after': 'abc' }).retryAfterMs, undefined);
  });

  it('shows no key, of the old form or the new', () => {
    const found = answer(400, {
      message: 'Bad key AIzaSyA1234567890abcdefghijklmnopqrstuvw or AQ.Ab8RN6I1234567890abcdef',
    });
    assert.doesNotMatch(found.message, /AIza|Ab8RN6/);
  });

  it('finds an error inside a 200, and a reply without candidates is none', () => {
    const inside = gemini.decodeResponse(
      { error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } },
      'google',
    );
    assert.ok(!inside.ok && inside.error.code === 'upstream-overloaded');
    for (const body of [{}, { candidates: [] }, { usageMetadata: { promptTokenCount: 1 } }]) {
      const empty = gemini.decodeResponse(body, 'google');
      assert.ok(!empty.ok && empty.error.code === 'upstream-invalid');
    }
  });

  it('writes a fault as Google would, with the field and the wait', () => {
    const body = gemini.encodeFault(
      { ...fault('rate-limited', { reason: '60 a minute' }, { param: 'contents' }), retryAfterMs: 1500 },
      { requestId: 'req_1' },
    );
    assert.deepEqual(body, {
      error: {
        code: 429,
        message: 'Too many requests: 60 a minute.',
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'rate-limited',
            domain: 'turnout',
            metadata: { requestId: 'req_1', param: 'contents' },
          },
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field: 'contents', description: 'Too many requests: 60 a minute.' }],
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' },
        ],
      },
    });
  });
});

describe('gemini: errors in which the caller may be repeated', () => {
  const cases: readonly (readonly [number, string, string, string, boolean])[] = [
    [400, 'INVALID_ARGUMENT', 'Invalid value at \'x\' (Modality), "api key not valid"', 'upstream-auth', true],
    [400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', 'upstream-auth', false],
    [400, 'INVALID_ARGUMENT', 'Unknown name "credits are depleted" at \'x\'.', 'upstream-quota', true],
    [400, 'FAILED_PRECONDITION', 'Your prepayment credits are depleted.', 'upstream-quota', false],
    [404, 'NOT_FOUND', 'Not found: corpus models/x.', 'upstream-not-found', true],
    [404, 'NOT_FOUND', 'models/x is not found for API version v1beta', 'upstream-not-found', false],
  ];
  for (const [status, name, message, code, isHearsay] of cases) {
    it(`are ${isHearsay ? 'no lesson' : 'a lesson'}: ${message}`, () => {
      const of = answer(status, { code: status, message, status: name });
      assert.deepEqual([of.code, of.isHearsay === true], [code, isHearsay]);
    });
  }
});
