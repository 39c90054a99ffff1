/**
 * One limit of one owner, counted: in this process alone, or, where several processes share the count, in slices of it that
 * were drawn and may be used for a short time without asking. What this process uses is counted here in either case, so that
 * it can go on alone, and tell a shared count that has been lost.
 */
import type { RateLimit } from '../config/rate-limits.ts';
import { SlidingWindow, SLOTS } from './window.ts';

/** Requests under way end when they end: who meets this limit asks again after a second. */
const CONCURRENT_WAIT_MS = 1000;
/** For so many slots of the window a slice may be used; it is counted for so much longer. */
export const SLICE_SLOTS = 2;
/** A shared count that has nothing left is not asked again for one slot, or so long. */
const DRY_MAX_MS = 1000;
/** A slice is for so many more of the same at most. */
const SLICE_MAX = 63;

/** What was taken of a meter for one request. */
export interface Taken {
  readonly meter: Meter;
  readonly count: number;
  /** Of the window. */
  readonly slot: number;
  /** Of the shared window; absent where it was counted here alone. */
  readonly drawn?: number;
}

/**
 * How it is counted just now. `near`: asking the shared count costs so little that each request does, and nothing lies in slices.
 * `alone`: here, and this share of each limit is this process's.
 */
export type Counting =
  | { readonly kind: 'shared'; readonly isNear: boolean }
  | { readonly kind: 'alone'; readonly share: number };

/** What is asked of the shared count. */
export interface Order {
  readonly meter: Meter;
  /** For a request. 0: nothing, only the rest is told. */
  readonly need: number;
  /** Beyond it, as a slice, while there is plenty. */
  readonly want: number;
  /** Used already, and not counted there yet. */
  readonly debt: number;
  /** What this process has used of the window, should the count there be lost; or has under way. */
  readonly own: number;
  /** Slots of the shared window, and what was drawn in them and not used. Slot 0 for places of requests that have ended. */
  readonly unused: readonly (readonly [slot: number, count: number])[];
}

export type Answer =
  /** `rest`: what is left beyond it. */
  | {
      readonly kind: 'drawn';
      readonly slot: number;
      readonly extra: number;
      readonly rest: number;
      readonly epoch: string;
    }
  /** Another limit of the request had nothing left. */
  | { readonly kind: 'not-needed'; readonly rest: number; readonly epoch: string }
  | { readonly kind: 'dry'; readonly waitMs: number; readonly rest: number; readonly epoch: string };

interface Slice {
  left: number;
  /** Monotonic. */
  readonly untilMs: number;
  readonly slot: number;
}

export class Meter {
  /** The same in every process. */
  readonly name: string;
  limit: RateLimit;
  /** Of the shared count as this process knows it. */
  epoch = '';
  #inFlight = 0;
  #slice: Slice | undefined;
  #debt = 0;
  readonly #unused = new Map<number, number>();
  /** The shared count gives no more than `#dryNeed` until then, and is not asked for so much until `#askFromMs`. */
  #dryUntilMs = 0;
  #dryNeed = 0;
  #askFromMs = 0;
  /** The draw under way that fetches a slice: who needs one waits for it, and then looks again. */
  fetching: Promise<unknown> | undefined;
  #isFetching = false;
  /** Draws for requests that are not answered yet. */
  #pending = 0;
  /** Places that the shared count has down for this process. */
  #places = 0;
  /** Left in the shared count when it answered last. */
  #rest: number | undefined;
  readonly #window: SlidingWindow | undefined;

  constructor(name: string, limit: RateLimit) {
    this.name = name;
    this.limit = limit;
    this.#window = limit.windowMs === 0 ? undefined : new SlidingWindow(limit.windowMs);
  }

