/** The tables, as Kysely sees them. `migrations.ts` makes them. */
import type { Generated } from 'kysely';
import type { Integer, OptionalInteger } from './columns.ts';
import type { PeopleTables } from './schema-people.ts';

export interface Tables extends PeopleTables {
  readonly counters: { readonly name: string; readonly value: Integer };
  readonly keys: KeysTable;
  readonly accounts: AccountsTable;
  readonly postings: PostingsTable;
  readonly transfers: TransfersTable;
  readonly recalls: RecallsTable;
  readonly receipts: ReceiptsTable;
  readonly requests: RequestsTable;
  readonly audit: AuditTable;
  readonly files: FilesTable;
  readonly batches: BatchesTable;
  readonly batch_results: BatchResultsTable;
  readonly snapshots: SnapshotsTable;
  readonly feedback: FeedbackTable;
}

export interface KeysTable {
  readonly id: string;
  readonly name: string;
  /** HMAC of the token; null once the key is removed. */
  readonly hash: string | null;
  readonly is_root: Integer;
  readonly is_disabled: Integer;
  readonly is_removed: Integer;
  readonly created_at: Integer;
  readonly expires_at: OptionalInteger;
  readonly budget_nano_usd: OptionalInteger;
  /** JSON arrays of strings. */
  readonly allowed_models: string | null;
  readonly tags: string;
  /** Where its callers are. */
  readonly region: string | null;
  readonly org_id: Generated<string>;
  readonly team_id: string | null;
  readonly user_id: string | null;
  /** JSON: scopes, routes, providers, regions, addresses, limits. */
  readonly settings: Generated<string>;
  /** HMAC of the token before the last rotation, and until when it is taken, in milliseconds since 1970. */
  readonly old_hash: string | null;
  readonly old_until: OptionalInteger;
  /** The counter `keys` at the last change: processes ask for what is newer than what they know. */
  readonly revision: Integer;
}

/**
 * Money of a purse is always in one of four places, and only ever moves between them, so all balances of a purse sum to zero:
 * `grant` (minus what it was given), `funds` (neither spent nor handed out), `lease` (handed out to one process) and `spent`.
 */
export interface AccountsTable {
  readonly id: Generated<bigint>;
  readonly kind: 'grant' | 'funds' | 'lease' | 'spent';
  /** As `purse-terms.ts` reads it. */
  readonly purse_id: string;
  /** Empty but for leases. */
  readonly process_id: string;
  readonly balance: Integer;
}

/** A process found too little left in a purse: then all give back what they hold of it in reserve. */
export interface RecallsTable {
  readonly purse_id: string;
  /** The counter `recalls` at the last call. */
  readonly revision: Integer;
}

/** One batch of receipts that was taken in, or one change of a budget or lease. */
export interface PostingsTable {
  readonly id: Generated<bigint>;
  readonly process_id: string;
  readonly at: Integer;
}

/** Both sides of an entry in one row: it cannot be out of balance. */
export interface TransfersTable {
  readonly id: Generated<bigint>;
  readonly posting_id: Integer;
  /**
   * `grant`: a budget was set or changed. `draw`, `return`: between funds and a lease. `spend`: from a lease to spent.
   * `open-draw`, `open-spend`: the same from the funds of a key without a budget. `overspend`: from the funds of a key
   * with one, because an attempt cost more than was put aside.
   */
  readonly kind: 'grant' | 'draw' | 'open-draw' | 'return' | 'spend' | 'open-spend' | 'overspend';
  readonly from_account: Integer;
  readonly to_account: Integer;
  readonly amount: Integer;
}

