/**
 * Tries after the first, as a share of the requests: where everything fails, repeats are load without use (faults.md F23).
 * A token bucket for each name that requests ask for, as in Finagle's `RetryBudget` and gRPC's retry throttling (gRFC A6).
 */
import { Table } from './table.ts';

/** A few repeats are always there, for those who ask seldom; and they come back slowly by themselves. */
const RESERVE = 20;
const RESERVE_PER_S = 0.1;
const NAMES_MAX = 5000;

interface Bucket {
  tokens: number;
  /** Absent: nothing was taken yet. */
  atMs: number | undefined;
}

export class RetryBudget {
  readonly #share: () => number;
  readonly #buckets = new Table<Bucket>(NAMES_MAX, () => ({ tokens: RESERVE, atMs: undefined }));

  /** `share`: repeats for each request, 0..1. */
  constructor(share: () => number) {
    this.#share = share;
  }

  /** A request came for a route, or for a model. */
  request(name: string, nowMs: number): void {
    this.#filled(name, nowMs).tokens += this.#share();
  }

  /** Whether one more try may be made. */
  has(name: string, nowMs: number): boolean {
    return this.#filled(name, nowMs).tokens >= 1;
  }

  /** One more try is made. */
  spend(name: string, nowMs: number): void {
    const bucket = this.#filled(name, nowMs);
    bucket.tokens = Math.max(0, bucket.tokens - 1);
  }

  #filled(name: string, nowMs: number): Bucket {
    const bucket = this.#buckets.use(name);
    const passedS = Math.max(0, nowMs - (bucket.atMs ?? nowMs)) / 1000;
    bucket.tokens = Math.min(RESERVE, bucket.tokens + passedS * RESERVE_PER_S);
    bucket.atMs = nowMs;
    return bucket;
  }
}
