/** What the catalog knows, for the check of a configuration: providers, models, and models that are about to go. */
import type { Catalog } from '../catalog/catalog.ts';
import { indexNames, isMovingName, nameEntryOf } from '../catalog/names.ts';
import type { NameEntry, NameIndex } from '../catalog/names.ts';
import type { Doubt, KnownNames } from '../config/checks.ts';
import type { Config } from '../config/schema.ts';

/** The names that `parseConfig` checks against. `today` is a date such as `2026-11-22`. */
export function knownNames(catalog: Catalog, today: string): KnownNames {
  const indexes = new WeakMap<Config, NameIndex<NameEntry>>();
  return {
    providers: catalog.providers.flatMap((provider) => [provider.id, ...provider.aliases]),
    doubtAbout(name, config) {
      const names = indexes.get(config) ?? indexOf(catalog, config);
      indexes.set(config, names);
      return doubtAbout(name, { catalog, config, names, today });
    },
  };
}

interface Knowledge {
  readonly catalog: Catalog;
  readonly config: Config;
  readonly names: NameIndex<NameEntry>;
  readonly today: string;
}

function doubtAbout(name: string, knowledge: Knowledge): Doubt | undefined {
  if (name === 'auto') return undefined;
  const found = knowledge.names.resolve(name);
  if (found.kind === 'unknown') return doubtAboutUnknown(name, found.near[0], knowledge);
  if (found.isMoving || isMovingName(name)) {
    return {
      level: 'warning',
      message: `names \`${name}\`, which means another model from time to time; pin a dated version`,
    };
  }
  const [entry] = found.entries;
  return entry === undefined ? undefined : doubtAboutFuture(name, knowledge.names.lifecycle(entry, knowledge.today));
}

function doubtAboutUnknown(name: string, near: string | undefined, { catalog, config }: Knowledge): Doubt | undefined {
  const suggestion = near === undefined ? {} : { suggestion: near };
  const prefix = name.slice(0, Math.max(0, name.indexOf('/')));
  if (!Object.hasOwn(config.providers, prefix)) {
    const isCatalog = catalog.provider(prefix) !== undefined;
    const reason = isCatalog
      ? `but there is no \`${prefix}\` under \`providers\``
      : 'which no provider of this file is known to serve';
    return { level: 'warning', message: `names \`${name}\`, ${reason}`, ...suggestion };
  }
  // A server of one's own serves what it likes; of a catalog provider the models are known.
  if (chainOf(prefix, config).every((id) => catalog.provider(id) === undefined)) return undefined;
  const message = `names \`${name}\`, which is not in the catalog: it is passed on, but its price is not known`;
  return { level: 'warning', message, ...suggestion };
}

function doubtAboutFuture(
  name: string,
  { state, on, successor }: ReturnType<NameIndex<NameEntry>['lifecycle']>,
): Doubt | undefined {
  if (state === 'current') return undefined;
  const when = { deprecated: 'is deprecated', retiring: `ends on ${on ?? ''}`, retired: `ended on ${on ?? ''}` }[state];
  const next = successor === undefined ? '' : `; its successor is \`${successor}\``;
  return { level: 'warning', message: `names \`${name}\`, which ${when}${next}` };
}

/** Every model that the providers of the file are known to serve. */
function indexOf(catalog: Catalog, config: Config): NameIndex<NameEntry> {
  const aliases = new Map(
    catalog.providers.flatMap(({ id, aliases: others }) => others.map((alias) => [alias, id] as const)),
  );
  const entries = Object.keys(config.providers).flatMap((id) => entriesOf(id, catalog, config));
  return indexNames(entries, { aliases });
}

function entriesOf(id: string, catalog: Catalog, config: Config): readonly NameEntry[] {
  const chain = chainOf(id, config);
  const own = chain.flatMap((each) => Object.keys(config.providers[each]?.models ?? {}));
  const row = chain.map((each) => catalog.provider(each)).find((provider) => provider !== undefined);
  const rows = row?.models.map((model) => ({ ...nameEntryOf(model), provider: id })) ?? [];
  return [...own.map((model) => ({ provider: id, model })), ...rows];
}

/** A provider and those it is `like`, itself first. Circles were refused before. */
function chainOf(id: string, config: Config): readonly string[] {
  const chain: string[] = [];
  for (
    let next: string | undefined = id;
    next !== undefined && !chain.includes(next);
    next = config.providers[next]?.like
  ) {
    chain.push(next);
  }
  return chain;
}
