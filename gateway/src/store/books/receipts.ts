/** Receipts: from the journals into the database, each once, with the money they moved. */
import type { Insertable, Kysely, Transaction } from 'kysely';
import type { NanoUsd } from '../../money/price.ts';
import { returnLeases } from './leases.ts';
import { purseIdOf, sumsOf, type Booked } from './booked.ts';
import { isPostgres, syncToDisk } from './differences.ts';
import type { Books, TakenIn } from './form.ts';
import { usageAdder } from './usage.ts';
import { bulkInsert } from './bulk-insert.ts';
import { dropSegments, journalsIn, readJournal, segmentsOf, type JournalPosition } from '../journal.ts';
import type { JournalEntry } from '../journal-entry.ts';
import { noteUnpriced } from './prices.ts';
import { lockPurses } from './lock-purses.ts';
import { noteThresholds } from './thresholds.ts';
import type { Labels, Receipt } from '../ports.ts';
import { termsOf } from './purse-terms.ts';
import { lockFiles, takeLock } from './process-lock.ts';
import type { ReceiptsTable, Tables } from './schema.ts';
import { accountOf, newPosting, transfer } from './transfers.ts';

/** A lock file without a journal is one just being born, unless it is as old as this. */
const BIRTH_MS = 60_000;

/** Ids asked for in one query. */
const IDS_AT_ONCE = 500;

const START: JournalPosition = { segment: 0, offset: 0 };

type ReceiptBooks = Pick<Books, 'takeIn' | 'dropJournal' | 'endProcess' | 'recover'>;

/** The database with the statement that every receipt goes through. */
interface Writer {
  readonly db: Kysely<Tables>;
  /** Gives how many were not there yet. */
  readonly insert: (db: Kysely<Tables>, rows: readonly ReceiptRow[]) => Promise<{ readonly count: bigint }>;
  readonly addUsage: ReturnType<typeof usageAdder>;
}

export function receiptBooks(db: Kysely<Tables>, dataDir: string): ReceiptBooks {
  const insert = bulkInsert((rows: readonly ReceiptRow[]) =>
    db
      .insertInto('receipts')
      .values(rows)
      .onConflict((conflict) => conflict.column('id').doNothing())
      .compile(),
  );
  const writer: Writer = { db, insert, addUsage: usageAdder(db) };
  const takeIn = async (processId: string, from: JournalPosition, atMs: number): Promise<TakenIn> => {
    const piece = readJournal({ dataDir, processId, from }, 'settled');
    const receipts = await post(writer, { processId, receipts: piece.entries.flatMap(settledReceipt), atMs });
    return { to: piece.to, isEnd: piece.isEnd, receipts };
  };
  const endProcess = async (processId: string, atMs: number): Promise<void> => {
    await takeInAll(writer, { dataDir, processId, atMs });
    await db.transaction().execute(async (trx) => returnLeases(trx, processId, atMs));
    await syncToDisk(db);
    dropSegments(dataDir, processId, Infinity);
  };
  return {
    takeIn,
    dropJournal: async (processId, segment) => {
      if (segmentsOf(dataDir, processId).every((number) => number >= segment)) return;
      await syncToDisk(db);
      dropSegments(dataDir, processId, segment);
    },
    endProcess,
    recover: async (atMs) => {
      let recovered = 0;
      for (const processId of await candidates(db, dataDir, atMs)) {
        // Held by the kernel for the living. Having it ourselves keeps a second process from doing this at the same time.
        const lock = takeLock(dataDir, processId);
        if (lock === undefined) continue;
        try {
          await endProcess(processId, atMs);
          lock.release();
          recovered += 1;
        } finally {
          lock.drop();
        }
      }
      return recovered;
    },
  };
}

/** Processes that have left anything behind here. Most of them live. */
async function candidates(db: Kysely<Tables>, dataDir: string, atMs: number): Promise<readonly string[]> {
  const stale = lockFiles(dataDir).filter((file) => atMs - file.madeMs > BIRTH_MS);
  const ids = [...journalsIn(dataDir), ...(await lessees(db)), ...stale.map((file) => file.processId)];
  return [...new Set(ids)];
}

/** Leases in PostgreSQL may be those of other machines, whose locks and journals are there. */
async function lessees(db: Kysely<Tables>): Promise<readonly string[]> {
  if (isPostgres(db)) return [];
  const leases = await db
    .selectFrom('accounts')
    .select('process_id')
    .distinct()
    .where('process_id', '!=', '')
    .where('balance', '>', 0n)
    .execute();
  return leases.map((lease) => lease.process_id);
}

/** Takes in a whole journal whose process writes no more; attempts that it left open become receipts by their estimate. */
async function takeInAll(
  writer: Writer,
  { dataDir, processId, atMs }: { readonly dataDir: string; readonly processId: string; readonly atMs: number },
): Promise<void> {
  const open = new Map<string, Receipt>();
  let position = START;
  for (;;) {
    const piece = readJournal({ dataDir, processId, from: position });
    trackOpen(open, piece.entries);
    await post(writer, { processId, receipts: piece.entries.flatMap(settledReceipt), atMs });
    if (piece.isEnd) break;
    position = piece.to;
  }
  await post(writer, { processId, receipts: [...open.values()], atMs });
}

