/** A rule as logic: claims over one fact each, joined by and, or, not. What has no simple form is a claim of its own, known by its text. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { serialize } from '@marcbachmann/cel-js/serialize';
import { literalOf } from './compile.ts';
import type { Fact, FactName, OwnValues } from './vocabulary.ts';
import { FACTS, isFactName, valuesOf } from './vocabulary.ts';

/** One thing that is so or not. */
export type Claim =
  | {
      readonly about: 'number';
      /** What is spoken of: `facts.turns`, `size(facts.tags)`. */
      readonly key: string;
      readonly bounds: Bounds;
      readonly operator: '<' | '<=' | '==';
      readonly value: number;
    }
  | {
      readonly about: 'text';
      readonly key: string;
      /** It is one of these. */
      readonly values: readonly string[];
      /** All that it can be, besides empty. */
      readonly all: readonly string[] | undefined;
    }
  | { readonly about: 'truth'; readonly key: string };

/** Operations that may have no answer: `1 / 0`, an item that is not there, a number or a text that grew too large. */
const FALLIBLE: ReadonlySet<string> = new Set(['/', '%', '[]', '*', '+', '-']);

export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

export type Formula =
  | { readonly kind: 'constant'; readonly value: boolean }
  /** `canFail`: it may have no answer, and then neither it nor its opposite holds. */
  | { readonly kind: 'claim'; readonly claim: Claim; readonly holds: boolean; readonly canFail: boolean }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Formula[] };

/** When a rule does not hold: it is false, or has no answer because a part of it has none. */
export function failureOf(node: ASTNode, own: OwnValues): Formula {
  if (hasFallibleChoice(node)) return { kind: 'constant', value: true };
  return withoutFallible(formulaOf(node, own, false));
}

/** A choice whose question has no answer has none itself, whatever it would choose: `1 / n > 0 ? true : true`. */
function hasFallibleChoice(node: ASTNode): boolean {
  if (node.op === '?:' && canFail(node.args[0])) return true;
  return partsOf(node).some(hasFallibleChoice);
}

/** What may have no answer stands in nobody's way: neither it nor its opposite is sure. */
function withoutFallible(formula: Formula): Formula {
  if (formula.kind === 'claim') return formula.canFail ? { kind: 'constant', value: true } : formula;
  return formula.kind === 'constant' ? formula : { kind: formula.kind, of: formula.of.map(withoutFallible) };
}

/** The formula of a rule, or of its opposite. */
export function formulaOf(node: ASTNode, own: OwnValues, holds = true): Formula {
  const literal = literalOf(node);
  if (typeof literal === 'boolean') return { kind: 'constant', value: literal === holds };
  switch (node.op) {
    case '!_':
      return formulaOf(node.args, own, !holds);
    case '&&':
    case '||': {
      const kind = (node.op === '&&') === holds ? 'all' : 'any';
      return { kind, of: node.args.map((part) => formulaOf(part, own, holds)) };
    }
    case '?:': {
      const [asked, yes, no] = node.args;
      const branches = [
        [formulaOf(asked, own), formulaOf(yes, own, holds)],
        [formulaOf(asked, own, false), formulaOf(no, own, holds)],
      ];
      return { kind: 'any', of: branches.map((of) => ({ kind: 'all', of })) };
    }
    default: {
      const formula = simple(node, own);
      return holds ? formula : opposite(formula);
    }
  }
}

function opposite(formula: Formula): Formula {
  if (formula.kind === 'constant') return { kind: 'constant', value: !formula.value };
  if (formula.kind === 'claim') return { ...formula, holds: !formula.holds };
  return { kind: formula.kind === 'all' ? 'any' : 'all', of: formula.of.map(opposite) };
}

function simple(node: ASTNode, own: OwnValues): Formula {
  const known =
    comparison(node) ?? textClaim(node, own) ?? truthComparison(node, own) ?? inClaim(node) ?? existsClaim(node);
  return known ?? claim({ about: 'truth', key: serialize(node) }, { canFail: canFail(node) });
}

function claim(of: Claim, { holds = true, canFail: isFallible = false } = {}): Formula {
  return { kind: 'claim', claim: of, holds, canFail: isFallible };
}

function canFail(node: ASTNode): boolean {
  if (FALLIBLE.has(node.op) || (node.op === 'call' && node.args[0] === 'int')) return true;
  return partsOf(node).some(canFail);
}

function partsOf({ args }: ASTNode): readonly ASTNode[] {
  const all: readonly unknown[] = Array.isArray(args) ? args.flat(2) : [args];
  return all.filter(isNode);
}

/** Each comparison with a number by three of them, and whether it is their opposite. */
const COMPARISONS: Readonly<Record<string, readonly ['<' | '<=' | '==', boolean]>> = {
  '<': ['<', true],
  '<=': ['<=', true],
  '>': ['<=', false],
  '>=': ['<', false],
  '==': ['==', true],
  '!=': ['==', false],
};
const MIRRORED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

