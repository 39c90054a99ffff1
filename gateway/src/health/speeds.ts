/** How fast a target answers: time to first content, and tokens a second after it. */
import { DecayingQuantiles } from './quantiles.ts';

/**
 * Providers change their speed with the time of day and with their own load: what was a minute and a half ago counts half.
 * In simulation, with speeds that drift within five minutes, a minute gave `latency` a 95th percentile of 838 ms, three minutes 956;
 * a minute alone leaves seldom used targets without any quantiles.
 */
const HALF_LIFE_MS = 90_000;
/** A target of which little is known is taken to be like the others, as if so many of its answers had been. */
const PRIOR_WEIGHT = 5;
/** From so many own answers on, the others do not matter. */
const OWN_MIN = 30;
/** A reply of a few tokens says nothing of the speed at which tokens come. */
const TOKENS_MIN = 16;

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
  /** What they rest on, faded. */
  readonly count: number;
}

export interface Answer {
  readonly durationMs: number;
  /** Absent for an answer that came as a whole. */
  readonly ttftMs?: number | undefined;
  readonly outputTokens?: number | undefined;
}

export class Speeds {
  #ttft = new DecayingQuantiles(HALF_LIFE_MS);
  readonly #streamed = new Pace();
  readonly #whole = new Pace();
  #known: readonly [number, number] | undefined;

  add({ durationMs, ttftMs, outputTokens }: Answer, nowMs: number): void {
    if (ttftMs !== undefined) {
      this.#ttft.add(ttftMs, nowMs);
      this.#known = undefined;
    }
    if (outputTokens === undefined || outputTokens < TOKENS_MIN) return;
    if (ttftMs === undefined) this.#whole.add(outputTokens, durationMs, nowMs);
    else this.#streamed.add(outputTokens, durationMs - ttftMs, nowMs);
  }

  /** Times to first content are learned anew. */
  forget(): void {
    this.#ttft = new DecayingQuantiles(HALF_LIFE_MS);
    this.#known = undefined;
  }

  /** Milliseconds. `others`: all targets together, to begin with; then `count` is still the target's own. */
  ttft(nowMs: number, others?: Speeds): Quantiles | undefined {
    const count = this.#ttft.count(nowMs);
    if (count >= OWN_MIN || others === undefined) {
      this.#known ??= this.#ttft.pair(0.5, 0.95);
      return quantiles(this.#known, count);
    }
    // Of most targets nothing is known yet, or they answer as a whole: then it is the same for all of them.
    const pair =
      count === 0
        ? (others.#known ??= others.#ttft.pair(0.5, 0.95))
        : this.#ttft.pairWith(others.#ttft, PRIOR_WEIGHT, nowMs);
    return quantiles(pair, count);
  }

  /** Of streams, where there were any: a whole reply's time has the wait for its first token in it. */
  tokensPerS(): number | undefined {
    return this.#streamed.perS() ?? this.#whole.perS();
  }

  save(nowMs: number): readonly (readonly number[])[] {
    return [this.#ttft.save(nowMs), this.#streamed.save(nowMs), this.#whole.save(nowMs)];
  }

  load([ttft = [], streamed = [], whole = []]: readonly (readonly number[])[], fromMs: number): void {
    this.#ttft.load(ttft, fromMs);
    this.#streamed.load(streamed, fromMs);
    this.#whole.load(whole, fromMs);
    this.#known = undefined;
  }
}

function quantiles(pair: readonly [number, number] | undefined, count: number): Quantiles | undefined {
  return pair === undefined ? undefined : { p50: pair[0], p95: pair[1], count: Math.round(count * 10) / 10 };
}

/** Tokens over the time they took, both faded: a mean in which long answers count more, as they should. */
class Pace {
  #tokens = 0;
  #ms = 0;
  #atMs = 0;

  add(tokens: number, ms: number, nowMs: number): void {
    const fading = this.#fading(nowMs);
    this.#tokens = this.#tokens * fading + tokens;
    // A whole answer in one packet: as if it had taken a millisecond.
    this.#ms = this.#ms * fading + Math.max(1, ms);
    this.#atMs = nowMs;
  }

  perS(): number | undefined {
    return this.#ms === 0 ? undefined : (1000 * this.#tokens) / this.#ms;
  }

  save(nowMs: number): readonly number[] {
    const fading = this.#fading(nowMs);
    return [this.#tokens * fading, this.#ms * fading];
  }

  load([tokens = 0, ms = 0]: readonly number[], fromMs: number): void {
    [this.#tokens, this.#ms, this.#atMs] = [Math.max(0, tokens), Math.max(0, ms), fromMs];
  }

  #fading(nowMs: number): number {
    return nowMs <= this.#atMs ? 1 : 2 ** ((this.#atMs - nowMs) / HALF_LIFE_MS);
  }
}
