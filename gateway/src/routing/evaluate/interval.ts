/** Intervals of estimated means: how wide they must be, so that nineteen of twenty hold the truth. */

/** Two-sided 95%. */
const Z = 1.959964;

/** A value and the interval that holds the truth in 95 of 100 such logs. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Student's t quantile for a two-sided 95%, by the expansion around the normal quantile (Abramowitz and Stegun 26.7.5): right to
 * a hundredth from 10 degrees of freedom on.
 */
export function studentQuantile(degrees: number): number {
  const nu = Math.max(1, degrees);
  const [z3, z5] = [Z ** 3, Z ** 5];
  return Z + (z3 + Z) / (4 * nu) + (5 * z5 + 16 * z3 + 3 * Z) / (96 * nu ** 2);
}

/** Around a mean with that standard error, as sure as so many independent values make it. */
export function amountInterval(value: number, standardError: number, effective: number): Interval {
  const half = studentQuantile(effective - 1) * standardError;
  return { value, low: value - half, high: value + half };
}

/**
 * Around a mean of values from 0 to 1: Wilson's score interval (Wilson 1927), which keeps a width where all values are the
 * same. `count`: as many independent values as the mean is worth.
 */
export function shareInterval(value: number, count: number): Interval {
  const z = studentQuantile(count - 1);
  const share = Math.min(1, Math.max(0, value));
  const scale = 1 + z ** 2 / count;
  const middle = (share + z ** 2 / (2 * count)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / count + z ** 2 / (4 * count ** 2));
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
