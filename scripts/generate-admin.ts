/** Writes docs/reference/admin-api.md and admin-openapi.json, and the methods and types of the SDK, from the table of endpoints. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiPage, openapiText } from './admin-pages.ts';
import { sdkText } from './sdk-types.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
writeFileSync(join(root, 'docs', 'reference', 'admin-api.md'), apiPage());
writeFileSync(join(root, 'docs', 'reference', 'admin-openapi.json'), openapiText());
writeFileSync(join(root, 'sdk', 'src', 'admin.generated.ts'), sdkText());
