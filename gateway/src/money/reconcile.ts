/** Compares a provider's statement with our receipts, by day and model, and tells the reasons that can be told. Pure. */
import { compact } from '../lib/json.ts';
import type { NanoUsd } from './price.ts';
import type { StatementLine } from './statement.ts';

/** Our receipts of one model on one day (UTC). */
export interface OwnDay {
  readonly day: string;
  readonly model: string;
  readonly receipts: number;
  /** Without a known price. */
  readonly unpriced: number;
  /** Counted by us, because the provider did not say. */
  readonly estimated: number;
  /** Of attempts that died with their process. */
  readonly interrupted: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costNanoUsd: NanoUsd;
}

type Own = Omit<OwnDay, 'day' | 'model'>;

export interface Compared {
  readonly day: string;
  /** `*`: all models, where the statement does not tell them apart. */
  readonly model: string;
  readonly theirs: Omit<StatementLine, 'day' | 'model'>;
  readonly ours: Own;
  /** Ours less theirs; absent where the statement does not say. */
  readonly driftInputTokens?: number;
  readonly driftOutputTokens?: number;
  readonly driftNanoUsd?: NanoUsd;
  readonly reasons: readonly string[];
  /** Within the tolerance, or within what rounding makes. */
  readonly isGood: boolean;
}

/** Their lines are rounded to a cent, at the coarsest; ours to a nano-dollar an attempt. */
const HALF_CENT: NanoUsd = 5_000_000n;
const ALL = '*';

/**
 * Rows by day, then by model, of the days that the statement tells. A model's date is left out on both sides (`gpt-5-2025-08-07` is `gpt-5`): callers ask for the
 * one, statements name the other. `tolerance`: a part of theirs, as in 0.01.
 */
export function reconcile(
  theirs: readonly StatementLine[],
  ours: readonly OwnDay[],
  tolerance: number,
): readonly Compared[] {
  const days = new Set(theirs.map((line) => line.day));
  const own = ours.filter(({ day }) => days.has(day)).map((one) => ({ ...one, model: undated(one.model) }));
  const wholeDays = new Set(theirs.filter((line) => line.model === undefined).map((line) => line.day));
  const told = new Set(theirs.map((line) => keyOf(line.day, undated(line.model ?? ALL))));
  const groups = new Map<string, Group>();
  for (const line of theirs) into(groups, line.day, undated(line.model ?? ALL)).theirs.push(line);
  for (const day of own) {
    const isWhole = wholeDays.has(day.day);
    if (isWhole) into(groups, day.day, ALL).ours.push(day);
    // Where a day is told only as a whole, its models are no difference.
    if (!isWhole || told.has(keyOf(day.day, day.model))) into(groups, day.day, day.model).ours.push(day);
  }
  return [...groups.values()]
    .toSorted((a, b) => (keyOf(a.day, a.model) < keyOf(b.day, b.model) ? -1 : 1))
    .map((group) => compared(group, tolerance));
}

interface Group {
  readonly day: string;
  readonly model: string;
  readonly theirs: StatementLine[];
  readonly ours: OwnDay[];
}

function keyOf(day: string, model: string): string {
  return `${day} ${model}`;
}

function into(groups: Map<string, Group>, day: string, model: string): Group {
  const key = keyOf(day, model);
  const group = groups.get(key) ?? { day, model, theirs: [], ours: [] };
  groups.set(key, group);
  return group;
}

/** Without the date of a version: `-2025-08-07`, `-20250929`. */
function undated(model: string): string {
  return model.replace(/-(\d{4}-\d\d-\d\d|20\d{6})$/, '');
}