interface Comparison {
  readonly subject: ASTNode;
  readonly operator: string;
  readonly value: string | number | boolean;
}

/** `subject operator literal`, whichever side the literal stands on. */
function asComparison(node: ASTNode): Comparison | undefined {
  if (!Object.hasOwn(COMPARISONS, node.op) || !Array.isArray(node.args)) return undefined;
  const [left, right] = node.args;
  if (!isNode(left) || !isNode(right)) return undefined;
  const [before, after] = [literalOf(left), literalOf(right)];
  if (after !== undefined && before === undefined) return { subject: left, operator: node.op, value: after };
  if (before === undefined || after !== undefined) return undefined;
  return { subject: right, operator: MIRRORED[node.op] ?? node.op, value: before };
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value;
}

function comparison(node: ASTNode): Formula | undefined {
  const found = asComparison(node);
  const operator = found === undefined ? undefined : COMPARISONS[found.operator];
  if (found === undefined || operator === undefined || typeof found.value !== 'number') return undefined;
  const bounds = boundsOf(found.subject);
  if (bounds === undefined) return undefined;
  const [form, holds] = operator;
  return claim(
    { about: 'number', key: serialize(found.subject), bounds, operator: form, value: found.value },
    {
      holds,
      canFail: canFail(found.subject),
    },
  );
}

/** Of a fact that is a number, and of the size of anything. */
function boundsOf(node: ASTNode): Bounds | undefined {
  const isSize = (node.op === 'call' && node.args[0] === 'size') || (node.op === 'rcall' && node.args[0] === 'size');
  if (isSize) return { min: 0, max: Infinity, isWhole: true };
  const fact = factOf(node)?.fact;
  if (fact?.type !== 'int' && fact?.type !== 'double') return undefined;
  return { min: fact.min ?? 0, max: fact.max ?? Infinity, isWhole: fact.type === 'int' };
}

function factOf(node: ASTNode): { readonly name: FactName; readonly fact: Fact } | undefined {
  if (node.op !== '.') return undefined;
  const [object, name] = node.args;
  if (object.op !== 'id' || object.args !== 'facts' || !isFactName(name)) return undefined;
  return { name, fact: FACTS[name] };
}

/** `facts.task == "code"`, `facts.language in ["de", "fr"]`. */
function textClaim(node: ASTNode, own: OwnValues): Formula | undefined {
  const found = asTextComparison(node);
  const subject = found === undefined ? undefined : factOf(found.subject);
  if (found === undefined || subject?.fact.type !== 'string') return undefined;
  const all = valuesOf(subject.name, own);
  return claim({ about: 'text', key: serialize(found.subject), values: found.values, all }, found);
}

interface TextComparison {
  readonly subject: ASTNode;
  readonly values: readonly string[];
  readonly holds: boolean;
}

function asTextComparison(node: ASTNode): TextComparison | undefined {
  if (node.op === 'in') {
    const [subject, list] = node.args;
    if (list.op !== 'list') return undefined;
    const values = list.args.map(literalOf).filter((value) => typeof value === 'string');
    return values.length === list.args.length ? { subject, values, holds: true } : undefined;
  }
  const found = asComparison(node);
  if (found === undefined || typeof found.value !== 'string') return undefined;
  if (found.operator !== '==' && found.operator !== '!=') return undefined;
  return { subject: found.subject, values: [found.value], holds: found.operator === '==' };
}

/** `facts.tools == true`. */
function truthComparison(node: ASTNode, own: OwnValues): Formula | undefined {
  const found = asComparison(node);
  if (found === undefined || typeof found.value !== 'boolean') return undefined;
  return formulaOf(found.subject, own, (found.operator === '==') === found.value);
}

/** `"x" in facts.topics`. */
function inClaim(node: ASTNode): Formula | undefined {
  if (node.op !== 'in') return undefined;
  const [item, list] = node.args;
  const value = literalOf(item);
  return typeof value === 'string' && factOf(list) !== undefined ? contains(list, [value]) : undefined;
}

/** `facts.topics.exists(t, t == "x")` says the same; with `t in ["x", "y"]` it is one or the other. */
function existsClaim(node: ASTNode): Formula | undefined {
  if (node.op !== 'rcall' || node.args[0] !== 'exists') return undefined;
  const [, list, [variable, body]] = node.args;
  const found = body === undefined ? undefined : asTextComparison(body);
  if (found === undefined || !found.holds || factOf(list) === undefined) return undefined;
  const isOfItem = variable?.op === 'id' && found.subject.op === 'id' && variable.args === found.subject.args;
  return isOfItem ? contains(list, found.values) : undefined;
}

function contains(list: ASTNode, values: readonly string[]): Formula {
  const of = values.map((value) => claim({ about: 'truth', key: `${JSON.stringify(value)} in ${serialize(list)}` }));
  return { kind: 'any', of };
}
