/** What can be asked of the books: keys, leases, receipts and request records as they are stored. `books.ts` opens them. */
import type { JsonRecord } from '../../lib/json.ts';
import type { NanoUsd } from '../../money/price.ts';
import type { BatchBooks } from '../batch-ports.ts';
import type { BillingBooks } from '../billing-ports.ts';
import type { BudgetPatch, BudgetRow } from '../budget-ports.ts';
import type { JournalPosition } from '../journal.ts';
import type { PeopleBooks } from '../people-ports.ts';
import type { SecretRow } from '../secret-ports.ts';
import type {
  AuditPage,
  AuditQuery,
  FeedbackRow,
  KeyOwner,
  KeyPatch,
  KeyRow,
  LogExtent,
  LogQuery,
  LogRow,
  RequestQuery,
  StoredSnapshot,
  UsageQuery,
  UsageReport,
  VerifyReport,
} from '../ports.ts';
import type { ReportBooks } from '../report-ports.ts';

/** A key as it is stored. */
export interface StoredKey extends KeyRow {
  /** HMAC of the token; absent once the key is removed. */
  readonly hash?: string;
  /** HMAC of the token before the last rotation, as long as it may still be taken. */
  readonly oldHash?: string;
  readonly revision: bigint;
}

/** A change of a key. `roleMax`: as it is from now on, or none any more; absent: as it was. */
export type KeyChange = KeyPatch & { readonly roleMax?: KeyRow['roleMax'] | null };

/** When a key is changed, and for whom; `system` where nobody is named. */
export interface KeyDeed {
  readonly atMs: number;
  readonly by?: string;
  /** Only where this is its revision still. */
  readonly ifRevision?: string;
}

/** Whether the audit log is what was written. */
export interface AuditProof {
  readonly entries: number;
  /** Empty where there is no entry. */
  readonly lastHash: string;
  readonly problems: readonly string[];
}

/** A budget as it is stored. */
export interface StoredBudget extends BudgetRow {
  readonly isRemoved: boolean;
  readonly revision: bigint;
}

/** The HMAC of a key's next token, and until when the one before is taken. */
export interface Rotation {
  readonly hash: string;
  readonly oldUntilMs: number;
  /** As it is from now on; absent: none. */
  readonly roleMax?: KeyRow['roleMax'];
}

export interface KeyUse {
  readonly keyId: string;
  readonly atMs: number;
}

export interface DrawOrder {
  readonly processId: string;
  readonly purseId: string;
  /** What is needed now, by all that wait. */
  readonly needNanoUsd: NanoUsd;
  /** The least that is of use to any of them. */
  readonly leastNanoUsd: NanoUsd;
  readonly atMs: number;
}

export interface Balances {
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  /** Handed out to this process and not taken in as spent. */
  readonly leasedHereNanoUsd: NanoUsd;
  readonly leasedElsewhereNanoUsd: NanoUsd;
}

export interface Draw extends Balances {
  /** Less than what was needed only where there is no more. */
  readonly givenNanoUsd: NanoUsd;
}

export interface ReturnOrder {
  readonly processId: string;
  readonly purseId: string;
  /** `all`: whatever the lease still holds. Only where this process has nothing held and everything taken in. */
  readonly amountNanoUsd: NanoUsd | 'all';
  readonly atMs: number;
}

export interface Recalls {
  readonly purseIds: readonly string[];
  readonly revision: bigint;
}

/** A process that money is handed out to. `journal-here`: dead, and whoever starts in this data folder takes it in. */
export interface Lessee {
  readonly processId: string;
  readonly leasedNanoUsd: NanoUsd;
  readonly state: 'alive' | 'journal-here' | 'gone';
}

export type Released =
  | { readonly releasedNanoUsd: NanoUsd }
  | { readonly refused: Exclude<Lessee['state'], 'gone'> | 'no-lease' };

export interface TakenIn {
  readonly to: JournalPosition;
  readonly isEnd: boolean;
  readonly receipts: number;
}

