/** Google's own schema language (a subset of OpenAPI 3.0 with enum types) as the JSON Schema that everyone else speaks. */
import { isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { camel, integerOf } from './wire.ts';

/** Types by number, for clients that send protocol-buffer enums. */
const TYPES = ['', 'string', 'number', 'integer', 'boolean', 'array', 'object', 'null'];
/** Names that are JSON Schema's own in camelCase and may come in snake_case. */
const KEYWORDS: ReadonlySet<string> = new Set([
  'anyOf',
  'maxItems',
  'minItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
  'propertyOrdering',
  'additionalProperties',
]);
/** 64-bit integers, which come as text. */
const INTEGERS: ReadonlySet<string> = new Set(['maxItems', 'minItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties']);
/** Deeper schemas are cut off there: the scan of the body allows little more, and recursion must end. */
const DEPTH_MAX = 64;

/**
 * JSON Schema that says the same: types in lower case, `nullable` as a second type, `propertyOrdering` as the order of the
 * properties, `example` as `examples`. What is JSON Schema already stays as it is.
 */
export function jsonSchemaOf(schema: JsonRecord, depth: number = DEPTH_MAX): JsonRecord {
  if (depth === 0) return {};
  const out: Record<string, Json> = {};
  let ordering: Json | undefined;
  let isNullable = false;
  for (const [key, value] of Object.entries(schema)) {
    const name = KEYWORDS.has(camel(key)) ? camel(key) : key;
    if (value === undefined || value === null) continue;
    if (name === 'nullable') isNullable = value === true;
    else if (name === 'propertyOrdering') ordering = value;
    else if (name === 'example') out['examples'] = [value];
    else out[name] = keywordOf(name, value, depth - 1);
  }
  if (isNullable) allowNull(out);
  const properties = out['properties'];
  if (isArray(ordering) && isRecord(properties)) out['properties'] = ordered(properties, ordering);
  return out;
}

function keywordOf(name: string, value: Json, depth: number): Json {
  if (name === 'type') return typeOf(value);
  if (INTEGERS.has(name)) return integerOf(value) ?? value;
  if (name === 'properties' || name === '$defs' || name === 'definitions') {
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]): [string, Json] => [key, isRecord(item) ? jsonSchemaOf(item, depth) : (item ?? {})]),
    );
  }
  if (name === 'items' || name === 'additionalProperties') return isRecord(value) ? jsonSchemaOf(value, depth) : value;
  if (name === 'anyOf' && isArray(value)) return value.map((item) => (isRecord(item) ? jsonSchemaOf(item, depth) : item));
  return value;
}

function typeOf(value: Json): Json {
  if (typeof value === 'string') return value.toLowerCase();
  if (typeof value === 'number') return TYPES[value] ?? 'string';
  return isArray(value) ? value.map(typeOf) : value;
}

function allowNull(schema: Record<string, Json>): void {
  const type = schema['type'];
  const values = schema['enum'];
  if (typeof type === 'string') schema['type'] = [type, 'null'];
  else if (isArray(schema['anyOf'])) schema['anyOf'] = [...schema['anyOf'], { type: 'null' }];
  if (isArray(values) && !values.includes(null)) schema['enum'] = [...values, null];
}

function ordered(properties: JsonRecord, ordering: readonly Json[]): JsonRecord {
  const first = ordering.filter((name): name is string => typeof name === 'string' && Object.hasOwn(properties, name));
  const names = new Set([...first, ...Object.keys(properties)]);
  return Object.fromEntries([...names].map((name) => [name, properties[name]]));
}
