/**
 * Credits in the database. Rows say what was paid in and taken back, the purse of the organisation what of it is spent and
 * held. A transaction that changes either holds the purse, and brings what is left of each lot up to date first.
 */
import type { Insertable, Kysely, Selectable, Transaction } from 'kysely';
import type { JsonRecord } from '../../lib/json.ts';
import type { NanoUsd } from '../../money/price.ts';
import { formatUsd } from '../../money/usd.ts';
import {
  creditPurseOf,
  type BillingBooks,
  type CreditBalance,
  type CreditPage,
  type CreditQuery,
  type CreditRow,
  type TakeBack,
  type TendOrder,
  type Tended,
  type TopUp,
  type TopUpAnswer,
} from '../billing-ports.ts';
import { tellLow } from './alerts.ts';
import { noteDeed } from './audit.ts';
import { recall } from './leases.ts';
import { expiring, inOrderOfUse, refunding, spentFrom, type Taking } from './credit-lots.ts';
import { idMaker } from '../id.ts';
import { lockPurses } from './lock-purses.ts';
import type { CreditGrantsTable } from './schema-people.ts';
import type { Tables } from './schema.ts';
import { setGrant } from './transfers.ts';

const PAGE_MAX = 200;
/** Of two texts the one that begins with a prefix and this comes after all that begin with the prefix alone. */
const AFTER_ALL = '\u{10ffff}';

type CreditBooks = Pick<BillingBooks, 'topUp' | 'takeBack' | 'creditBalance' | 'creditHistory' | 'tendCredits'>;

export function creditBooks(db: Kysely<Tables>): CreditBooks {
  return {
    topUp: async (order) => db.transaction().execute(async (trx) => topUp(trx, order)),
    takeBack: async (order) => db.transaction().execute(async (trx) => takeBack(trx, order)),
    creditBalance: async (orgId) => db.transaction().execute(async (trx) => balanceOf(trx, orgId)),
    creditHistory: async (query) => history(db, query),
    tendCredits: async (order) => tend(db, order),
  };
}

/** Adds a lot, unless its reference is there already. */
export async function topUp(trx: Transaction<Tables>, order: TopUp): Promise<TopUpAnswer> {
  const { orgId, amountNanoUsd, reference, atMs, by, kind, note, expiresAtMs } = order;
  if (amountNanoUsd <= 0n) throw new RangeError('a top-up must be more than nothing');
  if (!(await isOrg(trx, orgId))) return { kind: 'no-org' };
  const purse = await settledPurse(trx, orgId);
  const known = await byReference(trx, reference);
  if (known !== undefined) return sameOrNot(known, { orgId, amountNanoUsd });
  const row = await insert(trx, {
    id: idMaker(() => atMs)('crd'),
    org_id: orgId,
    kind,
    amount_nano_usd: amountNanoUsd,
    left_nano_usd: amountNanoUsd,
    reference,
    note,
    by,
    at: atMs,
    expires_at: expiresAtMs ?? null,
  });
  await grant(trx, purse, { orgId, moreNanoUsd: amountNanoUsd, atMs });
  await noteCredits(trx, row, 'credits.added');
  return { kind: 'made', row };
}

/** Takes back what is neither spent nor held, and says in its row what could not be taken. */
export async function takeBack(trx: Transaction<Tables>, order: TakeBack): Promise<TopUpAnswer> {
  const { orgId, amountNanoUsd, reference, payment, note, by, atMs } = order;
  if (amountNanoUsd <= 0n) throw new RangeError('what is taken back must be more than nothing');
  if (!(await isOrg(trx, orgId))) return { kind: 'no-org' };
  const purse = await settledPurse(trx, orgId);
  const known = await byReference(trx, reference);
  if (known !== undefined)
    return sameOrNot({ ...known, amountNanoUsd: known.leftNanoUsd - known.amountNanoUsd }, { orgId, amountNanoUsd });
  const lotId = payment === undefined ? undefined : (await byReference(trx, payment))?.id;
  const takings = refunding(purse.lots, { lotId, wantedNanoUsd: amountNanoUsd, freeNanoUsd: purse.freeNanoUsd });
  const taken = await take(trx, takings);
  const row = await insert(trx, {
    id: idMaker(() => atMs)('crd'),
    org_id: orgId,
    kind: 'refund',
    amount_nano_usd: -taken,
    left_nano_usd: amountNanoUsd - taken,
    reference,
    note,
    by,
    at: atMs,
    expires_at: null,
  });
  await grant(trx, purse, { orgId, moreNanoUsd: -taken, atMs });
  await noteCredits(trx, row, 'credits.taken');
  return { kind: 'made', row };
}

