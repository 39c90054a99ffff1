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
    ['/v2/chat', 'cohere'],
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
    for (const name of ['openai/gpt-5:', 'openai%2Fgpt-5:', 'openai%2Fgpt-5%3A', 'openai%2fgpt-5%3a']) {
      const routed = routeOf('POST', `/v1beta/models/${name}streamGenerateContent`);
      assert.ok(routed.ok && routed.value.kind === 'chat');
      assert.deepEqual(routed.value.path, { model: 'openai/gpt-5', isStreaming: true });
      assert.equal(routed.value.isJsonArray, true);
    }
  });

  it('says what is meant by a path that there is not, to each client in its own way', () => {
    const hintOf = (path: string): string => {
      const routed = routeOf('POST', path);
      return routed.ok ? '' : routed.error.message;
    };
    assert.match(
      hintOf('/chat/completions'),
      /Did you mean \/v1\/chat\/completions\? Base URLs end in \/v1 for OpenAI/,
    );
    assert.match(
      hintOf('/v1/v1/messages'),
      /Did you mean \/v1\/messages\?.* without it for Anthropic and Gemini clients/,
    );
    assert.match(hintOf('/nope'), /GET \/ says what there is/);
  });

  it('says which methods a path takes', () => {
    const routed = routeOf('GET', '/v1/chat/completions');
    assert.ok(!routed.ok);
    assert.deepEqual([routed.error.code, routed.allow], ['method-not-allowed', 'POST']);
  });

  it('knows files and batches of both protocols, by method', () => {
    for (const [method, path, action, form] of [
      ['POST', '/v1/files', 'create', undefined],
      ['GET', '/openai/v1/files?limit=1', 'list', undefined],
      ['GET', '/v1/files/file_a-1', 'show', undefined],
      ['GET', '/v1/files/file_a/content', 'content', undefined],
      ['DELETE', '/v1/files/file_a', 'remove', undefined],
      ['POST', '/v1/batches', 'create', 'openai'],
      ['POST', '/v1/batches/batch_a/cancel', 'cancel', 'openai'],
      ['POST', '/v1/messages/batches', 'create', 'anthropic'],
      ['GET', '/anthropic/v1/messages/batches', 'list', 'anthropic'],
      ['GET', '/v1/messages/batches/b/results', 'results', 'anthropic'],
      ['DELETE', '/v1/messages/batches/b', 'remove', 'anthropic'],
    ] as const) {
      const routed = routeOf(method, path);
      assert.ok(routed.ok && 'action' in routed.value, `${method} ${path}`);
      assert.equal(routed.value.action, action);
      assert.equal('form' in routed.value ? routed.value.form : undefined, form);
    }
    for (const [method, path, allow] of [
      ['PUT', '/v1/files', 'POST, GET'],
      ['DELETE', '/v1/batches/b', 'GET'],
    ] as const) {
      const routed = routeOf(method, path);
      assert.ok(!routed.ok && routed.allow === allow, `${method} ${path}: ${routed.ok ? '' : routed.allow}`);
    }
    for (const path of ['/v1/files/..%2fsecret', '/v1/files/a/b', `/v1/files/${'x'.repeat(200)}`])
      assert.ok(!routeOf('GET', path).ok, path);
  });

  it('takes an operation on a model for no model', () => {
    for (const verb of ['generateContent', 'streamGenerateContent', 'countTokens']) {
      const routed = routeOf('GET', `/v1beta/models/gemini-2.5-flash:${verb}`);
      assert.ok(!routed.ok);
      assert.deepEqual([routed.error.code, routed.allow], ['method-not-allowed', 'POST']);
    }
    const unknown = routeOf('POST', '/v1beta/models/gemini-2.5-flash:embed');
    assert.ok(!unknown.ok && unknown.error.code === 'route-unknown');
    const variant = routeOf('GET', '/v1/models/meta-llama/llama-4:free');
    assert.ok(variant.ok && variant.value.kind === 'model' && variant.value.name === 'meta-llama/llama-4:free');
  });

  it('lists models in the form of whose prefix it is', () => {
    for (const [path, form] of [
      ['/v1/models', 'v1'],
      ['/openai/v1/models', 'v1'],
      ['/anthropic/v1/models', 'anthropic'],
      ['/anthropic/v1/models/x', 'anthropic'],
      ['/v1beta/models', 'gemini'],
    ] as const) {
      const routed = routeOf('GET', path);
      assert.ok(routed.ok && 'form' in routed.value && routed.value.form === form, path);
    }
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
