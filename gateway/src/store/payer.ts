/** A key as the one who pays, where nobody else has a say. */
import type { KeyRow, Payer } from './ports.ts';
import type { PurseRef } from './purse-ports.ts';

/** The purse of all that a key may spend in its life. */
export function keyPurse({ id, name, budgetNanoUsd }: KeyRow): PurseRef {
  return { id, owner: `key "${name}"`, ...(budgetNanoUsd === undefined ? {} : { limitNanoUsd: budgetNanoUsd }) };
}

/** Held against its own budget, where it has one. */
export function payerOf(key: KeyRow): Payer {
  const isHeld = !key.isRoot && key.budgetNanoUsd !== undefined;
  return { keyId: key.id, hard: isHeld ? [keyPurse(key)] : [], booked: [], labels: {} };
}
