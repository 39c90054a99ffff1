import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gateDialects } from './index.ts';
import { errorBody, errorWords, safeText } from './error-text.ts';

describe('safeText of a provider’s error', () => {
  const secrets = [
    'sk-ant-api03-AAAAbbbbCCCC',
    'sk-proj-AAAAbbbbCCCCdddd',
    'gsk_AAAAbbbbCCCCdddd',
    'xai-AAAAbbbbCCCCdddd',
    'AIzaSyAAAAbbbbCCCCddddEEEEffffGGGG',
    'AKIAABCDEFGHIJKLMNOP',
    'Bearer eyJhbGciOi.eyJzdWIi.c2ln',
    'tk_live_AAAAbbbbCCCC',
  ];
  for (const secret of secrets) {
    it(`hides ${secret.slice(0, 8)}…`, () => {
      const shown = safeText(`Incorrect key provided: ${secret}, see docs`);
      assert.ok(!shown.includes(secret.slice(8, 20)), shown);
      assert.match(shown, /^Incorrect key provided: .*\[redacted\].*see docs$/);
    });
  }

  it('hides what is called a key, whatever its form', () => {
    assert.equal(safeText('{"api_key": "0123456789abcdef"}'), '{"api_key": "[redacted]"}');
  });

  it('leaves plain words alone', () => {
    const words = 'max_tokens: 100000 > 64000, which is the maximum for claude-sonnet-4-5';
    assert.equal(safeText(words), words);
  });

  it('shows no control characters and no page', () => {
    assert.equal(safeText('a\u001b[31mred\u0000'), 'a [31mred');
    assert.equal(safeText('<!DOCTYPE html><title>502</title>'), 'an HTML page');
  });
});

describe('errorWords', () => {
  const told: readonly (readonly [string, string])[] = [
    ['a text', 'deep words'],
    ['a text in JSON', '"deep words"'],
    ['a string error', '{"error":"deep words"}'],
    ['a list of errors', '{"error":["deep words"],"warnings":[]}'],
    ['an error in an error', '{"error":{"error":{"message":"deep words","type":"x"}}}'],
    ['an error in a message', '{"error":{"message":{"error":{"message":"deep words"}}}}'],
    ['JSON in a message', '{"error":{"message":"{\\"error\\":{\\"message\\":\\"deep words\\"}}"}}'],
    ['Google’s list', '[{"error":{"code":429,"message":"deep words","status":"RESOURCE_EXHAUSTED"}}]'],
    ['FastAPI’s detail', '{"detail":"deep words"}'],
    ['FastAPI’s checks', '{"detail":[{"loc":["body","model"],"msg":"deep words","type":"missing"}]}'],
    ['Mistral’s checks', '{"message":{"detail":[{"loc":["body","model"],"msg":"deep words"}]}}'],
    ['a detail object', '{"detail":{"message":"deep words","code":"x_y"}}'],
    ['Cloudflare’s list', '{"errors":[{"code":7003,"message":"deep words"}],"success":false,"result":null}'],
    ['a list of texts', '{"errors":["deep words"]}'],
    ['errors by field', '{"errors":{"model":["deep words"]}}'],
    ['RFC 9457', '{"type":"about:blank","title":"Bad Request","detail":"deep words","status":400}'],
    ['RFC 6749', '{"error":"invalid_token","error_description":"deep words"}'],
    ['AWS', '{"__type":"ValidationException","Message":"deep words"}'],
    ['Fastify', '{"statusCode":400,"error":"Bad Request","message":"deep words"}'],
    ['a flag', '{"error":true,"message":"deep words"}'],
    ['Baidu', '{"error_code":336003,"error_msg":"deep words"}'],
    ['MiniMax', '{"base_resp":{"status_code":1004,"status_msg":"deep words"}}'],
    ['Alibaba', '{"code":"InvalidParameter","msg":"deep words"}'],
    ['an event of a stream', 'event: error\ndata: {"error":{"message":"deep words"}}\n\n'],
  ];
  for (const [name, body] of told) {
    it(`finds the words of ${name}, in every protocol`, () => {
      assert.equal(errorWords(errorBody(body)).message, 'deep words');
      for (const dialect of Object.values(gateDialects)) {
        const of = dialect.decodeError({ status: 400, headers: {}, body, provider: 'p', model: 'm', nowMs: 0 });
        assert.match(of.message, /: deep words$/, dialect.id);
      }
    });
  }

  it('names the field that a framework names', () => {
    const body = '{"detail":[{"loc":["body","messages",0,"role"],"msg":"field required"}]}';
    for (const dialect of Object.values(gateDialects)) {
      const of = dialect.decodeError({ status: 422, headers: {}, body, provider: 'p', model: 'm', nowMs: 0 });
      assert.deepEqual([of.code, of.param], ['upstream-refused', 'messages.0.role'], dialect.id);
    }
    assert.equal(errorWords(errorBody('{"errors":{"model":["unknown"]}}')).param, 'model');
  });

  it('says the status where a body says nothing', () => {
    for (const body of ['', 'null', '42', '{}', '[]', '{"error":null}', '{"error":{}}']) {
      for (const dialect of Object.values(gateDialects)) {
        const of = dialect.decodeError({ status: 500, headers: {}, body, provider: 'p', model: 'm', nowMs: 0 });
        assert.match(of.message, /(?:HTTP|status) 500$/, `${dialect.id} ${body}`);
      }
    }
  });

  it('ends, however deep an error lies', () => {
    const deep = `${'{"error":'.repeat(5000)}"x"${'}'.repeat(5000)}`;
    assert.deepEqual(errorWords(errorBody(deep)), {});
  });
});
