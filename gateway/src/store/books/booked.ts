/** Which purses a receipt is booked in, and with how much. */
import type { Selectable } from 'kysely';
import type { NanoUsd } from '../../money/price.ts';
import type { ReceiptsTable } from './schema.ts';

/** What of a receipt says which purses it is booked in. */
export type Booked = Pick<Selectable<ReceiptsTable>, 'key_id' | 'cost_nano_usd' | 'charge_nano_usd' | 'purses'>;

/** What receipts take from each purse, in the order of their ids: two that write at the same time never wait for each other in a circle. */
export function sumsOf(receipts: readonly Booked[]): readonly (readonly [purseId: string, nanoUsd: NanoUsd])[] {
  const sums = new Map<string, NanoUsd>();
  for (const { key_id: keyId, cost_nano_usd: cost, charge_nano_usd: charge, purses } of receipts)
    for (const purse of [keyId, ...purses.split(' ')]) {
      if (purse === '') continue;
      const id = purseIdOf(purse);
      const amount = id === purse ? (charge ?? cost) : cost;
      sums.set(id, (sums.get(id) ?? 0n) + (amount ?? 0n));
    }
  return [...sums].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** The id of a purse as receipts name it: with `~` before it where it counts the cost, and not the charge. */
export function purseIdOf(booked: string): string {
  return booked.startsWith('~') ? booked.slice(1) : booked;
}
