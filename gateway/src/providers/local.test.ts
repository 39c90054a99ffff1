import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { localProviders } from '../catalog/known.ts';
import { ollama } from '../dialects/ollama.ts';
import { makeProvider } from './index.ts';
import { localServers } from './local.ts';

describe('local servers', () => {
  it('are those that a first run looks for, and the simulator', () => {
    const found = localProviders().map((provider) => provider.id);
    assert.deepEqual(Object.keys(localServers).toSorted(), [...found, 'simulator'].toSorted());
  });

  it('need no key and cost nothing', () => {
    for (const [id, provider] of Object.entries(localServers)) {
      assert.deepEqual([provider.id, provider.isKeyless, provider.isFree], [id, true, true]);
    }
  });

  it('need no key and cost nothing in their own protocol either', () => {
    const row = { id: 'ollama', name: 'Ollama', baseUrl: 'http://127.0.0.1:11434/v1', envKeys: [] };
    const native = makeProvider(row, ollama);
    assert.deepEqual([native.isKeyless, native.isFree], [true, true]);
    const parts = { baseUrl: row.baseUrl, path: '/api/chat', model: 'm', isStreaming: true };
    assert.equal(native.url?.(parts), 'http://127.0.0.1:11434/api/chat');
  });
});
