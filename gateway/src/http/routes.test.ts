import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routeOf } from './routes.ts';

describe('routeOf', () => {
  const chat: readonly [string, string][] = [
    ['/v1/chat/completions', 'openai-chat'],
    ['/openai/v1/chat/completions', 'openai-chat'],
    ['/api/v1/chat/completions', 'openai-chat'],
    ['/v1/responses', 'openai-responses'],
    ['/openai/v1/responses', 'openai-responses'],
    ['/api/v1/responses', 'openai-responses'],
    ['/v1/messages?beta=true', 'anthropic-messages'],
    ['/anthropic/v1/messages', 'anthropic-messages'],
    ['/v1beta/models/gemini-2.5-flash:generateContent', 'gemini'],
    ['/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse', 'gemini'],
  ];
  for (const [target, dialect] of chat) {
    it(`takes POST ${target}`, () => {
      const routed = routeOf('POST', target);
      assert.ok(routed.ok && routed.value.kind === 'chat' && routed.value.dialect === dialect);
    });
  }

  it('reads Gemini models with slashes, raw or escaped, and whether they stream as an array', () => {
    for (const name of ['openai/gpt-5', 'openai%2Fgpt-5']) {
      const routed = routeOf('POST', `/v1beta/models/${name}:streamGenerateContent`);
      assert.ok(routed.ok && routed.value.kind === 'chat');
      assert.deepEqual(routed.value.path, { model: 'openai/gpt-5', isStreaming: true });
      assert.equal(routed.value.isJsonArray, true);
    }
  });

  it('says which methods a path takes', () => {
    const routed = routeOf('GET', '/v1/chat/completions');
    assert.ok(!routed.ok);
    assert.deepEqual([routed.error.code, routed.allow], ['method-not-allowed', 'POST']);
  });

  it('knows nothing else, and hints at what was meant', () => {
    for (const target of [
      '//v1//chat/completions',
      '/v1/%2e%2e',
      '/v1/chat/completions;x',
      '/chat/completions',
      '/v1/models/x:unknownVerb%00',
    ]) {
      const routed = routeOf('POST', target);
      assert.ok(!routed.ok && ['route-unknown', 'method-not-allowed'].includes(routed.error.code), target);
    }
    const hinted = routeOf('POST', '/chat/completions');
    assert.ok(!hinted.ok && hinted.error.message.includes('/v1/chat/completions'));
  });
});