/** Keeps the receipts of attempts that are opened and neither settled nor discarded. */
export function trackOpen(open: Map<string, Receipt>, entries: readonly JournalEntry[]): void {
  for (const entry of entries) {
    if (entry.kind === 'opened') open.set(entry.id, entry.receipt);
    else open.delete(entry.id);
  }
}

export function settledReceipt(entry: JournalEntry): readonly Receipt[] {
  return entry.kind === 'settled' ? [entry.receipt] : [];
}

interface Batch {
  readonly processId: string;
  readonly receipts: readonly Receipt[];
  readonly atMs: number;
}

/** Writes receipts that are not there yet, and moves what they cost from the process's leases to what is spent. */
async function post({ db, insert, addUsage }: Writer, { processId, receipts, atMs }: Batch): Promise<number> {
  if (receipts.length === 0) return 0;
  return db.transaction().execute(async (trx) => {
    await lockPurses(
      trx,
      receipts.flatMap(({ keyId, purses = [] }) => [keyId, ...purses.map(purseIdOf)]),
    );
    const postingId = await newPosting(trx, processId, atMs);
    const rows = receipts.map((receipt) => rowOf(receipt, postingId));
    const { count } = await insert(trx, rows);
    const written = count === BigInt(rows.length) ? rows : await writtenOf(trx, rows, postingId);
    if (written.length === 0) await trx.deleteFrom('postings').where('id', '=', postingId).execute();
    for (const [purseId, nanoUsd] of sumsOf(written))
      await spend(trx, { postingId, processId, purseId, nanoUsd, atMs });
    await noteUnpriced(trx, written, atMs);
    await addUsage(trx, written);
    return written.length;
  });
}

/** Those of them that were not there before, as after a crash some were. Of two with one id the first was written. */
async function writtenOf(
  trx: Transaction<Tables>,
  rows: readonly ReceiptRow[],
  postingId: bigint,
): Promise<readonly ReceiptRow[]> {
  const byId = new Map(rows.toReversed().map((row) => [row.id, row]));
  const written: ReceiptRow[] = [];
  const ids = [...byId.keys()].toReversed();
  for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
    const found = await trx
      .selectFrom('receipts')
      .select('id')
      .where('id', 'in', ids.slice(at, at + IDS_AT_ONCE))
      .where('posting_id', '=', postingId)
      .execute();
    written.push(...found.flatMap(({ id }) => byId.get(id) ?? []));
  }
  return written;
}

interface Spend {
  readonly postingId: bigint;
  readonly processId: string;
  readonly purseId: string;
  readonly nanoUsd: NanoUsd;
  readonly atMs: number;
}

/** What the lease does not cover comes from the funds: all of it for purses without a limit, else what went over a hold. */
async function spend(trx: Transaction<Tables>, { postingId, processId, purseId, nanoUsd, atMs }: Spend): Promise<void> {
  if (nanoUsd === 0n) return;
  const spent = await accountOf(trx, { kind: 'spent', purseId });
  const lease = await accountOf(trx, { kind: 'lease', purseId, processId });
  const covered = lease.balance < nanoUsd ? lease.balance : nanoUsd;
  await transfer(trx, { postingId, kind: 'spend', from: lease, to: spent, nanoUsd: covered });
  if (covered < nanoUsd) {
    const funds = await accountOf(trx, { kind: 'funds', purseId });
    const { isOpen } = await termsOf(trx, purseId);
    const kind = isOpen ? 'open-spend' : 'overspend';
    await transfer(trx, { postingId, kind, from: funds, to: spent, nanoUsd: nanoUsd - covered });
  }
  await noteThresholds(trx, purseId, { before: spent.balance, after: spent.balance + nanoUsd, atMs });
}

/** A receipt as a row, with all that says how it is booked. */
type ReceiptRow = Insertable<ReceiptsTable> & Booked;

export function rowOf(receipt: Receipt, postingId: bigint): ReceiptRow {
  return {
    id: receipt.attemptId,
    posting_id: postingId,
    request_id: receipt.requestId,
    key_id: receipt.keyId,
    provider: receipt.provider,
    model: receipt.model,
    target: receipt.target,
    outcome: receipt.outcome,
    finish: receipt.finish ?? null,
    is_estimated: receipt.isEstimated ? 1 : 0,
    ...countColumns(receipt.usage),
    cost_nano_usd: receipt.costNanoUsd ?? null,
    charge_nano_usd: receipt.chargeNanoUsd ?? null,
    at: receipt.atMs,
    purses: (receipt.purses ?? []).join(' '),
    is_first: receipt.isRepeat === true ? 0n : 1n,
    ...labelColumns(receipt.labels ?? {}),
  };
}

function countColumns(usage: Receipt['usage']) {
  return {
    input_tokens: usage.inputTokens ?? null,
    cached_input_tokens: usage.cachedInputTokens ?? null,
    cache_write_tokens: usage.cacheWriteTokens ?? null,
    output_tokens: usage.outputTokens ?? null,
    reasoning_tokens: usage.reasoningTokens ?? null,
  };
}

function labelColumns(labels: Labels) {
  const { orgId, teamId, userId, endUser, route, conversation, experiment, tags } = labels;
  return {
    org_id: orgId ?? null,
    team_id: teamId ?? null,
    user_id: userId ?? null,
    end_user: endUser ?? null,
    route: route ?? null,
    conversation: conversation ?? null,
    experiment: experiment ?? null,
    tags: tags === undefined || tags.length === 0 ? null : JSON.stringify(tags),
  };
}
