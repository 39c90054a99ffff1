/**
 * The compact form in which the catalog is kept in a file: rows are arrays, words are numbers, prices decimal strings.
 *
 * `{form, source, families, providers: [[id, about, [model…]]…]}`. A model is
 * `[id, name, family, released, updated, abilities, inputs, outputs, limits, price, more]`, cut after the last that is
 * known, or, for a dated version that has its data from another row, `[id, more]`.
 */
import type { Price, PriceTier, Rates, UnitRates } from '../money/price.ts';
import { formatUsd, parseUsd } from '../money/usd.ts';
import { asArray, asCount, asRecord, asString, compact } from '../lib/json.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import { err, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import type {
  CatalogDialect,
  CatalogModel,
  CatalogProvider,
  CatalogSource,
  FreeReason,
  Modality,
  ModelAbilities,
  ModelLimits,
  ModelStatus,
} from './rows.ts';

/** Goes up when an older gateway could no longer read the file. */
const FORM = 1;

// The order of these lists is the form: add at the end, never in between.
const RATES = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'reasoning',
  'inputAudio',
  'outputAudio',
] as const satisfies readonly (keyof Rates)[];
const UNIT_RATES = ['image', 'second', 'character', 'search'] as const satisfies readonly (keyof UnitRates)[];
const ABILITIES = ['tools', 'reasoning', 'structuredOutput', 'attachment', 'temperature'] as const;
const MODALITIES = ['text', 'image', 'audio', 'video', 'pdf'] as const satisfies readonly Modality[];
const STATUSES = ['alpha', 'beta', 'deprecated'] as const satisfies readonly ModelStatus[];
const FREE = ['local', 'subscription', 'free-tier'] as const satisfies readonly FreeReason[];
/** By number in the file, so that new ones come last. */
const DIALECTS = [
  'openai-chat',
  'anthropic-messages',
  'gemini',
  'other',
  'cohere',
  'bedrock-converse',
  'openai-responses',
  'replicate',
  'openai-completions',
] as const;
const SOURCES = ['genai-prices', 'sdk', 'provider'] as const;

export interface CatalogRows {
  readonly source: CatalogSource;
  readonly providers: readonly CatalogProvider[];
}

export interface DecodedCatalog extends CatalogRows {
  /** Known before any model is read. */
  readonly modelCount: number;
}

/** Thrown inside this file only, where a row is broken; says where. */
class FormError extends Error {}

/** The compact form of a catalog, as `decodeCatalog` reads it. The same catalog gives the same bytes. */
export function encodeCatalog(catalog: CatalogRows): JsonRecord {
  const families = [...new Set(catalog.providers.flatMap((p) => p.models.map((model) => model.family ?? '')))]
    .filter((family) => family !== '')
    .toSorted();
  const indexes = new Map(families.map((family, index) => [family, index + 1]));
  return {
    form: FORM,
    source: compact({ ...catalog.source }),
    families,
    providers: catalog.providers.map((provider) => [
      provider.id,
      encodeAbout(provider),
      provider.models.map((model) => encodeModel(model, indexes)),
    ]),
  };
}

/** The text of `encodeCatalog` with one model a line, so that a change of the file can be read. */
export function formatCatalog(catalog: CatalogRows): string {
  const { providers, ...head } = encodeCatalog(catalog);
  const blocks = (asArray(providers) ?? []).map((row) => {
    const [id, about, models] = asArray(row) ?? [];
    const lines = (asArray(models) ?? []).map((model) => JSON.stringify(model));
    return `[${JSON.stringify(id)},${JSON.stringify(about)},[\n${lines.join(',\n')}]]`;
  });
  return `${JSON.stringify(head).slice(0, -1)},"providers":[\n${blocks.join(',\n')}]}\n`;
}

