/** Makes up a value that a JSON Schema accepts: what a model with structured output would have answered. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString, isArray, isRecord } from '../../lib/json.ts';
import type { Dice } from '../../lib/dice.ts';
import { between, pick } from './dice.ts';
import { sampleOf } from './pattern.ts';
import { NOUNS } from './words.ts';

/** Below this depth only what a schema demands is made: recursive schemas would grow without end. */
const OPTIONAL_DEPTH_MAX = 4;
/** A schema that demands more depth than this cannot be satisfied anyway. */
const DEPTH_MAX = 24;
/** Values made for one schema: `minItems: 1e9` must not fill the memory. */
const NODES_MAX = 5_000;
const STRING_LENGTH_MAX = 10_000;
const UNIQUE_TRIES_MAX = 20;
const REFERENCES_MAX = 50;

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-15T09:30:00Z',
  date: '2026-01-15',
  time: '09:30:00Z',
  duration: 'PT15M',
  email: 'someone@example.com',
  hostname: 'www.example.com',
  ipv4: '192.0.2.10',
  ipv6: '2001:db8::10',
  uuid: '3f2b8c1e-5d4a-4c7b-9e10-a1b2c3d4e5f6',
  uri: 'https://www.example.com/page',
  url: 'https://www.example.com/page',
  byte: 'c2ltdWxhdG9y',
};

interface Maker {
  readonly root: Json;
  readonly dice: Dice;
  nodes: number;
}

/**
 * A value for `schema`: JSON Schema as structured outputs use it, and Gemini's form (types in capitals, `nullable`, counts as strings).
 * Read: type, enum, const, properties, required, items, prefixItems, anyOf, oneOf, allOf, local $ref, lengths, bounds, multipleOf,
 * pattern, format, uniqueItems. Not read: not, if/then/else, dependent*, patternProperties, contains.
 */
export function instanceOf(schema: Json | undefined, dice: Dice): Json {
  if (schema === undefined) return {};
  return make({ root: schema, dice, nodes: 0 }, schema, 0);
}

function make(maker: Maker, given: Json | undefined, depth: number): Json {
  maker.nodes += 1;
  if (depth > DEPTH_MAX || maker.nodes > NODES_MAX) return null;
  const schema = flatten(maker, given, depth);
  if ('const' in schema) return schema['const'] ?? null;
  const options = asArray(schema['enum']);
  if (options !== undefined && options.length > 0) return pick(maker.dice, options) ?? null;
  const type = typeOf(maker, schema, depth);
  return (Object.hasOwn(MAKERS, type) ? MAKERS[type] : undefined)?.(maker, schema, depth) ?? null;
}

const MAKERS: Readonly<Record<string, (maker: Maker, schema: JsonRecord, depth: number) => Json>> = {
  object: makeObject,
  array: makeArray,
  integer: ({ dice }, schema) => makeInteger(dice, schema),
  number: ({ dice }, schema) => makeNumber(dice, schema),
  string: ({ dice }, schema) => makeString(dice, schema),
  boolean: ({ dice }) => dice() < 0.5,
};

/** One schema without references, `allOf`, `anyOf` and `oneOf`: each resolved or chosen, and laid over the rest. */
function flatten(maker: Maker, given: Json | undefined, depth: number): JsonRecord {
  let schema: JsonRecord = asRecord(given) ?? {};
  for (let count = 0; count < REFERENCES_MAX; count += 1) {
    const { $ref, allOf, anyOf, oneOf, ...rest } = schema;
    if ($ref !== undefined) schema = merge(rest, asRecord(resolve(maker.root, asString($ref) ?? '')) ?? {});
    else if (isArray(allOf)) schema = allOf.reduce<JsonRecord>((sum, part) => merge(sum, asRecord(part) ?? {}), rest);
    else if (isArray(anyOf) || isArray(oneOf))
      schema = merge(rest, choose(maker, asArray(anyOf) ?? asArray(oneOf) ?? [], depth));
    else return schema;
  }
  return {};
}

