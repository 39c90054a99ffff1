/** From the tree of a rule to a function: types are checked on the way, and the facts that it reads are written down. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { nearest } from '../lib/nearest.ts';
import { WALKS, callFunction } from './functions.ts';
import { binary, junction } from './operators.ts';
import type { Run, Scalar, ScalarType, Scope, Typed, Variable } from './typed.ts';
import { NOTHING, nameOf, refuse, step } from './typed.ts';
import { compileWalk } from './walks.ts';
import type { FactName } from './vocabulary.ts';
import { FACTS, isFactName, valuesOf } from './vocabulary.ts';

/** Compiles one node. Where it cannot, the first of `scope.errors` says why, and the result is worth nothing. */
// oxlint-disable-next-line complexity -- a case for each kind of node, each one call.
export function compileNode(node: ASTNode, scope: Scope): Typed {
  switch (node.op) {
    case 'value':
      return literal(node, scope);
    case 'id':
      return name(node, scope);
    case '.':
      return member(node, scope);
    case '[]':
      return itemAt(node, scope);
    case 'list':
      return list(node, scope);
    case '!_':
      return negation(node, scope);
    case '-_':
      return minus(node, scope);
    case '?:':
      return choice(node, scope);
    case '&&':
    case '||':
      return both(node, scope);
    case 'call':
      return call(node, scope);
    case 'rcall':
      return receiverCall(node, scope);
    case 'map':
    case '.?':
    case '[?]':
      return refuse(scope, node, 'uses a part of CEL that rules do not have: maps and optional values');
    default:
      return binary(node, { left: compileNode(node.args[0], scope), right: compileNode(node.args[1], scope) }, scope);
  }
}

type NodeOf<Op extends ASTNode['op']> = Extract<ASTNode, { readonly op: Op }>;

function literal(node: NodeOf<'value'>, scope: Scope): Typed {
  const value = literalOf(node);
  if (typeof value === 'boolean') return { type: 'bool', of: () => value };
  if (typeof value === 'string') return { type: 'string', of: () => value };
  if (value === undefined)
    return refuse(scope, node, 'uses a value that no fact has: null, bytes or an unsigned number');
  if (typeof node.args === 'number') return { type: 'double', of: () => value };
  if (!Number.isSafeInteger(value)) return refuse(scope, node, 'uses a whole number beyond 2^53');
  return { type: 'int', of: () => value };
}

/** The value that is written out at a node. Whole numbers are numbers here, as everywhere in rules. */
export function literalOf(node: ASTNode): Scalar | undefined {
  if (node.op === '-_' && node.args.op === 'value') {
    const positive = literalOf(node.args);
    return typeof positive === 'number' ? -positive : undefined;
  }
  if (node.op !== 'value') return undefined;
  const value = node.args;
  if (typeof value === 'bigint') return Number(value);
  const isScalar = typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number';
  return isScalar ? value : undefined;
}

function name(node: NodeOf<'id'>, scope: Scope): Typed {
  const variable = scope.variables.get(node.args);
  if (variable !== undefined) return readVariable(variable);
  if (node.args === 'facts') return refuse(scope, node, 'uses `facts` alone. Name one: `facts.task`');
  if (isFactName(node.args))
    return refuse(scope, node, `uses \`${node.args}\`, which is not known here. Did you mean \`facts.${node.args}\`?`);
  const meant = nearest(node.args, ['facts', ...scope.variables.keys()]);
  const hint = meant === undefined ? 'A rule reads `facts.NAME`; texts stand in quotes' : `Did you mean \`${meant}\`?`;
  return refuse(scope, node, `uses \`${node.args}\`, which is not known here. ${hint}`);
}

/** A slot holds what its list held, so its type is known; the check says so to the compiler, and costs nothing. */
function readVariable({ type, slot, values }: Variable): Typed {
  if (type === 'bool') return { type, of: ({ slots }) => slots[slot] === true };
  if (type === 'string') return { type, values, of: ({ slots }) => textOf(slots[slot]) };
  return { type, of: ({ slots }) => numberOf(slots[slot]) };
}

function textOf(value: Scalar | undefined): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: Scalar | undefined): number {
  return typeof value === 'number' ? value : 0;
}

function member(node: NodeOf<'.'>, scope: Scope): Typed {
  const [object, field] = node.args;
  if (object.op !== 'id' || object.args !== 'facts' || scope.variables.has('facts')) {
    const inner = compileNode(object, scope);
    return refuse(scope, node, `asks ${nameOf(inner)} for \`.${field}\`; only \`facts\` has names`);
  }
  if (isFactName(field)) return readFact(field, scope);
  const meant = nearest(field, Object.keys(FACTS));
  const hint = meant === undefined ? `There are ${Object.keys(FACTS).join(', ')}` : `Did you mean \`facts.${meant}\`?`;
  return refuse(scope, node, `reads \`facts.${field}\`, which is no fact. ${hint}`);
}

/** The facts come from the gateway's own code; one of another type is its mistake, and shows as a rule's fault. */
function readFact(fact: FactName, scope: Scope): Typed {
  scope.reads.add(fact);
  const { type } = FACTS[fact];
  const values = valuesOf(fact, scope.own);
  const wrong = (run: Run): void => {
    run.fault ??= `\`facts.${fact}\` is not what it should be`;
  };
  if (type === 'list') {
    const of = (run: Run): readonly string[] => {
      const value = run.facts[fact];
      if (typeof value === 'object') return value;
      wrong(run);
      return [];
    };
    return { type, item: 'string', values, of };
  }
  if (type === 'string') {
    const of = (run: Run): string => {
      const value = run.facts[fact];
      if (typeof value === 'string') return value;
      wrong(run);
      return '';
    };
    return { type, values, of };
  }
  if (type === 'bool') {
    const of = (run: Run): boolean => {
      const value = run.facts[fact];
      if (typeof value !== 'boolean') wrong(run);
      return value === true;
    };
    return { type, of };
  }
  const of = (run: Run): number => {
    const value = run.facts[fact];
    if (typeof value === 'number') return value;
    wrong(run);
    return 0;
  };
  return { type, of };
}

