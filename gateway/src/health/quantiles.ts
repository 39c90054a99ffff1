/**
 * Quantiles of a stream of numbers, the latest counting most. Buckets that grow by a constant factor give a value within 5 %
 * of the true quantile, whatever the distribution (DDSketch: Masson, Rim and Lee, VLDB 2019, section 2). Fading costs
 * nothing: instead of making old counts smaller, new ones are made larger (forward decay: Cormode, Shkapenyuk, Srivastava
 * and Xu, ICDE 2009). O(1) to add, one pass over 600 bytes to read.
 */

/** Relative error of a value between 1 and 2 million; what is beyond counts as the nearest of them. */
export const QUANTILE_ERROR = 0.05;
const GROWTH = (1 + QUANTILE_ERROR) / (1 - QUANTILE_ERROR);
const LOG_GROWTH = Math.log(GROWTH);
/** Half an hour in milliseconds; the longest answers in tokens. */
const VALUE_MAX = 2_000_000;
const BUCKETS = Math.ceil(Math.log(VALUE_MAX) / LOG_GROWTH) + 1;
/** Of a single-precision count, with room to spare. */
const ROUNDING = 1e-6;
/** Half-lives after which all counts are brought down again, far below the largest number that there is. */
const RESCALE_AFTER = 32;

const NONE = new Float32Array(BUCKETS);

export class DecayingQuantiles {
  readonly #halfLifeMs: number;
  /** Its own as soon as there is a value: of many targets there never is. */
  #counts = NONE;
  #total = 0;
  /** One that is added at this moment counts one. */
  #originMs: number | undefined;

  constructor(halfLifeMs: number) {
    this.#halfLifeMs = halfLifeMs;
  }

  /** One more value. `nowMs` is monotonic. */
  add(value: number, nowMs: number): void {
    const scaled = this.#scaleAt(nowMs);
    const at = bucketOf(value);
    if (this.#counts === NONE) this.#counts = new Float32Array(BUCKETS);
    this.#counts[at] = (this.#counts[at] ?? 0) + scaled;
    this.#total += scaled;
  }

  /** How many values it rests on, faded. */
  count(nowMs: number): number {
    return this.#originMs === undefined ? 0 : this.#total * 2 ** ((this.#originMs - nowMs) / this.#halfLifeMs);
  }

  /** The values below which the shares `low` and `high` lie; undefined where there is none. */
  pair(low: number, high: number): readonly [number, number] | undefined {
    return this.#pair({ low, high, others: this.#counts, factor: 0, total: this.#total });
  }

  /** The same, with what another knows taken in as if it had been `weight` values here. */
  pairWith(others: DecayingQuantiles, weight: number, nowMs: number): readonly [number, number] | undefined {
    if (others.#total <= 0) return this.pair(0.5, 0.95);
    const added = weight * this.#scaleAt(nowMs);
    const factor = added / others.#total;
    return this.#pair({ low: 0.5, high: 0.95, others: others.#counts, factor, total: this.#total + added });
  }

  #pair({ low, high, others, factor, total }: Mixed): readonly [number, number] | undefined {
    if (total <= 0) return undefined;
    const counts = this.#counts;
    // What lies on the very edge of a share is below it, whatever rounding does to it.
    let seen = total * ROUNDING;
    let first = -1;
    for (let at = 0; at < BUCKETS; at += 1) {
      seen += (counts[at] ?? 0) + (others[at] ?? 0) * factor;
      if (first === -1 && seen >= low * total) first = at;
      if (seen >= high * total) return [valueOf(first), valueOf(at)];
    }
    return [valueOf(Math.max(0, first)), valueOf(BUCKETS - 1)];
  }

  /** Pairs of bucket and faded count. */
  save(nowMs: number): readonly number[] {
    const pairs: number[] = [];
    const fading = this.#total === 0 ? 0 : this.count(nowMs) / this.#total;
    for (let at = 0; at < BUCKETS; at += 1) {
      const count = (this.#counts[at] ?? 0) * fading;
      if (count >= 1e-5) pairs.push(at, Number(count.toPrecision(8)));
    }
    return pairs;
  }

  /** `fromMs`: when it was saved, on today's monotonic clock. */
  load(pairs: readonly number[], fromMs: number): void {
    this.#originMs = fromMs;
    this.#counts = pairs.length === 0 ? NONE : new Float32Array(BUCKETS);
    this.#total = 0;
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      const at = pairs[index] ?? -1;
      const count = pairs[index + 1] ?? 0;
      if (!Number.isInteger(at) || at < 0 || at >= BUCKETS || !(count > 0 && count < 1e9)) continue;
      this.#counts[at] = count;
      this.#total += count;
    }
  }

  #scaleAt(nowMs: number): number {
    this.#originMs ??= nowMs;
    const halfLives = (nowMs - this.#originMs) / this.#halfLifeMs;
    if (halfLives < RESCALE_AFTER) return 2 ** halfLives;
    const fading = 2 ** -Math.min(halfLives, 1000);
    for (let at = 0; at < BUCKETS; at += 1) this.#counts[at] = (this.#counts[at] ?? 0) * fading;
    this.#total *= fading;
    this.#originMs = nowMs;
    return 1;
  }
}

interface Mixed {
  readonly low: number;
  readonly high: number;
  readonly others: Float32Array;
  readonly factor: number;
  readonly total: number;
}

function bucketOf(value: number): number {
  if (!(value > 1)) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(value) / LOG_GROWTH));
}

/** Of each bucket the value of which none in it is further away than the error; in the few digits that it is good for. */
const VALUES = Float64Array.from({ length: BUCKETS }, (_, bucket) =>
  Number(((2 * GROWTH ** bucket) / (GROWTH + 1)).toPrecision(6)),
);

function valueOf(bucket: number): number {
  return VALUES[bucket] ?? VALUE_MAX;
}
