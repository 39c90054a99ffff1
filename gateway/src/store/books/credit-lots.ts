/**
 * Credits as lots: each top-up is one, and what expires first is spent first. No request writes to them: what is left of each
 * is what was left when they were last settled, less what was spent since. Pure.
 */
import type { NanoUsd } from '../../money/price.ts';

export interface Lot {
  readonly id: string;
  readonly atMs: number;
  /** Absent: it does not expire. */
  readonly expiresAtMs?: number;
  readonly leftNanoUsd: NanoUsd;
}

/** Those that expire first come first, then the older ones. */
export function inOrderOfUse<T extends Lot>(lots: readonly T[]): readonly T[] {
  return lots.toSorted(
    (a, b) =>
      (a.expiresAtMs ?? Infinity) - (b.expiresAtMs ?? Infinity) || a.atMs - b.atMs || (a.id < b.id ? -1 : 1) || 0,
  );
}

/** The same lots after so much was spent. What was spent beyond all of them is left for the next one that comes. */
export function spentFrom<T extends Lot>(lots: readonly T[], nanoUsd: NanoUsd): readonly T[] {
  let rest = nanoUsd > 0n ? nanoUsd : 0n;
  return inOrderOfUse(lots).map((lot) => {
    const used = rest < lot.leftNanoUsd ? rest : lot.leftNanoUsd;
    rest -= used;
    return used === 0n ? lot : { ...lot, leftNanoUsd: lot.leftNanoUsd - used };
  });
}

export interface Taking {
  readonly lotId: string;
  readonly nanoUsd: NanoUsd;
}

/** What expires at `nowMs`, as far as it is free: what is held may be spent still, and goes when it comes free. */
export function expiring(lots: readonly Lot[], freeNanoUsd: NanoUsd, nowMs: number): readonly Taking[] {
  const due = lots.filter((lot) => lot.expiresAtMs !== undefined && lot.expiresAtMs <= nowMs);
  return taken(inOrderOfUse(due), { wantedNanoUsd: sumOf(due), freeNanoUsd });
}

export interface Refund {
  /** The lot of the payment that is refunded. */
  readonly lotId: string | undefined;
  readonly wantedNanoUsd: NanoUsd;
  readonly freeNanoUsd: NanoUsd;
}

/** What a refund takes: of its own lot first, then of those that would last longest; never what is spent or held. */
export function refunding(lots: readonly Lot[], { lotId, ...amounts }: Refund): readonly Taking[] {
  const own = lots.filter((lot) => lot.id === lotId);
  const others = inOrderOfUse(lots.filter((lot) => lot.id !== lotId)).toReversed();
  return taken([...own, ...others], amounts);
}

function taken(
  lots: readonly Lot[],
  { wantedNanoUsd, freeNanoUsd }: { readonly wantedNanoUsd: NanoUsd; readonly freeNanoUsd: NanoUsd },
): readonly Taking[] {
  let rest = wantedNanoUsd < freeNanoUsd ? wantedNanoUsd : freeNanoUsd;
  return lots.flatMap(({ id, leftNanoUsd }) => {
    const nanoUsd = rest < leftNanoUsd ? rest : leftNanoUsd;
    if (nanoUsd <= 0n) return [];
    rest -= nanoUsd;
    return [{ lotId: id, nanoUsd }];
  });
}

export function sumOf(lots: readonly Pick<Lot, 'leftNanoUsd'>[]): NanoUsd {
  return lots.reduce((sum, lot) => sum + lot.leftNanoUsd, 0n);
}

/** One thing that was told of the refunds of a payment. */
export interface RefundTold {
  /** Absent: all refunds of the payment so far, together. */
  readonly refundId?: string;
  readonly amountNanoUsd: NanoUsd;
  /** It did not go through. */
  readonly isVoid: boolean;
}

/** What was refunded of a payment, whatever the order of what was told, and however often. */
export function refundedOf(told: readonly RefundTold[]): NanoUsd {
  const single = new Map<string, RefundTold>();
  let together = 0n;
  for (const one of told) {
    const { refundId, amountNanoUsd } = one;
    if (refundId === undefined) together = amountNanoUsd > together ? amountNanoUsd : together;
    // A refund that has failed does not come to life again.
    else if (single.get(refundId)?.isVoid !== true) single.set(refundId, one);
  }
  let good = 0n;
  let failed = 0n;
  for (const { amountNanoUsd, isVoid } of single.values()) {
    if (isVoid) failed += amountNanoUsd;
    else good += amountNanoUsd;
  }
  return together - failed > good ? together - failed : good;
}