function itemAt(node: NodeOf<'[]'>, scope: Scope): Typed {
  const object = compileNode(node.args[0], scope);
  const index = compileNode(node.args[1], scope);
  if (object.type !== 'list' || index.type !== 'int')
    return refuse(scope, node, 'takes an item with `[…]`; that wants a list and a whole number');
  const at = index.of;
  const items = object.of;
  const item = (run: Run): Scalar | undefined => {
    const value = items(run)[at(run)];
    if (step(run) && value === undefined) run.fault ??= 'takes an item that the list does not have';
    return value;
  };
  return scalar(object.item, { of: item, values: object.values });
}

/** A value whose type is known by its list, as a part of a rule. */
function scalar(
  type: ScalarType,
  { of, values }: { readonly of: (run: Run) => Scalar | undefined; readonly values?: readonly string[] | undefined },
): Typed {
  if (type === 'bool') return { type, of: (run) => of(run) === true };
  if (type === 'string') return { type, values, of: (run) => textOf(of(run)) };
  return { type, of: (run) => numberOf(of(run)) };
}

function list(node: NodeOf<'list'>, scope: Scope): Typed {
  const items = node.args.map((item) => compileNode(item, scope));
  const [first] = items;
  if (first === undefined)
    return refuse(scope, node, 'uses an empty list. To ask whether a list is empty, write `size(…) == 0`');
  if (first.type === 'list') return refuse(scope, node, 'makes a list of lists. Lists hold texts, numbers or truths');
  if (items.some((item) => item.type !== first.type))
    return refuse(scope, node, 'makes a list of things of several types');
  const literals = node.args.flatMap((item) => literalOf(item) ?? []);
  if (literals.length === items.length) return { type: 'list', item: first.type, of: () => literals };
  const made = items.map((item): ((run: Run) => Scalar) => (item.type === 'list' ? () => '' : item.of));
  return { type: 'list', item: first.type, of: (run) => made.map((of) => (step(run) ? of(run) : '')) };
}

function negation(node: NodeOf<'!_'>, scope: Scope): Typed {
  const inner = compileNode(node.args, scope);
  if (inner.type !== 'bool') return refuse(scope, node, `denies ${nameOf(inner)}; \`!\` wants true or false`);
  const { of } = inner;
  return { type: 'bool', of: (run) => step(run) && !of(run) };
}

function minus(node: NodeOf<'-_'>, scope: Scope): Typed {
  const inner = compileNode(node.args, scope);
  if (inner.type !== 'int' && inner.type !== 'double')
    return refuse(scope, node, `puts a minus before ${nameOf(inner)}`);
  const { type, of } = inner;
  return { type, of: (run) => (step(run) ? -of(run) : 0) };
}

function choice(node: NodeOf<'?:'>, scope: Scope): Typed {
  const [asked, yes, no] = node.args.map((part) => compileNode(part, scope));
  if (asked === undefined || yes === undefined || no === undefined) return NOTHING;
  if (asked.type !== 'bool') return refuse(scope, node, `chooses by ${nameOf(asked)}; \`? :\` wants true or false`);
  const { of } = asked;
  if (yes.type === 'bool' && no.type === 'bool')
    return { type: 'bool', of: (run) => step(run) && (of(run) ? yes.of(run) : no.of(run)) };
  if (yes.type === 'string' && no.type === 'string')
    return { type: 'string', of: (run) => (step(run) && of(run) ? yes.of(run) : no.of(run)) };
  if ((yes.type === 'int' || yes.type === 'double') && no.type === yes.type)
    return { type: yes.type, of: (run) => (step(run) && of(run) ? yes.of(run) : no.of(run)) };
  return refuse(scope, node, `chooses between ${nameOf(yes)} and ${nameOf(no)}`);
}

function both(node: NodeOf<'&&'> | NodeOf<'||'>, scope: Scope): Typed {
  const left = compileNode(node.args[0], scope);
  const right = compileNode(node.args[1], scope);
  if (left.type === 'bool' && right.type === 'bool') return junction(node.op, left.of, right.of);
  const [wrong, side] = left.type === 'bool' ? [right, node.args[1]] : [left, node.args[0]];
  return refuse(scope, side, `is ${nameOf(wrong)} where \`${node.op}\` wants true or false`);
}

function call(node: NodeOf<'call'>, scope: Scope): Typed {
  const [called, nodes] = node.args;
  if (called === 'has') return callFunction({ node, name: called, given: [], nodes }, scope);
  return callFunction({ node, name: called, given: nodes.map((each) => compileNode(each, scope)), nodes }, scope);
}

function receiverCall(node: NodeOf<'rcall'>, scope: Scope): Typed {
  const [called, receiver, args] = node.args;
  if (receiver.op === 'id' && receiver.args === 'cel')
    return refuse(scope, node, 'uses `cel.bind`, which rules do not have');
  const first = compileNode(receiver, scope);
  if (WALKS.some((walk) => walk === called))
    return compileWalk({ node, name: called, list: first, args }, scope, compileNode);
  const given = [first, ...args.map((each) => compileNode(each, scope))];
  return callFunction({ node, name: called, given, nodes: [receiver, ...args] }, scope);
}
