/** What the schema found wrong, in words of ours and at the place in the text. */
import type { z } from 'zod';
import type { JsonRecord } from '../lib/json.ts';
import { compact, isArray, isRecord } from '../lib/json.ts';
import { nearest } from '../lib/nearest.ts';
import { allowedText, isLater, kindOf, kindWord, knownKeys, knownValues, schemaAt } from './describe.ts';
import type { Kind } from './describe.ts';
import type { Finding } from './finding.ts';
import type { PathStep } from './path.ts';
import { joinPath, pathText } from './path.ts';
import type { Place, Span, Tree } from './tree.ts';

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, Kind>> = {
  string: 'string',
  number: 'number',
  int: 'number',
  boolean: 'boolean',
  array: 'array',
  object: 'object',
  record: 'object',
};

/** Findings for all issues of one parse. What the reader of the tree already refused is not said twice. */
export function findingsOf(issues: readonly Issue[], tree: Tree): readonly Finding[] {
  const refused = tree.findings.map((finding) => finding.path);
  const isSaid = ({ path }: Finding): boolean =>
    refused.some((at) => at === path || at.startsWith(`${path}.`) || at.startsWith(`${path}[`));
  return issues
    .flatMap((issue) => flatten(issue, []))
    .flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') return unknownKeys(issue, tree);
      const finding = one(issue, tree);
      return isSaid(finding) ? [] : [finding];
    });
}

/** The path of an error in the text: the nearest place above it where it stands nowhere itself (a missing key). */
export function placeOf(tree: Tree, steps: readonly PropertyKey[]): Place {
  for (let length = steps.length; length >= 0; length--) {
    const place = tree.places.get(pathText(steps.slice(0, length).map(asStep)));
    if (place !== undefined) return place;
  }
  return { value: { offset: 0, end: 1 }, hasReference: false };
}

function asStep(step: PropertyKey): PathStep {
  return typeof step === 'symbol' ? step.toString() : step;
}

/** Of a union, the issues of the branch that was meant: the one whose kind fits. */
export function flatten(issue: Issue, base: readonly PropertyKey[]): readonly Issue[] {
  const path = [...base, ...issue.path];
  if (issue.code !== 'invalid_union') return [{ ...issue, path }];
  const meant = issue.errors.find(
    (errors) => !errors.some((error) => error.path.length === 0 && error.code === 'invalid_type'),
  );
  return meant === undefined ? [{ ...issue, path }] : meant.flatMap((error) => flatten(error, path));
}

function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, tree: Tree): readonly Finding[] {
  const schema = schemaAt(issue.path);
  const known = knownKeys(schema);
  const parent = pathText(issue.path.map(asStep));
  return issue.keys.map((name) => {
    const place = placeOf(tree, [...issue.path, name]);
    const span = place.key ?? place.value;
    const where = { path: joinPath(parent, name), ...span, level: 'error' } as const;
    if (isLater(schema, name))
      return { ...where, message: 'is not in this release. Remove it: nothing here would follow it' };
    if (name === '<<') return { ...where, message: 'is a YAML merge key, which is not understood. Write the keys out' };
    const suggestion = nearest(name, known);
    return {
      ...where,
      message: 'is not a known key',
      allowed: known.join(', '),
      ...(suggestion === undefined ? {} : { suggestion }),
    };
  });
}

function one(issue: Issue, tree: Tree): Finding {
  const place = placeOf(tree, issue.path);
  const path = pathText(issue.path.map(asStep));
  const isThere = tree.places.has(path);
  const isAboutKey = !isThere || (issue.code === 'custom' && issue.params?.['at'] === 'key');
  const span: Span = isAboutKey ? (place.key ?? place.value) : place.value;
  const where = { path, ...span, level: 'error' } as const;
  if (issue.code === 'custom' || issue.code === 'invalid_format') return { ...where, message: issue.message };
  const schema = schemaAt(issue.path);
  const value = valueAt(tree.root, issue.path);
  const details = isThere ? detailsOf(issue, value, schema) : { message: 'is missing' };
  return compact({ ...where, ...details, allowed: allowedText(schema) });
}

function detailsOf(
  issue: Issue,
  value: unknown,
  schema: JsonRecord | undefined,
): Pick<Finding, 'message' | 'suggestion'> {
  if (issue.code !== 'invalid_value') return { message: wording(issue, value) };
  const message = issue.message === '' ? 'has a value that is not known' : issue.message;
  if (typeof value !== 'string') return { message };
  if (isLater(schema, value)) return { message: `asks for \`${value}\`, which is not in this release` };
  return compact({ message, suggestion: nearest(value, knownValues(schema)) });
}

/** What is wrong with a value, to stand after its name: `must be a list, not text`. */
export function wording(issue: Issue, value: unknown): string {
  if (issue.code === 'invalid_type') return wrongType(issue.expected, value);
  if (issue.code === 'invalid_union') return `must not be ${kindWord(kindOf(value))}`;
  if (issue.code === 'too_small') return measured(issue.origin, `at least ${issue.minimum}`);
  if (issue.code === 'too_big') return measured(issue.origin, `at most ${issue.maximum}`);
  return 'is not valid';
}

function measured(origin: string, bound: string): string {
  if (origin === 'string') return `must have ${bound} characters`;
  if (origin === 'array') return `must have ${bound} entries`;
  return `must be ${bound}`;
}

function wrongType(expected: string, value: unknown): string {
  if (typeof value === 'number' && expected === 'int') return 'must be a whole number';
  if (typeof value === 'number' && expected === 'number') return 'must be a finite number';
  const wanted = KINDS[expected];
  const hint = wanted === 'string' ? hintForText(value) : wanted === 'number' ? hintForNumber(value) : '';
  return `must be ${wanted === undefined ? expected : kindWord(wanted)}, not ${kindWord(kindOf(value))}${hint}`;
}

function hintForText(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? '; put it in quotes' : '';
}

function hintForNumber(value: unknown): string {
  const isQuoted = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
  return isQuoted ? '; take the quotes off' : '';
}

/** What stands at a path of a parsed value. */
export function valueAt(root: unknown, steps: readonly PropertyKey[]): unknown {
  let value: unknown = root;
  for (const step of steps) {
    if (isArray(value)) value = value[Number(step)];
    else value = isRecord(value) && Object.hasOwn(value, step) ? value[String(step)] : undefined;
  }
  return value;
}
