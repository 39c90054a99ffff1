/** Prices: integers, never floats. A price that is not known is absent, and absent is never zero. */

/** 10^-9 US dollars. All money is counted in it. */
export type NanoUsd = bigint;

/** Price of one million tokens, in nano-dollars: 0.15 USD a million tokens is 150_000_000n. */
export type NanoUsdPerMillion = bigint;

/** Prices by token class. What is not given falls back: cache read and write to `input`, reasoning to `output`, audio to plain. */
export interface Rates {
  readonly input?: NanoUsdPerMillion;
  readonly output?: NanoUsdPerMillion;
  readonly cacheRead?: NanoUsdPerMillion;
  readonly cacheWrite?: NanoUsdPerMillion;
  /** One-hour cache writes (Anthropic: twice the input price). */
  readonly cacheWrite1h?: NanoUsdPerMillion;
  readonly reasoning?: NanoUsdPerMillion;
  readonly inputAudio?: NanoUsdPerMillion;
  readonly outputAudio?: NanoUsdPerMillion;
}

/** Prices of what is sold by the piece. */
export interface UnitRates {
  readonly image?: NanoUsd;
  readonly second?: NanoUsd;
  readonly character?: NanoUsd;
  readonly search?: NanoUsd;
}

/** Other rates for the whole request once its input is longer than `aboveContextTokens`. */
export interface PriceTier extends Rates {
  readonly aboveContextTokens: number;
}

export interface Price extends Rates {
  /** Absent: nothing of it is sold by the piece. Where it is, tokens without a rate are paid with the piece. */
  readonly units?: UnitRates;
  /** Fixed price of one request. */
  readonly request?: NanoUsd;
  /** Sorted by `aboveContextTokens`, lowest first. */
  readonly tiers?: readonly PriceTier[];
}