function encodeAbout(provider: CatalogProvider): JsonRecord {
  return compact({
    n: provider.name,
    a: someOf(provider.aliases),
    k: someOf(provider.envKeys),
    e: someOf(provider.envOthers),
    u: provider.baseUrl,
    t: provider.baseUrlTemplate,
    o: provider.doc,
    d: provider.dialect,
  });
}

function encodeModel(model: CatalogModel, families: ReadonlyMap<string, number>): Json {
  if (model.versionOf !== undefined) return [model.id, encodeVersion(model)];
  const more = encodeMore(model);
  const row: Json[] = [
    model.id,
    model.name === model.id ? '' : model.name,
    families.get(model.family ?? '') ?? 0,
    model.releasedOn ?? '',
    model.updatedOn === model.releasedOn ? '' : (model.updatedOn ?? '-'),
    encodeClaims(model),
    encodeModalities(model.inputs),
    encodeModalities(model.outputs),
    encodeLimits(model.limits),
    model.price === undefined ? 0 : encodeRates(model.price),
  ];
  return Object.keys(more).length === 0 ? row : [...row, more];
}

/** Only what a version does not have from its model. */
function encodeVersion(model: CatalogModel): JsonRecord {
  return compact({
    v: model.versionOf,
    l: model.releasedOn,
    x: model.retiresOn,
    r: model.successor,
    g: indexOf(SOURCES, model.source),
  });
}

function encodeMore(model: CatalogModel): JsonRecord {
  return compact({
    b: model.base,
    s: indexOf(STATUSES, model.status),
    x: model.retiresOn,
    r: model.successor,
    f: indexOf(FREE, model.free),
    p: model.listedPrice,
    d: indexOf(DIALECTS, model.dialect),
    u: model.baseUrl,
    g: indexOf(SOURCES, model.source),
    q: usd(model.price?.request),
    w: encodeUnits(model.price?.units),
    t: model.price?.tiers?.map(encodeTier),
  });
}

function encodeLimits(limits: ModelLimits): Json[] {
  return trimmed([limits.contextTokens ?? 0, limits.inputTokens ?? 0, limits.outputTokens ?? 0], 0);
}

/** Two bits a claim: 0 not known, 1 false, 2 true. Open weights come after the abilities. */
function encodeClaims(model: CatalogModel): number {
  const claims = [...ABILITIES.map((ability) => model.abilities[ability]), model.hasOpenWeights];
  return claims.reduce((bits, claim, index) => bits + (claim === undefined ? 0 : claim ? 2 : 1) * 4 ** index, 0);
}

function encodeModalities(modalities: readonly Modality[] | undefined): number {
  return (modalities ?? []).reduce((bits, modality) => bits + 2 ** MODALITIES.indexOf(modality), 0);
}

function encodeRates(rates: Rates): string[] {
  return trimmed(
    RATES.map((name) => usd(rates[name]) ?? ''),
    '',
  );
}

function encodeUnits(units: UnitRates | undefined): string[] | undefined {
  return units === undefined
    ? undefined
    : trimmed(
        UNIT_RATES.map((name) => usd(units[name]) ?? ''),
        '',
      );
}

/** A price on one line, the same for the same price: `1.25 10 0.125 > 200000 2.5 15 0.25`. Empty where there is none. */
export function priceText(price: Price | undefined): string {
  if (price === undefined) return '';
  const plain = encodeRates(price).join(' ');
  const request = price.request === undefined ? '' : ` + ${formatUsd(price.request)}`;
  const units = (encodeUnits(price.units) ?? []).map((rate) => ` / ${rate}`).join('');
  return `${plain}${units}${request}${(price.tiers ?? []).map((tier) => ` > ${encodeTier(tier).join(' ')}`).join('')}`;
}

function encodeTier(tier: PriceTier): (string | number)[] {
  return [tier.aboveContextTokens, ...encodeRates(tier)];
}

function usd(nanoUsd: bigint | undefined): string | undefined {
  return nanoUsd === undefined ? undefined : formatUsd(nanoUsd);
}

