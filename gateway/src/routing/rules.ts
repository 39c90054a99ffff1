/** A route's rules: the first that holds puts its words in the place of the route's own. */
import type { Passage, Policy, Require, Rule, Shut, WeightedTarget } from './policy.ts';
import { REQUIREMENTS } from './requirements/index.ts';
import type { Asked } from './requirements/requirement.ts';
import { compact } from '../lib/json.ts';
import type { SeenFacts } from '../policy/vocabulary.ts';

/** What the rules say of one request. */
export interface Ruling {
  /** Absent: none holds. */
  readonly rule?: Rule;
  /** Rules that could not be told and require something: that is required all the same. */
  readonly unsure?: readonly Rule[];
  /** Rules that could not be told, each as `name: why`, that it may be shown. */
  readonly troubles: readonly string[];
}

/**
 * What a rule forbids must not pass because nobody knows whether the rule holds: where it cannot be told, it refuses and requires
 * as if it held. What it would put in the place of the route's own words is left out, and the rules after it are asked.
 */
export function rulingOf(rules: readonly Rule[], facts: SeenFacts): Ruling {
  const troubles: string[] = [];
  const unsure: Rule[] = [];
  const told = (rule?: Rule): Ruling => compact({ rule, unsure: unsure.length === 0 ? undefined : unsure, troubles });
  for (const rule of rules) {
    const holds = rule.holds(facts);
    if (holds === true) return told(rule);
    if (holds === false) continue;
    troubles.push(`${rule.name}: ${holds}${allTheSame(rule)}`);
    if (rule.refuse !== undefined) return told(rule);
    if (rule.require !== undefined) unsure.push(rule);
  }
  return told();
}

function allTheSame({ refuse, require }: Rule): string {
  if (refuse !== undefined) return '; it refuses all the same';
  return require === undefined ? '' : '; what it requires is required all the same';
}

/** What rules require of a target, those among them that could not be told. */
export function requiredBy(ruling: Ruling | undefined): readonly Require[] {
  const { rule, unsure = [] } = ruling ?? {};
  return [rule, ...unsure].flatMap((one) => one?.require ?? []);
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
  return [policy.require, ...requiredBy(ruling), ...own].filter((require) => require !== undefined);
}

/** What a request is, as rules and requirements see it. */
export interface Seen extends Pick<Asked, 'facts' | 'seen' | 'today'> {
  readonly view: () => SeenFacts;
}

interface Through {
  /** Places that the rules of the routes they were taken through keep the request from, with the reason: each is judged by itself. */
  readonly shut: Shut;
  /** Of those rules, as in a ruling. */
  readonly troubles: readonly string[];
}

export function judgedThrough(policy: Policy, ruling: Ruling | undefined, as: Seen): Through {
  const shut = new Map<WeightedTarget, string>();
  const rulings = new Map<readonly Rule[], Ruling>();
  const told = (rules: readonly Rule[]): Ruling => {
    const made = rulings.get(rules) ?? rulingOf(rules, as.view());
    rulings.set(rules, made);
    return made;
  };
  for (const item of ruled(policy, ruling).tiers.flat()) {
    const reason = item.passages === undefined ? undefined : whyNotThrough(item, as, told);
    if (reason !== undefined) shut.set(item, reason);
  }
  return { shut, troubles: [...rulings.values()].flatMap(({ troubles }) => troubles) };
}

export function shutThrough(policy: Policy, ruling: Ruling | undefined, as: Seen): Shut {
  return judgedThrough(policy, ruling, as).shut;
}

/** The ruling with what could not be told inside the route. */
export function withTroubles(ruling: Ruling | undefined, troubles: readonly string[]): Ruling | undefined {
  return troubles.length === 0 ? ruling : { ...ruling, troubles: [...(ruling?.troubles ?? []), ...troubles] };
}

function whyNotThrough(
  { target, passages = [] }: WeightedTarget,
  as: Seen,
  told: (rules: readonly Rule[]) => Ruling,
): string | undefined {
  for (const passage of passages) {
    const ruling = told(passage.rules);
    const elsewhere = whyElsewhere(passage, ruling.rule);
    if (elsewhere !== undefined) return elsewhere;
    const requires = requiredBy(ruling);
    if (requires.length === 0) continue;
    const asked: Asked = { ...as, requires, barred: new Map() };
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
