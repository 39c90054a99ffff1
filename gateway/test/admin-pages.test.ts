import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { apiPage, openapiText } from '../../scripts/admin-pages.ts';

describe('the reference of the admin API', () => {
  it('is what its table says today', () => {
    const read = (name: string): string =>
      readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8');
    assert.equal(read('admin-api.md'), apiPage(), 'run `npm run generate`');
    assert.equal(read('admin-openapi.json'), openapiText(), 'run `npm run generate`');
  });
});
