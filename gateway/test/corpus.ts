/** Finds the recorded exchanges, where this checkout has them beside it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the recordings (`providers`, `clients`, `catalogue`, …), or undefined where there is none. */
export function corpusDir(): string | undefined {
  const here = dirname(fileURLToPath(import.meta.url));
  const dir = join(here, '..', '..', '..', 'shared', 'data');
  return existsSync(join(dir, 'providers', 'index.json')) ? dir : undefined;
}

/** The `skip` option of a suite that needs the recordings: false where they are there, else the reason. */
export function corpusSkip(suite: string): string | false {
  return corpusDir() === undefined ? `corpus suite "${suite}" could not run: ../shared/data is not there` : false;
}
