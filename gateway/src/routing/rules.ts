/** A route's rules: the first that holds puts its words in the place of the route's own. */
import type { Policy, Require, Rule } from './policy.ts';
import type { RuleFacts } from '../policy/vocabulary.ts';

/** What the rules say of one request. */
export interface Ruling {
  /** Absent: none holds. */
  readonly rule?: Rule;
  /** Rules that could not be told, each as `name: why`: they do not hold, and that is shown. */
  readonly troubles: readonly string[];
}

export function rulingOf(rules: readonly Rule[], facts: RuleFacts): Ruling {
  const troubles: string[] = [];
  for (const rule of rules) {
    const holds = rule.holds(facts);
    if (holds === true) return { rule, troubles };
    if (typeof holds === 'string') troubles.push(`${rule.name}: ${holds}`);
  }
  return { troubles };
}

/** The policy as the rule leaves it. What it does not speak of stays. */
export function ruled(policy: Policy, ruling: Ruling | undefined): Policy {
  const use = ruling?.rule?.use;
  return use === undefined ? policy : { ...policy, ...use };
}

/** Everything that must hold: a rule adds to what its route requires, and takes nothing away. */
export function requiresOf(
  policy: Policy,
  ruling: Ruling | undefined,
  own: readonly (Require | undefined)[],
): readonly Require[] {
  return [policy.require, ruling?.rule?.require, ...own].filter((require) => require !== undefined);
}
