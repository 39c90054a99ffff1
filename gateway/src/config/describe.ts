/** The schema as plain data: what may stand at a place of the document, in words. Errors and the reference page read it. */
import { z } from 'zod';
import type { JsonRecord } from '../lib/json.ts';
import { asArray, asNumber, asRecord, asString, isRecord } from '../lib/json.ts';
import { DECIMAL_FORMAT, DECIMAL_SCHEMA } from './fields.ts';
import { configSchema } from './schema.ts';

/** JSON Schema (2020-12) of the configuration as it is written, with `x-later` lists of names that are not in this release. */
export const SCHEMA: JsonRecord = toSchema();

function toSchema(): JsonRecord {
  const generated: unknown = z.toJSONSchema(configSchema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === DECIMAL_FORMAT) Object.assign(jsonSchema, DECIMAL_SCHEMA);
    },
  });
  return isRecord(generated) ? generated : {};
}

export type Kind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/** Kind of a value as people call it in a file. */
export function kindOf(value: unknown): Kind {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' ? type : 'object';
}

const KIND_WORDS: Readonly<Record<Kind, string>> = {
  object: 'a group of keys',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  null: 'nothing',
};

export function kindWord(kind: Kind): string {
  return KIND_WORDS[kind];
}

/** The alternatives of a place: those of a union, or the one that it is. */
function branches(schema: JsonRecord): readonly JsonRecord[] {
  const union = asArray(schema['anyOf']);
  return union === undefined ? [schema] : union.filter(isRecord).flatMap(branches);
}

function typesOf(schema: JsonRecord): readonly string[] {
  const type = schema['type'];
  return asArray(type)?.filter((item) => typeof item === 'string') ?? (typeof type === 'string' ? [type] : []);
}

/** Whether a value of that kind may stand here. `integer` counts as a number. */
export function takes(schema: JsonRecord | undefined, kind: Kind): boolean {
  if (schema === undefined) return true;
  return branches(schema).some((branch) =>
    typesOf(branch).some((type) => type === kind || (type === 'integer' && kind === 'number')),
  );
}

/** Whether the source text is wanted instead of the number (money). */
export function isDecimal(schema: JsonRecord | undefined): boolean {
  return schema?.['format'] === DECIMAL_FORMAT;
}

/** What may stand one step further down; undefined where nothing may. */
export function schemaBelow(schema: JsonRecord | undefined, step: string | number): JsonRecord | undefined {
  if (schema === undefined) return undefined;
  for (const branch of branches(schema)) {
    const below = typeof step === 'number' ? asRecord(branch['items']) : entryOf(branch, step);
    if (below !== undefined) return below;
  }
  return undefined;
}

function entryOf(branch: JsonRecord, name: string): JsonRecord | undefined {
  const properties = asRecord(branch['properties']);
  if (properties !== undefined && Object.hasOwn(properties, name)) return asRecord(properties[name]);
  return asRecord(branch['additionalProperties']);
}

/** What may stand at a path from the top of the document. */
export function schemaAt(steps: readonly PropertyKey[]): JsonRecord | undefined {
  let schema: JsonRecord | undefined = SCHEMA;
  for (const step of steps) schema = schemaBelow(schema, typeof step === 'symbol' ? step.toString() : step);
  return schema;
}

/** The keys that are known here. Empty for tables, whose keys are the operator's. */
export function knownKeys(schema: JsonRecord | undefined): readonly string[] {
  if (schema === undefined) return [];
  return branches(schema).flatMap((branch) => Object.keys(asRecord(branch['properties']) ?? {}));
}

/** Why a name may not stand in this table, after its path; undefined where it may. */
export function whyNotName(schema: JsonRecord | undefined, name: string): string | undefined {
  const rule = asRecord(schema?.['propertyNames']);
  const pattern = asString(rule?.['pattern']);
  if (pattern === undefined || new RegExp(pattern).test(name)) return undefined;
  return `must be ${asString(rule?.['description']) ?? 'another name'}`;
}

/** The values that are known here, where there is a list of them. */
export function knownValues(schema: JsonRecord | undefined): readonly string[] {
  if (schema === undefined) return [];
  return branches(schema).flatMap(
    (branch) => asArray(branch['enum'])?.filter((item) => typeof item === 'string') ?? [],
  );
}

/** Keys or values that the design has and this release has not. */
export function isLater(schema: JsonRecord | undefined, name: string): boolean {
  return laterNames(schema).includes(name);
}

export function laterNames(schema: JsonRecord | undefined): readonly string[] {
  if (schema === undefined) return [];
  return branches(schema).flatMap(
    (branch) => asArray(branch['x-later'])?.filter((item) => typeof item === 'string') ?? [],
  );
}

/** What may stand here, in words: `a whole number from 0 to 65535`. */
export function allowedText(schema: JsonRecord | undefined): string | undefined {
  if (schema === undefined) return undefined;
  const words = branches(schema).map(branchText);
  return words.includes(undefined) ? undefined : [...new Set(words)].join(', or ');
}

function branchText(schema: JsonRecord): string | undefined {
  const values = knownValues(schema);
  if (values.length > 0) return values.length === 1 ? `\`${values[0]}\`` : `one of ${list(values)}`;
  if (isDecimal(schema)) return 'a decimal amount from 0 to 100000, with at most 9 decimals';
  const type = asString(schema['type']);
  if (type === 'array') return arrayText(schema);
  if (type === 'object') return objectText(schema);
  return type === undefined ? undefined : SCALARS[type]?.(schema);
}

const SCALARS: Readonly<Record<string, (schema: JsonRecord) => string>> = {
  integer: (schema) => `a whole number${range(schema)}`,
  number: (schema) => `a number${range(schema)}`,
  boolean: () => '`true` or `false`',
  string: () => 'a text',
};

function objectText(schema: JsonRecord): string {
  const keys = knownKeys(schema);
  return keys.length === 0 ? 'a group of keys' : `a group with the keys ${list(keys)}`;
}

function arrayText(schema: JsonRecord): string {
  const items = asRecord(schema['items']);
  const values = knownValues(items);
  if (values.length > 0) return `a list of ${list(values)}`;
  const kinds = items === undefined ? [] : branches(items).map((branch) => asString(branch['type']));
  if (kinds.every((kind) => kind === 'string')) return 'a list of texts';
  if (kinds.every((kind) => kind === 'array')) return 'a list of lists';
  return kinds.includes('string') ? 'a list of texts or groups' : 'a list of groups';
}

function range(schema: JsonRecord): string {
  const min = asNumber(schema['minimum']);
  const max = asNumber(schema['maximum']);
  return min === undefined || max === undefined ? '' : ` from ${min} to ${max}`;
}

/** Names in backquotes, separated by commas. */
export function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
