/** What the store keeps of files and batches: their rows, and the results of lines until a batch ends. The bytes of files lie beside it. */
import type { Fault } from '../chat/fault.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { CallerRegion } from '../understand/facts.ts';

export interface StoredFile {
  /** Also its name on the disk. */
  readonly id: string;
  readonly keyId: string;
  /** `batch`, `batch_output`; `messages` and `messages_output` for those of Anthropic's batches, which no list shows. */
  readonly purpose: string;
  readonly filename: string;
  readonly bytes: number;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** What one key may have at the same time. */
export interface FileRoom {
  readonly bytesMax: number;
  readonly filesMax: number;
}

export interface PageQuery {
  readonly keyId?: string;
  readonly limitMax: number;
  /** Goes on after the row of this id. */
  readonly after?: string;
  /** Ends before the row of this id (Anthropic's `before_id`). */
  readonly before?: string;
  /** Absent: newest first. */
  readonly isOldestFirst?: boolean;
}

export interface FileQuery extends PageQuery {
  readonly purposes: readonly string[];
}

export interface BatchQuery extends PageQuery {
  /** Absent: batches of both protocols. */
  readonly form?: BatchForm;
  /** Those of its keys. */
  readonly orgId?: string;
}

export interface Page<T> {
  readonly rows: readonly T[];
  readonly hasMore: boolean;
}

/** In whose protocol it was made. */
export type BatchForm = 'openai' | 'anthropic';

/** OpenAI's words. The last four are ends. */
export type BatchStatus =
  | 'validating'
  | 'in_progress'
  | 'finalizing'
  | 'cancelling'
  | 'failed'
  | 'completed'
  | 'expired'
  | 'cancelled';

/** How many lines ended how. What is in none of them has no result yet. */
export interface LineCounts {
  readonly succeeded: number;
  readonly errored: number;
  readonly canceled: number;
  readonly expired: number;
}

export interface StoredBatch extends LineCounts {
  readonly id: string;
  readonly keyId: string;
  readonly form: BatchForm;
  /** Path of the operation, as `/v1/chat/completions`. */
  readonly endpoint: string;
  readonly status: BatchStatus;
  /** Process that works on it; empty where none does. */
  readonly processId: string;
  readonly inputFileId: string;
  readonly outputFileId?: string;
  readonly errorFileId?: string;
  /** How long its output is kept. */
  readonly keepMs: number;
  /** Lines; 0 before they were counted. */
  readonly total: number;
  readonly createdAtMs: number;
  /** End of its window. */
  readonly expiresAtMs: number;
  readonly startedAtMs?: number;
  readonly finalizingAtMs?: number;
  readonly cancellingAtMs?: number;
  readonly endedAtMs?: number;
  /** OpenAI's `errors.data`. */
  readonly errors?: readonly JsonRecord[];
  readonly metadata?: JsonRecord;
  /** What was handed to a provider's own batch API (`batches/native.ts`). */
  readonly native?: JsonRecord;
  /** Where its caller was when it was handed in: so it is for its lines. */
  readonly seen?: CallerRegion;
}

export type NewBatch = Pick<
  StoredBatch,
  'id' | 'keyId' | 'form' | 'endpoint' | 'inputFileId' | 'keepMs' | 'createdAtMs' | 'expiresAtMs' | 'metadata' | 'seen'
>;

/** What is absent stays as it is. */
export type BatchChange = Partial<
  Pick<
    StoredBatch,
    | 'status'
    | 'outputFileId'
    | 'errorFileId'
    | 'total'
    | 'startedAtMs'
    | 'finalizingAtMs'
    | 'cancellingAtMs'
    | 'endedAtMs'
    | 'errors'
    | 'native'
  >
>;

export type LineState = keyof LineCounts;

export interface LineResult {
  /** Of the input file, from 1. */
  readonly line: number;
  readonly state: LineState;
  /** The line of the output file. */
  readonly text: string;
}

/** All of it throws `StoreError`s or SQLite's own errors. */
export interface BatchBooks {
  /** False where the key has no room for it. */
  putFile(file: StoredFile, room: FileRoom): Promise<boolean>;
  /** Whether a file of so many bytes would find room. */
  hasRoom(keyId: string, bytes: number, room: FileRoom): Promise<boolean>;
  getFile(id: string): Promise<StoredFile | undefined>;
  listFiles(query: FileQuery): Promise<Page<StoredFile>>;
  /** Takes the row away, unless a batch that has not ended reads the file: then `used`. */
  removeFile(id: string): Promise<'removed' | 'used' | 'unknown'>;
  /** Some of the files whose time is over and that no running batch reads. */
  expiredFiles(atMs: number): Promise<readonly string[]>;
  /** Those of `ids` that have a row. */
  knownFiles(ids: readonly string[]): Promise<readonly string[]>;

  /** Undefined where so many batches of the key have not ended. */
  putBatch(batch: NewBatch, runningMax: number): Promise<StoredBatch | undefined>;
  getBatch(id: string): Promise<StoredBatch | undefined>;
  listBatches(query: BatchQuery): Promise<Page<StoredBatch>>;
  /** Changes it if its status is one of `from`; gives it as it is now. */
  changeBatch(id: string, change: BatchChange, from: readonly BatchStatus[]): Promise<StoredBatch | undefined>;
  /** Takes an ended batch and its results away. False where it has not ended. */
  removeBatch(id: string): Promise<boolean>;
  /** Takes away some batches that ended so long ago that their output is gone, too. */
  pruneBatches(atMs: number): Promise<void>;
  /** All running batches of that process, after it has taken those of nobody, and of the dead. */
  claimBatches(processId: string): Promise<readonly StoredBatch[]>;

  /** Results of lines that have one already are dropped. Gives the batch as it is now. */
  putResults(id: string, results: readonly LineResult[]): Promise<StoredBatch | undefined>;
  /** Lines that have a result, in order. */
  resultLines(id: string): Promise<readonly number[]>;
  /** Results after a line, in order: some megabytes at most, and at least one where there is any. */
  readResults(id: string, afterLine: number): Promise<readonly LineResult[]>;
  /** Takes some results of ended batches away; false where there are none left. */
  dropResults(): Promise<boolean>;
}

/** The port: asks the books, again while the store is busy. */
export type AskBatches = <T>(ask: (books: BatchBooks) => Promise<T>) => Promise<Result<T, Fault>>;

/** Statuses of a batch that somebody has to work on. */
export const RUNNING: readonly BatchStatus[] = ['validating', 'in_progress', 'finalizing', 'cancelling'];
