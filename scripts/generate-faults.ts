/** Writes docs/reference/faults.md from the table of faults. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faultsPage } from '../gateway/test/faults-page.ts';

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'reference', 'faults.md');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, faultsPage());
