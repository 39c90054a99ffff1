/**
 * JSON Schemas in the form that Anthropic's grammar compiler takes. Objects are closed; what it refuses (bounds, patterns,
 * counts) is told to the model in the description instead, as the official SDK does (`lib/transform-json-schema`).
 */
import { isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';

/** Formats of strings that are compiled (the SDK's list). */
const FORMATS: ReadonlySet<string> = new Set([
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'uri',
  'ipv4',
  'ipv6',
  'uuid',
]);
/** Keywords that are kept as they are. */
const PLAIN: ReadonlySet<string> = new Set([
  'type',
  'description',
  'title',
  'enum',
  'const',
  '$ref',
  'required',
  'default',
]);
const MAPS: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions']);
/** `oneOf` is written as `anyOf`, which the compiler knows. */
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'allOf', 'oneOf']);
/** Deeper than any real schema; the body's own limit on depth is far above. */
const DEPTH_MAX = 64;

export interface FittedSchema {
  readonly schema: JsonRecord;
  /** Keywords that could not stay, once each (`minimum`, `additionalProperties`). */
  readonly moved: readonly string[];
}

/** The schema in the form that structured output takes, and what it no longer enforces. */
export function fitSchema(schema: JsonRecord): FittedSchema {
  const moved = new Set<string>();
  return { schema: fit(schema, moved, 0), moved: [...moved] };
}

function fit(schema: JsonRecord, moved: Set<string>, depth: number): JsonRecord {
  if (depth > DEPTH_MAX) return schema;
  const fitted: Record<string, Json> = {};
  const told: string[] = [];
  for (const [name, value] of Object.entries(schema)) {
    if (value === undefined || LEFT_OUT.has(name)) continue;
    const kept = keyword(name, value, { moved, depth });
    if (kept !== undefined) fitted[name === 'oneOf' ? 'anyOf' : name] = kept;
    else {
      moved.add(name);
      told.push(`${name}: ${JSON.stringify(value)}`);
    }
  }
  const open = schema['additionalProperties'];
  if (isObjectSchema(schema)) fitted['additionalProperties'] = false;
  if (open !== undefined && open !== false) moved.add('additionalProperties');
  if (isRecord(open)) told.push(`additionalProperties: ${JSON.stringify(open)}`);
  return withTold(fitted, told);
}

/** Read apart, or without a meaning for the model. */
const LEFT_OUT: ReadonlySet<string> = new Set(['$schema', 'additionalProperties']);

/** What cannot be a keyword stands in the description, for the model to read. */
function withTold(schema: JsonRecord, told: readonly string[]): JsonRecord {
  if (told.length === 0) return schema;
  const description = typeof schema['description'] === 'string' ? `${schema['description']}\n\n` : '';
  return { ...schema, description: `${description}{${told.join(', ')}}` };
}

interface Walk {
  readonly moved: Set<string>;
  readonly depth: number;
}

/** The value to keep for a keyword, or undefined where it has to go. */
function keyword(name: string, value: Json, walk: Walk): Json | undefined {
  if (PLAIN.has(name)) return value;
  if (isRecord(value)) {
    if (MAPS.has(name)) return mapValues(value, (inner) => fitAny(inner, walk));
    return name === 'items' ? fitAny(value, walk) : undefined;
  }
  if (isArray(value)) return LISTS.has(name) ? value.map((inner) => fitAny(inner, walk)) : undefined;
  const isTaken =
    (name === 'format' && FORMATS.has(String(value))) || (name === 'minItems' && (value === 0 || value === 1));
  return isTaken ? value : undefined;
}

function fitAny(value: Json, walk: Walk): Json {
  return isRecord(value) ? fit(value, walk.moved, walk.depth + 1) : value;
}

function isObjectSchema(schema: JsonRecord): boolean {
  const type = schema['type'];
  return (
    type === 'object' ||
    (isArray(type) && type.includes('object')) ||
    (type === undefined && isRecord(schema['properties']))
  );
}

function mapValues(record: JsonRecord, change: (value: Json) => Json): JsonRecord {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, value === undefined ? null : change(value)]),
  );
}

/** True where the schema of a `strict` tool compiles as it is. */
export function isStrictSchema(schema: JsonRecord): boolean {
  return isClosed(schema, 0);
}

function isClosed(schema: JsonRecord, depth: number): boolean {
  if (depth > DEPTH_MAX) return false;
  if (isObjectSchema(schema) && schema['additionalProperties'] !== false) return false;
  return Object.entries(schema).every(([name, value]) => {
    if (value === undefined || name === 'additionalProperties' || name === '$schema') return true;
    if (keyword(name, value, { moved: new Set(), depth: DEPTH_MAX }) === undefined) return false;
    if (MAPS.has(name) && isRecord(value))
      return Object.values(value).every((inner) => !isRecord(inner) || isClosed(inner, depth + 1));
    if (isArray(value) && !PLAIN.has(name))
      return value.every((inner) => !isRecord(inner) || isClosed(inner, depth + 1));
    return name !== 'items' || !isRecord(value) || isClosed(value, depth + 1);
  });
}

/** The schema of a tool's arguments: the API wants an object at the top, without a choice of forms there (recorded 400s). */
export function toolSchema(parameters: JsonRecord | undefined): FittedSchema {
  if (parameters === undefined) return { schema: { type: 'object', properties: {} }, moved: [] };
  const moved: string[] = [];
  const kept: Record<string, Json> = {};
  const told: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    if (name !== 'anyOf' && name !== 'oneOf' && name !== 'allOf') kept[name] = value;
    else {
      moved.push(name);
      told.push(`${name}: ${JSON.stringify(value)}`);
    }
  }
  if (kept['type'] !== 'object') {
    if (kept['type'] !== undefined && kept['type'] !== null) moved.push('type');
    kept['type'] = 'object';
  }
  return { schema: withTold(kept, told), moved };
}
