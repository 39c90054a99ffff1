/** Writes docs/reference/translation.md from what the dialects do with the cases of gateway/test/translation. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { translationPage } from '../gateway/test/translation/page.ts';

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'reference', 'translation.md');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, translationPage());
