/** `turnout catalog sync|diff FILE|URL` and `turnout models`: what the gateway knows of models and prices, and newer knowledge. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Catalog, CatalogModel } from '../catalog/catalog.ts';
import { diffCatalog, formatDiff, isEmptyDiff } from '../catalog/diff.ts';
import type { CatalogDiff } from '../catalog/diff.ts';
import { FIGURE_SOURCES, measuredModel } from '../catalog/measured.ts';
import { qualitiesOf } from '../catalog/quality.ts';
import { adoptCatalog, readModelsDev } from '../catalog/sync.ts';
import type { Adopted, ModelsDevReading } from '../catalog/sync.ts';
import { compact } from '../lib/json.ts';
import type { Json, JsonRecord } from '../lib/json.ts';
import { err, ok } from '../lib/result.ts';
import type { Result } from '../lib/result.ts';
import type { Price, Rates } from '../money/price.ts';
import { formatUsd } from '../money/usd.ts';
import { readCatalog, saveCatalog } from './catalog-file.ts';
import { readJsonSource } from './catalog-source.ts';
import type { CommandIo } from './io.ts';

const DATA_DIR = './data';
/** Rows of each kind that a terminal is shown; `--json` has all of them. */
const ROWS_SHOWN_MAX = 40;

const CATALOG_USAGE = `usage: turnout catalog diff FILE|URL [--json] [--data DIR]
       turnout catalog sync FILE|URL [--yes] [--accept-urls] [--json] [--data DIR]

FILE or URL is a models.dev api.json (https://models.dev/api.json). diff shows what it would change; sync asks and saves it
as catalog.json in the data directory. An address whose host has changed is taken only with --accept-urls.
`;
const MODELS_USAGE = 'usage: turnout models [--json] [--provider P] [--priced] [--data DIR]\n';

/** Exit code: 0 done, 1 not done, 2 wrong usage. */
export async function catalogCommand(args: readonly string[], io: CommandIo): Promise<number> {
  if (args.includes('--help')) {
    io.stdout(CATALOG_USAGE);
    return 0;
  }
  const parsed = parseCatalogArgs(args);
  if (!parsed.ok) return fail(io, `${parsed.error}${CATALOG_USAGE}`, 2);
  const { verb, source, options } = parsed.value;
  const dataDir = resolve(io.cwd, options.data ?? io.env['TURNOUT_DATA'] ?? DATA_DIR);
  const loaded = readCatalog(dataDir);
  if (loaded.problem !== undefined) io.stderr(`${loaded.problem}\n`);
  const json = await readJsonSource(source, { cwd: io.cwd });
  if (!json.ok) return fail(io, `${json.error}\n`, 1);
  const reading = readModelsDev(json.value);
  if (!reading.ok) return fail(io, `${source}: ${reading.error}\n`, 1);
  const adopted = adoptCatalog(loaded.catalog, reading.value.catalog, options.acceptUrls);
  const change = { diff: diffCatalog(loaded.catalog, adopted.catalog), adopted, reading: reading.value };
  if (verb === 'diff') {
    report(io, options.json, { change });
    return 0;
  }
  return sync(io, { ...change, options, dataDir });
}

interface CatalogOptions {
  readonly json: boolean;
  readonly yes: boolean;
  readonly acceptUrls: boolean;
  readonly data: string | undefined;
}

interface CatalogArgs {
  readonly verb: 'sync' | 'diff';
  readonly source: string;
  readonly options: CatalogOptions;
}

function parseCatalogArgs(args: readonly string[]): Result<CatalogArgs, string> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        yes: { type: 'boolean', short: 'y', default: false },
        'accept-urls': { type: 'boolean', default: false },
        data: { type: 'string' },
      },
    });
    const [verb, source, ...rest] = positionals;
    if ((verb !== 'sync' && verb !== 'diff') || source === undefined || rest.length > 0) return err('');
    const { json, yes, data } = values;
    return ok({ verb, source, options: { json, yes, acceptUrls: values['accept-urls'], data } });
  } catch (error) {
    return err(`${error instanceof Error ? error.message : String(error)}\n`);
  }
}

interface Change {
  readonly diff: CatalogDiff;
  readonly adopted: Adopted;
  readonly reading: ModelsDevReading;
}

interface Sync extends Change {
  readonly options: CatalogOptions;
  readonly dataDir: string;
}

