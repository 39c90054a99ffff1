import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { azure, azureCognitiveServices } from './azure.ts';

describe('azure', () => {
  it('is the same service under both of its names (azure, azure-cognitive-services)', () => {
    const { id: _, name: __, envKeys: ___, ...seams } = azureCognitiveServices;
    const { id, name, envKeys, ...own } = azure;
    assert.deepEqual(seams, own);
    assert.notDeepEqual(
      [id, name, envKeys],
      [azureCognitiveServices.id, azureCognitiveServices.name, azureCognitiveServices.envKeys],
    );
  });
});
