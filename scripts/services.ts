/**
 * Servers that tests use where they are there. Under CI as root on a Debian machine they are installed; everywhere else they are
 * looked for, and never installed unasked.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Path of the first of these programs that is there. */
export function programOf(names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** Installs a package of Debian's where that may be done. Says nothing of how it went: whoever needs it looks again. */
function install(names: readonly string[]): void {
  const isRoot = process.getuid?.() === 0;
  if (process.env['CI'] === undefined || !isRoot || programOf(['apt-get']) === undefined) return;
  const run = (args: readonly string[]): void => {
    execFileSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  };
  for (const name of names) {
    try {
      run(['update', '-q']);
      run(['install', '-y', '-q', '--no-install-recommends', name]);
      return;
    } catch {
      // The next one, then; and in the end the tests say what is missing.
    }
  }
}

/** The server's program, of Valkey or of Redis. */
export function valkeyProgram(): string | undefined {
  const names = ['valkey-server', 'redis-server'];
  const found = programOf(names);
  if (found !== undefined) return found;
  install(names);
  return programOf(names);
}
