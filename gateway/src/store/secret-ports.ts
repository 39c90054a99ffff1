/** What the rest of the gateway sees of sealed credentials of providers. */
import type { Fault } from '../chat/fault.ts';
import type { Result } from '../lib/result.ts';
import type { ProviderSecret, SecretSettings } from '../routing/provider-secret.ts';
import type { Act } from './act.ts';

/** A secret without itself: what may be shown. */
export interface SecretRow {
  readonly id: string;
  /** The provider's name in the configuration. */
  readonly provider: string;
  /** Of those that a provider has. */
  readonly name: string;
  /** Scheme, host and port that it was saved for: it goes nowhere else. */
  readonly origin: string;
  /** Its last characters, for people who have several; empty where it is short. */
  readonly hint: string;
  readonly isDisabled: boolean;
  readonly createdAtMs: number;
  readonly settings: SecretSettings;
  /** Goes up with each change of any of them. */
  readonly revision: bigint;
}

export interface NewSecret {
  readonly provider: string;
  /** `default` where it is absent. One of the same name is replaced. */
  readonly name?: string;
  /** Any URL of the origin. */
  readonly origin: string;
  readonly secret: string;
  readonly settings?: SecretSettings;
}

/** `by`: who does it, for the audit log. Secrets go in, and come out to providers only. */
export interface Secrets {
  /** All, by provider and age. */
  list(): readonly SecretRow[];
  /** Opened, for the compiler of targets; those that are disabled are left out. */
  current(): readonly ProviderSecret[];
  /** Is called after each change of `current`, whichever process made it. */
  watch(changed: () => void): void;
  save(secret: NewSecret, by?: string): Promise<Result<SecretRow, Fault>>;
  /** `undefined` where there is none of the id. */
  disable(id: string, isDisabled: boolean, by?: string | Act): Promise<Result<SecretRow | undefined, Fault>>;
  /** False where there is none of the id. What was sealed is gone. */
  remove(id: string, by?: string | Act): Promise<Result<boolean, Fault>>;
  /** Seals the keys of all secrets with the newest master key, which is made where it is a file. Gives how many there are. */
  rotate(by?: string): Promise<Result<number, Fault>>;
}
