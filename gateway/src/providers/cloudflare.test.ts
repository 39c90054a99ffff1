import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gateDialects } from '../dialects/index.ts';
import { cloudflareGateway } from './cloudflare.ts';
import { makeProvider } from './index.ts';

describe('Cloudflare', () => {
  it('shows its own key to its gateway, and leaves the header of the provider behind it alone', () => {
    const headers = cloudflareGateway.headers?.('cf-secret');
    assert.deepEqual(headers, { 'content-type': 'application/json', 'cf-aig-authorization': 'Bearer cf-secret' });
    assert.deepEqual(cloudflareGateway.headers?.(undefined), { 'content-type': 'application/json' });
  });

  it('finds a key under the name of the catalog, and under that of its own pages', () => {
    const row = { id: 'cloudflare-workers-ai', name: 'Workers AI', envKeys: ['CLOUDFLARE_API_KEY'] };
    const { envKeys, headers } = makeProvider(row, gateDialects['openai-chat']);
    assert.deepEqual([envKeys, headers], [['CLOUDFLARE_API_KEY', 'CLOUDFLARE_API_TOKEN'], undefined]);
  });
});
