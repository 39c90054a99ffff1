/**
 * How much was used in the last so many milliseconds. A sliding window of slots: what lies within it is never counted too
 * low, so that a limit holds in every window wherever it begins, and is counted for one slot too long at most.
 *
 * Not a bucket that fills up (GCRA, ITU-T I.371): one of the same limit lets nearly twice as much through in a window that
 * begins when it is full. Not two counters with weights: they guess how the older one was spread.
 */

/** A sixtieth of the window: a second of a minute, twelve hours of a month. */
export const SLOTS = 60;

export class SlidingWindow {
  readonly #counts = new Float64Array(SLOTS + 1);
  readonly #slotMs: number;
  /** Since the clock's beginning. */
  #newest = 0;
  #used = 0;

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  /** In the window that ends now. A clock that goes back stands still here. */
  used(nowMs: number): number {
    this.#move(nowMs);
    return this.#used;
  }

  /** Counts, and gives the slot in which it did. */
  add(count: number, nowMs: number): number {
    this.#move(nowMs);
    this.#change(this.#newest, count);
    return this.#newest;
  }

  /** What was counted in a slot proves to have been less. Where the slot has left the window, it no longer matters. */
  takeBack(count: number, slot: number): void {
    if (slot <= this.#newest - this.#counts.length || slot > this.#newest) return;
    this.#change(slot, -Math.min(count, this.#at(slot)));
  }

  /** Milliseconds until no more than `most` are used; 0 if now. */
  waitMs(most: number, nowMs: number): number {
    this.#move(nowMs);
    let rest = this.#used;
    if (rest <= most) return 0;
    let slot = this.#newest - SLOTS;
    for (; rest > most && slot <= this.#newest; slot += 1) rest -= this.#at(slot);
    return Math.max(1, Math.ceil((slot + SLOTS) * this.#slotMs - nowMs));
  }

  #move(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    if (slot <= this.#newest) return;
    const length = this.#counts.length;
    if (slot - this.#newest >= length) {
      this.#counts.fill(0);
      this.#used = 0;
    } else {
      for (let old = this.#newest + 1; old <= slot; old += 1) {
        this.#used -= this.#at(old - length);
        this.#counts[old % length] = 0;
      }
    }
    this.#newest = slot;
  }

  #at(slot: number): number {
    return slot < 0 ? 0 : (this.#counts[slot % this.#counts.length] ?? 0);
  }

  #change(slot: number, count: number): void {
    this.#counts[slot % this.#counts.length] = this.#at(slot) + count;
    this.#used += count;
  }
}
