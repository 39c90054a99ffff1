/**
 * Another policy over a log, summed up: who would have been asked, at what price, and what is estimated of the outcomes. Rows
 * are given twice in the same order: to learn what to expect of targets, and to compare. Nothing is kept of a row but sums.
 */
import {
  clipFor,
  doublyRobust,
  selfNormalised,
  type Estimate,
  type Estimator,
  type Logged,
  type Modelled,
} from './estimate.ts';
import { foldOf, outcomeModel, type Fold, type OutcomeModel } from './outcome-model.ts';

/** What can be known of how a request went; what is absent was not seen. */
export interface Outcomes {
  /** 1: answered. */
  readonly success?: number;
  /** 0..1, as its caller said. */
  readonly quality?: number;
  /** Milliseconds to the first content. */
  readonly ttft?: number;
  /** Milliseconds to its end, of what was answered. */
  readonly duration?: number;
}

export type OutcomeName = keyof Outcomes;
const OUTCOMES = {
  success: 'share',
  quality: 'share',
  ttft: 'amount',
  duration: 'amount',
} as const satisfies Record<OutcomeName, 'share' | 'amount'>;
const NAMES: readonly OutcomeName[] = ['success', 'quality', 'ttft', 'duration'];

/** A logged request, as far as both passes look at it. */
export interface Past {
  readonly id: string;
  /** First choice of the logged policy. */
  readonly target: string;
  /** Kind of request: what is alike is expected to go alike. */
  readonly stratum: string;
  readonly outcomes: Outcomes;
}

export interface Compared extends Past {
  readonly propensity: number;
  /** First choice of the other policy; absent where it refuses. */
  readonly other?: string;
  readonly refused?: string;
  readonly doubt?: string;
  /** Nano-dollars; absent: not answered, or not known. */
  readonly costNanoUsd?: bigint;
  /** With the same usage at the other target; absent: no price is known. */
  readonly otherCostNanoUsd?: bigint;
}

export interface Comparison {
  readonly requests: number;
  readonly moved: number;
  /** How many go from where to where, most first. */
  readonly moves: readonly { readonly from: string; readonly to: string; readonly requests: number }[];
  readonly refused: readonly Counted[];
  readonly doubts: readonly Counted[];
  readonly cost: CostComparison;
  readonly estimates: Readonly<Record<OutcomeName, Estimated>>;
}

export interface Counted {
  readonly reason: string;
  readonly requests: number;
}

/** Over the requests for which both are known. */
export interface CostComparison {
  readonly requests: number;
  readonly nanoUsd: bigint;
  readonly otherNanoUsd: bigint;
  /** Answered requests for which one of them is not known. */
  readonly unknown: number;
}

export interface Estimated {
  /** Mean of what was seen, and how often; absent: never. */
  readonly seen: number | undefined;
  readonly rows: number;
  readonly selfNormalised: Estimate;
  readonly doublyRobust: Estimate;
}

/** Different moves and reasons that are told apart; what comes after counts as one. */
const COUNTED_MAX = 2000;
const OTHERS = 'others';

export interface Learning {
  learn(row: Past): void;
  /** Ends the first pass. */
  comparing(): Comparing;
}

export interface Comparing {
  compare(row: Compared): void;
  result(): Comparison;
}

export function comparison(): Learning {
  const models = new Map<OutcomeName, OutcomeModel>(NAMES.map((name) => [name, outcomeModel()]));
  const rows: Record<OutcomeName, number> = { success: 0, quality: 0, ttft: 0, duration: 0 };
  return {
    learn(row) {
      const at = placeOf(row);
      for (const name of NAMES) {
        const outcome = row.outcomes[name];
        if (outcome === undefined) continue;
        models.get(name)?.learn({ ...at, target: row.target, outcome });
        rows[name] += 1;
      }
    },
    comparing: () => comparing(models, rows),
  };
}

function placeOf({ id, stratum }: Past): { readonly fold: Fold; readonly stratum: string } {
  return { fold: foldOf(id), stratum };
}

