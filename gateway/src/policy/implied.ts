/** What follows from a rule: whether every request that meets it also meets something else. */
import { failureOf, formulaOf } from './claims.ts';
import type { Expression } from './expression.ts';
import { compileExpression } from './expression.ts';
import { canHold } from './solve.ts';

/** Whether `claim` (`facts.image`) holds of all requests of which the expression holds. False too where that cannot be told. */
export function implies(expression: Expression, claim: string): boolean {
  const compiled = compileExpression(claim);
  if (!compiled.ok) return false;
  return !canHold([formulaOf(expression.tree, {}), failureOf(compiled.value.tree, {})], { cases: 0 });
}
