/**
 * What another policy's outcomes would have been, estimated from a log of this one's: each logged outcome counts by how much
 * likelier the other policy would have made the same choice. Sums only, so that a log is read once and never held.
 *
 * Self-normalised inverse propensity: Swaminathan and Joachims, "The Self-Normalized Estimator for Counterfactual Learning"
 * (NIPS 2015), with the variance of its delta method (Owen, "Monte Carlo theory, methods and examples", 9.2).
 * Doubly robust: Dudík, Langford and Li, "Doubly Robust Policy Evaluation and Learning" (ICML 2011).
 * Effective sample: Kish, "Survey Sampling" (1965). Weights are clipped at the square root of the number of rows: Ionides,
 * "Truncated Importance Sampling" (2008).
 */
import { amountInterval, shareInterval, type Interval } from './interval.ts';

/** With fewer outcomes than this, an interval says more of chance than of the policy. */
export const EFFECTIVE_MIN = 50;
/** The weights of a log that could have shown every choice average one. Far below, the log never makes some of the choices. */
export const COVERAGE_MIN = 0.9;

/** One logged outcome. */
export interface Logged {
  /** With which the logged policy made its choice: above 0, at most 1. */
  readonly propensity: number;
  /** With which the other policy would have made the same choice. */
  readonly probability: number;
  readonly outcome: number;
}

/** With what a model of outcomes expects, learned from other rows than this one. */
export interface Modelled extends Logged {
  /** Of the choice that was made. */
  readonly expected: number;
  /** Of the other policy's choice. */
  readonly expectedOther: number;
}

export interface Support {
  readonly rows: number;
  /** As many unweighted rows would say as much. */
  readonly effective: number;
  /** Mean weight, at most 1: the share of the other policy's choices that the log could show. */
  readonly coverage: number;
  /** Rows whose weight was cut to the bound. */
  readonly clipped: number;
}

export type Estimate =
  | ({ readonly kind: 'estimated' } & Interval & Support)
  | ({ readonly kind: 'refused'; readonly reason: string } & Support);

export interface Estimator<Row extends Logged> {
  add(row: Row): void;
  estimate(): Estimate;
}

export interface EstimatorOptions {
  /** `share`: outcomes are from 0 to 1. */
  readonly outcome: 'share' | 'amount';
  /** Largest weight of a row; see `clipFor`. */
  readonly clip: number;
}

/** The bound for so many rows: it grows, so that what it cuts off vanishes as the log grows. */
export function clipFor(rows: number): number {
  return Math.max(1, Math.sqrt(rows));
}

/** Self-normalised inverse propensity: never outside of what was seen, and right up to chance where the propensities are. */
export function selfNormalised({ outcome, clip }: EstimatorOptions): Estimator<Logged> {
  const weights = weighing(clip);
  let [sum, squares, products] = [0, 0, 0];
  let seen = 0;
  return {
    add(row) {
      const weight = weights.add(row);
      seen += weight * row.outcome;
      sum += weight ** 2;
      products += weight ** 2 * row.outcome;
      squares += weight ** 2 * row.outcome ** 2;
    },
    estimate: () =>
      judged(weights.support(), ({ effective }) => {
        const total = weights.total();
        const value = seen / total;
        // Rounding may leave less than nothing.
        const variance = Math.max(0, squares - 2 * value * products + value ** 2 * sum) / total ** 2;
        if (outcome === 'amount') return amountInterval(value, Math.sqrt(variance), effective);
        // Where weights and outcomes go together, the variance is another than that of so many plain outcomes.
        const worth = variance === 0 ? effective : (value * (1 - value)) / variance;
        return shareInterval(value, Math.max(1, Math.min(effective, worth)));
      }),
  };
}

/** Doubly robust: right up to chance where the propensities are, or the model; of less chance than the weights alone where both are. */
export function doublyRobust({ outcome, clip }: EstimatorOptions): Estimator<Modelled> {
  const weights = weighing(clip);
  // Welford's sums: a mean and its spread in one pass.
  let [rows, mean, spread] = [0, 0, 0];
  return {
    add(row) {
      const score = row.expectedOther + weights.add(row) * (row.outcome - row.expected);
      rows += 1;
      const step = score - mean;
      mean += step / rows;
      spread += step * (score - mean);
    },
    estimate: () =>
      judged(weights.support(), ({ effective }) => {
        const interval = amountInterval(mean, Math.sqrt(spread / (rows - 1) / rows), effective);
        return outcome === 'amount' ? interval : noNarrower(interval, shareInterval(mean, effective));
      }),
  };
}

/** A model that fits the log well makes no more sure of it than the outcomes behind it could. */
function noNarrower({ low, high }: Interval, least: Interval): Interval {
  return {
    value: least.value,
    low: Math.max(0, Math.min(low, least.low)),
    high: Math.min(1, Math.max(high, least.high)),
  };
}

interface Weighing {
  /** Gives the weight of a row. */
  add(row: Logged): number;
  total(): number;
  support(): Weighed;
}

interface Weighed extends Support {
  /** The most that the coverage is likely to be. */
  readonly coverageHigh: number;
}

function weighing(clip: number): Weighing {
  let [rows, total, squares, clipped] = [0, 0, 0, 0];
  return {
    add({ propensity, probability }) {
      const full = probability / propensity;
      const weight = Math.min(full, clip);
      rows += 1;
      total += weight;
      squares += weight ** 2;
      if (full > clip) clipped += 1;
      return weight;
    },
    total: () => total,
    support() {
      const mean = rows === 0 ? 0 : total / rows;
      const error = rows === 0 ? 0 : Math.sqrt(Math.max(0, squares / rows - mean ** 2) / rows);
      const effective = squares === 0 ? 0 : total ** 2 / squares;
      return { rows, effective, coverage: Math.min(1, mean), coverageHigh: mean + 2 * error, clipped };
    },
  };
}

/** The estimate, or why there is none. */
function judged({ coverageHigh, ...support }: Weighed, estimate: (support: Support) => Interval): Estimate {
  const { effective, coverage } = support;
  if (effective < EFFECTIVE_MIN) {
    const reason = `${Math.floor(effective)} effective outcomes, and at least ${EFFECTIVE_MIN} are needed`;
    return { kind: 'refused', reason, ...support };
  }
  if (coverageHigh < COVERAGE_MIN) {
    const reason = `the log could show ${Math.floor(coverage * 100)}% of the choices, and at least ${COVERAGE_MIN * 100}% are needed`;
    return { kind: 'refused', reason, ...support };
  }
  return { kind: 'estimated', ...estimate(support), ...support };
}
