/** A part of a rule, compiled: its type, and a function that gives its value within a bound of steps. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { ExpressionError } from './parse.ts';
import type { FactName, OwnValues, RuleFacts } from './vocabulary.ts';

/** Steps of one evaluation, a few nanoseconds each: 2 ms at most, where a rule of today takes 10 to 100 steps. */
export const STEPS_MAX = 100_000;
/** Characters that count as one step where a text is searched or made. */
const CHARACTERS_PER_STEP = 64;

export type Scalar = boolean | number | string;
export type ScalarType = 'bool' | 'int' | 'double' | 'string';

/** One evaluation under way. The first fault stays, and every value after it is worth nothing. */
export interface Run {
  readonly facts: Partial<RuleFacts>;
  /** Values of the variables of `exists`, `map`, …, by depth. */
  readonly slots: Scalar[];
  steps: number;
  fault: string | undefined;
}

export type Typed =
  | { readonly type: 'bool'; readonly of: (run: Run) => boolean }
  | { readonly type: 'int' | 'double'; readonly of: (run: Run) => number }
  | { readonly type: 'string'; readonly of: (run: Run) => string; readonly values?: readonly string[] | undefined }
  | {
      readonly type: 'list';
      readonly item: ScalarType;
      readonly of: (run: Run) => readonly Scalar[];
      readonly values?: readonly string[] | undefined;
    };

export interface Variable {
  readonly type: ScalarType;
  readonly slot: number;
  readonly values?: readonly string[] | undefined;
}

/** What is learned while a rule is compiled. */
export interface Scope {
  readonly own: OwnValues;
  readonly reads: Set<FactName>;
  readonly doubts: Doubt[];
  readonly variables: ReadonlyMap<string, Variable>;
  /** The first error found; shared by inner scopes. */
  readonly errors: ExpressionError[];
}

/** Something that is allowed, and most likely not what was meant. */
export interface Doubt extends ExpressionError {
  readonly suggestion?: string;
}

/** Stands for a part that could not be compiled; the error is in the scope. */
export const NOTHING: Typed = { type: 'bool', of: () => false };

export function refuse(scope: Scope, node: ASTNode, message: string): Typed {
  scope.errors.push({ message, offset: node.pos });
  return NOTHING;
}

/** Counts a step; false, with the fault set, where there were too many. */
export function step(run: Run, characters = 0): boolean {
  run.steps += 1 + Math.floor(characters / CHARACTERS_PER_STEP);
  if (run.steps <= STEPS_MAX) return run.fault === undefined;
  run.fault = `took more than ${STEPS_MAX} steps`;
  return false;
}

/** A fault that no other branch may mend. */
export function isOutOfSteps(run: Run): boolean {
  return run.steps > STEPS_MAX;
}

export function nameOf(typed: Typed): string {
  const names = { bool: 'true or false', int: 'a whole number', double: 'a number', string: 'a text' } as const;
  return typed.type === 'list' ? 'a list' : names[typed.type];
}
