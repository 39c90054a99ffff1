/**
 * Reads models.dev, in the form of its public api.json and in that of a snapshot, and takes a newer one over into the
 * catalog in use. The file comes from outside: names may be hostile, rows broken, addresses changed.
 */
import { asArray, asBoolean, asCount, asRecord, asString, compact } from '../lib/json.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import { err, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import { makeCatalog } from './catalog.ts';
import type { Catalog } from './catalog.ts';
import { readCost } from './cost-reading.ts';
import type { PriceOddity } from './cost-reading.ts';
import { priceText } from './form.ts';
import {
  aliasesOf,
  dialectOfModel,
  dialectOfProvider,
  freeReason,
  officialBaseUrl,
  officialBaseUrlTemplate,
  splitEnvironment,
} from './known.ts';
import type { CatalogModel, CatalogProvider, CatalogSource, Modality, ModelAbilities, ModelStatus } from './rows.ts';

// Some ten times what models.dev holds today; beyond that it is not models.dev.
const PROVIDERS_MAX = 2_000;
const MODELS_MAX = 60_000;
/** Problems that are told one by one; the rest are counted. */
const PROBLEMS_TOLD_MAX = 50;
const TEXT_LENGTH_MAX = 200;

/** A provider's id stands before the first slash of `provider/model`, so it holds none. */
const PROVIDER_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Visible ASCII: nothing that could forge a header, a log line or a terminal. */
const MODEL_ID = /^[\x21-\x7e]{1,200}$/;
const DAY = /^\d{4}-\d{2}(?:-\d{2})?$/;
// eslint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const MODALITIES: readonly Modality[] = ['text', 'image', 'audio', 'video', 'pdf'];
const STATUSES: readonly ModelStatus[] = ['alpha', 'beta', 'deprecated'];

export interface ModelsDevReading {
  readonly catalog: Catalog;
  /** Rows that were left out, and why. At most fifty. */
  readonly problems: readonly string[];
  /** All of them, told or not. */
  readonly problemCount: number;
  /** Prices that were not taken as they stand. */
  readonly oddities: readonly PriceOddity[];
}

/**
 * Reads `api.json` of models.dev (`{ID: {id, name, env, npm, api, doc, models}}`), its `catalog.json` or our snapshot of
 * it (the same under `providers`). A row that is broken is left out and named; an error means that it is no such file.
 */
export function readModelsDev(json: unknown): Result<ModelsDevReading, string> {
  const file = asRecord(json);
  if (file === undefined) return err('this is not a models.dev file: not a JSON object');
  const rows = asRecord(file['providers']) ?? file;
  const entries = Object.entries(rows);
  if (entries.length > PROVIDERS_MAX) return err(`this is not a models.dev file: more than ${PROVIDERS_MAX} providers`);
  const reading = newReading();
  const providers: CatalogProvider[] = [];
  for (const [id, row] of entries) {
    const provider = readProvider(id, row, reading);
    if (provider !== undefined) providers.push(provider);
    if (reading.modelCount > MODELS_MAX) return err(`this is not a models.dev file: more than ${MODELS_MAX} models`);
  }
  if (!providers.some((provider) => provider.models.length > 0)) {
    const why = reading.problems[0] === undefined ? '' : ` (${reading.problems[0]})`;
    return err(`this is not a models.dev file: no provider with models in it${why}`);
  }
  return ok({
    catalog: makeCatalog(readSource(file, providers), withoutStolenAliases(providers)),
    problems: reading.problems.slice(0, PROBLEMS_TOLD_MAX),
    problemCount: reading.problems.length,
    oddities: reading.oddities,
  });
}

interface Reading {
  readonly problems: string[];
  readonly oddities: PriceOddity[];
  modelCount: number;
}

function newReading(): Reading {
  return { problems: [], oddities: [], modelCount: 0 };
}

function readSource(file: JsonRecord, providers: readonly CatalogProvider[]): CatalogSource {
  const days = providers.flatMap((provider) => provider.models.map((model) => model.updatedOn ?? ''));
  const newest = days.reduce((a, b) => (a > b ? a : b), '');
  const commitDay = asString(file['commit_date'])?.slice(0, 10);
  return compact({
    name: 'models.dev',
    asOf: commitDay !== undefined && DAY.test(commitDay) ? commitDay : newest || undefined,
    commit: text(file['commit'])?.slice(0, 40),
  });
}

/** An alias that is a provider's own id in this file belongs to that provider. */
function withoutStolenAliases(providers: readonly CatalogProvider[]): readonly CatalogProvider[] {
  const ids = new Set(providers.map((provider) => provider.id));
  return providers.map((provider) => ({ ...provider, aliases: provider.aliases.filter((alias) => !ids.has(alias)) }));
}

