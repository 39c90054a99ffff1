/** The page on permissions says what the table says. Who may do what over HTTP: e2e/permissions.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { permissionsPage } from './permissions-page.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

it('the page on permissions is fresh (npm run generate)', () => {
  assert.equal(readFileSync(join(root, 'docs', 'reference', 'permissions.md'), 'utf8'), permissionsPage());
});
