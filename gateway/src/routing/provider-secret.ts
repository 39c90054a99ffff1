/** A credential of a provider that is kept in the store, as the compiler of targets takes it. */

/** What it has of its own; what is absent is as the provider's. */
export interface SecretSettings {
  /** Where its account computes (`eu`, `us-east-1`). */
  readonly region?: string;
  /** Share of the provider's requests that go with it. */
  readonly weight?: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly concurrent?: number;
}

export interface ProviderSecret {
  readonly id: string;
  readonly provider: string;
  readonly name: string;
  /** Scheme, host and port: it is used for targets there and for no others. */
  readonly origin: string;
  readonly settings: SecretSettings;
  /** Of its last change. */
  readonly revision: bigint;
  /** Absent where it cannot be opened. */
  readonly secret?: string;
  /** Why it cannot be opened. */
  readonly problem?: string;
}