function readProvider(id: string, row: Json | undefined, reading: Reading): CatalogProvider | undefined {
  const told = JSON.stringify(id.slice(0, TEXT_LENGTH_MAX));
  const refuse = (why: string): undefined => {
    reading.problems.push(`provider ${told}: ${why}`);
  };
  if (!PROVIDER_ID.test(id)) return refuse('its id is not one');
  const about = asRecord(row);
  if (about === undefined) return refuse('not an object');
  const models = asRecord(about['models']);
  if (models === undefined) return refuse('"models" is not an object');
  const environment = splitEnvironment((asArray(about['env']) ?? []).filter(isEnvironmentName));
  const dialect = dialectOfProvider(id, asString(about['npm']) ?? '');
  const address = readAddress(id, about['api']);
  if (address === undefined) refuse(`its address is not one: ${JSON.stringify(text(about['api']) ?? null)}`);
  const provider = { id, dialect };
  return compact({
    id,
    aliases: aliasesOf(id),
    name: text(about['name']) ?? id,
    envKeys: environment.keys,
    envOthers: environment.others,
    baseUrl: address?.baseUrl,
    baseUrlTemplate: address?.baseUrlTemplate,
    doc: httpUrl(about['doc']),
    dialect,
    models: readModels(provider, models, reading),
  });
}

function isEnvironmentName(name: Json): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9_]{1,100}$/.test(name);
}

interface Address {
  readonly baseUrl?: string;
  readonly baseUrlTemplate?: string;
}

/** Where a provider is: what we know first, then what the file says. `undefined` where the file says something else than an address. */
function readAddress(id: string, api: Json | undefined): Address | undefined {
  const official = officialBaseUrl(id);
  if (official !== undefined) return { baseUrl: official };
  const template = officialBaseUrlTemplate(id);
  if (template !== undefined) return { baseUrlTemplate: template };
  if (api === undefined) return {};
  const url = baseUrlOf(api);
  if (url === undefined) return undefined;
  return url.includes('${') ? { baseUrlTemplate: url } : { baseUrl: url };
}

