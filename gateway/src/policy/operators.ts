/** The operators of rules: CEL's own (https://github.com/google/cel-spec/blob/master/doc/langdef.md), over numbers, texts and flat lists. */
import type { ASTNode, BinaryOperator } from '@marcbachmann/cel-js';
import { nearest } from '../lib/nearest.ts';
import type { Run, Scalar, Scope, Typed } from './typed.ts';
import { NOTHING, isOutOfSteps, nameOf, refuse, step } from './typed.ts';

/** Texts that rules make themselves. */
const TEXT_CHARACTERS_MAX = 65_536;

interface Pair {
  readonly left: Typed;
  readonly right: Typed;
}

type Truth = (run: Run) => boolean;

/** `a && b` and `a || b`. An error on one side counts only where the other side does not decide alone (CEL: both are commutative). */
export function junction(operator: '&&' | '||', left: Truth, right: Truth): Typed {
  const decides = operator === '||';
  const of: Truth = (run) => {
    const first = left(run);
    const fault = run.fault;
    if (fault === undefined) return first === decides ? decides : right(run);
    if (isOutOfSteps(run)) return false;
    run.fault = undefined;
    const second = right(run);
    if (run.fault === undefined && second === decides) return decides;
    run.fault = fault;
    return false;
  };
  return { type: 'bool', of };
}

// oxlint-disable-next-line complexity -- a case for each operator.
export function binary(node: ASTNode & { readonly op: BinaryOperator }, pair: Pair, scope: Scope): Typed {
  switch (node.op) {
    case '==':
    case '!=':
      return equality(node, pair, scope);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return order(node, pair, scope);
    case 'in':
      return membership(node, pair, scope);
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return arithmetic(node, pair, scope);
  }
}

function equality(node: ASTNode, { left, right }: Pair, scope: Scope): Typed {
  const wanted = node.op === '==';
  if (isNumber(left) && isNumber(right))
    return { type: 'bool', of: (run) => step(run) && (left.of(run) === right.of(run)) === wanted };
  if (left.type === 'string' && right.type === 'string') {
    doubtValue(node, { left, right }, scope);
    const of: Truth = (run) => {
      const text = left.of(run);
      return step(run, text.length) && (text === right.of(run)) === wanted;
    };
    return { type: 'bool', of };
  }
  if (left.type === 'bool' && right.type === 'bool')
    return { type: 'bool', of: (run) => step(run) && (left.of(run) === right.of(run)) === wanted };
  if (left.type === 'list' && right.type === 'list')
    return refuse(scope, node, 'compares two lists. Use `in`, `exists`, `all` or `size`');
  return refuse(scope, node, `compares ${nameOf(left)} with ${nameOf(right)}`);
}

function isNumber(typed: Typed): typed is Typed & { readonly type: 'int' | 'double' } {
  return typed.type === 'int' || typed.type === 'double';
}

/** `facts.task == "coding"`: allowed, and never true. Also for `exists(s, s == "helth")`. */
function doubtValue(node: ASTNode, { left, right }: Pair, scope: Scope): void {
  if (!Array.isArray(node.args)) return;
  const [first, second] = node.args;
  const sides = [
    [left, second],
    [right, first],
  ] as const;
  for (const [typed, other] of sides) if (typed.type === 'string') doubtLiteral(typed.values, other, scope);
}

function doubtLiteral(values: readonly string[] | undefined, literal: unknown, scope: Scope): void {
  if (values === undefined || !isTextLiteral(literal) || literal.args === '' || values.includes(literal.args)) return;
  const suggestion = nearValue(literal.args, values);
  const all = values.length <= 12 ? `: it is one of ${values.join(', ')}` : '';
  const message = `compares with \`${literal.args}\`, which this fact never is${values.length === 0 ? ': none are configured' : all}`;
  scope.doubts.push({ message, offset: literal.pos, ...(suggestion === undefined ? {} : { suggestion }) });
}

/** The value that was most likely meant: a slip away, or of the same first letters (`coding`: `code`). */
function nearValue(name: string, values: readonly string[]): string | undefined {
  const start = name.slice(0, 3).toLowerCase();
  return nearest(name, values) ?? values.find((value) => start.length === 3 && value.startsWith(start));
}

function isTextLiteral(node: unknown): node is { readonly op: 'value'; readonly args: string; readonly pos: number } {
  return (
    typeof node === 'object' &&
    node !== null &&
    'op' in node &&
    node.op === 'value' &&
    'args' in node &&
    typeof node.args === 'string'
  );
}

