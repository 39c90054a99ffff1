/**
 * How much of a target's rate limits is left: by what the configuration says, else by what the provider's headers say, else
 * by what its refusals taught. Seen before the limit is reached, so that others can be asked instead.
 */
import type { Allowed } from '../routing/target.ts';
import type { Allowance, Allowances } from './limit-headers.ts';

const MINUTE_MS = 60_000;
/** Reading what a reply tells takes as long as all the rest that is learned of it; what went out since is counted anyway. */
const FRESH_MS = 50;
/** A refusal without numbers: the limit is a little below what was sent in the minute before it (additive increase, multiplicative decrease). */
const DECREASE = 0.9;
const INCREASE_PER_MINUTE = 0.1;
/** Fewer requests in a minute met another limit than that of requests. */
const SENT_MIN = 20;
/** Without another refusal nothing is known any more. */
const CEILING_MS = 10 * MINUTE_MS;

const NOTHING: Allowed = {};

export class Headroom {
  readonly #requests = new LastMinute();
  #told: Allowances | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  /** Requests begun since the provider told. */
  #begunSince = 0;
  #ceiling = 0;
  #ceilingMs = Number.NEGATIVE_INFINITY;

  begin(nowMs: number): void {
    this.#requests.add(1, nowMs);
    this.#begunSince += 1;
  }

  /** Whether what the provider told lately is old enough to be told anew. */
  isStale(nowMs: number): boolean {
    return nowMs - this.#toldMs >= FRESH_MS;
  }

  told(allowances: Allowances, nowMs: number): void {
    this.#told = allowances;
    this.#toldMs = nowMs;
    this.#begunSince = 0;
  }

  /** The provider refused because of its limit. */
  limited(nowMs: number): void {
    const sent = this.#requests.used(nowMs);
    if (sent < SENT_MIN) return;
    const known = this.#ceilingAt(nowMs) ?? Number.POSITIVE_INFINITY;
    this.#ceiling = Math.min(sent, known) * DECREASE;
    this.#ceilingMs = nowMs;
  }

  /** 0..1, the least of requests and tokens; undefined where nothing is known. `sent`: with the target's key. */
  share(nowMs: number, allowed?: Allowed, sent?: Sent): number | undefined {
    const { requestsPerMinute, tokensPerMinute } = allowed ?? NOTHING;
    const requests =
      requestsPerMinute === undefined
        ? (this.#toldShare(this.#told?.requests, nowMs) ?? this.#learnedShare(nowMs))
        : left(sent?.requests.used(nowMs), requestsPerMinute);
    const tokens =
      tokensPerMinute === undefined
        ? this.#toldShare(this.#told?.tokens, nowMs)
        : left(sent?.tokens.used(nowMs), tokensPerMinute);
    return least(requests, tokens);
  }

  /** Fills up evenly, as the token buckets of the large providers do. */
  #toldShare(allowance: Allowance | undefined, nowMs: number): number | undefined {
    if (allowance === undefined) return undefined;
    const { limit, left: rest, fullAfterMs } = allowance;
    const passed = fullAfterMs === 0 ? 1 : Math.min(1, Math.max(0, nowMs - this.#toldMs) / fullAfterMs);
    const filled = rest + (limit - rest) * passed;
    const begun = allowance === this.#told?.requests && passed < 1 ? this.#begunSince : 0;
    return clamp((filled - begun) / limit);
  }

  #learnedShare(nowMs: number): number | undefined {
    const ceiling = this.#ceilingAt(nowMs);
    return ceiling === undefined ? undefined : left(this.#requests.used(nowMs), ceiling);
  }

  #ceilingAt(nowMs: number): number | undefined {
    const sinceMs = nowMs - this.#ceilingMs;
    if (sinceMs > CEILING_MS) return undefined;
    return this.#ceiling * (1 + (INCREASE_PER_MINUTE * sinceMs) / MINUTE_MS);
  }
}

/** What went out with a key in the last minute, where the configuration has limits for it. */
export class Sent {
  readonly requests = new LastMinute();
  readonly tokens = new LastMinute();

  /** Milliseconds until the limits let one more request through; 0 if now. */
  waitMs({ requestsPerMinute, tokensPerMinute }: Allowed, nowMs: number): number {
    return Math.max(
      requestsPerMinute === undefined ? 0 : this.requests.waitMs(requestsPerMinute - 1, nowMs),
      tokensPerMinute === undefined ? 0 : this.tokens.waitMs(tokensPerMinute - 1, nowMs),
    );
  }
}

/** Slots of a minute: a wait is at most one of them too long. */
const SLOT_MS = 5000;
/** Those that lie within the last sixty seconds, wholly or in part. */
const SLOTS = MINUTE_MS / SLOT_MS + 1;

/** Counts of the last sixty seconds, never too few. */
class LastMinute {
  readonly #counts = new Float64Array(SLOTS);
  /** Number of the newest slot since the clock's beginning. */
  #newest = 0;

  add(count: number, nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    for (let old = Math.max(this.#newest + 1, slot - SLOTS + 1); old <= slot; old += 1) this.#counts[old % SLOTS] = 0;
    this.#newest = Math.max(this.#newest, slot);
    this.#counts[this.#newest % SLOTS] = (this.#counts[this.#newest % SLOTS] ?? 0) + count;
  }

  used(nowMs: number): number {
    let sum = 0;
    for (let slot = this.#oldest(nowMs); slot <= this.#newest; slot += 1) sum += this.#counts[slot % SLOTS] ?? 0;
    return sum;
  }

  /** Milliseconds until no more than `most` lie within the last minute; 0 if now. */
  waitMs(most: number, nowMs: number): number {
    let rest = this.used(nowMs);
    let slot = this.#oldest(nowMs);
    for (; rest > Math.max(0, most) && slot <= this.#newest; slot += 1) rest -= this.#counts[slot % SLOTS] ?? 0;
    return slot === this.#oldest(nowMs) ? 0 : (slot - 1 + SLOTS) * SLOT_MS - nowMs;
  }

  #oldest(nowMs: number): number {
    return Math.max(0, this.#newest - SLOTS + 1, Math.floor(nowMs / SLOT_MS) - SLOTS + 1);
  }
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}

function left(used: number | undefined, limit: number): number {
  return clamp(1 - (used ?? 0) / limit);
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
