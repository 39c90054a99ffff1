/**
 * Puts benchmarks on one scale: a model has one general ability, and each benchmark is a straight line over it (in log
 * odds) with noise of its own. That is item response theory's picture with benchmarks as items, fitted by turns: abilities
 * from lines, lines from abilities. Benchmarks of old and of new models are tied together by the models that have both.
 */
import { BENCHMARKS, logOdds } from '../gateway/src/catalog/benchmarks.ts';
import type { Benchmark } from '../gateway/src/catalog/benchmarks.ts';

/** A model's figures, by benchmark. */
export type Figures = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** `ability = slope × log odds + offset`, with a standard deviation of `noise`. The slope is positive. */
export interface Line {
  readonly slope: number;
  readonly offset: number;
  readonly noise: number;
}

/** Log odds for one standard deviation of ability, where a benchmark has no data of its own. */
const STEEPNESS = { percent: 0.8, rating: 0.35, score: 2 } as const satisfies Record<Benchmark['scale'], number>;
/** So many models does that count for. */
const STEEPNESS_MODELS = 2;
/** Noise of a benchmark without data, and the models that it counts for. */
const NOISE = 0.4;
const NOISE_MODELS = 3;
/** The lines stand still to four digits long before. */
const ROUNDS = 300;

interface Point {
  readonly model: string;
  readonly x: number;
}

/** A line for each benchmark that has figures. Abilities have mean 0 and standard deviation 1 over the models. */
export function fitLines(figures: Figures): ReadonlyMap<string, Line> {
  const points = pointsOf(figures);
  let lines = new Map([...points].map(([id, own]) => [id, firstLine(own)]));
  for (let round = 0; round < ROUNDS; round += 1) {
    const abilities = standardised(abilitiesOf(figures, lines));
    lines = new Map([...points].map(([id, own]) => [id, lineOf(id, own, abilities)]));
  }
  return lines;
}

function pointsOf(figures: Figures): ReadonlyMap<string, readonly Point[]> {
  const points = new Map<string, Point[]>();
  for (const [model, own] of figures) {
    for (const [id, figure] of own) {
      const list = points.get(id) ?? [];
      list.push({ model, x: logOdds(scaleOf(id), figure) });
      points.set(id, list);
    }
  }
  return points;
}

function scaleOf(id: string): Benchmark['scale'] {
  const benchmark = BENCHMARKS[id];
  if (benchmark === undefined) throw new Error(`no benchmark ${id}`);
  return benchmark.scale;
}

function firstLine(points: readonly Point[]): Line {
  const xs = points.map(({ x }) => x);
  const slope = 1 / Math.max(deviation(xs), 0.1);
  return { slope, offset: -mean(xs) * slope, noise: NOISE };
}

function abilitiesOf(figures: Figures, lines: ReadonlyMap<string, Line>): ReadonlyMap<string, number> {
  const abilities = new Map<string, number>();
  for (const [model, own] of figures) {
    let sum = 0;
    let weight = 0;
    for (const [id, figure] of own) {
      const line = lines.get(id);
      if (line === undefined) continue;
      sum += (line.slope * logOdds(scaleOf(id), figure) + line.offset) / line.noise ** 2;
      weight += 1 / line.noise ** 2;
    }
    abilities.set(model, sum / weight);
  }
  return abilities;
}

function standardised(abilities: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const values = [...abilities.values()];
  const centre = mean(values);
  const spread = deviation(values);
  return new Map([...abilities].map(([model, value]) => [model, (value - centre) / spread]));
}

/** Through the centre of its models, as steep as their spread is wide: not a regression, which noise would flatten. */
function lineOf(id: string, points: readonly Point[], abilities: ReadonlyMap<string, number>): Line {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ model }) => abilities.get(model) ?? 0);
  const prior = STEEPNESS[scaleOf(id)];
  const steepness = Math.sqrt((squares(xs) + STEEPNESS_MODELS * prior ** 2) / (squares(ys) + STEEPNESS_MODELS));
  const slope = 1 / steepness;
  const offset = mean(ys) - slope * mean(xs);
  const rest = xs.reduce((sum, x, index) => sum + (slope * x + offset - (ys[index] ?? 0)) ** 2, 0);
  const noise = Math.sqrt((rest + NOISE_MODELS * NOISE ** 2) / (Math.max(xs.length - 1, 0) + NOISE_MODELS));
  return { slope, offset, noise };
}

function squares(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
}

function deviation(values: readonly number[]): number {
  return Math.sqrt(squares(values) / values.length);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
