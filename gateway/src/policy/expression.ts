/** A rule's `when`: CEL over `facts`, checked when the file is read, and evaluated within a bound that no request can move. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Result } from '../lib/result.ts';
import { err, ok } from '../lib/result.ts';
import { compileNode } from './compile.ts';
import type { ExpressionError } from './parse.ts';
import { parseExpression } from './parse.ts';
import type { Doubt, Run, Scope } from './typed.ts';
import { nameOf } from './typed.ts';
import type { FactName, OwnValues, RuleFacts } from './vocabulary.ts';

export interface Expression {
  readonly source: string;
  /** The facts it reads, so that no others need to be looked at. */
  readonly reads: ReadonlySet<FactName>;
  /** Its value, where it is the same for every request. */
  readonly constant?: boolean;
  /** What is allowed and most likely not meant: values that a fact never has. */
  readonly doubts: readonly Doubt[];
  /** CEL's tree, for the lint. */
  readonly tree: ASTNode;
  /** True or false, or why there is no answer (`divides by zero`, a fact that is not given). Deterministic; never throws. */
  evaluate(facts: Partial<RuleFacts>): Result<boolean, string>;
}

/** Facts of nothing: for expressions that read none. */
export const NO_FACTS: RuleFacts = {
  model: '',
  task: 'chat',
  difficulty: 0,
  language: '',
  intent: '',
  intent_confidence: 0,
  topics: [],
  sensitive: [],
  region: '',
  tags: [],
  tools: false,
  schema: false,
  stream: false,
  image: false,
  audio: false,
  document: false,
  reasoning: false,
  input_tokens: 0,
  output_tokens_max: 0,
  turns: 1,
  stage: 'single',
  tool_results: 0,
  failed_calls: 0,
  repeated_calls: 0,
  code: 0,
  math: 0,
  list_items: 0,
  questions: 0,
  characters: 0,
  system_characters: 0,
  text: '',
};

/** Compiles CEL. `own` names the values that only this configuration knows: its intents, topics. */
export function compileExpression(source: string, own: OwnValues = {}): Result<Expression, ExpressionError> {
  const parsed = parseExpression(source);
  if (!parsed.ok) return parsed;
  const scope: Scope = { own, reads: new Set(), doubts: [], variables: new Map(), errors: [] };
  const typed = compileNode(parsed.value, scope);
  const [error] = scope.errors;
  if (error !== undefined) return err(error);
  if (typed.type !== 'bool')
    return err({ message: `is ${nameOf(typed)}; a rule asks for true or false`, offset: parsed.value.pos });
  const { of } = typed;
  const evaluate = (facts: Partial<RuleFacts>): Result<boolean, string> => {
    const run: Run = { facts, slots: [], steps: 0, fault: undefined };
    const value = of(run);
    return run.fault === undefined ? ok(value) : err(run.fault);
  };
  const always = scope.reads.size === 0 ? evaluate(NO_FACTS) : undefined;
  if (always?.ok === false) return err({ message: `always fails: ${always.error}`, offset: 0 });
  return ok({
    source,
    reads: scope.reads,
    ...(always === undefined ? {} : { constant: always.value }),
    doubts: scope.doubts,
    tree: parsed.value,
    evaluate,
  });
}
