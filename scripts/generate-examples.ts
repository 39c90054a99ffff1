/**
 * Makes examples/README.md from the files in examples/routes.
 *
 *     node scripts/run.mjs scripts/generate-examples.ts
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { examplesPage } from './examples-page.ts';

writeFileSync(join(dirname(dirname(fileURLToPath(import.meta.url))), 'examples', 'README.md'), examplesPage());