function comparing(
  models: ReadonlyMap<OutcomeName, OutcomeModel>,
  rows: Readonly<Record<OutcomeName, number>>,
): Comparing {
  let [requests, moved] = [0, 0];
  const [moves, refused, doubts] = [counts(), counts(), counts()];
  const costs = costSums();
  const judges = NAMES.map((name) => ({ name, judge: judgeOf(name, models.get(name), rows[name]) }));
  return {
    compare(row) {
      requests += 1;
      if (row.other === undefined) refused.add(row.refused ?? '');
      else if (row.other !== row.target) {
        moved += 1;
        moves.add(`${row.target}\n${row.other}`);
      }
      if (row.doubt !== undefined) doubts.add(row.doubt);
      costs.add(row);
      for (const { judge } of judges) judge.add(row);
    },
    result: () => ({
      requests,
      moved,
      moves: moves.all().map(({ name, count }) => {
        const [from = '', to = OTHERS] = name.split('\n');
        return { from, to, requests: count };
      }),
      refused: refused.all().map(countedOf),
      doubts: doubts.all().map(countedOf),
      cost: costs.sums(),
      estimates: estimatesOf(judges),
    }),
  };
}

function estimatesOf(
  judges: readonly { readonly name: OutcomeName; readonly judge: Judge }[],
): Comparison['estimates'] {
  const made = new Map(judges.map(({ name, judge }) => [name, judge.estimated()]));
  const of = (name: OutcomeName): Estimated => made.get(name) ?? judgeOf(name, undefined, 0).estimated();
  return { success: of('success'), quality: of('quality'), ttft: of('ttft'), duration: of('duration') };
}

interface Judge {
  add(row: Compared): void;
  estimated(): Estimated;
}

/** Estimates one outcome, from the rows in which it was seen. */
function judgeOf(name: OutcomeName, model: OutcomeModel | undefined, count: number): Judge {
  const options = { outcome: OUTCOMES[name], clip: clipFor(count) };
  const byWeights: Estimator<Logged> = selfNormalised(options);
  const byBoth: Estimator<Modelled> = doublyRobust(options);
  let [rows, sum] = [0, 0];
  return {
    add(row) {
      const outcome = row.outcomes[name];
      if (outcome === undefined || row.other === undefined) return;
      rows += 1;
      sum += outcome;
      const at = placeOf(row);
      const weighed = { propensity: row.propensity, probability: row.other === row.target ? 1 : 0, outcome };
      byWeights.add(weighed);
      byBoth.add({
        ...weighed,
        expected: model?.expect({ ...at, target: row.target }) ?? 0,
        expectedOther: model?.expect({ ...at, target: row.other }) ?? 0,
      });
    },
    estimated: () => ({
      seen: rows === 0 ? undefined : sum / rows,
      rows,
      selfNormalised: byWeights.estimate(),
      doublyRobust: byBoth.estimate(),
    }),
  };
}

function costSums(): { add(row: Compared): void; sums(): CostComparison } {
  let [requests, unknown] = [0, 0];
  let [nanoUsd, otherNanoUsd] = [0n, 0n];
  return {
    add({ outcomes, costNanoUsd, otherCostNanoUsd, other }) {
      if (outcomes.success !== 1 || other === undefined) return;
      if (costNanoUsd === undefined || otherCostNanoUsd === undefined) {
        unknown += 1;
        return;
      }
      requests += 1;
      nanoUsd += costNanoUsd;
      otherNanoUsd += otherCostNanoUsd;
    },
    sums: () => ({ requests, nanoUsd, otherNanoUsd, unknown }),
  };
}

interface Count {
  readonly name: string;
  readonly count: number;
}

function counts(): { add(name: string): void; all(): readonly Count[] } {
  const known = new Map<string, number>();
  return {
    add(name) {
      const kept = known.has(name) || known.size < COUNTED_MAX ? name : OTHERS;
      known.set(kept, (known.get(kept) ?? 0) + 1);
    },
    all: () => [...known].map(([name, count]) => ({ name, count })).toSorted((a, b) => b.count - a.count),
  };
}

function countedOf({ name, count }: Count): Counted {
  return { reason: name, requests: count };
}