function trimmed<T>(values: readonly T[], empty: T): T[] {
  return values.slice(0, values.findLastIndex((value) => value !== empty) + 1);
}

function someOf(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}

/** One-based, so that a zero never stands for a word. */
function indexOf(words: readonly string[], word: string | undefined): number | undefined {
  return word === undefined ? undefined : words.indexOf(word) + 1;
}

/** Reads the compact form. The error names the row that is broken; nothing of a broken file is kept. */
export function decodeCatalog(json: unknown): Result<DecodedCatalog, string> {
  const file = asRecord(json);
  if (file === undefined) return err('it is not a JSON object');
  if (file['form'] !== FORM) return err(`its form is ${JSON.stringify(file['form'])}, this gateway reads form ${FORM}`);
  const families = (asArray(file['families']) ?? []).map((family) => asString(family) ?? '');
  // Most prices are one of a few hundred: each is converted once.
  const usdMemo = new Map<string, bigint>();
  try {
    const rows = asArray(file['providers']);
    if (rows === undefined) return err('it has no list of providers');
    return ok({
      source: decodeSource(file['source']),
      providers: rows.map((row, index) => decodeProvider(row, { families, usdMemo, at: `providers[${index}]` })),
      modelCount: rows.reduce<number>((sum, row) => sum + (asArray(asArray(row)?.[2])?.length ?? 0), 0),
    });
  } catch (error) {
    if (error instanceof FormError) return err(error.message);
    throw error;
  }
}

interface Decoding {
  readonly families: readonly string[];
  readonly usdMemo: Map<string, bigint>;
  /** Where in the file, for errors. */
  readonly at: string;
}

function decodeSource(json: Json | undefined): CatalogSource {
  const source = asRecord(json) ?? {};
  return compact({
    name: asString(source['name']) ?? 'unknown',
    asOf: asString(source['asOf']),
    commit: asString(source['commit']),
  });
}

/** Checks all of a provider's rows now and reads its models at their first use: a gateway needs those of a few providers. */
function decodeProvider(row: Json, decoding: Decoding): CatalogProvider {
  const [idJson, aboutJson, modelsJson] = asArray(row) ?? [];
  const id = asString(idJson);
  const about = asRecord(aboutJson);
  const rows = asArray(modelsJson);
  if (id === undefined || id === '' || about === undefined || rows === undefined) {
    throw new FormError(`${decoding.at} is not [id, about, models]`);
  }
  const own = { ...decoding, at: `${decoding.at} (${id})` };
  checkModels(rows, own);
  let models: readonly CatalogModel[] | undefined;
  return {
    ...compact({
      id,
      aliases: texts(about['a']),
      name: asString(about['n']) ?? id,
      envKeys: texts(about['k']),
      envOthers: texts(about['e']),
      baseUrl: asString(about['u']),
      baseUrlTemplate: asString(about['t']),
      doc: asString(about['o']),
      dialect: dialectOf(about['d']),
    }),
    get models() {
      models ??= decodeModels(id, rows, own);
      return models;
    },
  };
}

/** Throws where a model has no name, a version no model, or a price is no decimal. */
function checkModels(rows: readonly Json[], decoding: Decoding): void {
  const plain = new Set<Json>();
  for (const row of rows) {
    const cells = asArray(row) ?? [];
    const id = asString(cells[0]);
    if (id === undefined || id === '') throw new FormError(`${decoding.at} has a model without a name`);
    if (asRecord(cells[1]) === undefined) plain.add(id);
  }
  for (const row of rows) {
    const cells = asArray(row) ?? [];
    const version = asRecord(cells[1])?.['v'];
    if (asRecord(cells[1]) === undefined) checkPrice(cells, decoding);
    else if (version === undefined || !plain.has(version)) {
      throw new FormError(`${decoding.at}: ${asString(cells[0])} is a version of a model that is not there`);
    }
  }
}

