/** Whose limits there are, and how they stand: what the way of requests needs to know of it. */
import type { JsonRecord } from '../lib/json.ts';
import type { Limiter, Need, Passed, Refused, Subject } from '../limits/limiter.ts';
import type { Answer, Order } from '../limits/meter.ts';
import type { KeyRow } from '../store/ports.ts';

/** An organisation, team or user that a key belongs to. */
export interface Owner {
  readonly scope: 'org' | 'team' | 'user';
  readonly id: string;
  readonly name: string;
  /** Its own, as stored; absent: those that all of its kind have. The same object as long as nothing is changed. */
  readonly limits?: JsonRecord | undefined;
}

export interface Gate {
  readonly limiter: Limiter;
  /** Whom a key belongs to, from memory. */
  readonly ownersOf: (key: KeyRow) => readonly Owner[];
  /** Asks the count that several processes share. Undefined where it does not answer: then, and from then on, the limiter counts alone. */
  readonly draw: (orders: readonly Order[]) => Promise<readonly Answer[] | undefined>;
  /** Where requests wait for their turn. */
  readonly line: Line;
}

/** A request that a limit may be in the way of. */
export interface Standing {
  readonly subjects: readonly Subject[];
  readonly need: Need;
  /** Fair among these, and among the keys of each. */
  readonly org: string;
  readonly key: string;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
}

export type Turn = Passed | Refused | 'gone' | 'shutting-down';

export interface Line {
  /** Somebody waits for a limit of these: who comes now may not go before. */
  isBefore(subjects: readonly Subject[]): boolean;
  /** Until its turn, or the end of its patience. `refused`: what is in its way. Undefined where there is no room. */
  wait(standing: Standing, refused: Refused | undefined): Promise<Turn> | undefined;
  /** Something came free. */
  moved(): void;
}
