/** `turnout init`, with what it finds on this machine. */
import { join } from 'node:path';
import { loadCatalog } from './catalog-file.ts';
import { discover, findingsOf } from './discover.ts';
import { initCommand } from './init.ts';
import type { CommandIo } from './io.ts';

/** Looks for keys and local servers, then writes the file. Same arguments and exit codes as `initCommand`. */
export async function initHereCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const found = await discover(loadCatalog(join(io.cwd, 'data')), io.env, 0);
  return initCommand(args, io, findingsOf(found));
}