function checkPrice(cells: readonly Json[], decoding: Decoding): void {
  const more = asRecord(cells[10]);
  checkRates(asArray(cells[9]) ?? [], decoding);
  if (more?.['q'] !== undefined) decodeUsd(more['q'], decoding);
  checkRates(asArray(more?.['w']) ?? [], decoding);
  for (const tier of asArray(more?.['t']) ?? []) {
    const [above, ...rates] = asArray(tier) ?? [];
    if (asCount(above) === undefined) throw new FormError(`${decoding.at} has a price tier without a size`);
    checkRates(rates, decoding);
  }
}

function checkRates(cells: readonly Json[], decoding: Decoding): void {
  for (const cell of cells) if (cell !== '') decodeUsd(cell, decoding);
}

function decodeModels(provider: string, rows: readonly Json[], decoding: Decoding): readonly CatalogModel[] {
  const plain = new Map<string, CatalogModel>();
  const versions: { readonly id: string; readonly more: JsonRecord }[] = [];
  for (const row of rows) {
    const cells = asArray(row) ?? [];
    const id = asString(cells[0]) ?? '';
    const more = asRecord(cells[1]);
    if (more === undefined) plain.set(id, decodeModel({ provider, id, cells }, decoding));
    else versions.push({ id, more });
  }
  const all = [...plain.values()];
  for (const { id, more } of versions) {
    const base = plain.get(asString(more['v']) ?? '');
    if (base !== undefined) all.push(versionOf(base, id, more));
  }
  return all.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** A dated version: all data of `base`, its own name, and its own last day where it has one. */
function versionOf(base: CatalogModel, id: string, more: JsonRecord): CatalogModel {
  return compact({
    ...base,
    id,
    name: id,
    versionOf: base.id,
    releasedOn: asString(more['l']) ?? base.releasedOn,
    retiresOn: asString(more['x']) ?? base.retiresOn,
    successor: asString(more['r']) ?? base.successor,
    source: wordAt(SOURCES, more['g']),
  });
}

interface ModelCells {
  readonly provider: string;
  readonly id: string;
  readonly cells: readonly Json[];
}

function decodeModel({ provider, id, cells }: ModelCells, decoding: Decoding): CatalogModel {
  const [, name, family, released, updated, claims, inputs, outputs, limits, price] = cells;
  const more = asRecord(cells[10]) ?? {};
  const releasedOn = filled(released);
  // Assigned one by one: this runs five thousand times, and a copy without empty fields costs four times as much.
  const model: Draft = {
    provider,
    id,
    name: filled(name) ?? id,
    abilities: decodeAbilities(claims),
    limits: decodeLimits(limits),
  };
  put(model, 'family', filled(decoding.families[(asCount(family) ?? 0) - 1]));
  put(model, 'base', asString(more['b']));
  put(model, 'releasedOn', releasedOn);
  put(model, 'updatedOn', updated === '' ? releasedOn : updated === '-' ? undefined : asString(updated));
  put(model, 'retiresOn', asString(more['x']));
  put(model, 'successor', asString(more['r']));
  put(model, 'status', wordAt(STATUSES, more['s']));
  put(model, 'inputs', decodeModalities(inputs));
  put(model, 'outputs', decodeModalities(outputs));
  put(model, 'hasOpenWeights', claimAt(claims, ABILITIES.length));
  put(model, 'price', asArray(price) === undefined ? undefined : decodePrice(price, more, decoding));
  put(model, 'free', wordAt(FREE, more['f']));
  put(model, 'listedPrice', asString(more['p']));
  put(model, 'dialect', wordAt(DIALECTS, more['d']));
  put(model, 'baseUrl', asString(more['u']));
  put(model, 'source', wordAt(SOURCES, more['g']));
  return model;
}

type Draft = { -readonly [K in keyof CatalogModel]: CatalogModel[K] };

function put<K extends keyof Draft>(draft: Draft, key: K, value: Draft[K] | undefined): void {
  if (value !== undefined) draft[key] = value;
}

function decodeAbilities(bits: Json | undefined): ModelAbilities {
  const abilities: { [K in (typeof ABILITIES)[number]]?: boolean } = {};
  for (const [index, ability] of ABILITIES.entries()) {
    const claim = claimAt(bits, index);
    if (claim !== undefined) abilities[ability] = claim;
  }
  return abilities;
}

function claimAt(bits: Json | undefined, index: number): boolean | undefined {
  const claim = ((asCount(bits) ?? 0) >> (2 * index)) & 3;
  return claim === 0 ? undefined : claim === 2;
}

function decodeModalities(bits: Json | undefined): readonly Modality[] | undefined {
  const mask = asCount(bits) ?? 0;
  return mask === 0 ? undefined : MODALITIES.filter((_, index) => (mask & (1 << index)) !== 0);
}

function decodeLimits(json: Json | undefined): ModelLimits {
  const [context, input, output] = asArray(json) ?? [];
  const limits: { -readonly [K in keyof ModelLimits]: ModelLimits[K] } = {};
  if (asCount(context)) limits.contextTokens = asCount(context) ?? 0;
  if (asCount(input)) limits.inputTokens = asCount(input) ?? 0;
  if (asCount(output)) limits.outputTokens = asCount(output) ?? 0;
  return limits;
}

function decodePrice(json: Json | undefined, more: JsonRecord, decoding: Decoding): Price {
  const price: { -readonly [K in keyof Price]: Price[K] } = decodeRates(asArray(json) ?? [], decoding);
  if (more['q'] !== undefined) price.request = decodeUsd(more['q'], decoding);
  const units = asArray(more['w']);
  if (units !== undefined) price.units = decodeUnits(units, decoding);
  const tiers = asArray(more['t']);
  if (tiers === undefined) return price;
  price.tiers = tiers.map((tier): PriceTier => {
    const [above, ...rates] = asArray(tier) ?? [];
    return { aboveContextTokens: asCount(above) ?? 0, ...decodeRates(rates, decoding) };
  });
  return price;
}

function decodeRates(cells: readonly Json[], decoding: Decoding): Rates {
  const rates: { [K in (typeof RATES)[number]]?: bigint } = {};
  for (const [index, name] of RATES.entries()) {
    const cell = cells[index];
    if (cell !== undefined && cell !== '') rates[name] = decodeUsd(cell, decoding);
  }
  return rates;
}

function decodeUnits(cells: readonly Json[], decoding: Decoding): UnitRates {
  const rates: { [K in (typeof UNIT_RATES)[number]]?: bigint } = {};
  for (const [index, name] of UNIT_RATES.entries()) {
    const cell = cells[index];
    if (cell !== undefined && cell !== '') rates[name] = decodeUsd(cell, decoding);
  }
  return rates;
}

function decodeUsd(cell: Json, decoding: Decoding): bigint {
  const text = asString(cell) ?? '';
  const known = decoding.usdMemo.get(text);
  if (known !== undefined) return known;
  const nanoUsd = parseUsd(text);
  if (nanoUsd === undefined)
    throw new FormError(`${decoding.at} has a price that is no decimal: ${JSON.stringify(cell)}`);
  decoding.usdMemo.set(text, nanoUsd);
  return nanoUsd;
}

function texts(json: Json | undefined): readonly string[] {
  return (asArray(json) ?? []).filter((text) => typeof text === 'string');
}

function filled(json: Json | undefined): string | undefined {
  return asString(json) || undefined;
}

function wordAt<T extends string>(words: readonly T[], index: Json | undefined): T | undefined {
  return words[(asCount(index) ?? 0) - 1];
}

function dialectOf(json: Json | undefined): CatalogDialect | undefined {
  const name = DIALECTS.find((dialect) => dialect === json);
  return name === 'other' ? undefined : name;
}
