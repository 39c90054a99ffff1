/**
 * The audit log: who changed what, when and how. Written in the transaction of the change itself. Each entry's hash
 * is made of the one before it, so that none can be changed or taken out in the middle without all later ones being made anew.
 */
import { createHash } from 'node:crypto';
import type { Kysely, Selectable, Transaction } from 'kysely';
import { asRecord, compact, parseJson, type JsonRecord } from '../../lib/json.ts';
import type { AuditProof, Books } from './form.ts';
import type { AuditEntry, AuditQuery } from '../ports.ts';
import { lockNames } from './lock-purses.ts';
import { holds } from './plain-text.ts';
import type { AuditTable, Tables } from './schema.ts';

const PAGE_MAX = 200;
/** Entries looked at in one query of a proof. */
const ENTRIES_AT_ONCE = 1000;
/** After this many broken links the rest says nothing new. */
const PROBLEMS_MAX = 20;

const SEARCHED = ['action', 'subject', 'by', 'changes'] as const;

/** What is written down of a change. */
export interface Deed {
  readonly atMs: number;
  /** Id of the user or key that asked, or `cli`; `system` for what the gateway does itself. */
  readonly by: string;
  /** What was done to what: `key.created`, `budget.changed`, `user.deleted`. */
  readonly action: `${string}.${string}`;
  /** Id of what was changed. */
  readonly subject: string;
  /** The new values. No secret. */
  readonly changes: JsonRecord;
  /** Whose people may read of it; undefined: those who run the gateway only. */
  readonly orgId: string | undefined;
}

/** Adds an entry, inside the transaction of what it tells. */
export async function noteDeed(trx: Transaction<Tables>, deed: Deed): Promise<void> {
  await lockNames(trx, ['audit']);
  const last = await trx.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').executeTakeFirst();
  const { atMs, by, action, subject, orgId } = deed;
  const entry = {
    seq: (last?.seq ?? 0n) + 1n,
    at: BigInt(atMs),
    by,
    action,
    subject,
    changes: JSON.stringify(deed.changes),
    org_id: orgId ?? null,
  };
  await trx
    .insertInto('audit')
    .values({ ...entry, hash: hashOf(entry, last?.hash ?? '') })
    .execute();
}

export function auditBooks(db: Kysely<Tables>): Pick<Books, 'audit' | 'verifyAudit'> {
  return {
    verifyAudit: async () => auditProof(db),
    audit: async (query) => {
      const limit = Math.max(1, Math.min(query.limitMax, PAGE_MAX));
      const rows = await entriesOf(db, query)
        .orderBy('seq', query.isOldestFirst === true ? 'asc' : 'desc')
        .limit(limit + 1)
        .execute();
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const entries = page.map(entryOf);
      return rows.length > limit && last !== undefined ? { entries, next: last.seq.toString() } : { entries };
    },
  };
}

function entriesOf(
  db: Kysely<Tables>,
  { cursor, isOldestFirst = false, sinceMs, untilMs, text, orgId, ...exact }: AuditQuery,
) {
  let select = db.selectFrom('audit').selectAll();
  if (cursor !== undefined) select = select.where('seq', isOldestFirst ? '>' : '<', BigInt(cursor));
  if (orgId !== undefined) select = select.where('org_id', '=', orgId);
  for (const name of ['action', 'by', 'subject'] as const) {
    const value = exact[name];
    if (value !== undefined) select = select.where(name, '=', value);
  }
  if (sinceMs !== undefined) select = select.where('at', '>=', BigInt(Math.floor(sinceMs)));
  if (untilMs !== undefined) select = select.where('at', '<', BigInt(Math.floor(untilMs)));
  return text === undefined ? select : select.where((eb) => eb.or(SEARCHED.map((name) => holds(eb.ref(name), text))));
}

/** Entries that are not what was written, or are not there any more. */
export async function auditProof(db: Kysely<Tables>): Promise<AuditProof> {
  const problems: string[] = [];
  let seq = 0n;
  let lastHash = '';
  let entries = 0;
  for (;;) {
    const rows = await db
      .selectFrom('audit')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(ENTRIES_AT_ONCE)
      .execute();
    for (const row of rows) {
      if (row.seq !== seq + 1n) problems.push(`the audit log has no entry ${seq + 1n}`);
      if (row.hash !== hashOf(row, lastHash)) problems.push(`the audit log's entry ${row.seq} is not what was written`);
      ({ seq, hash: lastHash } = row);
      entries += 1;
      if (problems.length >= PROBLEMS_MAX) return { entries, lastHash, problems };
    }
    if (rows.length < ENTRIES_AT_ONCE) return { entries, lastHash, problems };
  }
}

function hashOf(entry: Omit<Selectable<AuditTable>, 'hash'>, before: string): string {
  const { seq, at, by, action, subject, changes, org_id } = entry;
  // What was written before entries had an organisation, and what has none, has one word less.
  const of = org_id === null ? [] : [org_id];
  return createHash('sha256')
    .update(JSON.stringify([before, seq.toString(), at.toString(), by, action, subject, changes, ...of]))
    .digest('hex');
}

function entryOf(row: Selectable<AuditTable>): AuditEntry {
  const { by, action, subject, hash } = row;
  const at = new Date(Number(row.at)).toISOString();
  const changes = asRecord(parseJson(row.changes)) ?? {};
  return compact({ seq: Number(row.seq), at, by, org: row.org_id ?? undefined, action, subject, changes, hash });
}
