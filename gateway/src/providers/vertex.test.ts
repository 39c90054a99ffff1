import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { google } from './google.ts';
import { vertex } from './vertex.ts';

const BASE = 'https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4';

function url(model: string, baseUrl: string = BASE): string | undefined {
  const path = vertex.dialect.path({ model, isStreaming: true, operation: 'chat' });
  return vertex.url?.({ baseUrl, path, model, isStreaming: true });
}

describe('vertex', () => {
  it('finds each kind of model below project and location', () => {
    const end = ':streamGenerateContent?alt=sse';
    assert.equal(url('gemini-2.5-pro'), `${BASE}/publishers/google/models/gemini-2.5-pro${end}`);
    assert.equal(
      url('gemini-2.5-pro', `${BASE}/publishers/google/`),
      `${BASE}/publishers/google/models/gemini-2.5-pro${end}`,
    );
    assert.equal(url('publishers/meta/models/llama-4'), `${BASE}/publishers/meta/models/llama-4${end}`);
    assert.equal(
      url('projects/p/locations/l/endpoints/7'),
      `https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/7${end}`,
    );
    assert.equal(
      url('gemini-2.5-pro', 'https://aiplatform.googleapis.com/v1'),
      `https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-pro${end}`,
    );
    assert.equal(url('publishers/x/models/../../../evil'), `${BASE}/publishers/x/models/_/_/_/evil${end}`);
  });

  it('sends access tokens as bearers, and keys of the express mode as keys', () => {
    assert.equal(vertex.headers?.('ya29.x')['authorization'], 'Bearer ya29.x');
    assert.equal(vertex.headers?.('eyJ.x')['authorization'], 'Bearer eyJ.x');
    assert.equal(vertex.headers?.('AQ.Ab8x')['x-goog-api-key'], 'AQ.Ab8x');
  });

  it('shares the amendments of the Gemini API', () => {
    assert.equal(google.needsAmend, vertex.needsAmend);
    assert.equal(google.dialect, vertex.dialect);
  });
});
