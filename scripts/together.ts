/**
 * Tests that share nothing, in groups of which one process runs each: a process for each of their two hundred files costs
 * more than what they do. A file that is named alone runs alone.
 */
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The rooms without effects (table in ARCHITECTURE.md). */
const PURE = [
  'lib',
  'chat',
  'money',
  'people',
  'policy',
  'config',
  'catalog',
  'dialects',
  'output',
  'providers',
  'understand',
  'routing',
  'health',
] as const;

/** Rooms whose tests have sockets and folders of their own each. */
const EFFECTS = [
  'limits',
  'credentials',
  'telemetry',
  'pipeline',
  'batches',
  'login',
  'billing',
  'http',
  'admin',
  'simulator',
] as const;

const GROUPS = {
  pure: PURE.map((room) => `gateway/src/${room}/**/*.test.ts`),
  effects: EFFECTS.map((room) => `gateway/src/${room}/**/*.test.ts`),
  commands: ['gateway/src/cli/**/*.test.ts'],
  pages: [
    'gateway/test/{admin-pages,clients-page,examples,faults,permissions,quality,routing-page,tidy,wishes}.test.ts',
    'gateway/test/{translation,translation-targets}.test.ts',
  ],
} as const satisfies Record<string, readonly string[]>;

/** Paths from the root of all that some group runs. */
export function filesTogether(): ReadonlySet<string> {
  return new Set(globSync(Object.values(GROUPS).flat(), { cwd: root }));
}

/** Runs the tests of a group in this process. */
export async function runTogether(group: keyof typeof GROUPS): Promise<void> {
  for (const file of globSync([...GROUPS[group]], { cwd: root }).toSorted()) await import(join(root, file));
}
