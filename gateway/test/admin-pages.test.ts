import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { apiPage, openapiText } from '../../scripts/admin-pages.ts';
import { sdkText } from '../../scripts/sdk-types.ts';

describe('the reference of the admin API, and the SDK', () => {
  it('are what its table says today', () => {
    const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
    assert.equal(read('docs/reference/admin-api.md'), apiPage(), 'run `npm run generate`');
    assert.equal(read('docs/reference/admin-openapi.json'), openapiText(), 'run `npm run generate`');
    assert.equal(read('sdk/src/admin.generated.ts'), sdkText(), 'run `npm run generate`');
  });
});
