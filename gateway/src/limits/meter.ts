/** One limit of one owner, counted in this process. */
import type { RateLimit } from '../config/rate-limits.ts';
import { SlidingWindow } from './window.ts';

/** Requests under way end when they end: who meets this limit asks again after a second. */
const CONCURRENT_WAIT_MS = 1000;

/** What was taken of a meter for one request. */
export interface Taken {
  readonly meter: Meter;
  readonly count: number;
  /** Of the window. */
  readonly slot: number;
}

export class Meter {
  /** The same in every process. */
  readonly name: string;
  limit: RateLimit;
  #inFlight = 0;
  readonly #window: SlidingWindow | undefined;

  constructor(name: string, limit: RateLimit) {
    this.name = name;
    this.limit = limit;
    this.#window = limit.windowMs === 0 ? undefined : new SlidingWindow(limit.windowMs);
  }

  /** How much is left; less than nothing after requests that took more than they had said. `share`: of the limit, so much is this process's. */
  left(nowMs: number, share: number): number {
    return this.#max(share) - (this.#window?.used(nowMs) ?? this.#inFlight);
  }

  /** Milliseconds until `count` may be taken; 0 if now. */
  waitMs(count: number, nowMs: number, share: number): number {
    if (this.left(nowMs, share) >= count) return 0;
    return this.#window?.waitMs(this.#max(share) - count, nowMs) ?? CONCURRENT_WAIT_MS;
  }

  take(count: number, nowMs: number): Taken {
    this.#inFlight += 1;
    return { meter: this, count, slot: this.#window?.add(count, nowMs) ?? 0 };
  }

  /** The request has ended, and has used so much of what it had taken, or more. */
  settle({ count, slot }: Taken, used: number, nowMs: number): void {
    this.#inFlight -= 1;
    if (used > count) this.#window?.add(used - count, nowMs);
    else if (used < count) this.#window?.takeBack(count - used, slot);
  }

  #max(share: number): number {
    return share === 1 ? this.limit.max : Math.ceil(this.limit.max * share);
  }
}
