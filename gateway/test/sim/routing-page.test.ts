/** docs/reference/routing-simulation.md is what the full run gives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { simulationPage } from '../routing/page.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

it('keeps the page on simulated routing to what the code does', () => {
  const page = readFileSync(join(root, 'docs', 'reference', 'routing-simulation.md'), 'utf8');
  assert.equal(page, simulationPage('full'), 'run `npm run generate`');
});
