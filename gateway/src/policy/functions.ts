/** The functions of rules: CEL's own over texts and lists, conversions, and two of its extension for strings. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { nearest } from '../lib/nearest.ts';
import type { Result } from '../lib/result.ts';
import { err, ok } from '../lib/result.ts';
import { compilePattern } from './pattern.ts';
import type { Run, Scope, Typed } from './typed.ts';
import { nameOf, refuse, step } from './typed.ts';

/** A call: its own node, its function's name, and what it is given, the receiver first. */
export interface Call {
  readonly node: ASTNode;
  readonly name: string;
  readonly given: readonly Typed[];
  /** The nodes of what is given. */
  readonly nodes: readonly ASTNode[];
}

type Build = (call: Call) => Result<Typed, string>;
type Text = (run: Run) => string;

const FUNCTIONS: Readonly<Record<string, Build>> = {
  contains: (call) => comparison(call, (text, part) => text.includes(part)),
  startsWith: (call) => comparison(call, (text, part) => text.startsWith(part)),
  endsWith: (call) => comparison(call, (text, part) => text.endsWith(part)),
  matches,
  lowerAscii: (call) => transformation(call, (text) => text.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase())),
  upperAscii: (call) => transformation(call, (text) => text.replaceAll(/[a-z]+/g, (part) => part.toUpperCase())),
  size,
  int: toWhole,
  double: toNumber,
  string: toText,
};

/** The names of all functions, with those that walk over lists. */
export const WALKS = ['exists', 'all', 'exists_one', 'filter', 'map'] as const;
const KNOWN = [...Object.keys(FUNCTIONS), ...WALKS];

export function callFunction(call: Call, scope: Scope): Typed {
  const build = Object.hasOwn(FUNCTIONS, call.name) ? FUNCTIONS[call.name] : undefined;
  if (build === undefined) return refuse(scope, call.node, unknown(call.name));
  const built = build(call);
  return built.ok ? built.value : refuse(scope, call.nodes[1] ?? call.node, built.error);
}

function unknown(name: string): string {
  if (name === 'has') return 'uses `has`: every fact is always there, and empty where it is not known';
  const meant = nearest(name, KNOWN);
  const hint =
    meant === undefined ? `There are ${KNOWN.map((each) => `\`${each}\``).join(', ')}` : `Did you mean \`${meant}\`?`;
  return `calls \`${name}\`, which is no function here. ${hint}`;
}

/** Longer words than these cost a search more than one walk over the text: V8 may compare most of the word again at each place. */
const WORD_CHARACTERS = 64;

/** Two texts to true or false. */
function comparison({ name, given }: Call, test: (text: string, part: string) => boolean): Result<Typed, string> {
  const [text, part] = given;
  if (given.length !== 2 || text?.type !== 'string' || part?.type !== 'string')
    return err(`\`${name}\` wants two texts: \`facts.text.${name}("…")\``);
  const [left, right] = [text.of, part.of];
  const of = (run: Run): boolean => {
    const [whole, wanted] = [left(run), right(run)];
    return step(run, whole.length * Math.max(1, wanted.length / WORD_CHARACTERS)) && test(whole, wanted);
  };
  return ok({ type: 'bool', of });
}

function transformation({ name, given }: Call, change: (text: string) => string): Result<Typed, string> {
  const [text] = given;
  if (given.length !== 1 || text?.type !== 'string') return err(`\`${name}\` wants a text: \`facts.text.${name}()\``);
  const before: Text = text.of;
  const of = (run: Run): string => {
    const whole = before(run);
    return step(run, whole.length) ? change(whole) : '';
  };
  return ok({ type: 'string', of });
}

/** RE2, compiled when the file is read: a pattern that is itself calculated could not be judged before it runs. */
function matches({ given, nodes }: Call): Result<Typed, string> {
  const [text, pattern] = given;
  const source = nodes[1];
  if (given.length !== 2 || text?.type !== 'string' || pattern?.type !== 'string')
    return err('`matches` wants a text and a pattern: `facts.text.matches("…")`');
  if (source?.op !== 'value' || typeof source.args !== 'string')
    return err('`matches` wants its pattern written out, so that it is checked before it runs');
  const compiled = compilePattern(source.args);
  if (!compiled.ok) return err(`\`matches\`: ${compiled.error}`);
  const whole: Text = text.of;
  const of = (run: Run): boolean => {
    const value = whole(run);
    return step(run, value.length) && compiled.value.isIn(value);
  };
  return ok({ type: 'bool', of });
}

/** Of a text, its Unicode code points, as CEL counts. */
function size({ given }: Call): Result<Typed, string> {
  const [value] = given;
  if (given.length === 1 && value?.type === 'list') {
    const list = value.of;
    return ok({ type: 'int', of: (run) => (step(run) ? list(run).length : 0) });
  }
  if (given.length !== 1 || value?.type !== 'string') return err('`size` wants one text or list');
  const text: Text = value.of;
  const of = (run: Run): number => {
    const whole = text(run);
    if (!step(run, whole.length)) return 0;
    let points = 0;
    for (let at = 0; at < whole.length; at++) if (!isSecondHalf(whole, at)) points++;
    return points;
  };
  return ok({ type: 'int', of });
}

function isSecondHalf(text: string, at: number): boolean {
  const isLow = (text.charCodeAt(at) & 0xfc00) === 0xdc00;
  return isLow && at > 0 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
}

function toNumber({ given }: Call): Result<Typed, string> {
  const [value] = given;
  if (given.length === 1 && (value?.type === 'int' || value?.type === 'double'))
    return ok({ type: 'double', of: value.of });
  return err('`double` wants a number');
}

/** Towards zero, as CEL does. */
function toWhole({ given }: Call): Result<Typed, string> {
  const [value] = given;
  if (given.length !== 1 || (value?.type !== 'int' && value?.type !== 'double')) return err('`int` wants a number');
  const number = value.of;
  const of = (run: Run): number => {
    const whole = Math.trunc(number(run));
    if (step(run) && Number.isSafeInteger(whole)) return whole;
    run.fault ??= '`int` of a number beyond 2^53';
    return 0;
  };
  return ok({ type: 'int', of });
}

function toText({ given }: Call): Result<Typed, string> {
  const [value] = given;
  if (given.length !== 1 || value === undefined || value.type === 'list')
    return err(`\`string\` wants one value${value === undefined ? '' : `, not ${nameOf(value)}`}`);
  const of = value.of;
  return ok({ type: 'string', of: (run) => (step(run) ? String(of(run)) : '') });
}
