/**
 * Makes gateway/src/catalog/quality.generated.json and docs/reference/quality.md from the published figures in
 * quality-figures.ts. The page is made of the file.
 *
 *     node scripts/run.mjs scripts/generate-quality.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { qualityFile } from './quality-file.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FILE = join(ROOT, 'gateway', 'src', 'catalog', 'quality.generated.json');
const PAGE = join(ROOT, 'docs', 'reference', 'quality.md');

writeIfOther(FILE, qualityFile());
// Only now: the page reads the file that was just written.
const { qualityPage } = await import('./quality-page.ts');
writeIfOther(PAGE, qualityPage());

function writeIfOther(path: string, text: string): void {
  if (readOr(path) !== text) writeFileSync(path, text);
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
