import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { vertexAnthropic } from './vertex-anthropic.ts';

describe('Claude on Vertex', () => {
  it('has the model in the address and the version in the body', () => {
    const base = 'https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5';
    const parts = { path: '/v1/messages', model: 'claude-haiku-4-5@20251001', isStreaming: true };
    const expected = `${base}/publishers/anthropic/models/claude-haiku-4-5@20251001:streamRawPredict`;
    for (const baseUrl of [base, `${base}/`, `${base}/publishers/anthropic/models`])
      assert.equal(vertexAnthropic.url?.({ ...parts, baseUrl }), expected);
    assert.match(
      vertexAnthropic.url?.({ ...parts, baseUrl: base, isStreaming: false, model: 'a/../b' }) ?? '',
      /models\/a%2F..%2Fb:rawPredict$/,
    );
    assert.match(
      vertexAnthropic.url?.({ ...parts, baseUrl: base, path: '/v1/messages/count_tokens' }) ?? '',
      /models\/count-tokens:rawPredict$/,
    );
    assert.deepEqual(vertexAnthropic.amendRequest?.({ model: 'm', max_tokens: 1 }), {
      anthropic_version: 'vertex-2023-10-16',
      max_tokens: 1,
    });
    assert.deepEqual(vertexAnthropic.amendRequest?.({ model: 'm' }), {
      anthropic_version: 'vertex-2023-10-16',
      model: 'm',
    });
    assert.deepEqual(vertexAnthropic.headers?.('t'), { authorization: 'Bearer t' });
  });
});
