/** What a run came to, in numbers; and tables of them. */
import type { Load, TargetModel } from './provider-model.ts';
import type { Row, Run } from './run.ts';

/** The smallest number that is not below the given share of them. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

/** Share of the rows of which it holds. */
export function share(rows: readonly Row[], holds: (row: Row) => boolean): number {
  return rows.length === 0 ? 0 : rows.filter(holds).length / rows.length;
}

export function isAnswered(row: Row): boolean {
  return row.targetId !== undefined;
}

export function failedShare(rows: readonly Row[]): number {
  return share(rows, (row) => !isAnswered(row));
}

/** Milliseconds to first content, of those that got it. */
export function ttfts(rows: readonly Row[]): readonly number[] {
  return rows.flatMap(({ ttftMs }) => (ttftMs === undefined ? [] : [ttftMs]));
}

/** Dollars. */
export function spend(rows: readonly Row[]): number {
  return Number(rows.reduce((sum, row) => sum + row.nanoUsd, 0n)) / 1e9;
}

/** Of all input tokens of answers, those that came from a prompt cache. */
export function cachedShare(rows: readonly Row[]): number {
  const answers = rows.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  const sum = (of: 'inputTokens' | 'cachedTokens'): number => answers.reduce((all, one) => all + one[of], 0);
  return sum('cachedTokens') / sum('inputTokens');
}

/** Chance of a good answer, on average; 0 where there was none. */
export function meanQuality(rows: readonly Row[], models: readonly TargetModel[]): number {
  return mean(rows.map((row) => models.find(({ id }) => id === row.targetId)?.quality[row.request.task] ?? 0));
}

/** Requests that reached providers, for one of a client's. */
export function upstreamFactor(run: Run): number {
  return attemptsOf(run) / run.rows.length;
}

export function attemptsOf({ rows }: Run): number {
  return rows.reduce((sum, row) => sum + row.attempts.length, 0);
}

export function loadSum({ loads }: Run, of: keyof Load): number {
  return [...loads.values()].reduce((sum, load) => sum + load[of], 0);
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One scenario: what was compared, and what came of it. */
export interface Section {
  readonly title: string;
  /** What is simulated, in a few sentences. */
  readonly about: string;
  readonly table: Table;
  /** By router and measure, for claims. */
  readonly figures: Figures;
}

export type Figures = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** How a column is called, measured and written. */
export interface Column {
  readonly key: string;
  readonly title: string;
  readonly of: (run: Run) => number;
  readonly as: (value: number) => string;
}

export function section(
  words: Pick<Section, 'title' | 'about'>,
  runs: ReadonlyMap<string, Run>,
  columns: readonly Column[],
): Section {
  const figures: Record<string, Record<string, number>> = {};
  const rows = [...runs].map(([name, run]) => {
    const of = Object.fromEntries(columns.map((column) => [column.key, column.of(run)]));
    figures[name] = of;
    return [name, ...columns.map((column) => column.as(of[column.key] ?? Number.NaN))];
  });
  return { ...words, table: { head: ['', ...columns.map(({ title }) => title)], rows }, figures };
}

export const asPercent = (value: number): string => `${(value * 100).toFixed(value < 0.0995 ? 2 : 1)} %`;
export const asMs = (value: number): string => value.toFixed(0);
export const asCount = (value: number): string => String(Math.round(value));
export const asUsd = (value: number): string => value.toFixed(2);
export const asFactor = (value: number): string => value.toFixed(2);

export const FAILED: Column = {
  key: 'failed',
  title: 'without answer',
  of: ({ rows }) => failedShare(rows),
  as: asPercent,
};

export function ttftColumn(key: string, at: number): Column {
  return { key, title: `first token ${key}, ms`, of: ({ rows }) => percentile(ttfts(rows), at), as: asMs };
}
