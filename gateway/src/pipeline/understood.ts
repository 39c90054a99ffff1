/** What is known of a request's text before a small model is asked, and what must hold for whoever sees it. */
import { itemsOf, type Require } from '../routing/policy.ts';
import { requiresOf, rulingOf } from '../routing/rules.ts';
import type { ContentFacts } from '../understand/content.ts';
import type { Facts } from '../understand/facts.ts';
import type { Call } from './call.ts';
import { factsOf, viewOf, type PlanningOptions } from './planning.ts';
import { wishesOf } from './wishes.ts';

export interface Understood {
  readonly facts: Facts;
  readonly content: ContentFacts;
  readonly requires: readonly Require[];
}

/** A rule that reads one of them may still come to hold. */
const ASKED_OF_MODELS = ['task', 'difficulty', 'intent', 'intent_confidence'] as const;

/** Undefined where nobody reads the text. */
export function understoodFor(call: Call, options: PlanningOptions): Understood | undefined {
  const wishes = wishesOf(call, options);
  if (!wishes.ok || !wishes.value.found.policy.readsContent) return undefined;
  const { found, preferences } = wishes.value;
  const { policy } = found;
  const facts = factsOf(call, policy, options);
  const { content } = facts;
  if (content === undefined) return undefined;
  const { rules = [] } = policy;
  const ruling = rules.length === 0 ? undefined : rulingOf(rules, viewOf(call, policy, facts)());
  const items = itemsOf(policy);
  const ofItems = items.flatMap(({ requires = [] }) => requires);
  // Of routes inside the route: whichever of their rules may hold binds who sees the text before it is known.
  const within = items.flatMap(({ passages = [] }) =>
    passages.flatMap((passage) => passage.rules.map(({ require }) => require)),
  );
  const undecided = rules.filter(({ reads }) => ASKED_OF_MODELS.some((fact) => reads?.has(fact)));
  const mayHold = undecided.map(({ require }) => require);
  const own = [call.extension.require, preferences?.require, ...ofItems, ...within, ...mayHold];
  return { facts, content, requires: requiresOf(policy, ruling, own) };
}
