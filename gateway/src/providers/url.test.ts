import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { urlWithoutV1 } from './url.ts';

describe('an address that may end in /v1', () => {
  it('is the same with and without it', () => {
    for (const baseUrl of ['https://a.b', 'https://a.b/', 'https://a.b/v1', 'https://a.b/v1/']) {
      assert.equal(urlWithoutV1({ baseUrl, path: '/v1/messages' }), 'https://a.b/v1/messages');
      assert.equal(urlWithoutV1({ baseUrl, path: '/api/chat' }), 'https://a.b/api/chat');
    }
    const inner = { baseUrl: 'https://a.b/anthropic/v1', path: '/v1/messages' };
    assert.equal(urlWithoutV1(inner), 'https://a.b/anthropic/v1/messages');
  });
});
