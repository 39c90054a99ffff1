/** Writes turnout.schema.json and docs/reference/config.md from the schema of the configuration. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from '../gateway/src/config/generate.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
for (const { path, text } of generatedFiles()) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