function sameOrNot(row: CreditRow, { orgId, amountNanoUsd }: Pick<TopUp, 'orgId' | 'amountNanoUsd'>): TopUpAnswer {
  return { kind: row.orgId === orgId && row.amountNanoUsd === amountNanoUsd ? 'known' : 'conflict', row };
}

async function isOrg(db: Kysely<Tables>, orgId: string): Promise<boolean> {
  const row = await db
    .selectFrom('orgs')
    .select('id')
    .where('id', '=', orgId)
    .where('is_removed', '=', 0n)
    .executeTakeFirst();
  return row !== undefined;
}

/** What an organisation's credits are now. */
interface Purse {
  /** Lots with something left. */
  readonly lots: readonly CreditRow[];
  readonly grantedNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
  readonly heldNanoUsd: NanoUsd;
  /** Neither spent nor held. Below nothing after an attempt that cost more than was held. */
  readonly freeNanoUsd: NanoUsd;
}

/** Holds the purse until the end of the transaction, so that nobody draws on it meanwhile, and writes down what is left of each lot. */
async function settledPurse(trx: Transaction<Tables>, orgId: string): Promise<Purse> {
  await lockPurses(trx, [creditPurseOf(orgId)]);
  const purse = await purseNow(trx, orgId);
  for (const { id: lotId, leftNanoUsd } of purse.lots) {
    await trx
      .updateTable('credit_grants')
      .set({ left_nano_usd: leftNanoUsd })
      .where('id', '=', lotId)
      .where('left_nano_usd', '!=', leftNanoUsd)
      .execute();
  }
  return { ...purse, lots: purse.lots.filter((lot) => lot.leftNanoUsd > 0n) };
}

async function purseNow(db: Kysely<Tables>, orgId: string): Promise<Purse> {
  const amounts = { grantedNanoUsd: 0n, spentNanoUsd: 0n, heldNanoUsd: 0n };
  const accounts = await db
    .selectFrom('accounts')
    .select(['kind', 'balance'])
    .where('purse_id', '=', creditPurseOf(orgId))
    .execute();
  for (const { kind, balance } of accounts) {
    if (kind === 'grant') amounts.grantedNanoUsd -= balance;
    else if (kind === 'spent') amounts.spentNanoUsd += balance;
    else if (kind === 'lease') amounts.heldNanoUsd += balance;
  }
  const rows = await db
    .selectFrom('credit_grants')
    .selectAll()
    .where('org_id', '=', orgId)
    .where('kind', 'in', ['top-up', 'gift'])
    .where('left_nano_usd', '>', 0n)
    .execute();
  const written = rows.map(rowOf);
  const settled = amounts.grantedNanoUsd - written.reduce((sum, lot) => sum + lot.leftNanoUsd, 0n);
  const { grantedNanoUsd, spentNanoUsd, heldNanoUsd } = amounts;
  return {
    ...amounts,
    lots: spentFrom(written, spentNanoUsd - settled),
    freeNanoUsd: grantedNanoUsd - spentNanoUsd - heldNanoUsd,
  };
}

/** Takes from lots; gives how much that was. */
async function take(trx: Transaction<Tables>, takings: readonly Taking[]): Promise<NanoUsd> {
  let sum = 0n;
  for (const { lotId, nanoUsd } of takings) {
    sum += nanoUsd;
    await trx
      .updateTable('credit_grants')
      .set((eb) => ({ left_nano_usd: eb('left_nano_usd', '-', nanoUsd) }))
      .where('id', '=', lotId)
      .execute();
  }
  return sum;
}

async function grant(
  trx: Transaction<Tables>,
  purse: Purse,
  { orgId, moreNanoUsd, atMs }: { readonly orgId: string; readonly moreNanoUsd: NanoUsd; readonly atMs: number },
): Promise<void> {
  await setGrant(trx, creditPurseOf(orgId), { nanoUsd: purse.grantedNanoUsd + moreNanoUsd, atMs });
}

async function insert(trx: Transaction<Tables>, values: Insertable<CreditGrantsTable>): Promise<CreditRow> {
  return rowOf(await trx.insertInto('credit_grants').values(values).returningAll().executeTakeFirstOrThrow());
}

export async function byReference(db: Kysely<Tables>, reference: string): Promise<CreditRow | undefined> {
  const row = await db.selectFrom('credit_grants').selectAll().where('reference', '=', reference).executeTakeFirst();
  return row === undefined ? undefined : rowOf(row);
}

/** Those whose references begin so. */
export async function byReferencePrefix(db: Kysely<Tables>, prefix: string): Promise<readonly CreditRow[]> {
  const rows = await db
    .selectFrom('credit_grants')
    .selectAll()
    .where('reference', '>=', prefix)
    .where('reference', '<', `${prefix}${AFTER_ALL}`)
    .execute();
  return rows.map(rowOf);
}

