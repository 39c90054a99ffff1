/** CLINC150 and BANKING77 as an operator would meet them, and what a model of intents makes of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWordVectors } from '../src/understand/intents/word-vectors.ts';
import type { Intent } from '../src/understand/intents/intents.ts';
import type { WordVectors } from '../src/understand/intents/word-vectors.ts';
import { dice } from '../src/lib/dice.ts';

export interface Row {
  readonly text: string;
  readonly intent: string;
  /** CLINC150 only. */
  readonly split?: string;
}

/** A data set as the few examples that are learned and the prompts that are asked. */
export interface Trial {
  readonly examples: Readonly<Record<string, readonly string[]>>;
  /** Prompts of these intents. */
  readonly inside: readonly Row[];
  /** Prompts of the same data set's other intents: hard to refuse. */
  readonly near: readonly Row[];
  /** CLINC150's prompts of no intent. */
  readonly far: readonly Row[];
}

export interface TrialOptions {
  readonly intents: number;
  readonly shots: number;
  readonly seed: number;
}

export interface Measured {
  /** Share of the prompts inside whose likeliest intent is theirs, sure or not. */
  readonly accuracy: number;
  /** Shares of the prompts inside. What is neither was refused. */
  readonly right: number;
  readonly wrong: number;
  readonly nearRefused: number;
  readonly farRefused: number;
  /** How well the confidence tells prompts inside from those far: 0.5 is chance. */
  readonly auroc: number;
}

const NEAR_MAX = 500;
/** Of each intent of BANKING77 the rows from here on are asked; those before may be learned. */
const BANKING_ASKED_FROM = 40;
const BANKING_ASKED = 20;

export function readRows(dataDir: string, file: string): readonly Row[] {
  const lines = readFileSync(join(dataDir, 'routing', file), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line): Row => JSON.parse(line));
}

export function shippedVectors(): WordVectors {
  const bytes = readFileSync(new URL('../src/understand/intents/word-vectors.bin', import.meta.url));
  const vectors = parseWordVectors(bytes);
  if (vectors === undefined) throw new Error('word-vectors.bin is not what it should be');
  return vectors;
}

/** All of CLINC150's development split: learned on `train`, asked on `val` and `oos_val`. */
export function clincWhole(rows: readonly Row[]): Trial {
  const learned = rows.filter((row) => row.split === 'train');
  return {
    examples: grouped(learned),
    inside: rows.filter((row) => row.split === 'val'),
    near: [],
    far: rows.filter((row) => row.split === 'oos_val'),
  };
}

/** Some intents with a few examples each, drawn by the seed. */
export function clincTrial(rows: readonly Row[], options: TrialOptions): Trial {
  const train = rows.filter((row) => row.split === 'train');
  const asked = rows.filter((row) => row.split === 'val');
  const { names, learned, roll } = drawn(train, options);
  return {
    examples: grouped(learned),
    inside: asked.filter((row) => names.has(row.intent)),
    near: shuffled(
      asked.filter((row) => !names.has(row.intent)),
      roll,
    ).slice(0, NEAR_MAX),
    far: rows.filter((row) => row.split === 'oos_val'),
  };
}

/** The same of BANKING77; `far` are CLINC150's. */
export function bankingTrial(rows: readonly Row[], far: readonly Row[], options: TrialOptions): Trial {
  const { names, learned, rest, roll } = drawn(rows, options);
  return {
    examples: grouped(learned),
    inside: rest,
    near: shuffled(
      rows.filter((row) => !names.has(row.intent)),
      roll,
    ).slice(0, NEAR_MAX),
    far: far.filter((row) => row.split === 'oos_val'),
  };
}

/** Anything that ranks the intents of a text, likeliest first. */
export type Ranking = (text: string) => readonly Intent[];

/** A refusal is a likeliest intent with less confidence than `threshold`. */
export function measure(rank: Ranking, { inside, near, far }: Trial, threshold = 0.5): Measured {
  const confidenceOf = (text: string): number => rank(text)[0]?.confidence ?? 0;
  const tops = inside.map(({ text, intent }) => {
    const top = rank(text)[0];
    return { isRight: top?.name === intent, confidence: top?.confidence ?? 0 };
  });
  const refused = (rows: readonly Row[]): number => share(rows, ({ text }) => confidenceOf(text) < threshold);
  return {
    accuracy: share(tops, (top) => top.isRight),
    right: share(tops, (top) => top.isRight && top.confidence >= threshold),
    wrong: share(tops, (top) => !top.isRight && top.confidence >= threshold),
    nearRefused: refused(near),
    farRefused: refused(far),
    auroc: auroc(
      tops.map((top) => top.confidence),
      far.map(({ text }) => confidenceOf(text)),
    ),
  };
}

interface Drawn {
  readonly names: ReadonlySet<string>;
  readonly learned: readonly Row[];
  /** Rows of the same intents that are never learned, whatever the number of shots. */
  readonly rest: readonly Row[];
  readonly roll: () => number;
}

function drawn(rows: readonly Row[], { intents, shots, seed }: TrialOptions): Drawn {
  const roll = dice(seed);
  const all = [...new Set(rows.map((row) => row.intent))].toSorted();
  const names = new Set(shuffled(all, roll).slice(0, intents));
  const learned: Row[] = [];
  const rest: Row[] = [];
  for (const name of [...names].toSorted()) {
    const own = shuffled(
      rows.filter((row) => row.intent === name),
      roll,
    );
    learned.push(...own.slice(0, shots));
    rest.push(...own.slice(BANKING_ASKED_FROM, BANKING_ASKED_FROM + BANKING_ASKED));
  }
  return { names, learned, rest, roll };
}

function grouped(rows: readonly Row[]): Readonly<Record<string, readonly string[]>> {
  const groups = Map.groupBy(rows, (row) => row.intent);
  return Object.fromEntries([...groups].map(([name, own]) => [name, own.map((row) => row.text)]));
}

function shuffled<T>(items: readonly T[], roll: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: roll() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function share<T>(items: readonly T[], is: (item: T) => boolean): number {
  return items.length === 0 ? Number.NaN : items.filter(is).length / items.length;
}

/** How often one of `high` is above one of `low`; a tie counts half (Mann and Whitney). */
export function auroc(high: readonly number[], low: readonly number[]): number {
  const wins = high.reduce((sum, a) => sum + low.reduce((own, b) => own + (a > b ? 1 : a === b ? 0.5 : 0), 0), 0);
  return wins / (high.length * low.length);
}
