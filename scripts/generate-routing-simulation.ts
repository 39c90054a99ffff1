/** Writes docs/reference/routing-simulation.md from the full run of the simulation. Takes about a minute. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { simulationPage } from '../gateway/test/routing/page.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
writeFileSync(join(root, 'docs', 'reference', 'routing-simulation.md'), simulationPage('full'));
