import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault, faults, type FaultCode } from '../../chat/fault.ts';
import { asRecord, asString, parseJson } from '../../lib/json.ts';
import type { ErrorAnswer } from '../dialect.ts';
import { decodeError, encodeFault, encodeStreamFault, faultOfBody } from './errors.ts';

function isFaultCode(code: string): code is FaultCode {
  return code in faults;
}

function answer(status: number, body: unknown, headers: ErrorAnswer['headers'] = {}): ErrorAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return {
    status,
    headers,
    body: text,
    provider: 'acme',
    model: 'claude-x',
    nowMs: Date.parse('2026-11-22T00:00:00Z'),
  };
}

function words(type: string, message: string, details?: object): object {
  return {
    type: 'error',
    error: { type, message, ...(details === undefined ? {} : { details }) },
    request_id: 'req_1',
  };
}

describe('decodeError of the Messages API', () => {
  const table: readonly (readonly [number, unknown, FaultCode])[] = [
    [400, words('invalid_request_error', 'max_tokens: too large'), 'upstream-refused'],
    [400, words('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'), 'context-length'],
    [
      400,
      words('invalid_request_error', 'input length and `max_tokens` exceed context limit: 199000 + 8000 > 200000'),
      'context-length',
    ],
    [
      400,
      words('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
      'upstream-quota',
    ],
    [400, words('invalid_request_error', 'Output blocked by content filtering policy'), 'content-filtered'],
    [401, words('authentication_error', 'invalid x-api-key'), 'upstream-auth'],
    [402, words('billing_error', 'no money'), 'upstream-quota'],
    [403, words('permission_error', 'no'), 'upstream-auth'],
    [404, words('not_found_error', 'model: claude-x'), 'upstream-not-found'],
    [404, words('not_found_error', 'File not found: file_1'), 'upstream-refused'],
    [404, '<html><body>nginx</body></html>', 'upstream-not-found'],
    [408, '', 'upstream-error'],
    [413, words('request_too_large', 'Request exceeds the maximum size'), 'context-length'],
    [429, words('rate_limit_error', 'slow down'), 'upstream-rate-limited'],
    [
      429,
      words('rate_limit_error', 'Spend limit reached.', { error_code: 'enforced_spend_limit_reached' }),
      'upstream-quota',
    ],
    [500, words('api_error', 'Internal server error'), 'upstream-error'],
    [502, '', 'upstream-error'],
    [503, 'no healthy upstream', 'upstream-overloaded'],
    [529, words('overloaded_error', 'Overloaded'), 'upstream-overloaded'],
    [429, [{ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Quota exceeded' } }], 'upstream-rate-limited'],
  ];
  for (const [status, body, code] of table) {
    it(`reads ${status} ${JSON.stringify(body).slice(0, 60)} as ${code}`, () =>
      assert.equal(decodeError(answer(status, body)).code, code));
  }

  it('judges no credit and no model by words that may be the caller’s', () => {
    const cases: readonly (readonly [number, string, FaultCode, boolean])[] = [
      [400, 'purchase credits: Extra inputs are not permitted', 'upstream-quota', true],
      [400, 'Your credit balance is too low: Extra inputs are not permitted', 'upstream-quota', true],
      [400, 'Your credit balance is too low to access the Claude API. Please go to …', 'upstream-quota', false],
      [404, 'File not found: my-model', 'upstream-not-found', true],
      [404, 'model: claude-x', 'upstream-not-found', false],
      [404, 'Publisher Model `publishers/anthropic/models/claude-x` was not found', 'upstream-not-found', false],
    ];
    for (const [status, message, code, isHearsay] of cases) {
      const of = decodeError(answer(status, words('invalid_request_error', message)));
      assert.deepEqual([of.code, of.isHearsay === true], [code, isHearsay], message);
    }
  });

  it('waits as long as it is told, within reason', () => {
    const waits: readonly (readonly [string | undefined, number | undefined])[] = [
      ['1', 1000],
      ['0.5', 500],
      ['99999', 60_000],
      ['-5', undefined],
      ['abc', undefined],
      ['', undefined],
      [undefined, undefined],
      ['Sun, 22 Nov 2026 00:00:07 GMT', 7000],
      ['Sun, 22 Nov 2020 00:00:07 GMT', undefined],
    ];
    for (const [header, ms] of waits) {
      const headers = header === undefined ? {} : { 'retry-after': header };
      assert.equal(decodeError(answer(429, words('rate_limit_error', 'x'), headers)).retryAfterMs, ms, header);
    }
    assert.equal(decodeError(answer(529, '', { 'retry-after-ms': '250', 'retry-after': '9' })).retryAfterMs, 250);
    assert.equal(
      decodeError(answer(400, words('invalid_request_error', 'x'), { 'retry-after': '1' })).retryAfterMs,
      undefined,
    );
  });

  it('repeats no key that the provider repeats, and no page', () => {
    const shown = decodeError(
      answer(
        400,
        words(
          'invalid_request_error',
          'bad header x-api-key: sk-ant-api03-abcdefghij_KLMN-opq, Bearer abc.def.ghi.jkl',
        ),
      ),
    );
    assert.doesNotMatch(shown.message, /abcdefghij|abc\.def/);
    assert.match(shown.message, /redacted/);
    assert.doesNotMatch(decodeError(answer(500, '<!doctype html><html><p>10.0.0.7</p></html>')).message, /10\.0\.0\.7/);
    assert.ok(decodeError(answer(500, 'x'.repeat(100_000))).message.length < 1000);
  });

  it('classifies an error inside a 200 by its type', () => {
    assert.equal(
      faultOfBody({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'acme').code,
      'upstream-overloaded',
    );
    assert.equal(
      faultOfBody({ error: { type: 'invalid_request_error', message: 'no' } }, 'acme').code,
      'upstream-refused',
    );
    assert.equal(faultOfBody({ error: 'what' }, 'acme').code, 'upstream-error');
  });
});

describe('encodeFault of the Messages API', () => {
  it('has the API’s form and names our code and the field', () => {
    const body = encodeFault(fault('field-invalid', { reason: 'it is empty' }, { param: 'messages' }), {
      requestId: 'req_7',
    });
    assert.deepEqual(body, {
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: '`messages` is not valid: it is empty.',
        details: { error_code: 'field-invalid', param: 'messages' },
      },
      request_id: 'req_7',
    });
  });

  it('has a type of the API for every fault that we know', () => {
    const types = new Set([
      'invalid_request_error',
      'authentication_error',
      'billing_error',
      'permission_error',
      'not_found_error',
      'request_too_large',
      'rate_limit_error',
      'timeout_error',
      'api_error',
      'overloaded_error',
    ]);
    for (const code of Object.keys(faults)) {
      if (!isFaultCode(code)) continue;
      const sse = encodeStreamFault({ code, message: 'x' }, { requestId: 'r' });
      const [, data = ''] = /^event: error\ndata: (.*)\n\n$/.exec(sse) ?? [];
      const type = asString(asRecord(asRecord(parseJson(data))?.['error'])?.['type']);
      assert.ok(types.has(type ?? ''), code);
    }
  });
});