  /** How much is left, as far as this process knows; less than nothing after requests that took more than they had said. */
  left(nowMs: number, counting: Counting): number {
    if (counting.kind === 'shared' && this.#rest !== undefined) return this.#rest + (this.#slice?.left ?? 0);
    return this.#max(counting) - this.#used(nowMs);
  }

  /** Milliseconds until `count` may be taken, as far as is known here; 0 if now, or where the shared count must be asked. */
  waitMs(count: number, nowMs: number, counting: Counting): number {
    if (counting.kind === 'shared')
      return this.#isDryFor(count, nowMs) && !this.#has(count, nowMs) ? this.#dryUntilMs - nowMs : 0;
    if (this.left(nowMs, counting) >= count) return 0;
    return this.#window?.waitMs(this.#max(counting) - count, nowMs) ?? CONCURRENT_WAIT_MS;
  }

  /** Whether the shared count must be asked first. */
  mustDraw(count: number, nowMs: number, counting: Counting): boolean {
    return counting.kind === 'shared' && !this.#has(count, nowMs);
  }

  /** Counts. Where the count is shared, the slice must have it. */
  take(count: number, nowMs: number, counting: Counting): Taken {
    if (counting.kind === 'alone' || this.#slice === undefined) return this.#taken(count, nowMs, undefined);
    this.#slice.left -= count;
    return this.#taken(count, nowMs, this.#slice.slot);
  }

  /** What a request needs of the shared count. */
  order(count: number, nowMs: number, counting: Counting): Order {
    const isNear = counting.kind === 'shared' && counting.isNear;
    const want = isNear || this.#isFetching ? 0 : count * SLICE_MAX;
    if (want > 0) this.#isFetching = true;
    this.#pending += 1;
    return this.#ordered({ need: count, want }, nowMs);
  }

  /** What the shared count must be told by and by; undefined where that is nothing, or not now. `isAll`: it may have lost all it knew. */
  news(nowMs: number, isAll: boolean): Order | undefined {
    if (this.#pending > 0) return undefined;
    const order = this.#ordered({ need: 0, want: 0 }, nowMs);
    const isHeld = this.#window === undefined && (order.own > 0 || this.#places > 0);
    const isUsed = isAll && order.own > 0;
    return isHeld || isUsed || order.unused.length > 0 || order.debt > 0 ? order : undefined;
  }

  /** The shared count has answered. `askedMs`: when it was asked. What was drawn for a request is counted. */
  answered({ need, want, own, unused }: Order, answer: Answer, askedMs: number): Taken | undefined {
    this.epoch = answer.epoch;
    this.#rest = answer.rest;
    if (want > 0) this.#fetched();
    if (need > 0) this.#pending -= 1;
    if (this.#window === undefined) this.#places = need === 0 ? own : Math.max(0, this.#places - sumOf(unused));
    if (answer.kind === 'dry') {
      this.#dryNeed = need;
      this.#dryUntilMs = askedMs + answer.waitMs;
      this.#askFromMs = askedMs + Math.min(answer.waitMs, DRY_MAX_MS, this.#slotMs());
      return undefined;
    }
    if (need > 0) this.freed();
    if (answer.kind === 'not-needed') return undefined;
    if (this.#window === undefined) this.#places += need + answer.extra;
    if (answer.extra > 0) this.#renew(answer, askedMs);
    return need === 0 ? undefined : this.#taken(need, askedMs, answer.slot);
  }

  /** The shared count may have something again. */
  freed(): void {
    this.#dryUntilMs = 0;
    this.#askFromMs = 0;
  }

  /** Whether the shared count has been found to have too little, and may have it still. */
  isDry(nowMs: number): boolean {
    return this.#dryUntilMs > nowMs;
  }

  /** Whether the shared count takes this meter's part to be more, or less, than it is. */
  get isMistaken(): boolean {
    return this.#debt > 0 || this.#unused.size > 0;
  }

  /** There is nothing to tell a shared count, now or later, as long as nothing more is taken. */
  isQuiet(nowMs: number): boolean {
    if (this.#used(nowMs) > 0) return false;
    return (
      this.#slice === undefined &&
      this.#places === 0 &&
      this.#inFlight === 0 &&
      this.#debt === 0 &&
      this.#unused.size === 0
    );
  }

  /**
   * Nobody has answered in time, though it may have been heard: what was used is told again, at worst twice. What was unused is
   * not: given back twice, it would be somebody else's the second time.
   */
  unanswered({ need, want, debt }: Order): void {
    if (want > 0) this.#fetched();
    if (need > 0) this.#pending -= 1;
    this.#debt += debt;
    // They may be down there all the same.
    if (this.#window === undefined) this.#places += need;
  }

  /** The request has ended, and has used so much of what it had taken, or more. */
  settle({ count, slot, drawn }: Taken, used: number, nowMs: number): void {
    this.#inFlight -= 1;
    if (this.#window === undefined) {
      if (drawn !== undefined) this.#giveBack(count, drawn, nowMs);
    } else if (used > count) {
      this.#window.add(used - count, nowMs);
      this.#debt += used - count;
    } else if (used < count) {
      this.#window.takeBack(count - used, slot);
      if (drawn === undefined) this.#debt = Math.max(0, this.#debt - (count - used));
      else this.#giveBack(count - used, drawn, nowMs);
    }
  }

  #ordered({ need, want }: Pick<Order, 'need' | 'want'>, nowMs: number): Order {
    const own = this.#used(nowMs);
    const debt = Math.min(this.#debt, own);
    this.#debt = 0;
    return { meter: this, need, want, debt, own, unused: this.#returns(need, nowMs) };
  }

  #fetched(): void {
    this.#isFetching = false;
    this.fetching = undefined;
  }

  #taken(count: number, nowMs: number, drawn: number | undefined): Taken {
    this.#inFlight += 1;
    const slot = this.#window?.add(count, nowMs) ?? 0;
    if (drawn !== undefined) return { meter: this, count, slot, drawn };
    if (this.#window !== undefined) this.#debt += count;
    return { meter: this, count, slot };
  }

  #used(nowMs: number): number {
    return this.#window?.used(nowMs) ?? this.#inFlight;
  }

  #max(counting: Counting): number {
    const { max } = this.limit;
    return counting.kind === 'shared' || counting.share === 1 ? max : Math.ceil(max * counting.share);
  }

  #isDryFor(count: number, nowMs: number): boolean {
    return this.#askFromMs > nowMs && count >= this.#dryNeed;
  }

  #has(count: number, nowMs: number): boolean {
    const slice = this.#slice;
    return slice !== undefined && slice.left >= count && slice.untilMs > nowMs;
  }

  #slotMs(): number {
    return this.#window === undefined ? CONCURRENT_WAIT_MS : this.limit.windowMs / SLOTS;
  }

  #renew({ extra, slot }: { readonly extra: number; readonly slot: number }, askedMs: number): void {
    const old = this.#slice;
    if (this.#window === undefined) {
      this.#slice = { left: extra + (old?.left ?? 0), untilMs: Number.POSITIVE_INFINITY, slot };
      return;
    }
    if (old !== undefined) this.#keep(old.left, old.slot);
    this.#slice = { left: extra, untilMs: askedMs + SLICE_SLOTS * this.#slotMs(), slot };
  }

  #giveBack(count: number, slot: number, nowMs: number): void {
    const slice = this.#slice;
    if (slice !== undefined && slice.slot === slot && slice.untilMs > nowMs) slice.left += count;
    else this.#keep(count, slot);
  }

  #keep(count: number, slot: number): void {
    if (count > 0) this.#unused.set(slot, (this.#unused.get(slot) ?? 0) + count);
  }

  /** What goes back: of a slice whose time is over, and places that nobody has taken since it was last told. */
  #returns(count: number, nowMs: number): readonly (readonly [number, number])[] {
    const slice = this.#slice;
    if (slice !== undefined && (slice.untilMs <= nowMs || (this.#window === undefined && count === 0))) {
      if (this.#window !== undefined) this.#keep(slice.left, slice.slot);
      this.#slice = undefined;
    }
    const unused = [...this.#unused];
    this.#unused.clear();
    return unused;
  }
}

function sumOf(pairs: Order['unused']): number {
  return pairs.reduce((sum, [, count]) => sum + count, 0);
}
