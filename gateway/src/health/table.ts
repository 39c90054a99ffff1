/** A map that stays small: what was not used for the longest time goes first. */

/** Share that goes at once when it is full, so that looking for the oldest is seldom. */
const GOES = 0.1;

interface Slot<T> {
  readonly entry: T;
  usedAt: number;
}

export class Table<T> {
  readonly #max: number;
  readonly #make: (name: string) => T;
  readonly #slots = new Map<string, Slot<T>>();
  /** Counts uses. Moving what is used to the map's end instead would cost more than all that is done with it. */
  #uses = 0;

  constructor(max: number, make: (name: string) => T) {
    this.#max = max;
    this.#make = make;
  }

  /** What is there; looking at it is no use of it. */
  get(name: string): T | undefined {
    return this.#slots.get(name)?.entry;
  }

  /** What is there, or is made now. */
  use(name: string): T {
    this.#uses += 1;
    const known = this.#slots.get(name);
    if (known !== undefined) {
      known.usedAt = this.#uses;
      return known.entry;
    }
    if (this.#slots.size >= this.#max) this.#makeRoom();
    const entry = this.#make(name);
    this.#slots.set(name, { entry, usedAt: this.#uses });
    return entry;
  }

  /** Longest unused first. */
  entries(): readonly (readonly [string, T])[] {
    return this.#byAge().map(([name, { entry }]) => [name, entry]);
  }

  #byAge(): readonly (readonly [string, Slot<T>])[] {
    return [...this.#slots].toSorted(([, a], [, b]) => a.usedAt - b.usedAt);
  }

  #makeRoom(): void {
    for (const [name] of this.#byAge().slice(0, Math.ceil(this.#max * GOES))) this.#slots.delete(name);
  }
}