async function noteCredits(
  trx: Transaction<Tables>,
  row: CreditRow,
  action: 'credits.added' | 'credits.taken',
): Promise<void> {
  const { by, orgId, kind, amountNanoUsd, leftNanoUsd, reference, expiresAtMs } = row;
  const changes: JsonRecord = {
    id: row.id,
    kind,
    amount_usd: formatUsd(amountNanoUsd),
    reference,
    ...(kind === 'refund' && leftNanoUsd > 0n ? { not_taken_usd: formatUsd(leftNanoUsd) } : {}),
    ...(expiresAtMs === undefined ? {} : { expires_at: new Date(expiresAtMs).toISOString() }),
  };
  await noteDeed(trx, { atMs: row.atMs, by, action, subject: orgId, orgId, changes });
}

async function balanceOf(trx: Transaction<Tables>, orgId: string): Promise<CreditBalance | undefined> {
  if (!(await isOrg(trx, orgId))) return undefined;
  const { lots, grantedNanoUsd, spentNanoUsd, heldNanoUsd, freeNanoUsd } = await purseNow(trx, orgId);
  return {
    orgId,
    grantedNanoUsd,
    spentNanoUsd,
    heldNanoUsd,
    availableNanoUsd: freeNanoUsd > 0n ? freeNanoUsd : 0n,
    lots: inOrderOfUse(lots.filter((lot) => lot.leftNanoUsd > 0n)),
  };
}

/** A cursor is the time and the id of the last row. */
async function history(db: Kysely<Tables>, { orgId, limitMax, cursor }: CreditQuery): Promise<CreditPage> {
  const limit = Math.max(1, Math.min(limitMax, PAGE_MAX));
  let select = db
    .selectFrom('credit_grants')
    .selectAll()
    .where('org_id', '=', orgId)
    .orderBy('at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  const [at, id] = cursor?.split('.') ?? [];
  if (at !== undefined && id !== undefined) {
    const mark = BigInt(at);
    select = select.where((eb) => eb.or([eb('at', '<', mark), eb.and([eb('at', '=', mark), eb('id', '<', id)])]));
  }
  const found = (await select.execute()).map(rowOf);
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return found.length > limit && last !== undefined ? { rows, next: `${last.atMs}.${last.id}` } : { rows };
}

async function tend(db: Kysely<Tables>, order: TendOrder): Promise<Tended> {
  const due = await db
    .selectFrom('credit_grants')
    .select('org_id')
    .distinct()
    .where('expires_at', '<=', BigInt(Math.floor(order.atMs)))
    .where('left_nano_usd', '>', 0n)
    .where('kind', 'in', ['top-up', 'gift'])
    .execute();
  let expired = 0;
  for (const { org_id: orgId } of due)
    expired += await db.transaction().execute(async (trx) => expire(trx, orgId, order.atMs));
  return { expired, alerts: await tellLow(db, order) };
}

/** What is due and free goes, each lot in a row of its own. What is held of it goes at a later look. */
async function expire(trx: Transaction<Tables>, orgId: string, atMs: number): Promise<number> {
  const purse = await settledPurse(trx, orgId);
  const takings = expiring(purse.lots, purse.freeNanoUsd, atMs);
  const taken = await take(trx, takings);
  await grant(trx, purse, { orgId, moreNanoUsd: -taken, atMs });
  // What gateways have in reserve comes back sooner where it is asked for.
  if (purse.heldNanoUsd > 0n) await recall(trx, creditPurseOf(orgId));
  const newId = idMaker(() => atMs);
  for (const { lotId, nanoUsd } of takings) {
    const lot = purse.lots.find(({ id }) => id === lotId);
    const row = await insert(trx, {
      id: newId('crd'),
      org_id: orgId,
      kind: 'expiry',
      amount_nano_usd: -nanoUsd,
      left_nano_usd: 0,
      // What is left of a lot only becomes less: no two expiries have the same.
      reference: `${lotId}/expiry/${lot?.leftNanoUsd ?? 0n}`,
      note: `of ${lot?.reference ?? lotId}`,
      by: 'system',
      at: atMs,
      expires_at: null,
    });
    await noteCredits(trx, row, 'credits.taken');
  }
  return takings.length;
}

function rowOf(row: Selectable<CreditGrantsTable>): CreditRow {
  return {
    id: row.id,
    orgId: row.org_id,
    kind: row.kind,
    amountNanoUsd: row.amount_nano_usd,
    leftNanoUsd: row.left_nano_usd,
    reference: row.reference,
    note: row.note,
    by: row.by,
    atMs: Number(row.at),
    ...(row.expires_at === null ? {} : { expiresAtMs: Number(row.expires_at) }),
  };
}
