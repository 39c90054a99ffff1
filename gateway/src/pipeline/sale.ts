/** How what an organisation uses is sold to it: what its plan makes of a cost, and whether it pays first. Pure. */
import { chargeOf, ruleFor, type PlanRule } from '../money/plan.ts';
import { creditPurseOf } from '../store/billing-ports.ts';
import type { Payer, Store } from '../store/ports.ts';
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

export interface SaleBooks {
  readonly people: Pick<Store['people'], 'org'>;
  readonly plans: Store['plans'];
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

/**
 * The sale to each organisation, by its plan in the store as that is at the moment; `usual`: the rules of those without one.
 * An organisation that is not known any more pays for what its keys still do as any other.
 */
export function salesOf({ people, plans }: SaleBooks, usual: () => readonly PlanRule[]): (orgId: string) => Sale {
  return (orgId) => {
    const org = people.org(orgId);
    const rules = plans.rulesOf(org?.planId) ?? usual();
    return saleTo(org ?? { id: orgId, name: orgId, billing: 'postpaid' }, rules);
  };
}
