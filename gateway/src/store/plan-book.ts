/** Plans in memory: looked at without the store, kept up to date by asking it for what is newer. */
import type { PlanRule } from '../money/plan.ts';
import type { BillingBooks, Plans, StoredPlan } from './billing-ports.ts';

export class PlanBook implements Plans {
  readonly #books: Pick<BillingBooks, 'planChanges'>;
  readonly #plans = new Map<string, StoredPlan>();
  #revision = 0n;

  constructor(books: Pick<BillingBooks, 'planChanges'>) {
    this.#books = books;
  }

  async refresh(): Promise<void> {
    for (const plan of await this.#books.planChanges(this.#revision)) {
      this.#revision = plan.revision;
      if (plan.isRemoved) this.#plans.delete(plan.id);
      else this.#plans.set(plan.id, plan);
    }
  }

  rulesOf(planId: string | undefined): readonly PlanRule[] | undefined {
    return planId === undefined ? undefined : this.#plans.get(planId)?.rules;
  }
}
