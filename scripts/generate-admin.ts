/** Writes docs/reference/admin-api.md and admin-openapi.json from the table of endpoints. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiPage, openapiText } from './admin-pages.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
writeFileSync(join(root, 'docs', 'reference', 'admin-api.md'), apiPage());
writeFileSync(join(root, 'docs', 'reference', 'admin-openapi.json'), openapiText());
