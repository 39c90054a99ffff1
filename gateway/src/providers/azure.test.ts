import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { azure, azureCognitiveServices, azureUrl } from './azure.ts';

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

  it('has one address for responses, however the base URL is written: the model stands in the body', () => {
    const root = 'https://r.openai.azure.com';
    for (const baseUrl of [
      root,
      `${root}/openai`,
      `${root}/openai/v1/`,
      `${root}/openai/deployments/mine?api-version=x`,
    ])
      assert.equal(azureUrl({ baseUrl, path: '/responses', model: 'mine' }), `${root}/openai/v1/responses`);
    assert.equal(azure.alsoSpeaks?.['openai-responses']?.('gpt-5', 'https://r.services.ai.azure.com/models'), false);
  });
});
