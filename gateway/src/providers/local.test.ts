import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { localProviders } from '../catalog/known.ts';
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
});
