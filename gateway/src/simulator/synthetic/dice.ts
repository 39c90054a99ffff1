/** Dice that fall the same way for the same seed, so that a run can be repeated. */
import { hash } from 'node:crypto';

/** Numbers from 0 up to, not including, 1. */
export type Dice = () => number;

/** Dice seeded by anything that can be written down: the same text gives the same throws. */
export function diceOf(text: string): Dice {
  let state = Number.parseInt(hash('sha256', text).slice(0, 8), 16);
  // Mulberry32 (Tommy Ettinger, public domain): 32 bits of state are plenty for words and error rates.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole number from `low` to `high`, both included. */
export function between(dice: Dice, low: number, high: number): number {
  return low + Math.floor(dice() * (high - low + 1));
}

/** One of `items`; undefined only where there are none. */
export function pick<T>(dice: Dice, items: readonly T[]): T | undefined {
  return items[Math.floor(dice() * items.length)];
}
