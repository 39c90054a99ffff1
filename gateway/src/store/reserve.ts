/** Money put aside in several purses at once: in all of them or in none. */
import type { Fault } from '../chat/fault.ts';
import type { NanoUsd } from '../money/price.ts';
import type { Patience, PurseRef } from './purse-ports.ts';
import type { Purses } from './purses.ts';

/** `true`: done. */
type Reserved = true | Fault | Promise<true | Fault>;

/**
 * At once where every purse has enough; else after one draw for each that has not, one after the other. With patience, each
 * may take so long; whoever waits for one purse holds those before it, and all hold them in the same order.
 */
export function reserveAll(purses: Purses, refs: readonly PurseRef[], wanted: Wanted): Reserved {
  const { nanoUsd, patience } = wanted;
  const [first, ...rest] = refs;
  if (first === undefined) return true;
  return andThen(purses.reserve(first, nanoUsd, patience), () =>
    refusing(reserveAll(purses, rest, wanted), () => purses.free(first.id, nanoUsd)),
  );
}

export interface Wanted {
  readonly nanoUsd: NanoUsd;
  readonly patience?: Patience | undefined;
}

/** In all at once, without asking the store; or in none: then the purse that has too little. */
export function tryReserveAll(purses: Purses, refs: readonly PurseRef[], nanoUsd: NanoUsd): PurseRef | undefined {
  const short = refs.findIndex(({ id }) => !purses.tryReserve(id, nanoUsd));
  if (short === -1) return undefined;
  freeAll(purses, refs.slice(0, short), nanoUsd);
  return refs[short];
}

export function freeAll(purses: Purses, refs: readonly PurseRef[], nanoUsd: NanoUsd): void {
  for (const { id } of refs) purses.free(id, nanoUsd);
}

/** The second after the first, unless that was refused. */
export function andThen(first: Reserved, second: () => Reserved): Reserved {
  if (first === true) return second();
  if (!(first instanceof Promise)) return first;
  return first.then((result) => (result === true ? second() : result));
}

/** Calls `undo` where it is refused. */
export function refusing(reserved: Reserved, undo: () => void): Reserved {
  if (reserved === true) return true;
  if (reserved instanceof Promise)
    return reserved.then((result) => {
      if (result !== true) undo();
      return result;
    });
  undo();
  return reserved;
}
