/** Reports: usage, and the proof that the ledger is right. They only read, and count what still stands in journals too. */
import { sql, type Insertable, type Kysely } from 'kysely';
import { auditProof } from './audit.ts';
import type { Books } from './form.ts';
import { oneView } from './differences.ts';
import { rowOf, settledReceipt, trackOpen } from './receipts.ts';
import { tagsOf, usageBy } from './usage-by.ts';
import { ownDays } from './own-days.ts';
import { journalsIn, readJournal, type JournalPosition } from '../journal.ts';
import type { Receipt, UsageGroup, UsageQuery, UsageReport, VerifyReport } from '../ports.ts';
import { isAlive } from './process-lock.ts';
import type { ReceiptQuery, UsageRow } from '../report-ports.ts';
import type { ReceiptsTable, Tables } from './schema.ts';
import { ledgerProblems } from './ledger-problems.ts';
import {
  COUNTED_RECEIPTS,
  END_OF_HOURS,
  HOUR_MS,
  listed,
  rebuildUsage,
  ofOwner,
  sumsWithin,
  usageProblems,
  type UsageHour,
} from './usage.ts';
import { receiptProblems } from './ledger-receipts.ts';

/** What is summed of a group. */
const SUMMED = ['receipts', 'unpriced', 'input_tokens', 'output_tokens', 'cost_nano_usd'] as const;
const SUMS = sql.join(SUMMED.map((name) => sql`cast(sum(${sql.ref(name)}) as bigint) as ${sql.ref(name)}`));

/** Ids asked for in one query. */
const IDS_AT_ONCE = 500;
const START: JournalPosition = { segment: 0, offset: 0 };

export function reportBooks(
  db: Kysely<Tables>,
  dataDir: string,
): Pick<Books, 'usage' | 'verify' | 'usageBy' | 'receiptPage' | 'rebuildUsage' | 'ownDays'> {
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
    usageBy: async (query) => {
      const { receipts } = readJournals(dataDir);
      return oneView(db, async (snapshot) => {
        const fresh = await notStored(snapshot, receipts);
        return usageBy(
          snapshot,
          query,
          fresh.map((receipt) => rowOf(receipt, 0n)),
        );
      });
    },
    receiptPage: async (query) => receiptPage(db, query),
    rebuildUsage: async () => rebuildUsage(db),
    ownDays: async (providers, span) => ownDays(db, providers, span),
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
  const { sinceMs = 0, keyId, orgId, rowsMax = Number.MAX_SAFE_INTEGER } = query;
  const asked = journaled.filter(
    (receipt) =>
      receipt.atMs >= sinceMs &&
      (keyId === undefined || receipt.keyId === keyId) &&
      (orgId === undefined || receipt.labels?.orgId === orgId),
  );
  const fresh = (await notStored(db, asked)).map((receipt) => usageRow(rowOf(receipt, 0n)));
  let select = pricedReceipts(db).where('receipts.at', '>=', BigInt(Math.ceil(sinceMs)));
  if (keyId !== undefined) select = select.where('key_id', '=', keyId);
  if (orgId !== undefined) select = select.where('org_id', '=', orgId);
  const newest = await select
    .selectAll('receipts')
    .select(LATE)
    .orderBy('receipts.at', 'desc')
    .orderBy('receipts.id', 'desc')
    .limit(rowsMax)
    .execute();
  const groups = grouped([...(await storedGroups(db, query)), ...fresh.map(groupOf)]);
  const rows = [...newest.map(usageRow), ...fresh].toSorted(byTime);
  return {
    rows: rows.slice(Math.max(0, rows.length - rowsMax)),
    total_nano_usd: groups.reduce((total, group) => total + group.cost_nano_usd, 0n),
    receipts: groups.reduce((total, group) => total + group.receipts, 0),
    groups,
  };
}

/** From the sums, which have every receipt, also those that are gone; and of an hour that is not asked for whole, from its receipts. */
async function storedGroups(db: Kysely<Tables>, query: UsageQuery): Promise<readonly UsageGroup[]> {
  const { sinceMs = 0 } = query;
  const from = BigInt(Math.ceil(sinceMs / HOUR_MS));
  const part = sql`
    select key_id, provider, model, ${listed(SUMMED)} from (${COUNTED_RECEIPTS}
      where r.at >= ${BigInt(Math.ceil(sinceMs))} and r.at < ${from * BigInt(HOUR_MS)} ${ofOwner(query)}) as part_of_hour`;
  const sums = sumsWithin({ from, until: END_OF_HOURS }, query);
  const rows = await sql<Pick<UsageHour, 'key_id' | 'provider' | 'model' | (typeof SUMMED)[number]>>`
    select key_id, provider, model, ${SUMS} from (
      select key_id, provider, model, ${listed(SUMMED)} from (${sums}) as whole_hours
      union all ${part}) as counted
    group by key_id, provider, model`.execute(db);
  return rows.rows.map((row) => ({
    key: row.key_id,
    provider: row.provider,
    model: row.model,
    receipts: Number(row.receipts),
    unpriced: Number(row.unpriced),
    input_tokens: Number(row.input_tokens),
    output_tokens: Number(row.output_tokens),
    cost_nano_usd: row.cost_nano_usd,
  }));
}

