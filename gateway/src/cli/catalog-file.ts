/** The catalog on disk: the one that ships with the gateway, and the one that `turnout catalog sync` saved over it. */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCatalog, tryParseCatalog } from '../catalog/catalog.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { formatCatalog } from '../catalog/form.ts';
import { parseJson } from '../lib/json.ts';
import { err } from '../lib/result.ts';
import { EMBEDDED_CATALOG } from './embedded.ts';
import type { Result } from '../lib/result.ts';

const SHIPPED = fileURLToPath(new URL('../catalog/catalog.generated.json', import.meta.url));
const SYNCED = 'catalog.json';
/** A hundred times today's catalog. More is not ours, and reading it would hold up the start. */
const SYNCED_MAX_BYTES = 64 * 1024 * 1024;

export interface LoadedCatalog {
  readonly catalog: Catalog;
  readonly origin: 'shipped' | 'synced';
  /** Why the synced one had to be left aside. */
  readonly problem?: string;
}

/** The catalog in use, as `readCatalog` finds it. `warn` is told where a synced one had to be left aside. */
export function loadCatalog(dataDir: string, warn?: (problem: string) => void): Catalog {
  const { catalog, problem } = readCatalog(dataDir);
  if (problem !== undefined) warn?.(problem);
  return catalog;
}

/** The synced catalog of the data directory where there is one that can be read, else the shipped one. */
export function readCatalog(dataDir: string): LoadedCatalog {
  const path = join(dataDir, SYNCED);
  const synced = readSynced(path);
  if (synced === undefined) return { catalog: shipped(), origin: 'shipped' };
  if (!synced.ok) {
    const problem = `${path} is left aside: ${synced.error}. The shipped catalog is in use; run turnout catalog sync again`;
    return { catalog: shipped(), origin: 'shipped', problem };
  }
  return { catalog: synced.value, origin: 'synced' };
}

function shipped(): Catalog {
  return parseCatalog(parseJson(EMBEDDED_CATALOG ?? readFileSync(SHIPPED, 'utf8')));
}

/** `undefined` where there is none. One that is too large or may not be read is broken, not absent. */
function readSynced(path: string): Result<Catalog, string> | undefined {
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    if (size > SYNCED_MAX_BYTES) return err(`it is larger than ${SYNCED_MAX_BYTES} bytes`);
    return tryParseCatalog(parseJson(readFileSync(path, 'utf8')));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Saves a catalog in the data directory, which is made where it is missing, and gives its path. A reader sees the old
 * file or the new one, never half of one. Rejects where the disk refuses.
 */
export async function saveCatalog(dataDir: string, catalog: Catalog): Promise<string> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, SYNCED);
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(formatCatalog(catalog));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return path;
}
