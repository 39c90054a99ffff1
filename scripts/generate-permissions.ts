/** Writes docs/reference/permissions.md from the table of permissions. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { permissionsPage } from '../gateway/test/permissions-page.ts';

writeFileSync(
  join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'reference', 'permissions.md'),
  permissionsPage(),
);