function compared({ day, model, theirs: lines, ours: days }: Group, tolerance: number): Compared {
  const theirs = compact({
    requests: sumOf(lines.map((line) => line.requests)),
    inputTokens: sumOf(lines.map((line) => line.inputTokens)),
    outputTokens: sumOf(lines.map((line) => line.outputTokens)),
    costNanoUsd: moneyOf(lines),
  });
  const ours = days.reduce(together, NOTHING);
  const drift = compact({
    driftInputTokens: lessOf(ours.inputTokens, theirs.inputTokens),
    driftOutputTokens: lessOf(ours.outputTokens, theirs.outputTokens),
    driftNanoUsd: theirs.costNanoUsd === undefined ? undefined : ours.costNanoUsd - theirs.costNanoUsd,
  });
  const isRounding = sizeOf(drift.driftNanoUsd ?? 0n) <= BigInt(lines.length) * HALF_CENT + BigInt(ours.receipts);
  const compares = { day, model, theirs, ours, ...drift };
  const isGood = lines.length > 0 && isGoodDrift(compares, isRounding, tolerance);
  return { ...compares, reasons: reasonsFor(compares, isRounding), isGood };
}

function isGoodDrift({ theirs, ...drift }: Drift, isRounding: boolean, tolerance: number): boolean {
  const { driftNanoUsd = 0n, driftInputTokens = 0, driftOutputTokens = 0 } = drift;
  const { costNanoUsd = 0n, inputTokens = 0, outputTokens = 0 } = theirs;
  return (
    (isRounding || isWithin(Number(driftNanoUsd), Number(costNanoUsd), tolerance)) &&
    isWithin(driftInputTokens, inputTokens, tolerance) &&
    isWithin(driftOutputTokens, outputTokens, tolerance)
  );
}

const NOTHING: Own = {
  receipts: 0,
  unpriced: 0,
  estimated: 0,
  interrupted: 0,
  inputTokens: 0,
  outputTokens: 0,
  costNanoUsd: 0n,
};

function together(a: Own, b: Own): Own {
  return {
    receipts: a.receipts + b.receipts,
    unpriced: a.unpriced + b.unpriced,
    estimated: a.estimated + b.estimated,
    interrupted: a.interrupted + b.interrupted,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    costNanoUsd: a.costNanoUsd + b.costNanoUsd,
  };
}

/** Absent where no line says it. */
function sumOf(counts: readonly (number | undefined)[]): number | undefined {
  return counts.reduce((sum, count) => (count === undefined ? sum : (sum ?? 0) + count), undefined);
}

function moneyOf(lines: readonly StatementLine[]): NanoUsd | undefined {
  const told = lines.flatMap(({ costNanoUsd }) => costNanoUsd ?? []);
  return told.length === 0 ? undefined : told.reduce((sum, cost) => sum + cost, 0n);
}

function lessOf(ours: number, theirs: number | undefined): number | undefined {
  return theirs === undefined ? undefined : ours - theirs;
}

function sizeOf(amount: bigint): bigint {
  return amount < 0n ? -amount : amount;
}

function isWithin(drift: number, whole: number, tolerance: number): boolean {
  return Math.abs(drift) <= Math.abs(whole) * tolerance;
}

type Drift = Omit<Compared, 'reasons' | 'isGood'>;

/** What is known to make a difference here. Empty where nothing is: then it is theirs, or a defect of ours. */
function reasonsFor(row: Drift, isRounding: boolean): readonly string[] {
  const { theirs, ours, driftNanoUsd = 0n, driftInputTokens, driftOutputTokens } = row;
  if (Object.keys(theirs).length === 0) return ['not on the statement'];
  const areTokensEqual = ![driftInputTokens, driftOutputTokens].some((drift) => drift !== undefined && drift !== 0);
  if (areTokensEqual && driftNanoUsd === 0n) return [];
  if (ours.receipts === 0) return ['none of it came through here'];
  const told = countedReasons(row);
  if (driftNanoUsd !== 0n && isRounding) return [...told, 'rounding'];
  const isPrice = told.length === 0 && areTokensEqual && theirs.inputTokens !== undefined;
  return isPrice ? ['their price is not the one known here'] : told;
}

function countedReasons({ theirs, ours }: Drift): readonly string[] {
  const more = (theirs.requests ?? ours.receipts) - ours.receipts;
  const counts = [
    [ours.unpriced, 'without a known price: "turnout ledger reprice"'],
    [ours.estimated, 'counted by us'],
    [ours.interrupted, 'died with their process'],
    [more, 'more requests at the provider'],
    [-more, 'more requests here'],
  ] as const;
  return counts.flatMap(([count, text]) => (count > 0 ? [`${count} ${text}`] : []));
}
