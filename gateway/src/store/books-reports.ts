/** Reports: usage, and the proof that the ledger is right. They only read, and count what still stands in journals too. */
import { sql, type Kysely, type Selectable } from 'kysely';
import { auditProblems } from './books-audit.ts';
import type { Books } from './books-form.ts';
import { oneView } from './differences.ts';
import { settledReceipt, trackOpen } from './books-receipts.ts';
import { journalsIn, readJournal, type JournalPosition } from './journal.ts';
import type { Receipt, UsageGroup, UsageQuery, UsageReport, UsageRow, VerifyReport } from './ports.ts';
import { isAlive } from './process-lock.ts';
import type { ReceiptsTable, Tables } from './schema.ts';
import { ledgerProblems } from './ledger-problems.ts';
import { receiptProblems } from './ledger-receipts.ts';

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
      return oneView(db, async (snapshot) => usageReport(snapshot, query, receipts));
    },
    verify: async () => {
      const { receipts, damaged } = readJournals(dataDir);
      return oneView(db, async (snapshot) => verifyReport(snapshot, receipts, damaged));
    },
  };
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
      const piece = readJournal({ dataDir, processId, from: position });
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

async function usageReport(db: Kysely<Tables>, query: UsageQuery, journaled: readonly Receipt[]): Promise<UsageReport> {
  const { sinceMs = 0, keyId, rowsMax = Number.MAX_SAFE_INTEGER } = query;
  const asked = journaled.filter(
    (receipt) => receipt.atMs >= sinceMs && (keyId === undefined || receipt.keyId === keyId),
  );
  const fresh = (await notStored(db, asked)).map(journaledRow);
  let select = db.selectFrom('receipts').where('at', '>=', BigInt(Math.ceil(sinceMs)));
  if (keyId !== undefined) select = select.where('key_id', '=', keyId);
  const newest = await select.selectAll().orderBy('at', 'desc').orderBy('id', 'desc').limit(rowsMax).execute();
  const sums = await select
    .select((eb) => [
      'key_id',
      'provider',
      'model',
      eb.fn.countAll<bigint>().as('receipts'),
      eb.fn.count<bigint>('cost_nano_usd').as('priced'),
      sql<bigint>`coalesce(sum(input_tokens), 0)`.as('input'),
      sql<bigint>`coalesce(sum(output_tokens), 0)`.as('output'),
      sql<bigint>`coalesce(sum(cost_nano_usd), 0)`.as('cost'),
    ])
    .groupBy(['key_id', 'provider', 'model'])
    .execute();
  const groups = grouped([
    ...sums.map((sum) => ({
      key: sum.key_id,
      provider: sum.provider,
      model: sum.model,
      receipts: Number(sum.receipts),
      unpriced: Number(sum.receipts - sum.priced),
      input_tokens: Number(sum.input),
      output_tokens: Number(sum.output),
      cost_nano_usd: sum.cost,
    })),
    ...fresh.map(groupOf),
  ]);
  const rows = [...newest.map(storedRow), ...fresh].toSorted(byTime);
  return {
    rows: rows.slice(Math.max(0, rows.length - rowsMax)),
    total_nano_usd: groups.reduce((total, group) => total + group.cost_nano_usd, 0n),
    receipts: groups.reduce((total, group) => total + group.receipts, 0),
    groups,
  };
}

function groupOf(row: UsageRow): UsageGroup {
  return {
    key: row.key,
    provider: row.provider,
    model: row.model,
    receipts: 1,
    unpriced: row.cost_nano_usd === null ? 1 : 0,
    input_tokens: row.input_tokens ?? 0,
    output_tokens: row.output_tokens ?? 0,
    cost_nano_usd: row.cost_nano_usd ?? 0n,
  };
}

function grouped(parts: readonly UsageGroup[]): readonly UsageGroup[] {
  const groups = new Map<string, UsageGroup>();
  for (const part of parts) {
    const name = JSON.stringify([part.key, part.provider, part.model]);
    const known = groups.get(name);
    groups.set(name, known === undefined ? part : added(known, part));
  }
  return [...groups.values()].toSorted((a, b) => Number(b.cost_nano_usd - a.cost_nano_usd));
}

function added(group: UsageGroup, part: UsageGroup): UsageGroup {
  return {
    ...group,
    receipts: group.receipts + part.receipts,
    unpriced: group.unpriced + part.unpriced,
    input_tokens: group.input_tokens + part.input_tokens,
    output_tokens: group.output_tokens + part.output_tokens,
    cost_nano_usd: group.cost_nano_usd + part.cost_nano_usd,
  };
}

function byTime(a: UsageRow, b: UsageRow): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

async function verifyReport(
  db: Kysely<Tables>,
  journaled: readonly Receipt[],
  damaged: readonly string[],
): Promise<VerifyReport> {
  const fresh = await notStored(db, journaled);
  const stored = await db
    .selectFrom('receipts')
    .select((eb) => [eb.fn.countAll<bigint>().as('count'), sql<bigint>`coalesce(sum(cost_nano_usd), 0)`.as('sum')])
    .executeTakeFirstOrThrow();
  const problems = [
    ...(await ledgerProblems(db)),
    ...(await receiptProblems(db)),
    ...(await auditProblems(db)),
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
