/**
 * How good a model is at a task, from 0 to 1, with an uncertainty and where it is known from: published figures, the
 * operator's own rating, and what callers said. What is not known stays unknown; it is never zero.
 */
import { logOdds, QUALITY_TASKS } from './benchmarks.ts';
import type { QualityTask } from './benchmarks.ts';
import { measuredModel } from './measured.ts';
import type { Figure, ModelNames } from './measured.ts';

export { QUALITY_TASKS } from './benchmarks.ts';
export type { QualityTask } from './benchmarks.ts';

/** Where a score comes from. `value` is the figure as published, the rating, or the mean of what callers said. */
export type QualitySource =
  | { readonly kind: 'benchmark'; readonly value: number; readonly figure: Figure }
  | { readonly kind: 'own'; readonly value: number }
  | { readonly kind: 'feedback'; readonly value: number; readonly count: number };

export interface Quality {
  /** 0.5 is the average of all measured models. */
  readonly score: number;
  /** Standard deviation of the score. */
  readonly uncertainty: number;
  readonly sources: readonly QualitySource[];
}

/** What is known beside the published figures. */
export interface QualityEvidence {
  /** The operator's ratings by task (`models.X.quality`): they stand in the place of the figures. */
  readonly own?: Readonly<Record<string, number>>;
  /** Answers that callers rated, for this model and task: mean of 0 (bad) to 1 (good). */
  readonly feedback?: { readonly mean: number; readonly count: number };
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
/** Where nothing is known, feedback starts from one good and one bad answer. */
const NOTHING = { score: 0.5, count: 2 } as const;

/** The quality of a model at a task; undefined where nothing at all is known of it. */
export function qualityOf(model: ModelNames, task: QualityTask, evidence: QualityEvidence = {}): Quality | undefined {
  const prior = ownRating(evidence.own?.[task]) ?? published(measuredModel(model)?.figures ?? [], task);
  return evidence.feedback === undefined ? prior : moved(prior, evidence.feedback);
}

/** All that is known from published figures: the tasks that have a score, in the order of `QUALITY_TASKS`. */
export function publishedQualities(model: ModelNames): readonly (readonly [QualityTask, Quality])[] {
  return QUALITY_TASKS.flatMap((task) => {
    const quality = qualityOf(model, task);
    return quality === undefined ? [] : [[task, quality] as const];
  });
}

function ownRating(score: number | undefined): Quality | undefined {
  if (score === undefined) return undefined;
  return { score, uncertainty: deviation(score, OWN_COUNT), sources: [{ kind: 'own', value: score }] };
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
  return {
    score,
    uncertainty: STRETCH * score * (1 - score) * spread,
    sources: telling.map((figure) => ({ kind: 'benchmark', value: figure.value, figure })),
  };
}

/** Bayes over good and bad answers: what was known counts as so many of them as its uncertainty says. */
function moved(
  prior: Quality | undefined,
  { mean, count }: NonNullable<QualityEvidence['feedback']>,
): Quality | undefined {
  if (!(count > 0)) return prior;
  const before = prior === undefined ? NOTHING : { score: prior.score, count: countOf(prior) };
  const total = before.count + count;
  const score = (before.score * before.count + mean * count) / total;
  const sources = [...(prior?.sources ?? []), { kind: 'feedback', value: mean, count } as const];
  return { score, uncertainty: deviation(score, total), sources };
}

function countOf({ score, uncertainty, sources }: Quality): number {
  if (sources.some(({ kind }) => kind === 'own')) return OWN_COUNT;
  const count = (score * (1 - score)) / uncertainty ** 2 - 1;
  return Math.min(Math.max(count, FIGURES_COUNT_MIN), FIGURES_COUNT_MAX);
}

/** Of a share that so many answers show (beta distribution). A share of 0 or 1 is not certain either: half an answer is added. */
function deviation(score: number, count: number): number {
  const share = (score * count + 0.5) / (count + 1);
  return Math.sqrt((share * (1 - share)) / (count + 1));
}