export interface ReceiptsTable {
  readonly id: string;
  readonly posting_id: Integer;
  readonly request_id: string;
  readonly key_id: string;
  readonly provider: string;
  readonly model: string;
  readonly target: string;
  readonly outcome: string;
  readonly finish: string | null;
  readonly is_estimated: Integer;
  readonly input_tokens: OptionalInteger;
  readonly cached_input_tokens: OptionalInteger;
  readonly cache_write_tokens: OptionalInteger;
  readonly output_tokens: OptionalInteger;
  readonly reasoning_tokens: OptionalInteger;
  readonly cost_nano_usd: OptionalInteger;
  /** What its owner is charged; null: the cost. */
  readonly charge_nano_usd: OptionalInteger;
  readonly at: Integer;
  readonly org_id: string | null;
  readonly team_id: string | null;
  readonly user_id: string | null;
  readonly end_user: string | null;
  readonly route: string | null;
  readonly conversation: string | null;
  readonly experiment: string | null;
  /** JSON array of strings. */
  readonly tags: string | null;
  /** The purses it is booked in beside its key's, with a space between. */
  readonly purses: Generated<string>;
  /** 1 where it is the first of its request at this provider and model: by it requests are counted. */
  readonly is_first: Generated<bigint>;
}

export interface RequestsTable {
  readonly seq: Generated<bigint>;
  readonly id: string;
  readonly key_id: string;
  readonly at: Integer;
  readonly outcome: string;
  readonly route: string | null;
  readonly model: string | null;
  /** What a search finds it by, in lower case. */
  readonly words: Generated<string>;
  /** JSON, as the API gives it. */
  readonly body: string;
  /** Of its key; null: the key has no row. */
  readonly org_id: string | null;
}

export interface AuditTable {
  /** 1, 2, 3, … without a gap. */
  readonly seq: Integer;
  readonly at: Integer;
  readonly by: string;
  readonly action: string;
  readonly subject: string;
  /** JSON. */
  readonly changes: string;
  /** Null: of the gateway as a whole, or from before there was one. */
  readonly org_id: string | null;
  readonly hash: string;
}

export interface FilesTable {
  readonly seq: Generated<bigint>;
  readonly id: string;
  readonly key_id: string;
  readonly purpose: string;
  readonly filename: string;
  readonly bytes: Integer;
  readonly created_at: Integer;
  readonly expires_at: Integer;
}

export interface BatchesTable {
  readonly seq: Generated<bigint>;
  readonly id: string;
  readonly key_id: string;
  readonly form: string;
  readonly endpoint: string;
  readonly status: string;
  /** Empty: nobody works on it. */
  readonly process_id: string;
  readonly input_file_id: string;
  readonly output_file_id: string | null;
  readonly error_file_id: string | null;
  readonly keep_ms: Integer;
  readonly total: Integer;
  readonly succeeded: Integer;
  readonly errored: Integer;
  readonly canceled: Integer;
  readonly expired: Integer;
  readonly created_at: Integer;
  readonly expires_at: Integer;
  readonly started_at: OptionalInteger;
  readonly finalizing_at: OptionalInteger;
  readonly cancelling_at: OptionalInteger;
  readonly ended_at: OptionalInteger;
  /** JSON. */
  readonly errors: string | null;
  readonly metadata: string | null;
  readonly native: string | null;
  readonly seen: string | null;
}

/** Until their batch has ended; then they are in its files. */
export interface BatchResultsTable {
  readonly batch_id: string;
  readonly line: Integer;
  readonly state: string;
  readonly bytes: Integer;
  readonly text: string;
}

/** What was in force under the id of a snapshot. */
export interface SnapshotsTable {
  readonly id: string;
  readonly at: Integer;
  readonly release: string;
  readonly catalog: string;
  /** JSON, without secrets. */
  readonly settings: string;
}

/** One word of a key on one of its requests. */
export interface FeedbackTable {
  readonly request_id: string;
  readonly key_id: string;
  readonly at: Integer;
  /** Days since 1970 of `at`: what is said fades by whole days. */
  readonly day: Integer;
  readonly target: string;
  readonly task: string;
  /** 0 to 1. */
  readonly score: number;
}