const ORDERS: Readonly<Record<string, (sign: number) => boolean>> = {
  '<': (sign) => sign < 0,
  '<=': (sign) => sign <= 0,
  '>': (sign) => sign > 0,
  '>=': (sign) => sign >= 0,
};

function order(node: ASTNode, { left, right }: Pair, scope: Scope): Typed {
  const holds = ORDERS[node.op];
  if (holds === undefined) return NOTHING;
  if (isNumber(left) && isNumber(right))
    // Not a number is neither below nor above (IEEE 754): its sign is NaN, and each of the four says no.
    return { type: 'bool', of: (run) => step(run) && holds(left.of(run) - right.of(run)) };
  if (left.type === 'string' && right.type === 'string')
    return { type: 'bool', of: (run) => step(run) && holds(compareTexts(left.of(run), right.of(run))) };
  return refuse(scope, node, `asks for the order of ${nameOf(left)} and ${nameOf(right)}`);
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function membership(node: ASTNode, { left, right }: Pair, scope: Scope): Typed {
  if (right.type === 'string')
    return refuse(scope, node, 'looks for something in a text with `in`. Write `facts.text.contains("…")`');
  if (right.type !== 'list' || left.type === 'list')
    return refuse(scope, node, `looks for ${nameOf(left)} in ${nameOf(right)}`);
  const isSameKind = left.type === right.item || (isNumber(left) && (right.item === 'int' || right.item === 'double'));
  if (!isSameKind) return refuse(scope, node, `looks for ${nameOf(left)} in a list of another type`);
  if (Array.isArray(node.args)) {
    const [first, second] = node.args;
    doubtLiteral(right.values, first, scope);
    if (left.type === 'string') for (const item of itemsOf(second)) doubtLiteral(left.values, item, scope);
  }
  const of: Truth = (run) => {
    const list = right.of(run);
    const wanted: Scalar = left.of(run);
    if (!step(run, list.length * 64)) return false;
    return list.includes(wanted);
  };
  return { type: 'bool', of };
}

function itemsOf(node: unknown): readonly unknown[] {
  const isList = typeof node === 'object' && node !== null && 'op' in node && node.op === 'list' && 'args' in node;
  return isList && Array.isArray(node.args) ? node.args : [];
}

type Calculation = (a: number, b: number) => number;

const CALCULATIONS: Readonly<Record<string, Calculation>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

function arithmetic(node: ASTNode, { left, right }: Pair, scope: Scope): Typed {
  const calculate = CALCULATIONS[node.op];
  if (calculate === undefined) return NOTHING;
  if (left.type === 'string' && right.type === 'string' && node.op === '+') return concatenation(left.of, right.of);
  if (!isNumber(left) || !isNumber(right))
    return refuse(scope, node, `calculates with ${nameOf(left)} and ${nameOf(right)}`);
  if (left.type !== right.type)
    return refuse(
      scope,
      node,
      'calculates with a whole number and one that is not. Write `2.0` instead of `2`, or `double(facts.…)`',
    );
  if (left.type === 'int') return wholeArithmetic(node.op, calculate, [left.of, right.of]);
  if (node.op === '%') return refuse(scope, node, 'takes the rest of numbers that are not whole. Use `int(…)`');
  return { type: 'double', of: (run) => (step(run) ? calculate(left.of(run), right.of(run)) : 0) };
}

type Numbers = readonly [(run: Run) => number, (run: Run) => number];

/** CEL's whole numbers have 64 bits. Ours end at ±2^53, far above any fact, and say so instead of losing digits. */
function wholeArithmetic(operator: string, calculate: Calculation, [left, right]: Numbers): Typed {
  const isDivision = operator === '/' || operator === '%';
  const of = (run: Run): number => {
    const a = left(run);
    const b = right(run);
    if (!step(run)) return 0;
    if (isDivision && b === 0) return failed(run, 'divides by zero');
    const value = Math.trunc(calculate(a, b));
    return Number.isSafeInteger(value) ? value : failed(run, 'a whole number grew beyond 2^53');
  };
  return { type: 'int', of };
}

function failed(run: Run, fault: string): number {
  run.fault ??= fault;
  return 0;
}

function concatenation(left: (run: Run) => string, right: (run: Run) => string): Typed {
  const of = (run: Run): string => {
    const text = left(run) + right(run);
    if (!step(run, text.length)) return '';
    if (text.length <= TEXT_CHARACTERS_MAX) return text;
    run.fault = `a text grew beyond ${TEXT_CHARACTERS_MAX} characters`;
    return '';
  };
  return { type: 'string', of };
}
