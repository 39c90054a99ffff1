/** Chance that can be had again: the same seed, the same throws. */

/** 0 <= x < 1, a new one each call. */
export type Dice = () => number;

/** Mulberry32 (Tommy Ettinger, 2017, public domain): 32 bits of state, passes gjrand's tests; a plan throws a few times. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed drawn from other chance. */
export function seedFrom(random: Dice): number {
  return Math.floor(random() * 2 ** 32);
}
