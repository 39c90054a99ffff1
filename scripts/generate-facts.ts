/** Writes docs/reference/facts.md; where the data sets are not beside this checkout, the page stays as it is. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadLanguages } from '../gateway/src/understand/language.ts';
import { corpusDir } from '../gateway/test/corpus.ts';
import { factsPage } from '../gateway/test/understand/facts-page.ts';

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'reference', 'facts.md');
const dataDir = corpusDir();
if (dataDir === undefined) process.stdout.write('docs/reference/facts.md: not measured, ../shared/data is not there\n');
else {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, factsPage(dataDir, await loadLanguages()));
}
