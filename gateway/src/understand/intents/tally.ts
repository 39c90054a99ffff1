/** Counts by a number of 32 bits, in memory of their own: a text has thousands of n-grams, and a `Map` takes three times as long (measured). */

const CAPACITY_MIN = 64;

/** Each key once, in the order in which it came. */
export class Tally {
  /** Keys by place, from 0; and how often each came. Only the first `size` mean anything. */
  keys: Uint32Array;
  counts: Int32Array;
  size = 0;
  /** Slot → place + 1; 0 where it is free. At least half of the slots are free, so that a search is short. */
  #slots: Int32Array;

  constructor(expected = CAPACITY_MIN) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(CAPACITY_MIN, expected)));
    this.keys = new Uint32Array(capacity);
    this.counts = new Int32Array(capacity);
    this.#slots = new Int32Array(2 * capacity);
  }

  /** Adds to what was counted of the key (32 bits, unsigned), and gives its place. */
  add(key: number, count: number): number {
    const slots = this.#slots;
    const keys = this.keys;
    let slot = key & (slots.length - 1);
    for (let place = slots[slot] ?? 0; place !== 0; place = slots[slot] ?? 0) {
      if (keys[place - 1] === key) {
        this.counts[place - 1] = (this.counts[place - 1] ?? 0) + count;
        return place - 1;
      }
      slot = (slot + 1) & (slots.length - 1);
    }
    slots[slot] = this.size + 1;
    keys[this.size] = key;
    this.counts[this.size] = count;
    this.size += 1;
    if (this.size === keys.length) this.#grow();
    return this.size - 1;
  }

  /** The place of a key; -1 where it never came. */
  placeOf(key: number): number {
    const slots = this.#slots;
    const keys = this.keys;
    let slot = key & (slots.length - 1);
    for (let place = slots[slot] ?? 0; place !== 0; place = slots[slot] ?? 0) {
      if (keys[place - 1] === key) return place - 1;
      slot = (slot + 1) & (slots.length - 1);
    }
    return -1;
  }

  #grow(): void {
    const larger = new Tally(2 * this.keys.length);
    for (let place = 0; place < this.size; place += 1) larger.add(this.keys[place] ?? 0, this.counts[place] ?? 0);
    this.keys = larger.keys;
    this.counts = larger.counts;
    this.#slots = larger.#slots;
  }
}
