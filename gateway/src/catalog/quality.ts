/**
 * How good a model is at a task, from 0 to 1, with an uncertainty and where it is known from: published figures, or the
 * operator's own rating in their place. What is not known stays unknown; it is never zero.
 */
import { logOdds, QUALITY_TASKS } from './benchmarks.ts';
import type { QualityTask } from './benchmarks.ts';
import { measuredModel } from './measured.ts';
import type { Figure, ModelNames } from './measured.ts';

export { QUALITY_TASKS } from './benchmarks.ts';
export type { QualityTask } from './benchmarks.ts';

/** Where a score comes from: a published figure, or a rating of the operator's. */
export type QualitySource =
  | { readonly kind: 'benchmark'; readonly figure: Figure }
  | { readonly kind: 'own'; readonly value: number };

/** The operator's ratings by task (`models.X.quality`). */
export type OwnRatings = Readonly<Record<string, number>>;

export interface Quality {
  /** 0.5 is the average of all measured models. */
  readonly score: number;
  /** Standard deviation of the score. */
  readonly uncertainty: number;
  /** As many rated answers of callers weigh as much as what is known without them. */
  readonly count: number;
  readonly sources: readonly QualitySource[];
}

/** How far one standard deviation of ability moves the log odds of the score: the best and the oldest stay off the edges. */
const STRETCH = 1.2;
/** A benchmark is not the caller's own traffic: so much of a standard deviation stays uncertain, however many figures there are. */
const TRANSFER_NOISE = 0.2;
/** A rating of the operator's own counts as much as so many rated answers. */
const OWN_COUNT = 100;
/** Published figures count as much as their uncertainty says, within these. */
const FIGURES_COUNT_MIN = 4;
const FIGURES_COUNT_MAX = 40;
/** The task that stands for all others in an operator's ratings. */
export const GENERAL = 'general';

/** The quality of a model at a task; undefined where nothing is known of it. A rating in general holds for every task. */
export function qualityOf(model: ModelNames, task: QualityTask, own: OwnRatings = {}): Quality | undefined {
  return knownOf(measuredModel(model)?.figures ?? [], task, own);
}

/** The tasks at which a model's quality is known, in the order of `QUALITY_TASKS`. */
export function qualitiesOf(model: ModelNames, own: OwnRatings = {}): readonly (readonly [QualityTask, Quality])[] {
  const figures = measuredModel(model)?.figures ?? [];
  return QUALITY_TASKS.flatMap((task) => {
    const quality = knownOf(figures, task, own);
    return quality === undefined ? [] : [[task, quality] as const];
  });
}

function knownOf(figures: readonly Figure[], task: QualityTask, own: OwnRatings): Quality | undefined {
  return ownRating(own[task] ?? own[GENERAL]) ?? published(figures, task);
}

function ownRating(score: number | undefined): Quality | undefined {
  if (score === undefined) return undefined;
  // Of a share that so many answers show; half an answer is added, since a share of 0 or 1 is not certain either.
  const share = (score * OWN_COUNT + 0.5) / (OWN_COUNT + 1);
  const uncertainty = Math.sqrt((share * (1 - share)) / (OWN_COUNT + 1));
  return { score, uncertainty, count: OWN_COUNT, sources: [{ kind: 'own', value: score }] };
}

/**
 * The mean of the ability that each figure shows, by how much it tells of the task and how little noise is in it, drawn
 * to the average model where there are few. With the same benchmarks, a model that is better in each has the better score.
 */
export function published(figures: readonly Figure[], task: QualityTask): Quality | undefined {
  const telling = figures.filter(({ benchmark }) => (benchmark.tells[task] ?? 0) > 0);
  if (telling.length === 0) return undefined;
  // The average model counts as a figure without noise of its own: abilities have a standard deviation of one.
  let weight = 1;
  let sum = 0;
  for (const { benchmark, value } of telling) {
    const own = (benchmark.tells[task] ?? 0) / benchmark.noise ** 2;
    weight += own;
    sum += own * (benchmark.slope * logOdds(benchmark.scale, value) + benchmark.offset);
  }
  const score = 1 / (1 + Math.exp((-STRETCH * sum) / weight));
  const spread = Math.sqrt(1 / weight + TRANSFER_NOISE ** 2);
  const uncertainty = STRETCH * score * (1 - score) * spread;
  return {
    score,
    uncertainty,
    // A share with this deviation (beta distribution).
    count: Math.min(Math.max((score * (1 - score)) / uncertainty ** 2 - 1, FIGURES_COUNT_MIN), FIGURES_COUNT_MAX),
    sources: telling.map((figure) => ({ kind: 'benchmark', figure })),
  };
}
