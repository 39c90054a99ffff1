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

const SHIPPED = fileURLToPath(new URL('../catalog/catalog.generated.json', import.meta.url));
const SYNCED = 'catalog.json';
/** A hundred times today's catalog. More is not ours, and reading it would hold up the start. */
const SYNCED_MAX_BYTES = 64 * 1024 * 1024;

export interface LoadedCatalog {
  readonly catalog: Catalog;
  readonly origin: 'shipped' | 'synced';
  /** What the operator should know: the synced one cannot be read, or is older than the shipped one. */
  readonly problem?: string;
}

/** The catalog in use: the synced one of the data directory where there is one that can be read, else the shipped one. */
export function loadCatalog(dataDir: string): LoadedCatalog {
  const path = join(dataDir, SYNCED);
  const text = readSynced(path);
  if (text === undefined) return { catalog: loadShippedCatalog(), origin: 'shipped' };
  const parsed = tryParseCatalog(parseJson(text));
  if (!parsed.ok) {
    const problem = `${path} is left aside: ${parsed.error}. The shipped catalog is in use; run turnout catalog sync again`;
    return { catalog: loadShippedCatalog(), origin: 'shipped', problem };
  }
  return { catalog: parsed.value, origin: 'synced' };
}

/** The catalog of this version of the gateway. */
export function loadShippedCatalog(): Catalog {
  return parseCatalog(parseJson(readFileSync(SHIPPED, 'utf8')));
}

/** `undefined` where there is none. A file that is too large or may not be read counts as broken, not as absent. */
function readSynced(path: string): string | undefined {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return undefined;
  return size > SYNCED_MAX_BYTES ? '' : readFileSync(path, 'utf8');
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
