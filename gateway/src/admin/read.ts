/** Reads bodies and queries by their schemas; what is wrong is told by the name of the field, in words of ours. */
import type { z } from 'zod';
import { fault, type Fault } from '../chat/fault.ts';
import { flatten, valueAt, wording } from '../config/issues.ts';
import { joinPath, pathText } from '../config/path.ts';
import type { JsonRecord } from '../lib/json.ts';
import { nearest } from '../lib/nearest.ts';
import { err, ok, type Result } from '../lib/result.ts';

type Issue = z.core.$ZodIssue;

/** Names that callers make up are shown so far. */
const NAME_SHOWN = 80;

export function invalid(param: string, reason: string): Fault {
  return fault('field-invalid', { reason }, { param });
}

/** `record`: a JSON object. Nothing in it is ignored. */
export function readBody<T extends z.ZodObject>(schema: T, record: JsonRecord): Result<z.output<T>, Fault> {
  const read = schema.safeParse(record, { error: () => '' });
  return read.success ? ok(read.data) : err(faultOf(read.error.issues, { schema, record }));
}

export function readQuery<T extends z.ZodObject>(
  schema: T,
  query: URLSearchParams,
): Result<JsonRecord & z.output<T>, Fault> {
  const twice = [...query.keys()].find((name, index, names) => names.indexOf(name) !== index);
  if (twice !== undefined) return err(invalid(twice.slice(0, NAME_SHOWN), 'it stands twice; give it once'));
  const read = schema.safeParse(Object.fromEntries(query), { error: () => '' });
  if (!read.success) return err(faultOf(read.error.issues, { schema, record: Object.fromEntries(query) }));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- fields of queries are texts, numbers and lists of them.
  return ok(read.data as JsonRecord & z.output<T>);
}

interface Given {
  readonly schema: z.ZodObject;
  readonly record: JsonRecord;
}

function faultOf(issues: readonly Issue[], given: Given): Fault {
  const found = issues.flatMap((issue) => flatten(issue, []));
  // A field that may not be set is told before one that is missing: it is why the caller came.
  const issue = found.find(({ code }) => code === 'unrecognized_keys') ?? found[0];
  if (issue === undefined) return invalid('body', 'it is not of the form that is wanted');
  if (issue.code === 'unrecognized_keys') return unknownField(issue, given);
  const param = pathText(issue.path.map(step));
  const value = valueAt(given.record, issue.path);
  if (value === undefined && issue.message === '' && issue.code === 'invalid_type') return missing(param, issue, given);
  return invalid(param, issue.message === '' ? `it ${wording(issue, value)}` : issue.message);
}

function missing(param: string, issue: Issue, { schema }: Given): Fault {
  const field = asField(schema.shape[String(issue.path[0])]);
  return fault('field-missing', { reason: field?.description ?? 'it has no usual value' }, { param });
}

function asField(value: unknown): { readonly description?: string | undefined } | undefined {
  return typeof value === 'object' && value !== null && 'description' in value
    ? { description: typeof value.description === 'string' ? value.description : undefined }
    : undefined;
}

function unknownField(issue: z.core.$ZodIssueUnrecognizedKeys, { schema }: Given): Fault {
  const name = issue.keys[0] ?? '';
  const parent = pathText(issue.path.map(step));
  const known = issue.path.length === 0 ? Object.keys(schema.shape) : [];
  const meant = nearest(name, known);
  const hint = meant === undefined ? '' : `; do you mean \`${meant}\`?`;
  const there = known.length === 0 ? '' : `; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  return invalid(joinPath(parent, name.slice(0, NAME_SHOWN)), `it cannot be set${hint === '' ? there : hint}`);
}

function step(of: PropertyKey): string | number {
  return typeof of === 'symbol' ? of.toString() : of;
}
