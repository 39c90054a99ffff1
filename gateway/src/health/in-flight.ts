/**
 * How many requests a target has at the same time, and how many it answers well: learned from the time to first token, which
 * grows as soon as requests queue at the provider. The rule is that of Gradient2 in Netflix' concurrency-limits
 * (`Gradient2Limit.java`); what it is held against is, as in TCP Vegas, the time without a queue and not the long mean, which
 * follows every overload that lasts. Where the provider says that it is too much, a tenth less (`AIMDLimit.java`).
 */

/** To begin with; nothing is told of it before requests were seen to queue. */
const LIMIT_FIRST = 20;
/** A local server answers one at a time. */
const LIMIT_MIN = 1;
const LIMIT_MAX = 1000;
/** Share of each new estimate. */
const SMOOTHING = 0.2;
/** Samples of a mean: it evens out that prompts are not of one length. */
const MEAN_COUNT = 20;
/** So much longer than without a queue is no queue yet. */
const TOLERANCE = 2;
/** The time without a queue is taken to be longer by half after ten minutes: providers become slower for good, too. */
const RISE_PER_MS = Math.log(1.5) / 600_000;
const BACK_OFF = 0.9;

export class InFlight {
  #count = 0;
  #limit = LIMIT_FIRST;
  /** Without a queue, as it was at `#baseAtMs`. */
  #baseMs = Number.POSITIVE_INFINITY;
  #baseAtMs = 0;
  #meanMs = 0;
  #samples = 0;
  /** Requests were seen to queue, or were refused, since the limit was last found to be none. */
  #isMet = false;
  /** Of those that were under way together, the first drop lowers the limit. */
  #droppedMs = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#count;
  }

  /** Absent: none was met. */
  get limit(): number | undefined {
    return this.#isMet ? Math.floor(this.#limit) : undefined;
  }

  begin(): void {
    this.#count += 1;
  }

  end(): void {
    if (this.#count > 0) this.#count -= 1;
  }

  /** An answer's first content came after `ttftMs`. Called before `end`. */
  sample(ttftMs: number, nowMs: number): void {
    this.#samples += 1;
    const ms = Math.max(1, ttftMs);
    this.#meanMs += (ms - this.#meanMs) / Math.min(this.#samples, MEAN_COUNT);
    const risen = this.#baseMs * Math.exp(RISE_PER_MS * Math.max(0, nowMs - this.#baseAtMs));
    this.#baseMs = Math.min(risen, this.#meanMs);
    this.#baseAtMs = nowMs;
    // So few at a time put nothing to the test.
    if (this.#count < this.#limit / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (TOLERANCE * this.#baseMs) / this.#meanMs));
    if (gradient < 1 && this.#samples >= MEAN_COUNT) this.#isMet = true;
    const next = this.#limit * gradient + Math.sqrt(this.#limit);
    this.#set(this.#limit * (1 - SMOOTHING) + next * SMOOTHING);
  }

  /** The provider said that it has too much to do. */
  dropped(startedMs: number, nowMs: number): void {
    if (startedMs < this.#droppedMs) return;
    this.#droppedMs = nowMs;
    this.#isMet = true;
    // No more than what was really under way: a limit that was never reached says nothing.
    this.#set(Math.min(this.#limit, Math.max(1, this.#count)) * BACK_OFF);
  }

  save(): readonly number[] {
    return [
      this.#isMet ? this.#limit : 0,
      Number.isFinite(this.#baseMs) ? this.#baseMs : 0,
      this.#meanMs,
      this.#samples,
    ];
  }

  load([limit = 0, baseMs = 0, meanMs = 0, samples = 0]: readonly number[], fromMs: number): void {
    this.#isMet = limit > 0;
    if (this.#isMet) this.#set(limit);
    [this.#meanMs, this.#samples, this.#baseAtMs] = [meanMs, samples, fromMs];
    if (baseMs > 0) this.#baseMs = baseMs;
  }

  #set(limit: number): void {
    this.#limit = Math.min(LIMIT_MAX, Math.max(LIMIT_MIN, limit));
    if (this.#limit === LIMIT_MAX) this.#isMet = false;
  }
}
