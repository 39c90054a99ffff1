/** A map that stays small: what was not used for the longest time goes first. */

export class Table<T> {
  readonly #max: number;
  readonly #make: (name: string) => T;
  /** The last used at the end. */
  readonly #entries = new Map<string, T>();
  #last: string | undefined;

  constructor(max: number, make: (name: string) => T) {
    this.#max = max;
    this.#make = make;
  }

  /** What is there; looking at it is no use of it. */
  get(name: string): T | undefined {
    return this.#entries.get(name);
  }

  /** What is there, or is made now. O(1). */
  use(name: string): T {
    const known = this.#entries.get(name);
    if (known !== undefined && this.#last === name) return known;
    const entry = known ?? this.#make(name);
    if (known !== undefined) this.#entries.delete(name);
    this.#entries.set(name, entry);
    this.#last = name;
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > this.#max && oldest.done !== true) this.#entries.delete(oldest.value);
    return entry;
  }

  /** Longest unused first. */
  entries(): Iterable<readonly [string, T]> {
    return this.#entries;
  }
}
