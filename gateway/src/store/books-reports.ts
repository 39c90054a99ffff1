/** Reports: usage, and the proof that the ledger is right. They only read, and count what still stands in journals too. */
import { sql, type Kysely, type Selectable } from 'kysely';
import type { Books } from './books.ts';
import { settledReceipt, trackOpen } from './books-receipts.ts';
import { journalsIn, readJournal, type JournalPosition } from './journal.ts';
import type { Receipt, UsageQuery, UsageReport, UsageRow, VerifyReport } from './ports.ts';
import { isAlive } from './process-lock.ts';
import type { ReceiptsTable, Tables } from './schema.ts';
import { ledgerProblems } from './ledger-problems.ts';

/** Ids asked for in one query. */
const IDS_AT_ONCE = 500;
const START: JournalPosition = { segment: 0, offset: 0 };

type ReportBooks = Pick<Books, 'usage' | 'verify'>;

export function reportBooks(db: Kysely<Tables>, dataDir: string): ReportBooks {
  return {
    usage: async (query) => {
      // Journals first: a receipt that is taken in meanwhile is then seen twice, and counted once by its id. The other
      // way round it would not be seen at all.
      const { receipts } = readJournals(dataDir);
      return reading(db, async (snapshot) => usage(snapshot, query, receipts));
    },
    verify: async () => {
      const { receipts, damaged } = readJournals(dataDir);
      return reading(db, async (snapshot) => verify(snapshot, receipts, damaged));
    },
  };
}

/** One view of the database for several queries, without keeping writers out. */
async function reading<T>(db: Kysely<Tables>, read: (snapshot: Kysely<Tables>) => Promise<T>): Promise<T> {
  return db.connection().execute(async (connection) => {
    await sql`begin deferred`.execute(connection);
    try {
      return await read(connection);
    } finally {
      await sql`commit`.execute(connection);
    }
  });
}

interface Journaled {
  readonly receipts: readonly Receipt[];
  /** Names of the journals that hold whole lines which are not what was written. */
  readonly damaged: readonly string[];
}

/** The receipts of all journals: what was settled, and what dead processes left open. */
function readJournals(dataDir: string): Journaled {
  const receipts: Receipt[] = [];
  const damaged: string[] = [];
  for (const processId of journalsIn(dataDir)) {
    const open = new Map<string, Receipt>();
    // Asked before reading: one that dies while we read has then still been running, and its open attempts with it.
    const isRunning = isAlive(dataDir, processId);
    let position = START;
    let isDamaged = false;
    for (;;) {
      const piece = readJournal(dataDir, processId, position);
      trackOpen(open, piece.entries);
      receipts.push(...piece.entries.flatMap(settledReceipt));
      isDamaged ||= piece.damaged > 0;
      if (piece.isEnd) break;
      position = piece.to;
    }
    if (!isRunning) receipts.push(...open.values());
    if (isDamaged) damaged.push(processId);
  }
  return { receipts, damaged };
}

async function usage(db: Kysely<Tables>, query: UsageQuery, journaled: readonly Receipt[]): Promise<UsageReport> {
  const { sinceMs, keyId } = query;
  let select = db.selectFrom('receipts').orderBy('at').orderBy('id');
  if (sinceMs !== undefined) select = select.where('at', '>=', BigInt(Math.ceil(sinceMs)));
  if (keyId !== undefined) select = select.where('key_id', '=', keyId);
  const stored = (await select.selectAll().execute()).map(storedRow);
  const known = new Set(stored.map((row) => row.id));
  const asked = journaled.filter(
    (receipt) =>
      !known.has(receipt.attemptId) &&
      (sinceMs === undefined || receipt.atMs >= sinceMs) &&
      (keyId === undefined || receipt.keyId === keyId),
  );
  const fresh = once(asked).map(journaledRow);
  const rows = fresh.length === 0 ? stored : [...stored, ...fresh].toSorted(byTime);
  return { rows, total_nano_usd: rows.reduce((sum, row) => sum + (row.cost_nano_usd ?? 0n), 0n) };
}

function byTime(a: UsageRow, b: UsageRow): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

async function verify(db: Kysely<Tables>, journaled: readonly Receipt[], damaged: readonly string[]): Promise<VerifyReport> {
  const fresh = await notStored(db, journaled);
  const stored = await db
    .selectFrom('receipts')
    .select((eb) => [eb.fn.countAll<bigint>().as('count'), sql<bigint>`coalesce(sum(cost_nano_usd), 0)`.as('sum')])
    .executeTakeFirstOrThrow();
  const problems = [
    ...(await ledgerProblems(db)),
    ...damaged.map((processId) => `the journal of process ${processId} has lines that are not what was written`),
  ];
  return {
    ok: problems.length === 0,
    receipts: Number(stored.count) + fresh.length,
    spent_nano_usd: fresh.reduce((sum, receipt) => sum + (receipt.costNanoUsd ?? 0n), stored.sum),
    problems,
  };
}

async function notStored(db: Kysely<Tables>, receipts: readonly Receipt[]): Promise<readonly Receipt[]> {
  const known = new Set<string>();
  for (let at = 0; at < receipts.length; at += IDS_AT_ONCE) {
    const ids = receipts.slice(at, at + IDS_AT_ONCE).map((receipt) => receipt.attemptId);
    for (const row of await db.selectFrom('receipts').select('id').where('id', 'in', ids).execute()) known.add(row.id);
  }
  return once(receipts.filter((receipt) => !known.has(receipt.attemptId)));
}

function once(receipts: readonly Receipt[]): readonly Receipt[] {
  return [...new Map(receipts.map((receipt) => [receipt.attemptId, receipt])).values()];
}

function storedRow(row: Selectable<ReceiptsTable>): UsageRow {
  return {
    id: row.id,
    request_id: row.request_id,
    key: row.key_id,
    model: row.model,
    provider: row.provider,
    target: row.target,
    outcome: row.outcome,
    estimated: row.is_estimated === 1n,
    input_tokens: count(row.input_tokens),
    cached_input_tokens: count(row.cached_input_tokens),
    cache_write_tokens: count(row.cache_write_tokens),
    output_tokens: count(row.output_tokens),
    reasoning_tokens: count(row.reasoning_tokens),
    cost_nano_usd: row.cost_nano_usd,
    at: new Date(Number(row.at)).toISOString(),
  };
}

function count(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}

function journaledRow(receipt: Receipt): UsageRow {
  const { usage } = receipt;
  return {
    id: receipt.attemptId,
    request_id: receipt.requestId,
    key: receipt.keyId,
    model: receipt.model,
    provider: receipt.provider,
    target: receipt.target,
    outcome: receipt.outcome,
    estimated: receipt.isEstimated,
    input_tokens: usage.inputTokens ?? null,
    cached_input_tokens: usage.cachedInputTokens ?? null,
    cache_write_tokens: usage.cacheWriteTokens ?? null,
    output_tokens: usage.outputTokens ?? null,
    reasoning_tokens: usage.reasoningTokens ?? null,
    cost_nano_usd: receipt.costNanoUsd ?? null,
    at: new Date(receipt.atMs).toISOString(),
  };
}
