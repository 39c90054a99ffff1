/** Whose limits there are, and how they stand: what the way of requests needs to know of it. */
import type { RateLimit } from '../config/rate-limits.ts';
import type { Limiter } from '../limits/limiter.ts';
import type { KeyRow } from '../store/ports.ts';

/** An organisation, team or user that a key belongs to. */
export interface Owner {
  readonly scope: 'org' | 'team' | 'user';
  readonly id: string;
  readonly name: string;
  /** Its own; absent or empty: those that all of its kind have. The same list as long as nothing is changed. */
  readonly limits?: readonly RateLimit[];
}

export interface Gate {
  readonly limiter: Limiter;
  /** Whom a key belongs to, from memory. */
  readonly ownersOf: (key: KeyRow) => readonly Owner[];
}
