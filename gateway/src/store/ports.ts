/** What the rest of the gateway sees of the store: keys, ledger, requests. Behind it: SQLite, a journal file, leases in memory. */
import type { Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { NanoUsd } from '../money/price.ts';
import type { Role } from '../people/permissions.ts';
import type { AskBatches } from './batch-ports.ts';
import type { AskReports, UsageRow } from './report-ports.ts';
import type { AskBilling, Plans } from './billing-ports.ts';
import type { Budgets } from './budget-ports.ts';
import type { Secrets } from './secret-ports.ts';
import type { KeySettings, KeySettingsPatch } from './key-settings.ts';
import type { Act } from './act.ts';
import type { Owners, People } from './people-ports.ts';
import type { StorePlace } from './place.ts';
import type { Patience, PurseRef, PurseState, TargetPurses } from './purse-ports.ts';

/** Whose a key is: all of these that are given. */
export type KeyOwner = Owners;

/** A virtual key, without its token: that one is shown once and kept nowhere. */
export interface KeyRow extends KeySettings, KeyOwner {
  readonly id: string;
  readonly name: string;
  /** May do everything: admin and inference, no budget. */
  readonly isRoot: boolean;
  readonly isDisabled: boolean;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  /** Absent: no budget. Zero: nothing may be spent. */
  readonly budgetNanoUsd?: NanoUsd;
  /** Names or globs (`openai/*`, `gpt-5`). Absent: all models. */
  readonly allowedModels?: readonly string[];
  readonly tags: readonly string[];
  /** Where its callers are, whatever their requests say (`eu`, `us-east-1`). Absent: nothing is known. */
  readonly region?: string;
  /**
   * Of a user's key with the scope `admin`: the most that it may. It is the role that the user had when its token, user or
   * scopes were last given: who knew the token then does not gain by what the user is made later.
   */
  readonly roleMax?: Role;
  /** Until when the token before the last rotation is taken, in milliseconds since 1970. Absent: none is. */
  readonly oldUntilMs?: number;
}

/**
 * The key behind a token, or the fault to answer with: `key-unknown`, `key-expired`, `key-disabled`, `address-refused`,
 * `store-unavailable`.
 */
export type KeyLookup = Result<KeyRow, Fault>;

export interface NewKey extends KeySettings, KeyOwner {
  readonly name: string;
  readonly isRoot?: boolean;
  readonly isDisabled?: boolean;
  readonly expiresAtMs?: number;
  readonly budgetNanoUsd?: NanoUsd;
  readonly allowedModels?: readonly string[];
  readonly tags?: readonly string[];
  readonly region?: string;
}

/** What is absent stays; `null` takes the limit away. */
export interface KeyPatch extends KeySettingsPatch {
  readonly name?: string;
  readonly isDisabled?: boolean;
  readonly expiresAtMs?: number | null;
  readonly budgetNanoUsd?: NanoUsd | null;
  readonly allowedModels?: readonly string[] | null;
  readonly tags?: readonly string[];
  readonly region?: string | null;
  readonly teamId?: string | null;
  readonly userId?: string | null;
}

/** A key and its token, which is seen here and never again. */
export interface IssuedKey {
  readonly row: KeyRow;
  readonly token: string;
}

/** What of a purse is gone. */
export interface KeySpend {
  readonly spentNanoUsd: NanoUsd;
  /** Reserved by all processes and not spent yet. */
  readonly heldNanoUsd: NanoUsd;
}

/** `by`: who makes, changes or removes a key, for the audit log: the id of another key, or `cli`. */
export interface Keys {
  /**
   * In memory, no store, no waiting. A malformed token costs a checksum only; the root key is compared in constant time.
   * `address`: of the caller, for keys that may be used from some only. What is found counts as used.
   */
  find(token: string, address?: string): KeyLookup;
  /**
   * The same after asking the store what is new, for a token that is well formed and not known here: it may be a moment old.
   * Undefined for one that cannot be a key. Many who ask at once are one question. `store-unavailable` where there is no answer.
   */
  findAnew(token: string, address?: string): Promise<KeyLookup> | undefined;
  /** The key of an id, from memory. Not the key of `TURNOUT_ADMIN_KEY`, which has no row. */
  get(id: string): KeyRow | undefined;
  /** The key of an id, as `find` would give it for its token now: for work that goes on after its request. */
  standing(id: string): KeyLookup;
  /** Changes with everything that can be set of a key. `undefined` where there is no such key. */
  revision(id: string): string | undefined;
  /** Every key, oldest first, from memory. */
  list(): readonly KeyRow[];
  /** Makes a key. Known to this process at once, to others when it is first used there, or within two seconds. */
  create(key: NewKey, by?: string): Promise<Result<IssuedKey, Fault>>;
  /** Gives a key another token; the one before is taken for `overlapMs` more. `undefined` where there is no such key. */
  rotate(id: string, overlapMs: number, by?: string | Act): Promise<Result<IssuedKey | undefined, Fault>>;
  /** `undefined` where there is no such key. */
  change(id: string, patch: KeyPatch, by?: string | Act): Promise<Result<KeyRow | undefined, Fault>>;
  /** False where there is no such key. Its receipts stay. */
  remove(id: string, by?: string | Act): Promise<Result<boolean, Fault>>;
  /** When each key was last used, by its id, in milliseconds since 1970: a minute late at most. What was never used is not in it. */
  uses(): Promise<Result<ReadonlyMap<string, number>, Fault>>;
  /** What a key has spent and holds now. `undefined` where there is no such key. */
  spend(id: string): Promise<Result<KeySpend | undefined, Fault>>;
}

/** Under what a receipt is found again. */
export interface Labels {
  readonly orgId?: string;
  readonly teamId?: string;
  readonly userId?: string;
  readonly endUser?: string;
  readonly route?: string;
  readonly conversation?: string;
  readonly experiment?: string;
  readonly tags?: readonly string[];
}

/** Who pays for a request: made once for it, before money is put aside. */
export interface Payer {
  readonly keyId: string;
  /** Must have enough before anything is sent. They count what is charged. */
  readonly hard: readonly PurseRef[];
  /** Ids of all purses that it is booked in beside its key's own; `~` before one that counts the cost, and not the charge. */
  readonly booked: readonly string[];
  readonly labels: Labels;
  /** What is charged for a cost, never less than nothing, and more for more. Absent: the cost. */
  readonly chargeOf?: (costNanoUsd: NanoUsd, at: ChargedPlace) => NanoUsd;
  /** Purses of an attempt's provider and model. Absent: none. */
  readonly pursesAt?: (at: PaidPlace) => TargetPurses;
}

/** Where the money of an attempt goes. */
export interface PaidPlace {
  readonly provider: string;
  readonly model: string;
}

export interface ChargedPlace extends PaidPlace {
  /** False where an attempt of the request was charged before. */
  readonly isFirst?: boolean;
}

/** Money put aside for one request. Opaque: only the ledger changes it. */
/** A hold, or why there is none. */
export type Held = Hold | Fault;

export interface Hold {
  readonly kind: 'hold';
  readonly keyId: string;
  readonly requestId: string;
  /** False for those without a purse that must have enough: then nothing is put aside. */
  readonly isBudgeted: boolean;
  /** What is put aside and not spent yet, in each of its purses. */
  readonly leftNanoUsd: NanoUsd;
}

/** An attempt that is about to send its first byte. */
export interface Opening {
  /** Ours, unique for ever (`newId()`): the primary key of the receipt. Never an id of the provider. */
  readonly attemptId: string;
  readonly provider: string;
  readonly model: string;
  readonly target: string;
  readonly atMs: number;
  /** Our own count of the input: what an attempt that never comes back is billed. */
  readonly inputTokensEstimate: number;
  /** Price of that input; absent where no price is known. */
  readonly estimateNanoUsd?: NanoUsd;
  /** The most that this attempt can cost. Given: `open` first makes sure that the hold covers it. */
  readonly worstNanoUsd?: NanoUsd;
  /** Of a request that shares its hold with others and has this one attempt: a line of a batch. Absent: the hold's. */
  readonly requestId?: string;
}

/** Tokens of a receipt; what was not counted is absent. */
export interface ReceiptUsage {
  readonly inputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly outputTokens?: number;
  readonly reasoningTokens?: number;
}

/** What an attempt cost. One for every opened attempt that cost or may have cost something. */
export interface Receipt {
  readonly attemptId: string;
  readonly requestId: string;
  readonly keyId: string;
  readonly provider: string;
  readonly model: string;
  readonly target: string;
  /** `answered`, `broke`, `left`, … ; `interrupted` is written by the ledger for attempts that died with their process. */
  readonly outcome: string;
  /** True where the tokens are our own count and not the provider's. */
  readonly isEstimated: boolean;
  readonly usage: ReceiptUsage;
  /** Absent: no price is known. Never a guess of zero. */
  readonly costNanoUsd?: NanoUsd;
  readonly atMs: number;
  readonly finish?: string;
  /** What its owner is charged, where that is not the cost. Filled in by the ledger, like all below it. */
  readonly chargeNanoUsd?: NanoUsd;
  /** As `Payer.booked`, those of the attempt's target among them. */
  readonly purses?: readonly string[];
  /** Given: of a request that shares its hold with others. Else those of the hold's payer. */
  readonly labels?: Labels;
  /** Another attempt of its request at the same provider and model has a receipt already. */
  readonly isRepeat?: boolean;
}

export interface Ledger {
  /**
   * Puts `worstNanoUsd` (of charges) aside in every hard purse or in none, at once from this process's leases, or after one draw
   * from the store for each that has too little. Faults: `budget-exceeded`, and `store-unavailable` when money cannot be recorded
   * or drawn now.
   */
  hold(payer: Payer, worstNanoUsd: NanoUsd, requestId: string): Held | Promise<Held>;
  /** The same, and also later: as soon as others have cost less than they held. */
  holdPatiently(
    payer: Payer,
    worstNanoUsd: NanoUsd,
    of: Patience & { readonly requestId: string },
  ): Held | Promise<Held>;
  /**
   * Makes sure that `open` finds what this attempt may cost: after one that cost something, or in purses of its target. Same faults, and
   * `target-budget-exceeded`: not here, but perhaps elsewhere.
   */
  extend(hold: Hold, attempt: Opening): undefined | Fault | Promise<undefined | Fault>;
  /**
   * Right before the first upstream byte of each attempt: one line in the journal, so that a crash leaves a trace.
   * A fault means: do not send. `budget-exceeded` where `worstNanoUsd` is not covered (call `extend` and open again).
   */
  open(hold: Hold, attempt: Opening): Fault | undefined;
  /**
   * Before the reply's last byte: one line in the journal, and the lease in memory. False where this attempt is not open
   * (already settled or discarded), and then nothing is billed.
   */
  settle(hold: Hold, receipt: Receipt): boolean;
  /** The opened attempt has cost nothing: no upstream took it (refused, unreachable). No receipt. False where it is not open. */
  discard(hold: Hold, attemptId: string): boolean;
  /** Gives back what is left. Safe to call twice. Attempts still open are settled as `interrupted`, by their estimate. */
  release(hold: Hold): void;
  /** Waits until everything settled so far is in the store. */
  flush(): Promise<void>;
  health(): LedgerHealth;
}

export interface LedgerHealth {
  /** False: new holds are refused, because a receipt could not be written or the journal is full. */
  readonly isHealthy: boolean;
  readonly reason?: string;
  /** Bytes in the journal that the store has not taken in yet. */
  readonly journalBytes: number;
  /** Receipts that wait in memory because the disk refused them. */
  readonly unwrittenReceipts: number;
  /** For how long the store has refused work; 0 when it works. */
  readonly storeAwayMs: number;
  readonly openAttempts: number;
}

/** The request record as design and API give it, with the few columns that lists filter by. */
export interface RequestRecord {
  readonly id: string;
  readonly keyId: string;
  readonly atMs: number;
  readonly outcome: string;
  readonly route?: string;
  readonly model?: string;
  /** The whole record, as `GET /v1/decisions/{id}` answers it. */
  readonly body: JsonRecord;
}

export interface RequestQuery {
  readonly orgId?: string;
  readonly keyId?: string;
  readonly outcome?: string;
  readonly route?: string;
  readonly model?: string;
  /** From this moment on, and before that one. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Plain text, in whatever case: a part of the id, of the name of its key, of model, route, outcome, or of the error's text. */
  readonly search?: string;
  /** At most 200. */
  readonly limitMax: number;
  /** Goes on after the last page: its `next`. */
  readonly cursor?: string;
}

/** Newest first. A page may be short, or empty, and have a `next`: so far was looked for it, and no further. */
export interface RequestPage {
  readonly records: readonly JsonRecord[];
  readonly next?: string;
}

/** A key reads its own, the root key all; an organisation those of its keys. */
export type RequestReader = Pick<KeyRow, 'id' | 'isRoot'> | { readonly orgId: string };

export interface Requests {
  /** Never waits. A full queue drops the record and counts it: records are not money. */
  put(record: RequestRecord): void;
  /** The record of an id, also while it still waits in the queue. `undefined` where there is none, or it is not the reader's. */
  get(id: string, reader: RequestReader): Promise<Result<JsonRecord | undefined, Fault>>;
  /** Newest first. */
  list(query: RequestQuery): Promise<Result<RequestPage, Fault>>;
  flush(): Promise<void>;
  dropped(): number;
}

/** What was in force under the id of a snapshot: enough to compile it again. */
export interface StoredSnapshot {
  readonly id: string;
  /** When it first came into force, in milliseconds since 1970. */
  readonly atMs: number;
  /** Version of the gateway that compiled it. */
  readonly release: string;
  /** Which catalog it was compiled with. */
  readonly catalog: string;
  /** What it was compiled from, with a mask for every secret. */
  readonly settings: JsonRecord;
}

export interface Snapshots {
  /** Keeps what has come into force; what is kept already stays as it is. A store in trouble is told of, and not waited for. */
  keep(snapshot: StoredSnapshot): void;
  get(id: string): Promise<Result<StoredSnapshot | undefined, Fault>>;
}

/** What a key says of the answer to one of its requests. */
export interface FeedbackRow {
  readonly requestId: string;
  readonly keyId: string;
  readonly atMs: number;
  /** Who had answered. */
  readonly target: string;
  readonly task: string;
  /** 0: useless, 1: just right. */
  readonly score: number;
}

/** What was said of a target so far; what is old counts for less. */
export interface Opinion {
  /** 0 to 1. */
  readonly mean: number;
  /** Words said, each less by half after a month: no whole number. */
  readonly count: number;
}

export interface Feedback {
  /** Keeps a word; a key's later word on the same request takes the place of its earlier one. */
  give(row: FeedbackRow): Promise<Result<undefined, Fault>>;
  /** What was said of a request, by the key that it came with. */
  of(requestId: string): Promise<Result<FeedbackRow | undefined, Fault>>;
  /** From memory. All keys of a provider are one target here. `undefined`: nothing was said. */
  about(targetId: string, task: string): Opinion | undefined;
}

/** A stretch of the log of requests, in the order in which they ended. */
export interface LogQuery {
  readonly sinceMs: number;
  readonly route?: string;
  /** Of the last row that was read; absent: from the beginning. */
  readonly after?: bigint;
  /** Nothing beyond: what comes while the log is read. */
  readonly upTo?: bigint;
}

/** How much a stretch of the log holds. */
export interface LogExtent {
  readonly rows: number;
  readonly last: bigint;
}

export interface LogRow {
  readonly seq: bigint;
  readonly keyId: string;
  readonly body: JsonRecord;
  /** What its key has said of the answer. */
  readonly feedback?: Pick<FeedbackRow, 'score' | 'task' | 'target'>;
}

/** The log of requests, read page by page: it may be longer than memory. */
export interface RequestLog {
  extent(query: LogQuery): Promise<LogExtent>;
  /** Some hundred rows; none where the stretch is at its end. */
  page(query: LogQuery): Promise<readonly LogRow[]>;
}

/** One change, as `GET /admin/v1/audit` prints it. */
export interface AuditEntry {
  /** 1 for the first, without a gap. */
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Id of the key that asked, `cli`, or `system`. */
  readonly by: string;
  /** Id of the organisation that it is of; absent: of the gateway as a whole, or from before entries had one. */
  readonly org?: string;
  readonly action: string;
  readonly subject: string;
  readonly changes: JsonRecord;
  /** SHA-256 over the entry and the hash before it. */
  readonly hash: string;
}

export interface AuditQuery {
  /** At most 200. */
  readonly limitMax: number;
  readonly orgId?: string;
  readonly action?: string;
  readonly by?: string;
  readonly subject?: string;
  readonly sinceMs?: number;
  /** Before it. */
  readonly untilMs?: number;
  /** Plain text that must stand in action, subject, changes or in who did it, whatever the case of ASCII letters. */
  readonly text?: string;
  readonly isOldestFirst?: boolean;
  /** Goes on after the last page: its `next`. */
  readonly cursor?: string;
}

export interface AuditPage {
  /** Newest first, unless asked for otherwise. */
  readonly entries: readonly AuditEntry[];
  readonly next?: string;
}

export interface UsageQuery {
  readonly sinceMs?: number;
  readonly orgId?: string;
  readonly keyId?: string;
  /** The newest so many rows only; the total is that of all. `Store.usage` takes 100,000 where it is absent. */
  readonly rowsMax?: number;
}

export interface UsageReport {
  /** Oldest first. Receipts of running processes that the store has not taken in yet are among them. */
  readonly rows: readonly UsageRow[];
  /** Of all receipts that were asked for, also of those beyond `rowsMax`. */
  readonly total_nano_usd: bigint;
  readonly receipts: number;
  /** Summed by key, provider and model; dearest first. */
  readonly groups: readonly UsageGroup[];
}

export interface UsageGroup {
  readonly key: string;
  readonly provider: string;
  readonly model: string;
  readonly receipts: number;
  /** Receipts whose price was not known: they are not in the cost. */
  readonly unpriced: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_nano_usd: bigint;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly receipts: number;
  readonly spent_nano_usd: bigint;
  readonly problems: readonly string[];
}

/** A POST with an `Idempotency-Key`. */
export interface Attempted {
  /** Who asks: the same key of another is another one. */
  readonly by: string;
  readonly idempotencyKey: string;
  /** What is asked: method, path and body. */
  readonly asked: string;
}

/** `begun`: nobody has asked this before. `running`: the first is under way. `other`: the key was used for something else. */
export type Attempt =
  | { readonly state: 'begun' | 'running' | 'other' }
  | { readonly state: 'done'; readonly reply: JsonRecord };

/** Replies to POSTs, kept for a day for whoever sends one again because its answer was lost. */
export interface Replies {
  begin(attempted: Attempted): Promise<Result<Attempt, Fault>>;
  /** `undefined`: nothing was done, so that it may be sent again. */
  end(attempted: Attempted, reply: JsonRecord | undefined): Promise<Result<undefined, Fault>>;
}

/** Everything that remembers. `openStore()` in `store.ts` gives one. */
export interface Store {
  readonly keys: Keys;
  readonly budgets: Budgets;
  /** Credentials of providers, sealed. */
  readonly secrets: Secrets;
  /** What a purse has and has spent. `isHeld`: it is held against here, so that its lease tells what the store has not taken in yet. */
  purse(id: string, options?: { readonly isHeld: boolean }): Promise<Result<PurseState, Fault>>;
  readonly ledger: Ledger;
  readonly requests: Requests;
  readonly snapshots: Snapshots;
  readonly feedback: Feedback;
  readonly replies: Replies;
  /** A key for one purpose, the same in all processes on this store, and of no use for any other purpose. */
  readonly keyFor: (purpose: string) => Buffer;
  /** Files and batches. */
  readonly batches: AskBatches;
  readonly reports: AskReports;
  /** Credits, payments, plans, invoices. */
  readonly billing: AskBilling;
  readonly plans: Plans;
  /** Organisations, teams and users. */
  readonly people: People;
  /** What this process is called in the store: what it works on is nobody else's while it lives. */
  readonly processId: string;
  usage(query: UsageQuery): Promise<Result<UsageReport, Fault>>;
  audit(query: AuditQuery): Promise<Result<AuditPage, Fault>>;
  verify(): Promise<Result<VerifyReport, Fault>>;
  /** Learns now what other processes have changed, and not only within the next second. Never rejects. */
  refresh(): Promise<void>;
  /** Writes everything out and gives leases back. Call it after the last request has ended. */
  close(): Promise<void>;
}

export interface StoreOptions extends StorePlace {
  /** Folder of the database, the secret and the journals; made where it is missing. */
  readonly dataDir: string;
  /** `TURNOUT_ADMIN_KEY`: the root key, any text of 32 characters or more. */
  readonly adminKey?: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** For how long known keys are honoured while the store is away. Ten minutes where it is absent. */
  readonly graceMs?: number;
  /** Told what an operator should know (the store is away, the disk is full), once and not for every try. */
  readonly warn?: (text: string) => void;
}

/** Tells a hold from a fault. */
export function isHold(value: Held): value is Hold {
  return 'kind' in value;
}

/** A turn of a conversation, kept for those who go on from it by its id. */
export interface StoredTurn {
  readonly id: string;
  readonly keyId: string;
  /** The reply before it. */
  readonly previousId?: string;
  /** Key of the provider that keeps the reply itself, under the same id. */
  readonly knownTo?: string;
  /** JSON: `{input, reply}`. */
  readonly text: string;
}

/** No key sees another's. Bounded: what is oldest, or was not used for longest, goes. */
export interface KeptTurns {
  put(turn: StoredTurn): void;
  get(id: string, keyId: string): StoredTurn | undefined;
  /** False where there is none. */
  remove(id: string, keyId: string): boolean;
  size(): { readonly turns: number; readonly bytes: number };
  /**
   * Brings the conversation up to `id` here, where another process keeps what is missing of it; undefined where nothing is
   * missing. Absent: nobody else keeps any.
   */
  fetch?(id: string, keyId: string): Promise<void> | undefined;
}
