/** What proves who we are, and how it is asked for. */
import type { AwsKeys } from '../lib/sigv4.ts';
import type { Result } from '../lib/result.ts';
import type { Identity } from '../routing/identity.ts';

/** A token to send, or keys to sign with. */
export type Proof =
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'keys'; readonly keys: AwsKeys };

export interface Fetched {
  readonly proof: Proof;
  /** Milliseconds since 1970, by the clock of who gave it. Absent: it does not end by itself. */
  readonly endsAtMs?: number;
}

/** Why there is none, and what to do: for the caller too, so without addresses and secrets. */
export interface Trouble {
  readonly reason: string;
  /** The clock of who refused, where it said: ours may be the one that is wrong. */
  readonly serverMs?: number;
}

/** Fetches once, within limits. `nowMs` is the clock to write into signatures. Never rejects for anything the other side does. */
export type Source = (identity: Identity, nowMs: number) => Promise<Result<Fetched, Trouble>>;

/** What must not stand in any text. */
export function secretsOf(proof: Proof): readonly string[] {
  if (proof.kind === 'bearer') return [proof.token];
  const { secretAccessKey, sessionToken } = proof.keys;
  return sessionToken === undefined ? [secretAccessKey] : [secretAccessKey, sessionToken];
}

/** Milliseconds since 1970 of a `date` header; undefined where there is none that can be read. */
export function dateOf(header: string | readonly string[] | undefined): number | undefined {
  const time = typeof header === 'string' ? Date.parse(header) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
