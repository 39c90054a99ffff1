/**
 * Makes gateway/src/catalog/catalog.generated.json and docs/reference/catalog-disagreements.md from the models.dev
 * snapshot in ../shared and the price list of @pydantic/genai-prices. The same inputs give the same bytes.
 *
 *     node scripts/run.mjs scripts/generate-catalog.ts           writes both files
 *     node scripts/run.mjs scripts/generate-catalog.ts --check   exits 1 where they are not fresh
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCatalog } from '../gateway/src/catalog/catalog.ts';
import type { Catalog, CatalogModel, CatalogProvider } from '../gateway/src/catalog/catalog.ts';
import type { PriceOddity } from '../gateway/src/catalog/cost-reading.ts';
import { formatCatalog, priceText } from '../gateway/src/catalog/form.ts';
import { readModelsDev } from '../gateway/src/catalog/sync.ts';
import { compact, parseJson } from '../gateway/src/lib/json.ts';
import type { Price, Rates } from '../gateway/src/money/price.ts';
import { formatUsd, parseUsd } from '../gateway/src/money/usd.ts';
import { equalNames, genaiEntry } from './catalog-genai.ts';
import type { GenaiEntry } from './catalog-genai.ts';
import { PIECE_PROVIDERS, PIECE_TABLES, type PieceRow } from './catalog-pieces.ts';
import type { CrossCheck } from './catalog-check.ts';
import { formatReport } from './catalog-report.ts';
import { GENAI_PROVIDERS, NEWER_MODELS, RETIREMENTS, RULINGS, SDK_MODELS } from './catalog-sources.ts';
import type { NewerModel } from './catalog-sources.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SNAPSHOT = join(ROOT, '..', 'shared', 'data', 'catalogue', 'models.dev.json');

/** Day on which prices are looked up: genai-prices has some that change later. A constant, so that the files do not depend on the clock. */
const AS_OF = '2026-11-22';

/** Differences below half a per cent are roundings of one list; the row of models.dev stays. */
const ROUNDING_PER_MILLE = 5n;

export const CATALOG_FILE = join(ROOT, 'gateway', 'src', 'catalog', 'catalog.generated.json');
export const REPORT_FILE = join(ROOT, 'docs', 'reference', 'catalog-disagreements.md');

export interface GeneratedCatalog {
  readonly catalog: string;
  readonly report: string;
}

/** Both files as text. `undefined` where ../shared is not beside this checkout. */
export function generateCatalog(): GeneratedCatalog | undefined {
  if (!existsSync(SNAPSHOT)) return undefined;
  const reading = readModelsDev(parseJson(readFileSync(SNAPSHOT, 'utf8')));
  if (!reading.ok) throw new Error(reading.error);
  if (reading.value.problemCount > 0) throw new Error(`the snapshot is broken: ${reading.value.problems.join('; ')}`);
  const check: CrossCheck = { agreed: 0, disagreements: [], filled: [], added: [], versions: [] };
  const listed = reading.value.catalog.providers;
  const providers = [...listed, ...PIECE_PROVIDERS].map((provider) =>
    checkProvider(withPieces(provider, check), check),
  );
  const catalog = makeCatalog(reading.value.catalog.source, providers);
  assertTables(catalog);
  return {
    catalog: formatCatalog(catalog),
    report: formatReport({ catalog, check, oddities: openOddities(reading.value.oddities, catalog), asOf: AS_OF }),
  };
}

/** Oddities whose model has got a price from the other list are no longer of interest to a reader. */
function openOddities(oddities: readonly PriceOddity[], catalog: Catalog): readonly PriceOddity[] {
  return oddities.filter(({ provider, model, kind, field }) => {
    const price = catalog.modelOf(provider, model)?.price;
    if (kind === 'zero-price' || kind === 'zero-output') return price === undefined;
    return field !== 'cache_write' || price?.cacheWrite === undefined;
  });
}