/** Everything before the operation, without a slash at the end; `${NAME}` may stand in it. */
function baseUrlOf(json: Json | undefined): string | undefined {
  const url = text(json)
    ?.replace(/\/chat\/completions$/, '')
    .replace(/\/+$/, '');
  if (url === undefined || !/^(?:https?:\/\/|\$\{)/.test(url)) return undefined;
  // A template is checked with its holes filled. Credentials in an address would be sent to whoever is behind it.
  const filled = url.replace(/^\$\{[A-Z0-9_]+\}/, 'https://x').replaceAll(/\$\{[A-Z0-9_]+\}/g, 'x');
  if (filled.includes('$') || !URL.canParse(filled)) return undefined;
  const parsed = new URL(filled);
  const isPlain = parsed.username === '' && parsed.password === '' && parsed.hash === '';
  return isPlain && (parsed.protocol === 'https:' || parsed.protocol === 'http:') ? url : undefined;
}

interface ProviderFacts {
  readonly id: string;
  readonly dialect: CatalogProvider['dialect'];
}

function readModels(provider: ProviderFacts, rows: JsonRecord, reading: Reading): readonly CatalogModel[] {
  const models: CatalogModel[] = [];
  for (const [id, row] of Object.entries(rows)) {
    reading.modelCount += 1;
    const about = asRecord(row);
    const at = `model ${JSON.stringify(`${provider.id}/${id}`.slice(0, TEXT_LENGTH_MAX))}`;
    if (!MODEL_ID.test(id)) reading.problems.push(`${at}: its name is not one`);
    else if (about === undefined) reading.problems.push(`${at}: not an object`);
    else models.push(readModel(provider, id, { about, reading }));
  }
  return models.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function readModel(
  provider: ProviderFacts,
  id: string,
  { about, reading }: { readonly about: JsonRecord; readonly reading: Reading },
): CatalogModel {
  const family = text(about['family']);
  const free = freeReason(provider.id, id);
  const cost = readCost(asRecord(about['cost']), { provider: provider.id, model: id, family, free });
  reading.oddities.push(...cost.oddities);
  const own = asRecord(about['provider']) ?? {};
  const modalities = asRecord(about['modalities']) ?? {};
  const limit = asRecord(about['limit']) ?? {};
  return compact({
    provider: provider.id,
    id,
    name: text(about['name']) ?? id,
    family,
    base: text(about['base_model']),
    releasedOn: day(about['release_date']),
    updatedOn: day(about['last_updated']),
    status: STATUSES.find((status) => status === about['status']),
    inputs: readModalities(modalities['input']),
    outputs: readModalities(modalities['output']),
    abilities: readAbilities(about),
    hasOpenWeights: asBoolean(about['open_weights']),
    limits: compact({
      contextTokens: asCount(limit['context']) || undefined,
      inputTokens: asCount(limit['input']) || undefined,
      outputTokens: asCount(limit['output']) || undefined,
    }),
    price: cost.price,
    free: cost.free,
    dialect: dialectOfModel(provider, { id, packageName: asString(own['npm']), shape: asString(own['shape']) }),
    baseUrl: own['api'] === undefined || officialBaseUrl(provider.id) !== undefined ? undefined : baseUrlOf(own['api']),
  });
}

function readAbilities(about: JsonRecord): ModelAbilities {
  return compact({
    tools: asBoolean(about['tool_call']),
    reasoning: asBoolean(about['reasoning']),
    structuredOutput: asBoolean(about['structured_output']),
    attachment: asBoolean(about['attachment']),
    temperature: asBoolean(about['temperature']),
  });
}

function readModalities(json: Json | undefined): readonly Modality[] | undefined {
  const named = asArray(json) ?? [];
  const modalities = MODALITIES.filter((modality) => named.includes(modality));
  return modalities.length === 0 ? undefined : modalities;
}

function text(json: Json | undefined): string | undefined {
  return asString(json)?.replaceAll(CONTROL, '').trim().slice(0, TEXT_LENGTH_MAX) || undefined;
}

function day(json: Json | undefined): string | undefined {
  const value = asString(json);
  return value !== undefined && DAY.test(value) ? value : undefined;
}

function httpUrl(json: Json | undefined): string | undefined {
  const url = text(json);
  return url !== undefined && /^https?:\/\//.test(url) && URL.canParse(url) ? url : undefined;
}

export interface Adopted {
  readonly catalog: Catalog;
  /** Providers whose address in the new file has another host: their old one was kept. */
  readonly keptUrls: readonly { readonly provider: string; readonly kept: string; readonly refused: string }[];
}

/**
 * Takes a newer reading over. What models.dev does not know stays as it was: retirement days, dated versions, corrected
 * prices of rows that have not changed, prices of one-hour cache writes, models from other sources. An address whose host has changed is taken only where `acceptUrls`
 * says so, because keys are sent there.
 */
export function adoptCatalog(before: Catalog, fresh: Catalog, acceptUrls: boolean): Adopted {
  const keptUrls: { provider: string; kept: string; refused: string }[] = [];
  const providers = fresh.providers.map((provider): CatalogProvider => {
    const old = before.provider(provider.id);
    if (old === undefined || old.id !== provider.id) return provider;
    const models = adoptModels(old, provider.models, before);
    const kept = addressOf(old);
    const refused = addressOf(provider);
    if (acceptUrls || kept === undefined || hostOf(kept) === hostOf(refused)) return { ...provider, models };
    keptUrls.push({ provider: provider.id, kept, refused: refused ?? 'none' });
    const { baseUrl: _url, baseUrlTemplate: _template, ...rest } = provider;
    return compact({ ...rest, baseUrl: old.baseUrl, baseUrlTemplate: old.baseUrlTemplate, models });
  });
  // Providers that do not chat are not in models.dev at all, nor those whose models nobody lists.
  const others = before.providers.filter(
    ({ id, models }) => fresh.provider(id) === undefined && models.every((model) => model.source === 'provider'),
  );
  return { catalog: makeCatalog(fresh.source, [...providers, ...others]), keptUrls };
}

function adoptModels(old: CatalogProvider, fresh: readonly CatalogModel[], before: Catalog): readonly CatalogModel[] {
  const names = new Set(fresh.map((model) => model.id));
  const gone = old.models.filter((model) => !names.has(model.id));
  const plain = [
    ...fresh.map((model) => adoptModel(before.modelOf(old.id, model.id), model)),
    ...gone.filter((model) => model.versionOf === undefined && model.source !== undefined),
  ];
  const byId = new Map(plain.map((model) => [model.id, model]));
  const versions = gone.flatMap((model): readonly CatalogModel[] => {
    const base = model.versionOf === undefined ? undefined : byId.get(model.versionOf);
    if (base === undefined) return [];
    const { id, name, versionOf, releasedOn, retiresOn, successor, source } = model;
    return [compact({ ...base, id, name, versionOf, releasedOn, retiresOn, successor, source })];
  });
  return [...plain, ...versions].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

function adoptModel(old: CatalogModel | undefined, fresh: CatalogModel): CatalogModel {
  if (old === undefined) return fresh;
  const kept = { retiresOn: fresh.retiresOn ?? old.retiresOn, successor: fresh.successor ?? old.successor };
  // The row is as it was when its price was corrected, so the correction still holds.
  const isAsListed = old.listedPrice !== undefined && old.listedPrice === priceText(fresh.price);
  if (isAsListed) return compact({ ...fresh, ...kept, price: old.price, listedPrice: old.listedPrice });
  const { price } = fresh;
  const hour = price !== undefined && old.price?.input === price.input ? old.price?.cacheWrite1h : undefined;
  return compact({ ...fresh, ...kept, price: hour === undefined ? price : { ...price, cacheWrite1h: hour } });
}

function addressOf(provider: CatalogProvider): string | undefined {
  return provider.baseUrl ?? provider.baseUrlTemplate;
}

/** Scheme and host; of a template, the text up to the first slash of its path. */
function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : (/^[^/]*\/\/[^/]*|^[^/]*/.exec(url)?.[0] ?? url);
}
