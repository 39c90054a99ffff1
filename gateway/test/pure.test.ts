/**
 * All tests of the rooms without effects, in one process: a process for each of their ninety files costs more than what they do.
 * `scripts/test.ts` runs this file in their place.
 */
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PURE_TESTS } from '../../scripts/pure-tests.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

for (const file of globSync([...PURE_TESTS], { cwd: root }).toSorted()) await import(join(root, file));