/** A hand-written row that fits nothing is a slip, or has been overtaken. */
function assertTables(catalog: Catalog): void {
  for (const { model } of RULINGS) {
    if (catalog.model(model) === undefined) throw new Error(`no model for the ruling on ${model}`);
  }
  for (const [provider, rows] of Object.entries(RETIREMENTS)) {
    for (const { on, models } of rows) {
      const isKnown = models.some((id) => catalog.modelOf(provider, id)?.retiresOn === on);
      if (!isKnown) throw new Error(`no model of ${provider} retires on ${on}: ${models.join(', ')}`);
    }
  }
}

function checkProvider(provider: CatalogProvider, check: CrossCheck): CatalogProvider {
  const genai = GENAI_PROVIDERS[provider.id];
  const checked = provider.models.map((model) => withListed(model, checkModel(model, genai, check)));
  const names = new Set(checked.map((model) => model.id));
  const added = [
    ...NEWER_MODELS.filter((row) => row.provider === provider.id).map((row) => newerModel(row, genai)),
    ...SDK_MODELS.filter((row) => row.provider === provider.id).map((row) => plainModel(row, 'sdk')),
  ];
  for (const model of added) {
    if (names.has(model.id)) throw new Error(`${provider.id}/${model.id} is in models.dev by now`);
    names.add(model.id);
    check.added.push({ model: fullName(model), source: model.source ?? '' });
  }
  const all = [...checked, ...added];
  const versions = genai === undefined ? [] : all.flatMap((model) => datedVersions(model, genai, names));
  for (const model of versions) check.versions.push({ model: fullName(model), of: model.versionOf ?? '' });
  return { ...provider, models: [...all, ...versions].map(withRetirement).toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** Adds what is sold by the piece: models that models.dev does not have, prices that it does not know. */
function withPieces(provider: CatalogProvider, check: CrossCheck): CatalogProvider {
  const rows = PIECE_TABLES.find((table) => table.provider === provider.id)?.rows ?? [];
  if (rows.length === 0) return provider;
  const models = new Map(provider.models.map((model) => [model.id, model]));
  for (const row of rows) {
    const before = models.get(row.id);
    const price = piecePrice(row);
    if (before !== undefined && (price === undefined || before.price !== undefined))
      throw new Error(`${provider.id}/${row.id} is in models.dev by now`);
    const { name, inputs, outputs, free } = row;
    const fresh = plainModel(compact({ provider: provider.id, id: row.id, name }), 'provider');
    if (before === undefined) check.added.push({ model: fullName(fresh), source: 'provider' });
    const listedPrice = before === undefined ? undefined : priceText(before.price);
    models.set(
      row.id,
      before === undefined
        ? compact({ ...fresh, inputs, outputs, free, price })
        : compact({ ...before, price, listedPrice }),
    );
  }
  return { ...provider, models: [...models.values()] };
}

function piecePrice(row: PieceRow): Price | undefined {
  const read = (text: string | undefined): bigint | undefined => {
    const value = text === undefined ? undefined : parseUsd(text);
    if (text !== undefined && value === undefined) throw new Error(`no price: ${text}`);
    return value;
  };
  const units = compact({
    image: read(row.image),
    second: read(row.second),
    character: read(row.character),
    search: read(row.search),
  });
  const rates = compact({ input: read(row.input), output: read(row.output) });
  const price = Object.keys(units).length === 0 ? rates : { ...rates, units };
  return Object.keys(price).length === 0 ? undefined : price;
}

/** Remembers what models.dev has, where it was not taken. */
function withListed(listed: CatalogModel, model: CatalogModel): CatalogModel {
  const before = priceText(listed.price);
  return priceText(model.price) === before ? model : { ...model, listedPrice: before };
}

function checkModel(model: CatalogModel, genai: string | undefined, check: CrossCheck): CatalogModel {
  const ruled = rulePrice(model, check);
  if (ruled !== undefined) return ruled;
  const entry = genai === undefined ? undefined : genaiEntry(genai, model.id, AS_OF);
  const theirs = entry?.price;
  // A zero of genai-prices is believed no more than one of models.dev.
  if (entry === undefined || theirs === undefined || theirs.input === 0n) return model;
  if (model.price === undefined) return isPriced(theirs) ? fillWhole(model, theirs, check) : model;
  if (model.free !== undefined) return model;
  const differing = compare(model.price, theirs);
  check.agreed += sharedClasses(model.price, theirs).length - differing.length;
  const verdict = judge(model, entry);
  for (const field of differing) {
    const isTheirs = verdict.take === 'genai-prices';
    const isRounding = !isTheirs && isClose(model.price[field], theirs[field]);
    check.disagreements.push({
      model: fullName(model),
      field,
      modelsDev: usd(model.price[field]),
      genai: usd(theirs[field]),
      taken: verdict.take,
      value: usd(isTheirs ? theirs[field] : model.price[field]),
      why: isRounding ? 'the same price, rounded' : verdict.why,
    });
  }
  if (differing.length > 0 && verdict.take === 'genai-prices') return { ...model, price: theirs };
  return fillClasses(model, model.price, { theirs, check });
}

/** A ruling that names a price itself, because genai-prices does not have the model. */
function rulePrice(model: CatalogModel, check: CrossCheck): CatalogModel | undefined {
  const ruling = RULINGS.find((row) => row.model === fullName(model));
  if (ruling === undefined || typeof ruling.take === 'string' || model.price === undefined) return undefined;
  const cacheRead = parseUsd(ruling.take.cacheRead);
  if (cacheRead === undefined) throw new Error(`no price: ${ruling.take.cacheRead}`);
  check.disagreements.push({
    model: fullName(model),
    field: 'cacheRead',
    modelsDev: usd(model.price.cacheRead),
    genai: 'not listed',
    taken: 'LiteLLM',
    value: usd(cacheRead),
    why: ruling.why,
  });
  return { ...model, price: { ...model.price, cacheRead } };
}

interface Verdict {
  readonly take: 'models.dev' | 'genai-prices';
  readonly why: string;
}

/** Who is right: a ruling by hand; else the newer dated price; else models.dev, whose row says when it was looked at. */
function judge(model: CatalogModel, entry: GenaiEntry): Verdict {
  const ruling = RULINGS.find((row) => row.model === fullName(model));
  if (ruling !== undefined && typeof ruling.take === 'string') return { take: ruling.take, why: ruling.why };
  const updated = model.updatedOn ?? '';
  if (entry.since !== undefined && entry.since > updated) {
    const hours = entry.isByHour ? '; it depends on the hour, and the dearest is taken' : '';
    return {
      take: 'genai-prices',
      why: `newer: holds since ${entry.since}, the row of models.dev is of ${updated}${hours}`,
    };
  }
  if (model.provider === 'amazon-bedrock' && entry.info.id.startsWith('regional.')) {
    return {
      take: 'genai-prices',
      why: 'AWS takes a tenth more outside its global endpoints; models.dev has the global price',
    };
  }
  return { take: 'models.dev', why: `the price of genai-prices is undated, the row of models.dev is of ${updated}` };
}

function fillWhole(model: CatalogModel, price: Price, check: CrossCheck): CatalogModel {
  check.filled.push({ model: fullName(model), fields: classesOf(price) });
  return { ...model, price };
}

/** Adds the classes that only genai-prices has, where both agree on what is plain: then it is the same price list. */
function fillClasses(
  model: CatalogModel,
  ours: Price,
  { theirs, check }: { readonly theirs: Price; readonly check: CrossCheck },
): CatalogModel {
  if (ours.input !== theirs.input || ours.output !== theirs.output) return model;
  const missing = classesOf(theirs).filter((name) => ours[name] === undefined && (theirs[name] ?? 0n) > 0n);
  if (missing.length === 0 && (theirs.request === undefined || ours.request !== undefined)) return model;
  const request = ours.request ?? theirs.request;
  check.filled.push({ model: fullName(model), fields: [...missing, ...(request === undefined ? [] : ['request'])] });
  const added = Object.fromEntries(missing.map((name) => [name, theirs[name]]));
  return { ...model, price: compact({ ...ours, ...added, request }) };
}

function newerModel(row: NewerModel, genai: string | undefined): CatalogModel {
  const entry = genai === undefined ? undefined : genaiEntry(genai, row.id, AS_OF);
  if (entry?.price === undefined || !isPriced(entry.price))
    throw new Error(`genai-prices has no price for ${row.provider}/${row.id}`);
  const name = row.name ?? entry.info.name;
  return {
    ...plainModel(compact({ ...row, name }), 'genai-prices'),
    limits: compact({ contextTokens: entry.info.context_window }),
    price: entry.price,
  };
}

function plainModel(row: NewerModel, source: NonNullable<CatalogModel['source']>): CatalogModel {
  const { provider, id, name, family, releasedOn } = row;
  return compact({ provider, id, name: name ?? id, family, releasedOn, abilities: {}, limits: {}, source });
}

/** Dated names of a model that genai-prices or OpenAI's SDK lists word by word, at the price of the model itself. */
function datedVersions(model: CatalogModel, genai: string, names: Set<string>): readonly CatalogModel[] {
  const entry = genaiEntry(genai, model.id, AS_OF);
  if (entry === undefined || !equalNames(entry.info.match).includes(model.id.toLowerCase())) return [];
  const listed = [...equalNames(entry.info.match), ...(model.provider === 'openai' ? sdkNames() : [])];
  return listed.flatMap((id): readonly CatalogModel[] => {
    const date = id.startsWith(`${model.id}-`)
      ? /^\d{4}-\d{2}-\d{2}$/.exec(id.slice(model.id.length + 1))?.[0]
      : undefined;
    if (date === undefined || names.has(id) || genaiEntry(genai, id, AS_OF)?.info !== entry.info) return [];
    names.add(id);
    return [{ ...model, id, name: id, versionOf: model.id, releasedOn: date }];
  });
}

/** Every model name in the types of OpenAI's own SDK. */
function sdkNames(): readonly string[] {
  const types = readFileSync(join(ROOT, 'node_modules', 'openai', 'resources', 'shared.d.ts'), 'utf8');
  return [...types.matchAll(/'([a-z0-9][a-z0-9.-]+)'/g)].map((match) => match[1] ?? '').toSorted();
}

function withRetirement(model: CatalogModel): CatalogModel {
  for (const { on, successor, models } of RETIREMENTS[model.provider] ?? []) {
    if (models.includes(model.id)) return compact({ ...model, retiresOn: on, successor });
  }
  return model;
}

const CLASSES = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'reasoning',
  'inputAudio',
  'outputAudio',
] as const;
type PriceClass = keyof Rates;

function classesOf(price: Price): readonly PriceClass[] {
  return CLASSES.filter((name) => price[name] !== undefined);
}

function sharedClasses(a: Price, b: Price): readonly PriceClass[] {
  return classesOf(a).filter((name) => b[name] !== undefined);
}

function compare(a: Price, b: Price): readonly PriceClass[] {
  return sharedClasses(a, b).filter((name) => a[name] !== b[name]);
}

function isClose(a: bigint | undefined, b: bigint | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const difference = a > b ? a - b : b - a;
  return difference * 1000n <= b * ROUNDING_PER_MILLE;
}

/** Whether it says what a text costs: input alone is a price only for models without output. */
function isPriced(price: Price): boolean {
  return price.input !== undefined && price.output !== undefined;
}

function fullName(model: CatalogModel): string {
  return `${model.provider}/${model.id}`;
}

function usd(nanoUsd: bigint | undefined): string {
  return nanoUsd === undefined ? 'unknown' : formatUsd(nanoUsd);
}

/** Exit code: 1 where `--check` finds a file that is not fresh. */
function main(args: readonly string[]): number {
  const generated = generateCatalog();
  if (generated === undefined) {
    console.error(
      'generate-catalog: skipped, ../shared/data/catalogue/models.dev.json is not there; the files stay as they are',
    );
    return 0;
  }
  const files = [
    [CATALOG_FILE, generated.catalog],
    [REPORT_FILE, generated.report],
  ] as const;
  const stale = files.filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
  if (args.includes('--check')) {
    for (const [path] of stale)
      console.error(`generate-catalog: ${path.slice(ROOT.length + 1)} is not fresh; run npm run generate`);
    return stale.length > 0 ? 1 : 0;
  }
  for (const [path, text] of stale) writeFileSync(path, text);
  console.error(`generate-catalog: ${stale.length} of ${files.length} files written`);
  return 0;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
