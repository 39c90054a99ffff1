/** Share of failures among the latest requests: old ones fade by time, and new ones push them out. */

/** What happened half a minute ago counts half. */
const HALF_LIFE_MS = 30_000;
/** A busy target is judged by about so many of its latest requests, so that hours of good service do not hide an outage. */
const COUNT_MAX = 40;

export class DecayingRate {
  #failures = 0;
  #count = 0;
  #atMs = 0;

  /** One more request. O(1). `nowMs` is monotonic. */
  add(isFailure: boolean, nowMs: number): void {
    const fading = this.#fading(nowMs);
    const kept = this.#count * fading;
    const scale = kept > COUNT_MAX - 1 ? (fading * (COUNT_MAX - 1)) / kept : fading;
    this.#count = this.#count * scale + 1;
    this.#failures = this.#failures * scale + (isFailure ? 1 : 0);
    this.#atMs = nowMs;
  }

  /** How many requests the share rests on, faded: 0 to 40. */
  count(nowMs: number): number {
    return this.#count * this.#fading(nowMs);
  }

  /** 0..1; 0 where nothing is known. */
  share(): number {
    return this.#count === 0 ? 0 : this.#failures / this.#count;
  }

  reset(): void {
    this.#failures = 0;
    this.#count = 0;
  }

  save(nowMs: number): readonly number[] {
    const fading = this.#fading(nowMs);
    return [this.#failures * fading, this.#count * fading];
  }

  /** `fromMs`: when it was saved, on today's monotonic clock. */
  load([failures = 0, count = 0]: readonly number[], fromMs: number): void {
    this.#count = clamp(count, 0, COUNT_MAX);
    this.#failures = clamp(failures, 0, this.#count);
    this.#atMs = fromMs;
  }

  #fading(nowMs: number): number {
    return nowMs <= this.#atMs ? 1 : 2 ** ((this.#atMs - nowMs) / HALF_LIFE_MS);
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
