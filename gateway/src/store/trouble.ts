/** Since when the store fails; said once, not for every try. */
export class StoreTrouble {
  readonly #monotonicMs: () => number;
  readonly #warn: (text: string) => void;
  #sinceMs: number | undefined;

  constructor(monotonicMs: () => number, warn: (text: string) => void) {
    this.#monotonicMs = monotonicMs;
    this.#warn = warn;
  }

  /** `undefined`: the store answered. */
  note(error: unknown): void {
    if (error === undefined) {
      if (this.#sinceMs !== undefined) this.#warn('the store works again');
      this.#sinceMs = undefined;
      return;
    }
    if (this.#sinceMs === undefined)
      this.#warn(`the store does not work: ${error instanceof Error ? error.message : 'unknown error'}`);
    this.#sinceMs ??= this.#monotonicMs();
  }

  /** For how long it has failed; 0 while it works. */
  awayMs(): number {
    return this.#sinceMs === undefined ? 0 : Math.max(0, this.#monotonicMs() - this.#sinceMs);
  }
}
