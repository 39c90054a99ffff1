/** A route's rules: the first that holds puts its words in the place of the route's own. */
import type { Passage, Policy, Require, Rule, Shut, WeightedTarget } from './policy.ts';
import { REQUIREMENTS } from './requirements/index.ts';
import type { Asked } from './requirements/requirement.ts';
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

/** What a request is, as rules and requirements see it. */
export interface Seen extends Pick<Asked, 'facts' | 'seen' | 'today'> {
  readonly view: () => RuleFacts;
}

/** Places that the rules of the routes they were taken through keep the request from, with the reason: each is judged by itself. */
export function shutThrough(policy: Policy, ruling: Ruling | undefined, as: Seen): Shut {
  const shut = new Map<WeightedTarget, string>();
  for (const item of ruled(policy, ruling).tiers.flat()) {
    const reason = item.passages === undefined ? undefined : whyNotThrough(item, as);
    if (reason !== undefined) shut.set(item, reason);
  }
  return shut;
}

function whyNotThrough({ target, passages = [] }: WeightedTarget, as: Seen): string | undefined {
  for (const passage of passages) {
    const { rule } = rulingOf(passage.rules, as.view());
    const elsewhere = whyElsewhere(passage, rule);
    if (elsewhere !== undefined) return elsewhere;
    if (rule?.require === undefined) continue;
    const asked: Asked = { ...as, requires: [rule.require], barred: new Map() };
    for (const requirement of REQUIREMENTS) {
      const reason = requirement.isOpinion === true ? undefined : requirement.whyNot(target, asked);
      if (reason !== undefined) return reason;
    }
  }
  return undefined;
}

function whyElsewhere({ isListed, usedBy }: Passage, rule: Rule | undefined): string | undefined {
  if (rule?.refuse !== undefined) return `the rule \`${rule.name}\` of its route refuses such requests`;
  if (rule?.use?.tiers !== undefined)
    return usedBy.includes(rule) ? undefined : `the rule \`${rule.name}\` of its route sends such requests elsewhere`;
  return isListed ? undefined : 'no rule of its route sends such requests there';
}
