/**
 * What to expect of a target: the mean of its logged outcomes, by kind of request, drawn towards the target's own mean and that
 * one towards everybody's where little was seen. Learned in two folds, each of which predicts the other's rows: a row must not
 * be predicted with its own outcome (cross-fitting: Chernozhukov and others, 2018).
 */

/** So many outcomes count as much as what is expected without them. */
const PRIOR = 10;
/** Kinds of requests times targets; rows of further ones count for their target alone. */
const CELLS_MAX = 20_000;

/** Half of the rows, by a stable draw of their ids. */
export type Fold = 0 | 1;

export interface OutcomeModel {
  learn(row: {
    readonly fold: Fold;
    readonly target: string;
    readonly stratum: string;
    readonly outcome: number;
  }): void;
  /** What to expect of a row of that fold. `undefined`: nothing was learned. */
  expect(row: { readonly fold: Fold; readonly target: string; readonly stratum: string }): number | undefined;
}

interface Mean {
  sum: number;
  count: number;
}

interface Learned {
  readonly all: Mean;
  readonly targets: Map<string, Mean>;
  readonly cells: Map<string, Mean>;
}

export function outcomeModel(): OutcomeModel {
  const folds: readonly [Learned, Learned] = [nothing(), nothing()];
  return {
    learn({ fold, target, stratum, outcome }) {
      const { all, targets, cells } = folds[fold];
      for (const mean of [all, meanIn(targets, target), meanIn(cells, cellOf(target, stratum))]) {
        if (mean === undefined) continue;
        mean.sum += outcome;
        mean.count += 1;
      }
    },
    expect({ fold, target, stratum }) {
      const { all, targets, cells } = folds[fold === 0 ? 1 : 0];
      if (all.count === 0) return undefined;
      const ofTarget = drawn(targets.get(target), all.sum / all.count);
      return drawn(cells.get(cellOf(target, stratum)), ofTarget);
    },
  };
}

/** The fold of a row: by the last bit of its id's hash (FNV-1a), the same at every reading. */
export function foldOf(id: string): Fold {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  // The low bits of FNV are weak alone.
  return ((hash ^ (hash >>> 15)) & 1) === 0 ? 0 : 1;
}

function nothing(): Learned {
  return { all: { sum: 0, count: 0 }, targets: new Map(), cells: new Map() };
}

function meanIn(means: Map<string, Mean>, name: string): Mean | undefined {
  const known = means.get(name);
  if (known !== undefined || means.size >= CELLS_MAX) return known;
  const made = { sum: 0, count: 0 };
  means.set(name, made);
  return made;
}

function drawn(mean: Mean | undefined, towards: number): number {
  return mean === undefined ? towards : (mean.sum + PRIOR * towards) / (mean.count + PRIOR);
}

function cellOf(target: string, stratum: string): string {
  return `${target}\n${stratum}`;
}