export interface StoredRequest {
  readonly id: string;
  readonly keyId: string;
  readonly atMs: number;
  readonly outcome: string;
  readonly route?: string;
  readonly model?: string;
  /** What a search finds it by: `searchWords`. Absent: nothing. */
  readonly words?: string;
  /** JSON text. */
  readonly body: string;
}

export interface FoundRequest {
  readonly keyId: string;
  readonly orgId?: string;
  readonly body: JsonRecord;
}

export interface RequestList {
  readonly records: readonly JsonRecord[];
  readonly next?: string;
}

/** What was said on one day of one target at one task. */
export interface FeedbackSum {
  /** Days since 1970. */
  readonly day: number;
  readonly target: string;
  readonly task: string;
  readonly count: number;
  readonly sum: number;
}

/** What is kept of decisions, and of what was said of them. */
export interface DecisionBooks {
  /** Records that are there already are left as they are. */
  putRequests(records: readonly StoredRequest[]): Promise<void>;
  getRequest(id: string): Promise<FoundRequest | undefined>;
  listRequests(query: RequestQuery): Promise<RequestList>;
  logExtent(query: LogQuery): Promise<LogExtent>;
  readLog(query: LogQuery): Promise<readonly LogRow[]>;
  /** Takes away the oldest records beyond `rowsMax`, some at a time. */
  pruneRequests(rowsMax: number): Promise<void>;

  /** What is there already is left as it is. Beyond a bound the oldest go. */
  putSnapshot(snapshot: StoredSnapshot): Promise<void>;
  getSnapshot(id: string): Promise<StoredSnapshot | undefined>;

  /** Gives the word that this one takes the place of. */
  putFeedback(row: FeedbackRow): Promise<FeedbackRow | undefined>;
  getFeedback(requestId: string): Promise<FeedbackRow | undefined>;
  /** Of that day and later ones. */
  feedbackSums(sinceDay: number): Promise<readonly FeedbackSum[]>;
  /** Takes away the oldest words beyond `rowsMax`, some at a time. */
  pruneFeedback(rowsMax: number): Promise<void>;
}

/** Replies as they are stored: what is in them is sealed. */
export interface ReplyBooks {
  beginReply(order: ReplyOrder): Promise<ReplyState>;
  /** Absent: forgotten. */
  endReply(id: string, sealed: string | undefined): Promise<void>;
  /** Takes away those before `beforeMs`, and the oldest beyond `rowsMax`. */
  pruneReplies(beforeMs: number, rowsMax: number): Promise<void>;
}

export interface ReplyOrder {
  readonly id: string;
  readonly digest: string;
  readonly atMs: number;
  /** Older ones are as if they were not there. */
  readonly keptFromMs: number;
  /** Whoever began before it and has not ended is dead. */
  readonly runningFromMs: number;
}

export type ReplyState =
  | { readonly state: 'begun' | 'running' | 'other' }
  | { readonly state: 'done'; readonly sealed: string };

/** A sealed credential as it is stored. */
export interface StoredSecret extends SecretRow {
  readonly sealed: string;
}

export interface SecretList {
  readonly revision: bigint;
  /** All that there are, by provider and age. */
  readonly secrets: readonly StoredSecret[];
}

/** Credentials of providers, sealed. */
export interface SecretBooks {
  /** `undefined`: nothing has changed after `revision`. */
  secretChanges(revision: bigint): Promise<SecretList | undefined>;
  /** One of the same provider and name is taken away. */
  saveSecret(secret: Omit<StoredSecret, 'isDisabled' | 'revision'>, deed: KeyDeed): Promise<StoredSecret>;
  disableSecret(id: string, isDisabled: boolean, deed: KeyDeed): Promise<StoredSecret | undefined>;
  removeSecret(id: string, deed: KeyDeed): Promise<boolean>;
  /** Gives all of them other seals. False, and nothing is changed, where these are not all, or not what is stored. */
  resealSecrets(
    seals: readonly { readonly id: string; readonly before: string; readonly after: string }[],
    deed: KeyDeed,
  ): Promise<boolean>;
}