async function sync(io: CommandIo, { options, dataDir, ...change }: Sync): Promise<number> {
  if (isEmptyDiff(change.diff)) {
    report(io, options.json, { change, more: { saved: false } });
    return 0;
  }
  if (!options.json) report(io, false, { change });
  if (!options.yes && !(await isConfirmed(io))) {
    if (options.json) report(io, true, { change, more: { saved: false } });
    return fail(io, 'nothing was saved; say --yes to save it\n', 1);
  }
  try {
    const path = await saveCatalog(dataDir, change.adopted.catalog);
    if (options.json) report(io, true, { change, more: { saved: true, path } });
    else io.stdout(`saved as ${path}; a running gateway reads it at its next start\n`);
    return 0;
  } catch (error) {
    return fail(io, `nothing was saved: ${error instanceof Error ? error.message : String(error)}\n`, 1);
  }
}

async function isConfirmed(io: CommandIo): Promise<boolean> {
  return io.isTerminal && io.confirm !== undefined && io.confirm('Save this catalog?');
}

function report(
  io: CommandIo,
  isJson: boolean,
  { change, more = {} }: { readonly change: Change; readonly more?: JsonRecord },
): void {
  const { diff, adopted, reading } = change;
  const { problems, problemCount, catalog } = reading;
  if (isJson) {
    const kept = adopted.keptUrls.map(({ provider, kept: url, refused }) => ({ provider, kept: url, refused }));
    const about = { source: compact({ ...catalog.source }), problems, problem_count: problemCount, kept_urls: kept };
    print(io, { ...more, ...about, diff: diffJson(diff) });
    return;
  }
  for (const problem of problems) io.stderr(`left out: ${problem}\n`);
  if (problemCount > problems.length) io.stderr(`left out: ${problemCount - problems.length} more\n`);
  for (const { provider, kept, refused } of adopted.keptUrls) {
    io.stderr(`${provider} keeps its address ${kept}: the new file says ${refused} (--accept-urls takes it)\n`);
  }
  io.stdout(formatDiff(diff, ROWS_SHOWN_MAX));
}

function diffJson(diff: CatalogDiff): JsonRecord {
  const rows = (changes: CatalogDiff['prices']): Json =>
    changes.map(({ name, fields }) => ({ name, fields: fields.map((field) => ({ ...field })) }));
  const { providers, models, prices } = diff;
  return {
    providers: { added: providers.added, removed: providers.removed, changed: rows(providers.changed) },
    models: { added: models.added, removed: models.removed, changed: rows(models.changed) },
    prices: rows(prices),
  };
}

/** Lists the models of the catalog. Exit code: 0 done, 1 no such provider, 2 wrong usage. */
export function modelsCommand(args: readonly string[], io: CommandIo): Promise<number> {
  return Promise.resolve(listModels(args, io));
}

function listModels(args: readonly string[], io: CommandIo): number {
  if (args.includes('--help')) {
    io.stdout(MODELS_USAGE);
    return 0;
  }
  const parsed = parseModelsArgs(args);
  if (!parsed.ok) return fail(io, `${parsed.error}${MODELS_USAGE}`, 2);
  const options = parsed.value;
  const { catalog, origin, problem } = readCatalog(resolve(io.cwd, options.data ?? io.env['TURNOUT_DATA'] ?? DATA_DIR));
  if (problem !== undefined) io.stderr(`${problem}\n`);
  const { provider } = options;
  if (provider !== undefined && catalog.provider(provider) === undefined) {
    return fail(io, `the catalog has no provider ${JSON.stringify(provider)}\n`, 1);
  }
  const models = modelsOf(catalog, provider).filter((model) => !options.priced || model.price !== undefined);
  if (options.json) {
    const quality_sources = FIGURE_SOURCES.map(({ title, url, asOf }) => ({ title, url, as_of: asOf }));
    print(io, {
      source: { ...compact({ ...catalog.source }), origin },
      quality_sources,
      models: models.map(modelJson),
    });
  } else io.stdout(formatModels(models));
  return 0;
}

interface ModelsOptions {
  readonly json: boolean;
  readonly priced: boolean;
  readonly provider: string | undefined;
  readonly data: string | undefined;
}

function parseModelsArgs(args: readonly string[]): Result<ModelsOptions, string> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean', default: false },
        priced: { type: 'boolean', default: false },
        provider: { type: 'string' },
        data: { type: 'string' },
      },
    });
    const { json, priced, provider, data } = values;
    return ok({ json, priced, provider, data });
  } catch (error) {
    return err(`${error instanceof Error ? error.message : String(error)}\n`);
  }
}

