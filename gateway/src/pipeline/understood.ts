/** What is known of a request's text before a small model is asked, and what must hold for whoever sees it. */
import type { FactName, RuleFacts } from '../policy/vocabulary.ts';
import type { Policy, Require, Rule, WeightedTarget } from '../routing/policy.ts';
import type { Preferences } from '../routing/preferences.ts';
import { requiresOf } from '../routing/rules.ts';
import type { ContentFacts } from '../understand/content.ts';
import type { Facts } from '../understand/facts.ts';
import { openFacts, type OpenFact } from '../understand/verdict.ts';
import type { Call } from './call.ts';
import { factsOf, viewOf, type PlanningOptions } from './planning.ts';
import { wishesOf } from './wishes.ts';

export interface Understood {
  readonly facts: Facts;
  readonly content: ContentFacts;
  /** What a model can still tell of it. */
  readonly open: readonly OpenFact[];
  readonly requires: readonly Require[];
  /** Providers that the request itself names or refuses. */
  readonly preferences: Preferences | undefined;
  /** The rule that refuses such requests, as far as is known. */
  readonly refusedBy?: Rule | undefined;
  /** Rules that send such requests to targets of their own: nobody else sees the text. */
  readonly keptBy: readonly Rule[];
}

/** What a model tells, as rules ask for it. */
const ASKED_OF_MODELS: ReadonlyMap<FactName, OpenFact> = new Map([
  ['task', 'task'],
  ['difficulty', 'difficulty'],
  ['intent', 'intent'],
  ['intent_confidence', 'intent'],
]);

/** Undefined where nobody reads the text. `intents`: those that a model could name. */
export function understoodFor(
  call: Call,
  options: PlanningOptions,
  intents: readonly string[] = [],
): Understood | undefined {
  const wishes = wishesOf(call, options);
  if (!wishes.ok || !wishes.value.found.policy.readsContent) return undefined;
  const { policy } = wishes.value.found;
  // Also where they are followed by a provider that chooses itself: they say who may see the text.
  const { preferences, require } = call.extension;
  const facts = factsOf(call, policy, options);
  const { content } = facts;
  if (content === undefined) return undefined;
  const open = openFacts(content, intents);
  const items = allItems(policy);
  const view = viewOf(call, policy, facts)();
  const binding = rulesOf(policy, items).flatMap((rules) => bindingOf(rules, view, open));
  const ofItems = items.flatMap(({ requires = [] }) => requires);
  const ofRules = binding.map(({ rule }) => rule.require);
  return {
    facts,
    content,
    open,
    requires: requiresOf(policy, undefined, [require, preferences?.require, ...ofItems, ...ofRules]),
    preferences,
    refusedBy: binding.find(({ rule, isTold }) => rule.refuse !== undefined && isTold !== false)?.rule,
    keptBy: binding
      .filter(({ rule, isTold }) => rule.use?.tiers !== undefined && isTold === true)
      .map(({ rule }) => rule),
  };
}

/** Every place of every target: one that stands twice brings what is required of it in both. */
function allItems({ tiers, rules = [] }: Policy): readonly WeightedTarget[] {
  return [tiers, ...rules.map(({ use }) => use?.tiers ?? [])].flat(2);
}

/** The route's own rules, and those of the routes inside it. */
function rulesOf({ rules = [] }: Policy, items: readonly WeightedTarget[]): readonly (readonly Rule[])[] {
  const passages = items.flatMap(({ passages: through = [] }) => through);
  return [...new Set([rules, ...passages.map((passage) => passage.rules)])];
}

interface Binding {
  readonly rule: Rule;
  /**
   * Whether it holds by what is known. False too where all that it reads is for a model to tell: a first guess neither
   * refuses nor keeps what it is asked about. Undefined where the rule cannot be told.
   */
  readonly isTold: boolean | undefined;
}

/**
 * Rules of one route that bind whoever sees the text before it is known: each that still waits for a word or cannot be told,
 * and the first other one that holds. Those after it never come to speak.
 */
function bindingOf(rules: readonly Rule[], view: RuleFacts, open: readonly OpenFact[]): readonly Binding[] {
  const found: Binding[] = [];
  for (const rule of rules) {
    const holds = rule.holds(view);
    const reads = [...(rule.reads ?? [])];
    const isWaiting = reads.some((fact) => isOpen(fact, open));
    if (typeof holds === 'string') found.push({ rule, isTold: undefined });
    else if (isWaiting) found.push({ rule, isTold: holds && reads.some((fact) => !ASKED_OF_MODELS.has(fact)) });
    else if (holds) return [...found, { rule, isTold: true }];
  }
  return found;
}

function isOpen(name: FactName, open: readonly OpenFact[]): boolean {
  const fact = ASKED_OF_MODELS.get(name);
  return fact !== undefined && open.includes(fact);
}
