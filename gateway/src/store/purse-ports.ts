/** Purses, as the rest of the gateway sees them. */
import type { NanoUsd } from '../money/price.ts';

/** What money is taken from, and counted in: what a key may spend in its life, one period of a budget, the credits of an organisation. */
export interface PurseRef {
  readonly id: string;
  /** Whose it is, for texts: `key "ci"`, `budget "support" of team "west"`. */
  readonly owner: string;
  /** Absent where only the store knows it: credits. */
  readonly limitNanoUsd?: NanoUsd;
  /** When it begins anew, in milliseconds since 1970; absent: never. */
  readonly resetsAtMs?: number;
}

/** Money that others hold may come back: so long it is waited for, unless the caller goes. */
export interface Patience {
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** Purses of a provider or model, for one attempt. They count the cost. */
export interface TargetPurses {
  readonly hard: readonly PurseRef[];
  /** As in `Payer`. */
  readonly booked: readonly string[];
}

/** What a purse has, as the store and this process know it now. */
export interface PurseState {
  /** Of all it was ever granted. */
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
}