/** Keys, and when they were used. */
export interface KeyBooks {
  /** Keys changed after `revision`, removed ones among them. */
  keyChanges(revision: bigint): Promise<readonly StoredKey[]>;
  createKey(
    key: Omit<KeyRow, 'isDisabled'> & { readonly isDisabled?: boolean; readonly hash: string },
    by?: string,
  ): Promise<StoredKey>;
  changeKey(id: string, change: KeyChange, deed: KeyDeed): Promise<StoredKey | undefined>;
  removeKey(id: string, deed: KeyDeed): Promise<StoredKey | undefined>;
  rotateKey(id: string, tokens: Rotation, deed: KeyDeed): Promise<StoredKey | undefined>;
  /** Which part of an owner is not there; undefined where all are, and belong together. */
  missingOwner(owner: KeyOwner): Promise<keyof KeyOwner | undefined>;
  /** Notes when keys were used; an earlier time than is known changes nothing. */
  noteUses(uses: readonly KeyUse[]): Promise<void>;
  keyUses(): Promise<readonly KeyUse[]>;
}

/** All methods throw `StoreError`s or SQLite's own errors; `troubleOf` tells them from bugs. */
export interface Books
  extends BatchBooks, BillingBooks, DecisionBooks, KeyBooks, PeopleBooks, ReplyBooks, ReportBooks, SecretBooks {
  /** Budgets changed after `revision`, removed ones among them. */
  budgetChanges(revision: bigint): Promise<readonly StoredBudget[]>;
  createBudget(budget: BudgetRow, deed: KeyDeed): Promise<StoredBudget>;
  /** What of a budget names an organisation, team, user or key that is not there, or belongs to another organisation. */
  missingOfBudget(budget: BudgetRow): Promise<'org' | 'subject' | undefined>;
  changeBudget(id: string, patch: BudgetPatch, deed: KeyDeed): Promise<StoredBudget | undefined>;
  removeBudget(id: string, deed: KeyDeed): Promise<StoredBudget | undefined>;
  /** Who changed what, newest first. */
  audit(query: AuditQuery): Promise<AuditPage>;
  /** Makes the chain of hashes anew. */
  verifyAudit(): Promise<AuditProof>;

  /** Hands a slice of a purse out to a process: what it needs, and some in reserve while there is plenty. */
  draw(order: DrawOrder): Promise<Draw>;
  giveBack(order: ReturnOrder): Promise<void>;
  balances(purseId: string, processId: string): Promise<Balances>;
  /** Purses whose reserve is called back since that revision of calls. */
  recalls(revision: bigint): Promise<Recalls>;

  /** Takes in the receipts of a piece of a journal, each once however often it is read. */
  takeIn(processId: string, from: JournalPosition, atMs: number): Promise<TakenIn>;
  /** Takes away the segments before `segment`, whose receipts are in the store, once they are on the disk. */
  dropJournal(processId: string, segment: number): Promise<void>;
  /** Takes in all of the journal, gives all leases back and takes the journal away. For the process's own orderly end. */
  endProcess(processId: string, atMs: number): Promise<void>;
  /** The same for processes that died, whose open attempts become `interrupted`. Gives how many there were. */
  recover(atMs: number): Promise<number>;

  /** Processes that money is handed out to. */
  lessees(): Promise<readonly Lessee[]>;
  /** Takes back what is handed out to a process that is gone for good. */
  release(processId: string, deed: KeyDeed): Promise<Released>;
  /** The number that the first caller gave. */
  agree(mark: 'secret', value: bigint): Promise<bigint>;

  usage(query: UsageQuery): Promise<UsageReport>;
  verify(): Promise<VerifyReport>;
  close(): Promise<void>;
}

export interface BooksOptions {
  readonly dataDir: string;
  /** How long one query waits for another writer of SQLite. */
  readonly busyMs: number;
  /** `postgres://…`; absent: SQLite in the data folder. Holds a password: never to be shown. */
  readonly url?: string;
  /** On PostgreSQL: the process whose life is to be proved as long as the books are open. */
  readonly processId?: string;
  /** On PostgreSQL: for how long a process may be without a session before its work is taken over. */
  readonly deadAfterMs?: number;
}
