/** Money put aside in several purses at once: in all of them or in none. */
import type { Fault } from '../chat/fault.ts';
import type { NanoUsd } from '../money/price.ts';
import type { PurseRef } from './purse-ports.ts';
import type { Purses } from './purses.ts';

/** `true`: done. */
type Reserved = true | Fault | Promise<true | Fault>;

/** At once where every purse has enough; else after one draw for each that has not, one after the other. */
export function reserveAll(purses: Purses, refs: readonly PurseRef[], nanoUsd: NanoUsd): Reserved {
  const [first, ...rest] = refs;
  if (first === undefined) return true;
  return andThen(purses.reserve(first, nanoUsd), () =>
    refusing(reserveAll(purses, rest, nanoUsd), () => purses.free(first.id, nanoUsd)),
  );
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
