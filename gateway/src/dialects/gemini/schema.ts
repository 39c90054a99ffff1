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
const INTEGERS: ReadonlySet<string> = new Set([
  'maxItems',
  'minItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
]);
/** Keywords that hold schemas by name, and in a list. */
const MAPS: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions']);
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);
/** Deeper schemas are cut off there: the scan of the body allows little more, and recursion must end. */
const DEPTH_MAX = 64;

/**
 * JSON Schema that says the same: types in lower case, `nullable` as a second type, `propertyOrdering` as the order of the
 * properties, `example` as `examples`. What is JSON Schema already stays as it is.
 */
export function jsonSchemaOf(schema: JsonRecord, depth: number = DEPTH_MAX): JsonRecord {
  if (depth === 0) return {};
  const out: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    const name = KEYWORDS.has(camel(key)) ? camel(key) : key;
    if (name === 'example') out['examples'] = [value ?? null];
    else if (isGiven(name, value)) out[name] = keywordOf(name, value, depth - 1);
  }
  if (schema['nullable'] === true) allowNull(out);
  const ordering = schema['propertyOrdering'] ?? schema['property_ordering'];
  const properties = out['properties'];
  if (isArray(ordering) && isRecord(properties)) out['properties'] = ordered(properties, ordering);
  return out;
}

/** Null means "not given", except where null is the value that is meant. */
function isGiven(name: string, value: Json | undefined): value is Json {
  if (name === 'nullable' || name === 'propertyOrdering' || value === undefined) return false;
  return value !== null || name === 'default' || name === 'const';
}

function keywordOf(name: string, value: Json, depth: number): Json {
  if (name === 'type') return typeOf(value);
  if (INTEGERS.has(name)) return integerOf(value) ?? value;
  if (MAPS.has(name) && isRecord(value)) {
    const entries = Object.entries(value).map(([key, item]) => [key, schemaOr(item ?? {}, depth)] as const);
    return Object.fromEntries(entries);
  }
  if (LISTS.has(name) && isArray(value)) return value.map((item) => schemaOr(item, depth));
  return name === 'items' || name === 'additionalProperties' ? schemaOr(value, depth) : value;
}

function schemaOr(value: Json, depth: number): Json {
  return isRecord(value) ? jsonSchemaOf(value, depth) : value;
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
