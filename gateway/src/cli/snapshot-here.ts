/** The snapshot of a file on this machine, for commands that plan without a gateway. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/schema.ts';
import { err, ok, type Result } from '../lib/result.ts';
import type { Snapshot } from '../routing/snapshot.ts';
import { loadCatalog } from './catalog-file.ts';
import { loadConfiguration, today } from './configuration.ts';
import { providersInEnvironment } from './discover.ts';
import type { CommandIo } from './io.ts';

export interface Here {
  readonly snapshot: Snapshot;
  /** What it was made of. */
  readonly config: Config;
  readonly catalog: Catalog;
}

/** `file` absent: what the environment has keys for. An error is ready to be shown. */
export async function snapshotHere(
  { file, dataDir }: { readonly file: string | undefined; readonly dataDir: string },
  { env }: Pick<CommandIo, 'env'>,
): Promise<Result<Here, string>> {
  const catalog = loadCatalog(dataDir);
  const fallbackProviders = providersInEnvironment(catalog, env);
  const loaded = await loadConfiguration({ file, env, catalog, fallbackProviders, today: today() });
  return loaded.ok ? ok({ ...loaded.value, catalog }) : err(loaded.error.shown);
}