function modelsOf(catalog: Catalog, provider: string | undefined): readonly CatalogModel[] {
  return provider === undefined ? catalog.providers.flatMap((row) => row.models) : catalog.models(provider);
}

/** Prices in US dollars a million tokens, as decimal strings; null is not known. */
function modelJson(model: CatalogModel): JsonRecord {
  const { contextTokens, inputTokens, outputTokens } = model.limits;
  const { tools, reasoning, structuredOutput, attachment, temperature } = model.abilities;
  return compact({
    id: `${model.provider}/${model.id}`,
    provider: model.provider,
    model: model.id,
    name: model.name,
    family: model.family,
    version_of: model.versionOf,
    released_on: model.releasedOn,
    updated_on: model.updatedOn,
    retires_on: model.retiresOn,
    successor: model.successor,
    status: model.status,
    inputs: model.inputs,
    outputs: model.outputs,
    abilities: compact({ tools, reasoning, structured_output: structuredOutput, attachment, temperature }),
    limits: compact({ context: contextTokens, input: inputTokens, output: outputTokens }),
    price: model.price === undefined ? null : priceJson(model.price),
    free: model.free,
    quality: qualityJson(model),
  });
}

/** Scores by task and the published figures behind them; `source` counts in `quality_sources`. Absent: nothing is known. */
function qualityJson(model: CatalogModel): JsonRecord | undefined {
  const measured = measuredModel(model);
  if (measured === undefined) return undefined;
  const scores = qualitiesOf(model).map(([task, { score, uncertainty }]) => [
    task,
    { score: rounded(score), uncertainty: rounded(uncertainty) },
  ]);
  const figures = measured.figures.map(({ benchmark, value, source }) => ({
    benchmark: benchmark.id,
    value,
    source: FIGURE_SOURCES.indexOf(source),
  }));
  return { measured_as: measured.name, scores: Object.fromEntries(scores), figures };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function priceJson(price: Price): JsonRecord {
  const request = price.request === undefined ? undefined : formatUsd(price.request);
  const tiers = price.tiers?.map((tier) => ({ above_context_tokens: tier.aboveContextTokens, ...ratesJson(tier) }));
  return compact({ ...ratesJson(price), request, tiers });
}

const RATE_NAMES = {
  input: 'input',
  output: 'output',
  cacheRead: 'cache_read',
  cacheWrite: 'cache_write',
  cacheWrite1h: 'cache_write_1h',
  reasoning: 'reasoning',
  inputAudio: 'input_audio',
  outputAudio: 'output_audio',
} as const satisfies Record<keyof Rates, string>;

function ratesJson(rates: Rates): JsonRecord {
  const known: Record<string, string> = {};
  for (const [name, key] of Object.entries(RATE_NAMES)) {
    const nanoUsd = rateOf(rates, name);
    if (nanoUsd !== undefined) known[key] = formatUsd(nanoUsd);
  }
  return known;
}

function rateOf(rates: Rates, name: string): bigint | undefined {
  const found = Object.entries(rates).find(([key]) => key === name)?.[1];
  return typeof found === 'bigint' ? found : undefined;
}

function formatModels(models: readonly CatalogModel[]): string {
  const rows = models.map((model) => [
    `${model.provider}/${model.id}`,
    model.limits.contextTokens?.toString() ?? 'unknown',
    usd(model.price?.input),
    usd(model.price?.output),
    [model.status, model.retiresOn === undefined ? undefined : `retires ${model.retiresOn}`, model.free]
      .filter((note) => note !== undefined)
      .join(', '),
  ]);
  const table = [['MODEL', 'CONTEXT', 'INPUT', 'OUTPUT', 'NOTE'], ...rows];
  const widths = [0, 1, 2, 3].map((column) =>
    table.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  );
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n\n${models.length} models; prices in US dollars a million tokens\n`;
}

function usd(nanoUsd: bigint | undefined): string {
  return nanoUsd === undefined ? 'unknown' : formatUsd(nanoUsd);
}

function print(io: CommandIo, json: JsonRecord): void {
  io.stdout(`${JSON.stringify(json, undefined, 2)}\n`);
}

function fail(io: CommandIo, text: string, code: number): number {
  io.stderr(text);
  return code;
}