function merge(base: JsonRecord, over: JsonRecord): JsonRecord {
  const properties = { ...asRecord(base['properties']), ...asRecord(over['properties']) };
  const required = [...(asArray(base['required']) ?? []), ...(asArray(over['required']) ?? [])];
  return {
    ...base,
    ...over,
    ...(Object.keys(properties).length > 0 ? { properties } : {}),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** `null` is chosen only far down, where it ends a recursion. */
function choose(maker: Maker, options: readonly Json[], depth: number): JsonRecord {
  const records = options.filter(isRecord);
  const isNull = (option: JsonRecord): boolean => option['type'] === 'null' || option['type'] === 'NULL';
  const isLeaf = (option: JsonRecord): boolean =>
    'const' in option ||
    'enum' in option ||
    /^(string|integer|number|boolean|null)$/i.test(asString(option['type']) ?? '');
  const wanted = depth >= OPTIONAL_DEPTH_MAX ? records.filter(isLeaf) : records.filter((option) => !isNull(option));
  return pick(maker.dice, wanted.length > 0 ? wanted : records) ?? {};
}

/** A JSON pointer inside the document (`#/$defs/step`); anything else is not looked up. */
function resolve(root: Json, reference: string): Json | undefined {
  if (!reference.startsWith('#')) return undefined;
  let value: Json | undefined = root;
  for (const part of reference.slice(1).split('/').slice(1)) {
    const key = decodePointer(part);
    if (isRecord(value) && Object.hasOwn(value, key)) value = value[key];
    else if (isArray(value)) value = value[Number(key)];
    else return undefined;
  }
  return value;
}

function decodePointer(part: string): string {
  const plain = part.replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return decodeURIComponent(plain);
  } catch {
    return plain;
  }
}

function typeOf(maker: Maker, schema: JsonRecord, depth: number): string {
  const type = schema['type'];
  const names = (isArray(type) ? type : [type]).flatMap((name) =>
    typeof name === 'string' ? [name.toLowerCase()] : [],
  );
  const isNullable = schema['nullable'] === true || names.includes('null');
  const others = names.filter((name) => name !== 'null');
  if (isNullable && (depth >= OPTIONAL_DEPTH_MAX || others.length === 0) && names.length > 0) return 'null';
  return pick(maker.dice, others) ?? guessType(schema);
}

function guessType(schema: JsonRecord): string {
  if ('properties' in schema || 'required' in schema || 'additionalProperties' in schema) return 'object';
  if ('items' in schema || 'prefixItems' in schema) return 'array';
  return 'minimum' in schema || 'maximum' in schema || 'multipleOf' in schema ? 'number' : 'string';
}

function makeObject(maker: Maker, schema: JsonRecord, depth: number): Json {
  const properties = asRecord(schema['properties']) ?? {};
  const required = (asArray(schema['required']) ?? []).filter((name) => typeof name === 'string');
  const made: Record<string, Json> = {};
  const names = new Set(depth < OPTIONAL_DEPTH_MAX ? [...Object.keys(properties), ...required] : required);
  const others = schema['additionalProperties'];
  for (const name of names) {
    const value = make(
      maker,
      Object.hasOwn(properties, name) ? properties[name] : isRecord(others) ? others : undefined,
      depth + 1,
    );
    // Defined rather than assigned: a property called `__proto__` is only a property.
    Object.defineProperty(made, name, { value, enumerable: true, writable: true, configurable: true });
  }
  const least = Math.min(countOf(schema['minProperties']) ?? 0, NODES_MAX);
  for (let extra = 1, count = names.size; count < least; extra += 1) {
    const name = `key${extra}`;
    if (!names.has(name)) count += 1;
    made[name] = make(maker, isRecord(others) ? others : undefined, depth + 1);
  }
  return made;
}

function makeArray(maker: Maker, schema: JsonRecord, depth: number): Json {
  const prefix = asArray(schema['prefixItems']) ?? [];
  const least = Math.min(countOf(schema['minItems']) ?? 0, NODES_MAX);
  const most = countOf(schema['maxItems']) ?? Number.POSITIVE_INFINITY;
  const wished = depth < OPTIONAL_DEPTH_MAX ? between(maker.dice, 1, 3) : 0;
  const isClosed = schema['items'] === false;
  const count = isClosed ? prefix.length : Math.min(Math.max(least, wished, prefix.length), most);
  const made: Json[] = [];
  const seen = new Set<string>();
  for (let index = 0; index < count && maker.nodes <= NODES_MAX; index += 1) {
    const item = prefix[index] ?? schema['items'];
    const value =
      schema['uniqueItems'] === true ? makeUnseen(maker, { item, depth, seen }) : make(maker, item, depth + 1);
    if (value !== undefined) made.push(value);
  }
  return made;
}

function makeUnseen(maker: Maker, of: { item: Json | undefined; depth: number; seen: Set<string> }): Json | undefined {
  for (let tries = 0; tries < UNIQUE_TRIES_MAX; tries += 1) {
    const value = make(maker, of.item, of.depth + 1);
    const text = JSON.stringify(value);
    if (of.seen.has(text)) continue;
    of.seen.add(text);
    return value;
  }
  return undefined;
}

/** Lowest and highest value allowed; open ends get a hundred of room. */
function boundsOf(schema: JsonRecord, step: number): readonly [number, number] {
  const above = numberOf(schema['exclusiveMinimum']);
  const below = numberOf(schema['exclusiveMaximum']);
  const low = Math.max(
    numberOf(schema['minimum']) ?? Number.NEGATIVE_INFINITY,
    above === undefined ? Number.NEGATIVE_INFINITY : above + step,
  );
  const high = Math.min(
    numberOf(schema['maximum']) ?? Number.POSITIVE_INFINITY,
    below === undefined ? Number.POSITIVE_INFINITY : below - step,
  );
  if (low === Number.NEGATIVE_INFINITY)
    return high === Number.POSITIVE_INFINITY ? [0, 100] : [Math.min(0, high - 100), high];
  return [low, high === Number.POSITIVE_INFINITY ? low + 100 : high];
}

function makeInteger(dice: Dice, schema: JsonRecord): number {
  const multiple = Math.max(1, Math.round(numberOf(schema['multipleOf']) ?? 1));
  const [low, high] = boundsOf(schema, 1);
  const first = Math.ceil(low / multiple);
  return between(dice, first, Math.max(first, Math.floor(high / multiple))) * multiple || 0;
}

function makeNumber(dice: Dice, schema: JsonRecord): number {
  const multiple = numberOf(schema['multipleOf']);
  if (multiple !== undefined && multiple > 0) {
    const [low, high] = boundsOf(schema, multiple);
    const first = Math.ceil(low / multiple);
    return between(dice, first, Math.max(first, Math.floor(high / multiple))) * multiple || 0;
  }
  const [low, high] = boundsOf(schema, 0);
  const value = low + (high - low) * (0.1 + 0.8 * dice());
  const rounded = Math.round(value * 100) / 100;
  return rounded > low && rounded < high ? rounded : value;
}

function makeString(dice: Dice, schema: JsonRecord): string {
  const pattern = asString(schema['pattern']);
  const sample = pattern === undefined ? undefined : sampleOf(pattern, dice);
  if (sample !== undefined) return sample;
  const formatted = FORMATS[asString(schema['format']) ?? ''];
  if (formatted !== undefined) return formatted;
  const least = Math.min(countOf(schema['minLength']) ?? 1, STRING_LENGTH_MAX);
  const most = countOf(schema['maxLength']) ?? STRING_LENGTH_MAX;
  let text = pick(dice, NOUNS) ?? '';
  while (text.length < least) text += ` ${pick(dice, NOUNS)}`;
  return text.slice(0, Math.max(least, Math.min(most, text.length)));
}

/** Gemini writes 64-bit counts as strings (`"minItems": "2"`), as protocol buffers do. */
function countOf(value: Json | undefined): number | undefined {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
