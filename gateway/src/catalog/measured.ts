/** The published figures that ship with the gateway (scripts/quality-figures.ts), and which of them a model of the catalog has. */
import { asArray, asNumber, asString } from '../lib/json.ts';
import type { Json } from '../lib/json.ts';
import { BENCHMARKS } from './benchmarks.ts';
import type { Benchmark } from './benchmarks.ts';
import data from './quality.generated.json' with { type: 'json' };
import type { CatalogModel } from './rows.ts';

/** Where a figure was published. */
export interface FigureSource {
  readonly title: string;
  readonly url: string;
  /** `2026-02-16`, or `2026-02` where the page names no day. */
  readonly asOf: string;
}

/** A benchmark with its line to the common scale of ability: `slope × log odds + offset`, right up to `noise`. */
export interface FittedBenchmark extends Benchmark {
  readonly id: string;
  readonly slope: number;
  readonly offset: number;
  readonly noise: number;
}

/** What a model reached in one benchmark, at its best setting. */
export interface Figure {
  readonly benchmark: FittedBenchmark;
  readonly value: number;
  readonly source: FigureSource;
}

export interface MeasuredModel {
  /** As its maker calls it: `anthropic/claude-opus-4-6`. */
  readonly name: string;
  readonly figures: readonly Figure[];
}

/** What a model may be found by. */
export type ModelNames = Pick<CatalogModel, 'id'> & Partial<Pick<CatalogModel, 'base' | 'versionOf'>>;

export const FIGURE_SOURCES: readonly FigureSource[] = readSources(data.sources);
export const MEASURED_MODELS: readonly MeasuredModel[] = readModels(data);
const BY_NAME: ReadonlyMap<string, MeasuredModel> = byName(data);

/** Endings that say how a model is served or that its name moves, and not which model it is. */
const ENDING =
  /-(?:\d{8}|\d{4}-\d{2}-\d{2}|v\d+|instruct|it|fp8|nvfp4|bf16|tee|maas|free|preview|latest|thinking|high)$/;
/** Models that only look like another one with such an ending. */
const ITSELF = /distill|^o1-preview$|^gpt-3-5-turbo-instruct/;
/** What hosts put before the maker's name; Bedrock's are dots. */
const BEGINNING = /^(?:databricks|openai|google|anthropic|meta)-+/;

/**
 * The measured model that a model of the catalog is, by its provider's name of it or else by its maker's. A host's ending
 * may be taken off; a word that could be another model may not: then there is none.
 */
export function measuredModel(names: ModelNames): MeasuredModel | undefined {
  for (const name of [names.id, names.versionOf, names.base]) {
    if (name === undefined) continue;
    const plain = plainName(name);
    if (ITSELF.test(plain)) return undefined;
    const found = lookUp(plain);
    if (found !== undefined) return found;
  }
  return undefined;
}

function lookUp(name: string): MeasuredModel | undefined {
  let plain = name;
  for (;;) {
    const found = BY_NAME.get(plain) ?? BY_NAME.get(plain.replace(BEGINNING, ''));
    if (found !== undefined) return found;
    const shorter = plain.replace(ENDING, '');
    if (shorter === plain) return undefined;
    plain = shorter;
  }
}

/** `us.anthropic.claude-opus-4-5-20251101-v1:0` → `claude-opus-4-5-20251101-v1`; `openai/GPT-5.2:free` → `gpt-5-2`. */
function plainName(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  return last
    .replace(/:.*$/, '')
    .replace(/^(?:[a-z]+\.)+(?=[a-z])/, '')
    .replaceAll(/[._@]/g, '-');
}

type Data = typeof data;

function readSources(rows: Json): readonly FigureSource[] {
  return (asArray(rows) ?? []).map((row) => {
    const [title, url, asOf] = asArray(row) ?? [];
    return { title: asString(title) ?? '', url: asString(url) ?? '', asOf: asString(asOf) ?? '' };
  });
}

function readBenchmarks(rows: Json): readonly FittedBenchmark[] {
  return (asArray(rows) ?? []).map((row) => {
    const [id, slope, offset, noise] = asArray(row) ?? [];
    const name = asString(id) ?? '';
    const about = BENCHMARKS[name];
    if (about === undefined) throw new Error(`quality.generated.json has a benchmark that is not known: ${name}`);
    return {
      ...about,
      id: name,
      slope: asNumber(slope) ?? 0,
      offset: asNumber(offset) ?? 0,
      noise: asNumber(noise) ?? 1,
    };
  });
}

function readModels(file: Data): readonly MeasuredModel[] {
  const benchmarks = readBenchmarks(file.benchmarks);
  return (asArray(file.models) ?? []).map((row) => {
    const [name, , numbers] = asArray(row) ?? [];
    return { name: asString(name) ?? '', figures: readFigures(asArray(numbers) ?? [], benchmarks) };
  });
}

/** Three numbers a figure: benchmark, value, source. */
function readFigures(numbers: readonly Json[], benchmarks: readonly FittedBenchmark[]): readonly Figure[] {
  const figures: Figure[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const benchmark = benchmarks[asNumber(numbers[at]) ?? -1];
    const value = asNumber(numbers[at + 1]);
    const source = FIGURE_SOURCES[asNumber(numbers[at + 2]) ?? -1];
    if (benchmark !== undefined && value !== undefined && source !== undefined)
      figures.push({ benchmark, value, source });
  }
  return figures;
}

function byName(file: Data): ReadonlyMap<string, MeasuredModel> {
  const found = new Map<string, MeasuredModel>();
  for (const [index, row] of (asArray(file.models) ?? []).entries()) {
    const [name, also] = asArray(row) ?? [];
    const model = MEASURED_MODELS[index];
    if (model === undefined) continue;
    for (const known of [name, ...(asArray(also) ?? [])]) found.set(plainName(asString(known) ?? ''), model);
  }
  return found;
}
