/**
 * Chance that depends on what it is about, and on nothing that happened before: the same request at the same target has
 * the same luck under every router, so that a comparison of two compares them, and not their luck.
 */
import { dice } from '../../src/lib/dice.ts';

export type Dice = () => number;

/** Dice of their own for each list of whole numbers. */
export function diceFor(...about: readonly number[]): Dice {
  let mixed = 0x9e37_79b9;
  for (const one of about) {
    // The finaliser of MurmurHash3: each bit of each number reaches all bits of the seed.
    mixed = Math.imul(mixed ^ one, 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    mixed ^= mixed >>> 16;
  }
  return dice(mixed);
}

/** A whole number that stands for a name. */
export function numberOf(name: string): number {
  let sum = 0x811c_9dc5;
  for (let at = 0; at < name.length; at += 1) sum = Math.imul(sum ^ name.charCodeAt(at), 0x0100_0193);
  return sum;
}

/** Mean 0, deviation 1 (Box and Muller, 1958). */
export function normal(throwDice: Dice): number {
  const radius = Math.sqrt(-2 * Math.log(1 - throwDice()));
  return radius * Math.cos(2 * Math.PI * throwDice());
}

/** Times to a first token and lengths of answers are skewed to the right; the logarithm of both is about normal. */
export function lognormal(throwDice: Dice, median: number, sigma: number): number {
  return median * Math.exp(sigma * normal(throwDice));
}

/** Time to the next of events that come by themselves, so many a second on average. */
export function exponentialMs(throwDice: Dice, perSecond: number): number {
  return (-Math.log(1 - throwDice()) / perSecond) * 1000;
}

export function pickOne<T>(throwDice: Dice, items: readonly T[]): T {
  const item = items[Math.floor(throwDice() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
}

/**
 * A speed that wanders: a factor around 1 whose logarithm goes back to 0 within `memoryMs` and is kicked at each step
 * (an Ornstein-Uhlenbeck process in steps). The same at the same moment, whoever asks.
 */
export function wandering(about: readonly number[], { sigma, memoryMs, untilMs }: Wander): (nowMs: number) => number {
  const throwDice = diceFor(...about);
  const keep = Math.exp(-STEP_MS / memoryMs);
  const kick = sigma * Math.sqrt(1 - keep * keep);
  let level = sigma * normal(throwDice);
  const factors = Array.from({ length: Math.ceil(untilMs / STEP_MS) + 1 }, () => {
    const factor = Math.exp(level);
    level = level * keep + kick * normal(throwDice);
    return factor;
  });
  return (nowMs) => factors[Math.min(factors.length - 1, Math.floor(nowMs / STEP_MS))] ?? 1;
}

export interface Wander {
  /** Deviation of the logarithm: 0.5 is a factor of 1.6 up or down, most of the time. */
  readonly sigma: number;
  readonly memoryMs: number;
  readonly untilMs: number;
}

const STEP_MS = 5000;
