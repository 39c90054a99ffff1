/** How what an organisation uses is sold to it: what its plan makes of a cost, and whether it pays first. Pure. */
import { chargeOf, ruleFor, type PlanRule } from '../money/plan.ts';
import { creditPurseOf } from '../store/billing-ports.ts';
import type { Payer } from '../store/ports.ts';
import type { PurseRef } from '../store/purse-ports.ts';

export interface Buyer {
  readonly id: string;
  readonly name: string;
  /** `prepaid`: nothing is sent that its credits do not cover. */
  readonly billing: 'postpaid' | 'prepaid';
}

export interface Sale {
  /** The purse of its credits, where it pays first. */
  readonly credits?: PurseRef;
  /** Absent: it is charged what it costs. */
  readonly chargeOf?: Exclude<Payer['chargeOf'], undefined>;
}

/** Without rules the charge is the cost. */
export function saleTo(buyer: Buyer, rules: readonly PlanRule[]): Sale {
  const { id, name, billing } = buyer;
  const owner = `the credits of organisation "${name}"`;
  return {
    ...(billing === 'prepaid' ? { credits: { id: creditPurseOf(id), owner } } : {}),
    ...(rules.length === 0
      ? {}
      : { chargeOf: (cost, at) => chargeOf(cost, ruleFor(rules, at), { isFirst: at.isFirst !== false }) }),
  };
}
