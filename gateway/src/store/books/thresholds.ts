/** Thresholds of budgets: told once for each period, in the transaction that passes them. */
import type { Transaction } from 'kysely';
import type { NanoUsd } from '../../money/price.ts';
import { formatUsd } from '../../money/usd.ts';
import { tell } from './alerts.ts';
import { budgetIdOf, budgetOf } from './purse-terms.ts';
import type { Tables } from './schema.ts';

interface Passed {
  /** Spent of the purse. */
  readonly before: NanoUsd;
  readonly after: NanoUsd;
  readonly atMs: number;
}

/** Writes an alert for each threshold that lies between. */
export async function noteThresholds(trx: Transaction<Tables>, purseId: string, passed: Passed): Promise<void> {
  const budgetId = budgetIdOf(purseId);
  const budget = budgetId === undefined ? undefined : await budgetOf(trx, budgetId);
  if (budget?.isInForce !== true) return;
  const { before, after, atMs } = passed;
  const { limitNanoUsd, orgId } = budget;
  for (const threshold of budget.alerts) {
    const at = BigInt(threshold) * limitNanoUsd;
    if (before * 100n >= at || after * 100n < at) continue;
    const body = {
      budget: budgetId,
      name: budget.name,
      limit_usd: formatUsd(limitNanoUsd),
      spent_usd: formatUsd(after),
      hard: budget.isHard,
    };
    await tell(trx, { kind: 'budget', subject: purseId, threshold, orgId, atMs, body });
  }
}
