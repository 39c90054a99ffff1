/** Who pays for a request: the purses that must have enough, those that only count, and the labels that its receipts carry. */
import { compact } from '../lib/json.ts';
import type { Budgets, Spender } from '../store/budget-ports.ts';
import { DEFAULT_ORG_ID } from '../people/permissions.ts';
import { payerOf } from '../store/payer.ts';
import type { KeyRow, Payer } from '../store/ports.ts';
import type { World } from './world.ts';

/** What is known of the request beside its key. */
export interface Paid {
  readonly tags: readonly string[];
  readonly route?: string | undefined;
  readonly conversation?: string | undefined;
  readonly endUser?: string | undefined;
}

export type PayWorld = Pick<World, 'clock' | 'saleTo'> & { readonly budgets: Pick<Budgets, 'purses' | 'pursesAt'> };

/** From memory. A key's own tags count like the request's. */
export function payerFor(key: KeyRow, { tags, route, conversation, endUser }: Paid, world: PayWorld): Payer {
  const own = payerOf(key);
  const all = key.tags.length === 0 ? tags : [...new Set([...key.tags, ...tags])];
  const { orgId = DEFAULT_ORG_ID, teamId, userId } = key;
  const spender: Spender = { keyId: key.id, orgId, teamId, userId, endUser, route, tags: all };
  const nowMs = world.clock.unixMs();
  const { hard, booked } = world.budgets.purses(spender, nowMs);
  const { credits, chargeOf } = world.saleTo(orgId);
  const alsoHard = credits === undefined ? hard : [...hard, credits];
  return {
    ...own,
    ...(chargeOf === undefined ? {} : { chargeOf }),
    hard: alsoHard.length === 0 ? own.hard : [...own.hard, ...alsoHard],
    booked: credits === undefined ? booked : [...booked, credits.id],
    labels: compact({ orgId, teamId, userId, route, conversation, endUser, tags: all.length === 0 ? undefined : all }),
    pursesAt: (target) => world.budgets.pursesAt(target, spender, world.clock.unixMs()),
  };
}
