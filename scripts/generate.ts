/** `npm run generate`: writes every generated file. Each generator says what it wrote, or why it could not. */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
for (const script of globSync('generate-*.ts', { cwd: here }).toSorted()) {
  const done = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', join(here, script)], {
    stdio: 'inherit',
  });
  if (done.status !== 0) process.exit(done.status ?? 1);
}
