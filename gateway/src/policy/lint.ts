/** What is wrong with a list of rules as a whole: first match wins, so a rule can stand where no request ever reaches it. */
import type { Formula } from './claims.ts';
import { failureOf, formulaOf } from './claims.ts';
import type { Expression } from './expression.ts';
import { canHold } from './solve.ts';
import type { OwnValues } from './vocabulary.ts';

/** Rules that are compared with each other: the work grows with the square of their number. */
export const RULES_MAX = 200;

export interface LintedRule {
  readonly name?: string;
  /** Absent: the rule is for all requests. */
  readonly when?: Expression;
}

export interface RuleFinding {
  /** Its place in the list, from 0. */
  readonly rule: number;
  readonly kind: 'never' | 'always' | 'unreachable' | 'doubt';
  /** Goes behind the name of the rule. */
  readonly message: string;
  /** Where in `when`. */
  readonly offset: number;
  readonly suggestion?: string;
}

interface Known {
  readonly label: string;
  readonly holds: Formula;
  /** When the next rule is asked: where it is false, and where it has no answer. */
  readonly fails: Formula;
}

const ALWAYS: Formula = { kind: 'constant', value: true };
const NEVER: Formula = { kind: 'constant', value: false };

/** Looks at rules in their order. Never calls a rule unreachable that some request reaches; may miss one that none reaches. */
export function lintRules(rules: readonly LintedRule[], own: OwnValues = {}): readonly RuleFinding[] {
  const known = rules.slice(0, RULES_MAX).map(({ name, when }, index): Known => {
    const label = `rule ${index + 1}${name === undefined ? '' : ` (\`${name}\`)`}`;
    if (when === undefined) return { label, holds: ALWAYS, fails: NEVER };
    return { label, holds: formulaOf(when.tree, own), fails: failureOf(when.tree, own) };
  });
  const effort = { cases: 0 };
  const holds: CanHold = (...formulas) => canHold(formulas, effort);
  return known.flatMap((rule, index) => {
    const when = rules[index]?.when;
    const doubts = (when?.doubts ?? []).map((doubt): RuleFinding => ({ rule: index, kind: 'doubt', ...doubt }));
    const finding = findingOf({ rule, earlier: known.slice(0, index), when }, holds);
    // A value that a fact never has is why the rule is never true: one finding says it.
    const isSaid = finding?.kind === 'never' && doubts.length > 0;
    return finding === undefined || isSaid ? doubts : [...doubts, { rule: index, offset: 0, ...finding }];
  });
}

type Found = Pick<RuleFinding, 'kind' | 'message'>;
type CanHold = (...formulas: readonly Formula[]) => boolean;

interface Asked {
  readonly rule: Known;
  readonly earlier: readonly Known[];
  readonly when: Expression | undefined;
}

function findingOf({ rule, earlier, when }: Asked, holds: CanHold): Found | undefined {
  if (!holds(rule.holds)) return { kind: 'never', message: 'can never be true: no request has such facts' };
  const cover = earlier.find((each) => !holds(rule.holds, each.fails));
  if (cover !== undefined) return { kind: 'unreachable', message: covered(rule, cover, holds) };
  if (!holds(rule.holds, ...earlier.map((each) => each.fails)))
    return { kind: 'unreachable', message: 'is never reached: the rules before it already take all its requests' };
  const isWritten = when !== undefined && when.source.trim() !== 'true';
  if (isWritten && !holds(rule.fails))
    return { kind: 'always', message: 'is true for every request. Leave `when` out if that is meant' };
  return undefined;
}

function covered(rule: Known, cover: Known, holds: CanHold): string {
  if (!holds(cover.fails)) return `is never reached: ${cover.label} before it takes every request`;
  if (!holds(cover.holds, rule.fails)) return `is never reached: it asks the same as ${cover.label} before it`;
  return `is never reached: whatever meets it meets ${cover.label} before it. Put it first`;
}
