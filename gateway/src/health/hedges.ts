/**
 * What a route may spend on second attempts that run beside the first: a share of its requests, and a share of its money.
 * Each request earns a part of one hedge, each attempt that was wanted a part of what it cost. A book: nothing is read from
 * outside.
 */

/** Hedges that a quiet route may save up for a bad hour; more would be a flood of them at once. */
const SAVED_MAX = 10;
/** More routes than any configuration has; the oldest goes first. */
const ROUTES_MAX = 10_000;
/** Shares are counted in millionths, so that money stays whole. */
const WHOLE = 1_000_000;

/** Why none may be sent now: too many were, or they have cost too much. */
export type Withheld = 'requests' | 'spend';

export interface Hedges {
  /** A request of the route begins. */
  asked(route: string, share: number): void;
  /** An attempt of the route is over, and its cost was for the caller's answer. */
  paid(route: string, share: number, costNanoUsd: bigint): void;
  /** Takes one hedge out, and puts the least that it costs aside (0 where no price is known). Says why where none may be sent. */
  take(route: string, estimateNanoUsd: bigint): Withheld | undefined;
  /** The race is over: the estimate comes back, and what the loser has cost goes out. It may be more than there was. */
  settle(route: string, ended: { readonly estimateNanoUsd: bigint; readonly costNanoUsd: bigint }): void;
  /** One was taken out and never sent. */
  giveBack(route: string, estimateNanoUsd: bigint): void;
}

/** In millionths: of a hedge, and of a nano-dollar. */
interface Purse {
  hedges: number;
  money: bigint;
}

export function hedges(): Hedges {
  const purses = new Map<string, Purse>();

  function purseOf(route: string): Purse {
    const known = purses.get(route);
    if (known !== undefined) return known;
    const made: Purse = { hedges: 0, money: 0n };
    purses.set(route, made);
    const oldest = purses.keys().next();
    if (purses.size > ROUTES_MAX && oldest.done !== true) purses.delete(oldest.value);
    return made;
  }

  return {
    asked(route, share) {
      const purse = purseOf(route);
      purse.hedges = Math.min(SAVED_MAX * WHOLE, purse.hedges + millionths(share));
    },
    paid(route, share, costNanoUsd) {
      purseOf(route).money += costNanoUsd * BigInt(millionths(share));
    },
    take(route, estimateNanoUsd) {
      const purse = purseOf(route);
      if (purse.hedges < WHOLE) return 'requests';
      const estimate = estimateNanoUsd * BigInt(WHOLE);
      if (purse.money < estimate) return 'spend';
      purse.hedges -= WHOLE;
      purse.money -= estimate;
      return undefined;
    },
    settle(route, { estimateNanoUsd, costNanoUsd }) {
      purseOf(route).money += (estimateNanoUsd - costNanoUsd) * BigInt(WHOLE);
    },
    giveBack(route, estimateNanoUsd) {
      const purse = purseOf(route);
      purse.hedges += WHOLE;
      purse.money += estimateNanoUsd * BigInt(WHOLE);
    },
  };
}

function millionths(share: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * WHOLE);
}
