/** What the store knows of a purse by its id: whether it has a limit, and which. */
import type { Transaction } from 'kysely';
import { asArray, asCount, parseJson } from '../../lib/json.ts';
import type { NanoUsd } from '../../money/price.ts';
import type { Tables } from './schema.ts';

/**
 * Ids of purses: a key's own id; `bud_…`, for each one of many `bud_…:name`, with a period `…@` and its first moment in ISO 8601;
 * `crd_` and an organisation's id.
 */
export interface Terms {
  /** Nothing is refused: what is spent is only counted. */
  readonly isOpen: boolean;
  /** Of a budget: what its purse is granted as soon as somebody draws from it. */
  readonly grantNanoUsd?: NanoUsd;
}

/** The budget that a purse is a period of; undefined for other purses. */
export function budgetIdOf(purseId: string): string | undefined {
  return /^bud_[^:@]*/.exec(purseId)?.[0];
}

export async function termsOf(trx: Transaction<Tables>, purseId: string): Promise<Terms> {
  const budgetId = budgetIdOf(purseId);
  if (budgetId !== undefined) {
    const budget = await budgetOf(trx, budgetId);
    if (budget === undefined || !budget.isInForce) return { isOpen: true };
    return { isOpen: !budget.isHard, grantNanoUsd: budget.limitNanoUsd };
  }
  if (purseId.startsWith('crd_')) return { isOpen: false };
  const key = await trx
    .selectFrom('keys')
    .select(['budget_nano_usd', 'is_removed'])
    .where('id', '=', purseId)
    .executeTakeFirst();
  return { isOpen: key === undefined || (key.is_removed === 0n && key.budget_nano_usd === null) };
}

/** What thresholds and texts need of a budget. */
export interface BudgetTerms {
  readonly name: string;
  /** Whose requests it counts; absent: those of all. */
  readonly orgId?: string;
  readonly isHard: boolean;
  /** Neither removed nor switched off. */
  readonly isInForce: boolean;
  readonly limitNanoUsd: NanoUsd;
  /** Per cent. */
  readonly alerts: readonly number[];
}

export async function budgetOf(trx: Transaction<Tables>, id: string): Promise<BudgetTerms | undefined> {
  const row = await trx
    .selectFrom('budgets')
    .select(['name', 'is_hard', 'is_disabled', 'is_removed', 'limit_nano_usd', 'alerts', 'org_id'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    name: row.name,
    ...(row.org_id === null ? {} : { orgId: row.org_id }),
    isHard: row.is_hard === 1n,
    isInForce: row.is_disabled === 0n && row.is_removed === 0n,
    limitNanoUsd: row.limit_nano_usd,
    alerts: (asArray(parseJson(row.alerts)) ?? []).flatMap((item) => asCount(item) ?? []),
  };
}
