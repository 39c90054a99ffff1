/** Dice that fall the same way for the same seed, so that a run can be repeated. */
import { hash } from 'node:crypto';
import { dice, type Dice } from '../../lib/dice.ts';

/** Dice seeded by anything that can be written down: the same text gives the same throws. */
export function diceOf(text: string): Dice {
  return dice(Number.parseInt(hash('sha256', text).slice(0, 8), 16));
}

/** A whole number from `low` to `high`, both included. */
export function between(throws: Dice, low: number, high: number): number {
  return low + Math.floor(throws() * (high - low + 1));
}

/** One of `items`; undefined only where there are none. */
export function pick<T>(throws: Dice, items: readonly T[]): T | undefined {
  return items[Math.floor(throws() * items.length)];
}
