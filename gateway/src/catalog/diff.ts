/** What a newer catalog would change, as data and as text for a terminal. */
import type { Price, Rates, UnitRates } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import { compact } from '../lib/json.ts';
import type { Catalog } from './catalog.ts';
import type { CatalogModel, CatalogProvider } from './rows.ts';

/** A field whose value differs. Absent: there is none on that side. */
interface FieldChange {
  readonly field: string;
  readonly before?: string;
  readonly after?: string;
}

/** A provider or a model (`provider/model`) with what differs about it. */
interface RowChange {
  readonly name: string;
  readonly fields: readonly FieldChange[];
}

export interface CatalogDiff {
  readonly providers: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly RowChange[];
  };
  readonly models: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    /** Everything but the prices. */
    readonly changed: readonly RowChange[];
  };
  /** Fields are price classes, `request`, or `above 200000 input`; values are US dollars a million tokens. */
  readonly prices: readonly RowChange[];
}

/** Compares two catalogs. Everything is sorted by name. */
export function diffCatalog(before: Catalog, after: Catalog): CatalogDiff {
  const providers = { added: [] as string[], removed: [] as string[], changed: [] as RowChange[] };
  const models = { added: [] as string[], removed: [] as string[], changed: [] as RowChange[] };
  const prices: RowChange[] = [];
  const ids = new Set([...before.providers, ...after.providers].map((provider) => provider.id));
  for (const id of [...ids].toSorted()) {
    const old = exact(before, id);
    const fresh = exact(after, id);
    if (old === undefined) providers.added.push(id);
    else if (fresh === undefined) providers.removed.push(id);
    else push(providers.changed, id, changes(providerFields(old), providerFields(fresh)));
    diffModels(old?.models ?? [], fresh?.models ?? [], { ...models, prices });
  }
  return { providers, models, prices };
}

/** By id alone: an alias is not the provider itself. */
function exact(catalog: Catalog, id: string): CatalogProvider | undefined {
  const provider = catalog.provider(id);
  return provider?.id === id ? provider : undefined;
}

interface ModelDiff {
  readonly added: string[];
  readonly removed: string[];
  readonly changed: RowChange[];
  readonly prices: RowChange[];
}

function diffModels(before: readonly CatalogModel[], after: readonly CatalogModel[], diff: ModelDiff): void {
  const old = new Map(before.map((model) => [model.id, model]));
  const fresh = new Map(after.map((model) => [model.id, model]));
  for (const model of before) if (!fresh.has(model.id)) diff.removed.push(fullName(model));
  for (const model of after) {
    const was = old.get(model.id);
    if (was === undefined) {
      diff.added.push(fullName(model));
      continue;
    }
    push(diff.changed, fullName(model), changes(modelFields(was), modelFields(model)));
    push(diff.prices, fullName(model), changes(priceFields(was.price), priceFields(model.price)));
  }
}

function fullName(model: CatalogModel): string {
  return `${model.provider}/${model.id}`;
}

function push(list: RowChange[], name: string, fields: readonly FieldChange[]): void {
  if (fields.length > 0) list.push({ name, fields });
}

function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): readonly FieldChange[] {
  const fields = new Set([...before.keys(), ...after.keys()]);
  return [...fields]
    .filter((field) => before.get(field) !== after.get(field))
    .map((field) => compact({ field, before: before.get(field), after: after.get(field) }));
}

function providerFields(provider: CatalogProvider): ReadonlyMap<string, string> {
  const { models: _models, ...rest } = provider;
  return flat(rest);
}

function modelFields(model: CatalogModel): ReadonlyMap<string, string> {
  // `updatedOn` alone is no news, and a version changes with the model it belongs to.
  const { price: _price, listedPrice: _listed, updatedOn: _updated, abilities, limits, ...rest } = model;
  return flat({ ...rest, ...abilities, ...limits });
}

function flat(record: object): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(record).map(([field, value]) => [field, Array.isArray(value) ? value.join(', ') : String(value)]),
  );
}

function priceFields(price: Price | undefined): ReadonlyMap<string, string> {
  if (price === undefined) return new Map();
  const { tiers, units, ...plain } = price;
  const fields = new Map([...rateFields(plain), ...rateFields(units ?? {})]);
  for (const { aboveContextTokens, ...rates } of tiers ?? []) {
    for (const [field, value] of rateFields(rates)) fields.set(`above ${aboveContextTokens} ${field}`, value);
  }
  return fields;
}

function rateFields(rates: Rates | UnitRates): readonly (readonly [string, string])[] {
  return Object.entries(rates).map(([field, nanoUsd]: [string, bigint]) => [field, formatUsd(nanoUsd)]);
}

/** Whether anything differs. */
export function isEmptyDiff(diff: CatalogDiff): boolean {
  const { providers, models, prices } = diff;
  return (
    [providers, models].every((part) => part.added.length + part.removed.length + part.changed.length === 0) &&
    prices.length === 0
  );
}

/**
 * The diff for a terminal: addresses first (keys are sent there), then prices, then the rest. At most `rowsMax` rows of
 * each kind, and how many more there are.
 */
export function formatDiff(diff: CatalogDiff, rowsMax: number): string {
  if (isEmptyDiff(diff)) return 'nothing changes\n';
  const parts = [
    section('providers that change', diff.providers.changed.map(formatChange), rowsMax),
    section('new providers', diff.providers.added, rowsMax),
    section('providers that are gone', diff.providers.removed, rowsMax),
    section('prices that change (US dollars a million tokens)', diff.prices.map(formatChange), rowsMax),
    section('new models', diff.models.added, rowsMax),
    section('models that are gone', diff.models.removed, rowsMax),
    section('models that change otherwise', diff.models.changed.map(formatChange), rowsMax),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function formatChange(change: RowChange): string {
  const fields = change.fields.map(
    ({ field, before, after }) => `${field} ${before ?? 'unknown'} -> ${after ?? 'unknown'}`,
  );
  return `${change.name}: ${fields.join('; ')}`;
}

function section(title: string, rows: readonly string[], rowsMax: number): string {
  if (rows.length === 0) return '';
  const shown = rows.slice(0, rowsMax).map((row) => `  ${row}\n`);
  const rest = rows.length > rowsMax ? `  … and ${rows.length - rowsMax} more\n` : '';
  return `${title}: ${rows.length}\n${shown.join('')}${rest}`;
}
