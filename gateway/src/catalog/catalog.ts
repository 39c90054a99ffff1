/**
 * Providers and models with what they can do and what they cost: data, read once at start. Pure: whoever calls gives the
 * parsed file. What is not known is absent; above all, an unknown price is absent and never zero.
 */
import { err, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { decodeCatalog } from './form.ts';
import type { CatalogModel, CatalogProvider, CatalogSource } from './rows.ts';

export type { CatalogModel, CatalogProvider, CatalogSource } from './rows.ts';

export interface Catalog {
  readonly source: CatalogSource;
  /** Sorted by id. */
  readonly providers: readonly CatalogProvider[];
  readonly modelCount: number;
  /** Reads every model: not for a hot path. */
  readonly pricedCount: number;
  /** By id or alias. */
  provider(id: string): CatalogProvider | undefined;
  /** All models of a provider, by its id or alias; none where it is not known. */
  models(providerId: string): readonly CatalogModel[];
  /** By `provider/model`, where the provider may be an alias. The model's own name may hold slashes. */
  model(name: string): CatalogModel | undefined;
  /** By provider (id or alias) and the provider's own name of the model. */
  modelOf(providerId: string, modelId: string): CatalogModel | undefined;
}

/** Makes a catalog of rows. Later rows of the same id are left out. Sorts, so that the same rows give the same catalog. */
export function makeCatalog(source: CatalogSource, rows: readonly CatalogProvider[], modelCount?: number): Catalog {
  const providers = rows.toSorted((a, b) => compareText(a.id, b.id));
  const byName = new Map<string, CatalogProvider>();
  for (const provider of providers) if (!byName.has(provider.id)) byName.set(provider.id, provider);
  for (const provider of providers) {
    for (const alias of provider.aliases) if (!byName.has(alias)) byName.set(alias, provider);
  }
  // A map a provider is made at its first use: a gateway needs those of its few providers, not of all of them.
  const modelMaps = new Map<string, ReadonlyMap<string, CatalogModel>>();
  const modelOf = (providerId: string, modelId: string): CatalogModel | undefined => {
    const provider = byName.get(providerId);
    if (provider === undefined) return undefined;
    const known = modelMaps.get(provider.id) ?? new Map(provider.models.map((model) => [model.id, model]));
    modelMaps.set(provider.id, known);
    return known.get(modelId);
  };
  return {
    source,
    providers,
    // Counted when somebody asks, where it is not known: that reads every model of every provider.
    get modelCount() {
      return modelCount ?? count(providers, () => true);
    },
    get pricedCount() {
      return count(providers, (model) => model.price !== undefined);
    },
    provider: (id) => byName.get(id),
    models: (providerId) => byName.get(providerId)?.models ?? [],
    model: (name) => {
      const slash = name.indexOf('/');
      return slash < 1 ? undefined : modelOf(name.slice(0, slash), name.slice(slash + 1));
    },
    modelOf,
  };
}

function count(providers: readonly CatalogProvider[], isCounted: (model: CatalogModel) => boolean): number {
  return providers.reduce((sum, provider) => sum + provider.models.filter(isCounted).length, 0);
}

/** Reads our own compact form (form.ts). The error says where the file is broken. */
export function tryParseCatalog(json: unknown): Result<Catalog, string> {
  const decoded = decodeCatalog(json);
  if (!decoded.ok) return err(decoded.error);
  return ok(makeCatalog(decoded.value.source, decoded.value.providers, decoded.value.modelCount));
}

/** Reads the catalog that ships with the gateway. Throws where it is broken: that is a bug of ours, not of the user. */
export function parseCatalog(json: unknown): Catalog {
  const parsed = tryParseCatalog(json);
  if (!parsed.ok) throw new Error(`the catalog cannot be read: ${parsed.error}`);
  return parsed.value;
}

/** Order by code units: the same on every machine, unlike `localeCompare`. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