/** Receipts beside the prices that became known later. */
function pricedReceipts(db: Kysely<Tables>) {
  return db.selectFrom('receipts').leftJoin('repricings', 'repricings.receipt_id', 'receipts.id');
}

const LATE = ['repricings.cost_nano_usd as late_cost', 'repricings.charge_nano_usd as late_charge'] as const;

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
  const cost = sql<bigint>`coalesce(sum(coalesce(receipts.cost_nano_usd, repricings.cost_nano_usd)), 0)`;
  const stored = await pricedReceipts(db)
    .select((eb) => [eb.fn.countAll<bigint>().as('count'), cost.as('sum')])
    .executeTakeFirstOrThrow();
  const gone = await db
    .selectFrom('receipt_sums')
    .select([
      sql<bigint>`cast(coalesce(sum(receipts), 0) as bigint)`.as('count'),
      sql<bigint>`cast(coalesce(sum(cost_nano_usd), 0) as bigint)`.as('sum'),
    ])
    .executeTakeFirstOrThrow();
  const problems = [
    ...(await ledgerProblems(db)),
    ...(await receiptProblems(db)),
    ...(await usageProblems(db)),
    ...(await auditProof(db)).problems,
    ...damaged.map((processId) => `the journal of process ${processId} has lines that are not what was written`),
  ];
  return {
    ok: problems.length === 0,
    receipts: Number(stored.count) + Number(gone.count) + fresh.length,
    spent_nano_usd: fresh.reduce((sum, receipt) => sum + (receipt.costNanoUsd ?? 0n), stored.sum + gone.sum),
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

/** Rows of one page of receipts, whatever is asked for. */
const PAGE_MAX = 1000;

async function receiptPage(db: Kysely<Tables>, query: ReceiptQuery): Promise<readonly UsageRow[]> {
  const { sinceMs, untilMs, orgId, after, limitMax } = query;
  let select = pricedReceipts(db).selectAll('receipts').select(LATE);
  if (sinceMs !== undefined) select = select.where('receipts.at', '>=', BigInt(Math.ceil(sinceMs)));
  if (untilMs !== undefined) select = select.where('receipts.at', '<', BigInt(Math.ceil(untilMs)));
  if (orgId !== undefined) select = select.where('org_id', '=', orgId);
  if (after !== undefined)
    select = select.where((eb) =>
      eb(eb.refTuple('receipts.at', 'receipts.id'), '>', eb.tuple(BigInt(Date.parse(after.at)), after.id)),
    );
  const rows = await select
    .orderBy('receipts.at')
    .orderBy('receipts.id')
    .limit(Math.max(1, Math.min(limitMax, PAGE_MAX)))
    .execute();
  return rows.map(usageRow);
}

/** A receipt as reports show it: of the database, or of a journal as it will be written there. */
function usageRow(row: Insertable<ReceiptsTable> & Partial<Late>): UsageRow {
  const cost = money(row.cost_nano_usd ?? row.late_cost);
  return {
    id: row.id,
    request_id: row.request_id,
    key: row.key_id,
    model: row.model,
    provider: row.provider,
    target: row.target,
    outcome: row.outcome,
    estimated: Number(row.is_estimated) === 1,
    input_tokens: count(row.input_tokens),
    cached_input_tokens: count(row.cached_input_tokens),
    cache_write_tokens: count(row.cache_write_tokens),
    output_tokens: count(row.output_tokens),
    reasoning_tokens: count(row.reasoning_tokens),
    cost_nano_usd: cost,
    at: new Date(Number(row.at)).toISOString(),
    charge_nano_usd: money(row.charge_nano_usd ?? row.late_charge) ?? cost,
    ...ownersOf(row),
  };
}

/** What a price that became known later makes of it. */
interface Late {
  readonly late_cost: bigint | null;
  readonly late_charge: bigint | null;
}

type Owners = Pick<UsageRow, 'org' | 'team' | 'user' | 'end_user' | 'route' | 'conversation' | 'experiment' | 'tags'>;

function ownersOf(row: Insertable<ReceiptsTable>): Owners {
  return {
    org: row.org_id ?? null,
    team: row.team_id ?? null,
    user: row.user_id ?? null,
    end_user: row.end_user ?? null,
    route: row.route ?? null,
    conversation: row.conversation ?? null,
    experiment: row.experiment ?? null,
    tags: tagsOf(row.tags ?? ''),
  };
}

function count(value: bigint | number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function money(value: bigint | number | null | undefined): bigint | null {
  return value === null || value === undefined ? null : BigInt(value);
}
