/** `exists`, `all`, `exists_one`, `filter` and `map`: a list, a name for its items, and what is asked of each. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Run, Scalar, Scope, Typed, Variable } from './typed.ts';
import { isOutOfSteps, nameOf, refuse, step } from './typed.ts';

/** A walk before its body is compiled: `list.exists(s, body)`. */
export interface Walk {
  readonly node: ASTNode;
  readonly name: string;
  readonly list: Typed;
  readonly args: readonly ASTNode[];
}

type Compile = (node: ASTNode, scope: Scope) => Typed;
type List = (run: Run) => readonly Scalar[];

/** Everything that runs a body for each item. */
interface Body<T> {
  readonly list: List;
  readonly slot: number;
  readonly of: (run: Run) => T;
}

export function compileWalk(walk: Walk, scope: Scope, compile: Compile): Typed {
  const { node, name, list, args } = walk;
  const [variable, bodyNode] = args;
  if (list.type !== 'list') return refuse(scope, node, `walks over ${nameOf(list)} with \`${name}\`; it wants a list`);
  if (args.length !== 2 || bodyNode === undefined || variable?.op !== 'id')
    return refuse(scope, node, `\`${name}\` wants a name and a condition: \`facts.topics.${name}(t, t == "…")\``);
  if (variable.args === 'facts') return refuse(scope, variable, 'names an item `facts`, which are the request’s');
  const slot = 1 + Math.max(-1, ...[...scope.variables.values()].map((outer) => outer.slot));
  const item: Variable = { type: list.item, slot, values: list.values };
  const inner: Scope = { ...scope, variables: new Map([...scope.variables, [variable.args, item]]) };
  const body = compile(bodyNode, inner);
  return scope.errors.length > 0 ? body : walkOf(walk, { list, body, slot }, scope);
}

interface Parts {
  readonly list: Typed & { readonly type: 'list' };
  readonly body: Typed;
  readonly slot: number;
}

function walkOf({ node, name }: Walk, { list, body, slot }: Parts, scope: Scope): Typed {
  if (name === 'map') {
    if (body.type === 'list') return refuse(scope, node, 'makes a list of lists. Lists hold texts, numbers or truths');
    return { type: 'list', item: body.type, of: mapped({ list: list.of, slot, of: body.of }) };
  }
  if (body.type !== 'bool') return refuse(scope, node, `is ${nameOf(body)} where \`${name}\` wants true or false`);
  const asked: Body<boolean> = { list: list.of, slot, of: body.of };
  if (name === 'filter') return { type: 'list', item: list.item, values: list.values, of: filtered(asked) };
  if (name === 'exists_one') return { type: 'bool', of: (run) => filtered(asked)(run).length === 1 };
  return { type: 'bool', of: quantified(asked, name === 'exists') };
}

/** `exists` is a long `||`, `all` a long `&&`: an error on one item counts only where no other item decides. */
function quantified({ list, slot, of }: Body<boolean>, decides: boolean): (run: Run) => boolean {
  return (run) => {
    const items = list(run);
    if (run.fault !== undefined) return false;
    let fault: string | undefined;
    for (const item of items) {
      if (!step(run)) return false;
      run.slots[slot] = item;
      const value = of(run);
      if (isOutOfSteps(run)) return false;
      if (run.fault === undefined && value === decides) return decides;
      fault ??= run.fault;
      run.fault = undefined;
    }
    run.fault = fault;
    return !decides;
  };
}

function filtered({ list, slot, of }: Body<boolean>): (run: Run) => readonly Scalar[] {
  return (run) => {
    const kept: Scalar[] = [];
    for (const item of list(run)) {
      if (!step(run)) return [];
      run.slots[slot] = item;
      if (of(run)) kept.push(item);
    }
    return kept;
  };
}

function mapped({ list, slot, of }: Body<Scalar>): List {
  return (run) => {
    const made: Scalar[] = [];
    for (const item of list(run)) {
      if (!step(run)) return [];
      run.slots[slot] = item;
      made.push(of(run));
    }
    return made;
  };
}
