/** What each provider of a configuration would send as its credential: where it comes from, never what it is. */
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/schema.ts';
import { placesOf } from '../credentials/places.ts';
import { credentialText } from '../credentials/sources.ts';
import { readSmallFile, type Environment } from '../credentials/surroundings.ts';
import { gateDialects } from '../dialects/index.ts';
import type { Target } from '../routing/target.ts';
import { suppliersOf } from '../routing/targets.ts';

export interface CredentialRow {
  readonly provider: string;
  readonly credential: string;
}

/** One row a provider, in the order of the file. Reads the clouds' own files; asks nobody. */
export async function credentialRows(
  config: Config,
  catalog: Catalog,
  env: Environment,
): Promise<readonly CredentialRow[]> {
  const { suppliers, warnings } = suppliersOf({ config, catalog, env, dialects: gateDialects, places: placesOf(env) });
  const rows = Object.entries(config.providers).map(async ([provider, own]): Promise<CredentialRow> => {
    if (own.disabled) return { provider, credential: 'none: it is disabled' };
    // Any model will do: they share their provider's credential.
    const targets = suppliers.get(provider)?.targetsOf('model');
    const start = `provider ${provider}: `;
    const why = warnings.find((warning) => warning.startsWith(start))?.slice(start.length);
    const credential = targets === undefined ? `none: ${why ?? 'it cannot be used'}` : await textOf(targets, env);
    return { provider, credential };
  });
  return Promise.all(rows);
}

async function textOf(targets: readonly Target[], env: Environment): Promise<string> {
  const [first] = targets;
  if (first?.identity !== undefined) return credentialText(first.identity, { env, read: readSmallFile });
  if (first?.secret === undefined) return 'none';
  if (targets.length > 1) return `${targets.length} keys of the configuration`;
  const name = first.provider.envKeys.find((variable) => env[variable]?.trim() === first.secret);
  return name === undefined ? 'key of the configuration' : `key of the environment (${name})`;
}
