/**
 * Checks a value against a JSON Schema (draft 2020-12, as far as structured outputs use it). Interprets: no code is made of a
 * caller's schema. Every step is counted, so that no schema and no value takes longer than a bound, whatever they hold.
 *
 * Not checked: `format` (an annotation), `unevaluated*`, `dynamicRef`, references out of the document or to anchors, and
 * patterns whose search has no bound (`pattern.ts`).
 */
import { asNumber, asRecord, asString, isArray, isRecord, type Json, type JsonRecord } from '../lib/json.ts';
import { patternOf, type Pattern } from './pattern.ts';

/** Where a value does not fit, in words for a caller and for the model. Holds nothing of the value but what its schema names. */
export interface Misfit {
  /** From the root `$`: `$.items[2].name`. */
  readonly path: string;
  /** What the value must be. */
  readonly must: string;
}

/** Less than 100 ms on a slow core, and more than an answer of ten thousand tokens needs. */
const STEPS_MAX = 80_000;
/** Deeper than any body the gateway takes, references included: a reference to itself ends here. */
const DEPTH_MAX = 200;
const PATH_MAX = 200;
/** Items, members and words of a keyword that are passed over in one step; characters of a text; places of a pattern's search. */
const PASSED_PER_STEP = 10;
const CHARACTERS_PER_STEP = 200;
const SEARCH_PER_STEP = 50;
/** Making a regular expression costs about as much. */
const PATTERN_STEPS = 20;
/** Stands for a name that is the value's own, and no word of the schema: it could be anything. */
const OTHER = '*';

/** What one check has used up. Mutable by design: it lives inside one `misfitOf`. */
interface Walk {
  readonly root: JsonRecord;
  /** What references lead to. */
  readonly referred: Map<Json, Json>;
  steps: number;
  isOver: boolean;
}

/** The way to a place, from its end. Written out only where something does not fit. */
interface Trail {
  readonly before: Trail | undefined;
  readonly step: string | number;
}

interface Place {
  readonly trail: Trail | undefined;
  readonly depth: number;
  readonly walk: Walk;
}

interface Here extends Place {
  readonly schema: JsonRecord;
}

interface Found {
  readonly trail: Trail | undefined;
  readonly must: string;
}

/** The first place where `value` does not fit; undefined where it fits, or where checking it would take too long. */
export function misfitOf(value: Json, schema: JsonRecord): Misfit | undefined {
  const walk: Walk = { root: schema, referred: new Map(), steps: 0, isOver: false };
  const found = visit(value, schema, { trail: undefined, depth: 0, walk });
  return found === undefined || walk.isOver ? undefined : { path: pathOf(found.trail), must: found.must };
}

function pathOf(trail: Trail | undefined): string {
  const steps: string[] = [];
  for (let at = trail; at !== undefined; at = at.before) steps.push(written(at.step));
  return `$${steps.toReversed().join('')}`.slice(0, PATH_MAX);
}

function written(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`;
  return /^(?:[A-Za-z_]\w*|\*)$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function visit(value: Json, schema: Json | undefined, at: Place): Found | undefined {
  const { walk, depth, trail } = at;
  spend(walk, 1);
  if (depth > DEPTH_MAX) walk.isOver = true;
  if (walk.isOver) return undefined;
  if (schema === false) return misfit(at, 'not be there');
  if (!isRecord(schema)) return undefined;
  const here: Here = { trail, walk, depth: depth + 1, schema };
  const weight = 1 + stepsOver(value);
  // Not `entries`: its pairs cost as much as a step.
  for (const keyword of Object.keys(schema)) {
    const check = KEYWORDS.get(keyword);
    const held = schema[keyword];
    if (check === undefined || held === undefined) continue;
    spend(walk, weight + (isArray(held) ? held.length / PASSED_PER_STEP : 0));
    const found = walk.isOver ? undefined : check(held, value, here);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What passing over a value once costs. */
function stepsOver(value: Json): number {
  if (typeof value === 'string') return value.length / CHARACTERS_PER_STEP;
  if (isArray(value)) return value.length / PASSED_PER_STEP;
  return isRecord(value) ? Object.keys(value).length / PASSED_PER_STEP : 0;
}

function spend(walk: Walk, steps: number): void {
  walk.steps += steps;
  if (walk.steps > STEPS_MAX) walk.isOver = true;
}

function misfit({ trail }: Place, must: string): Found {
  return { trail, must };
}

type Check = (held: Json, value: Json, here: Here) => Found | undefined;

/** A check of numbers that hold a bound: `fails` says whether `size` breaks it. */
function bound(
  sizeOf: (value: Json) => number | undefined,
  fails: (size: number, limit: number) => boolean,
  must: string,
) {
  return (held: Json, value: Json, here: Here): Found | undefined => {
    const limit = asNumber(held);
    const size = sizeOf(value);
    return limit !== undefined && size !== undefined && fails(size, limit)
      ? misfit(here, `${must} ${limit}`)
      : undefined;
  };
}

const above = (size: number, limit: number): boolean => size > limit;
const below = (size: number, limit: number): boolean => size < limit;
const characters = (value: Json): number | undefined => (typeof value === 'string' ? pointsIn(value) : undefined);
const entries = (value: Json): number | undefined => (isArray(value) ? value.length : undefined);
const members = (value: Json): number | undefined => (isRecord(value) ? Object.keys(value).length : undefined);

/** Unicode code points, as JSON Schema counts the length of a text: surrogates in pairs are one. */
function pointsIn(text: string): number {
  let pairs = 0;
  for (let index = 1; index < text.length; index += 1) {
    const isLow = (text.charCodeAt(index) & 0xfc00) === 0xdc00;
    if (isLow && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800) pairs += 1;
  }
  return text.length - pairs;
}

const CHECKS: Readonly<Record<string, Check>> = {
  type: checkType,
  enum: (held, value, here) =>
    isArray(held) && !held.some((one) => isSame(one, value, here.walk))
      ? misfit(here, 'be one of its `enum`')
      : undefined,
  const: (held, value, here) => (isSame(held, value, here.walk) ? undefined : misfit(here, 'be its `const`')),
  minimum: bound(asNumber, below, 'be at least'),
  maximum: bound(asNumber, above, 'be at most'),
  exclusiveMinimum: bound(asNumber, (size, limit) => size <= limit, 'be more than'),
  exclusiveMaximum: bound(asNumber, (size, limit) => size >= limit, 'be less than'),
  multipleOf: bound(asNumber, (size, limit) => !isMultiple(size, limit), 'be a multiple of'),
  minLength: bound(characters, below, 'have a length of at least'),
  maxLength: bound(characters, above, 'have a length of at most'),
  minItems: bound(entries, below, 'have a number of items of at least'),
  maxItems: bound(entries, above, 'have a number of items of at most'),
  minProperties: bound(members, below, 'have a number of properties of at least'),
  maxProperties: bound(members, above, 'have a number of properties of at most'),
  pattern: checkPattern,
  required: checkRequired,
  dependentRequired: checkDependent,
  properties: checkProperties,
  patternProperties: checkPatternProperties,
  additionalProperties: checkAdditional,
  propertyNames: (held, value, here) =>
    isRecord(value) ? first(Object.keys(value), (name) => visit(name, held, inside(here, OTHER))) : undefined,
  prefixItems: (held, value, here) =>
    isArray(value) && isArray(held)
      ? first([...value.entries()], ([index, item]) => visit(item, held[index], inside(here, index)))
      : undefined,
  items: checkItems,
  contains: checkContains,
  uniqueItems: checkUnique,
  allOf: (held, value, here) => (isArray(held) ? first(held, (one) => visit(value, one, here)) : undefined),
  anyOf: checkAnyOf,
  oneOf: (held, value, here) =>
    isArray(held) && held.filter((one) => visit(value, one, here) === undefined).length !== 1
      ? misfit(here, 'fit exactly one of its `oneOf`')
      : undefined,
  not: (held, value, here) => (visit(value, held, here) === undefined ? misfit(here, 'not fit its `not`') : undefined),
  if: (held, value, here) =>
    visit(value, here.schema[visit(value, held, here) === undefined ? 'then' : 'else'] ?? true, here),
  $ref: (held, value, here) => visit(value, schemaBehind(held, here.walk), here),
};
/** By name, so that `constructor` is none. */
const KEYWORDS: ReadonlyMap<string, Check> = new Map(Object.entries(CHECKS));

function first<T>(of: readonly T[], look: (one: T) => Found | undefined): Found | undefined {
  for (const one of of) {
    const found = look(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function inside({ depth, walk, trail }: Place, step: string | number): Place {
  return { depth, walk, trail: { before: trail, step } };
}

const TYPES: Readonly<Record<string, (value: Json) => boolean>> = {
  object: isRecord,
  array: isArray,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

function checkType(held: Json, value: Json, here: Here): Found | undefined {
  const names = (isArray(held) ? held : [held]).flatMap((name) => asString(name) ?? []);
  const known = names.filter((name) => Object.hasOwn(TYPES, name));
  if (known.length < names.length || known.length === 0 || known.some((name) => TYPES[name]?.(value) === true))
    return undefined;
  return misfit(here, `be of type ${known.join(' or ')}`);
}

/** Quotients of decimal fractions are a little off: 0.3 is a multiple of 0.1. */
function isMultiple(size: number, step: number): boolean {
  if (step <= 0) return true;
  const quotient = size / step;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient));
}

function checkPattern(held: Json, value: Json, here: Here): Found | undefined {
  spend(here.walk, PATTERN_STEPS);
  const pattern = typeof value === 'string' ? patternOf(asString(held) ?? '') : undefined;
  return typeof value === 'string' && pattern !== undefined && !matches(pattern, value, here)
    ? misfit(here, 'match its `pattern`')
    : undefined;
}

/** Whether the text matches; where finding out would take too long, the check is over. */
function matches(pattern: Pattern, text: string, { walk }: Here): boolean {
  spend(walk, 1 + pattern.cost(text.length) / SEARCH_PER_STEP);
  return walk.isOver || pattern.matches(text);
}

function checkRequired(held: Json, value: Json, here: Here): Found | undefined {
  if (!isRecord(value) || !isArray(held)) return undefined;
  const missing = held.filter((name) => typeof name === 'string').find((name) => !Object.hasOwn(value, name));
  return missing === undefined ? undefined : misfit(inside(here, missing), 'be there');
}

function checkDependent(held: Json, value: Json, here: Here): Found | undefined {
  if (!isRecord(value)) return undefined;
  return first(Object.entries(asRecord(held) ?? {}), ([name, names]) =>
    Object.hasOwn(value, name) ? checkRequired(names ?? [], value, here) : undefined,
  );
}

function checkProperties(held: Json, value: Json, here: Here): Found | undefined {
  if (!isRecord(value)) return undefined;
  return first(Object.entries(asRecord(held) ?? {}), ([name, schema]) =>
    Object.hasOwn(value, name) ? visit(value[name] ?? null, schema, inside(here, name)) : undefined,
  );
}

/** The patterns of property names, by their source; `undefined` for those that are not used. */
function patternsIn(schemas: JsonRecord, { walk }: Here): ReadonlyMap<string, Pattern | undefined> {
  const sources = Object.keys(schemas);
  spend(walk, sources.length * PATTERN_STEPS);
  return new Map(walk.isOver ? [] : sources.map((source) => [source, patternOf(source)]));
}

function checkPatternProperties(held: Json, value: Json, here: Here): Found | undefined {
  const schemas = asRecord(held) ?? {};
  if (!isRecord(value)) return undefined;
  return first([...patternsIn(schemas, here)], ([source, pattern]) =>
    first(Object.entries(value), ([name, item]) =>
      pattern !== undefined && matches(pattern, name, here)
        ? visit(item ?? null, schemas[source], inside(here, OTHER))
        : undefined,
    ),
  );
}

function checkAdditional(held: Json, value: Json, here: Here): Found | undefined {
  if (!isRecord(value)) return undefined;
  const named = asRecord(here.schema['properties']) ?? {};
  const patterns = [...patternsIn(asRecord(here.schema['patternProperties']) ?? {}, here).values()];
  // A name may be meant by a pattern that is not used.
  if (patterns.includes(undefined)) return undefined;
  const isNamed = (name: string): boolean =>
    Object.hasOwn(named, name) || patterns.some((pattern) => pattern !== undefined && matches(pattern, name, here));
  const others = Object.entries(value).filter(([name]) => !isNamed(name));
  if (held === false) return others.length === 0 ? undefined : misfit(here, 'have no property but those of its schema');
  return first(others, ([, item]) => visit(item ?? null, held, inside(here, OTHER)));
}

function checkItems(held: Json, value: Json, here: Here): Found | undefined {
  if (!isArray(value)) return undefined;
  const start = isArray(here.schema['prefixItems']) ? here.schema['prefixItems'].length : 0;
  for (let index = start; index < value.length && !here.walk.isOver; index += 1) {
    // Before draft 2020-12 a list here was what `prefixItems` is now.
    const found = visit(value[index] ?? null, isArray(held) ? held[index] : held, inside(here, index));
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkContains(held: Json, value: Json, here: Here): Found | undefined {
  if (!isArray(value)) return undefined;
  const count = value.filter((item) => visit(item, held, here) === undefined).length;
  const least = asNumber(here.schema['minContains']) ?? 1;
  const most = asNumber(here.schema['maxContains']) ?? Number.POSITIVE_INFINITY;
  return count < least || count > most ? misfit(here, 'hold as many items that fit `contains` as it says') : undefined;
}

function checkUnique(held: Json, value: Json, here: Here): Found | undefined {
  if (held !== true || !isArray(value)) return undefined;
  const isTwice = value.some((item, index) => {
    for (let before = 0; before < index && !here.walk.isOver; before += 1)
      if (isSame(value[before] ?? null, item, here.walk)) return true;
    return false;
  });
  return isTwice ? misfit(here, 'hold no item twice') : undefined;
}

/** The misfit of the only branch that has the value's type says more than that none fits. */
function checkAnyOf(held: Json, value: Json, here: Here): Found | undefined {
  if (!isArray(held)) return undefined;
  const found = held.map((one) => visit(value, one, here));
  if (found.includes(undefined)) return undefined;
  const deeper = found.filter((one) => one !== undefined && one.trail !== here.trail);
  return deeper.length === 1 ? deeper[0] : misfit(here, 'fit one of its `anyOf`');
}

function schemaBehind(reference: Json, { root, referred }: Walk): Json {
  const known = referred.get(reference);
  if (known !== undefined) return known;
  const found = pointed(root, reference);
  referred.set(reference, found);
  return found;
}

/** A JSON pointer inside the document (RFC 6901); all other references are not followed. */
function pointed(root: JsonRecord, held: Json): Json {
  const reference = asString(held) ?? '';
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return true;
  let at: Json | undefined = root;
  for (const step of reference.slice(2).split('/')) {
    const key = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (isRecord(at) && Object.hasOwn(at, key)) at = at[key];
    else if (isArray(at)) at = at[Number(key)];
    else return true;
  }
  return at ?? true;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** Equality of JSON values: the order of an object's members does not count. */
function isSame(a: Json, b: Json, walk: Walk): boolean {
  spend(walk, 1);
  if (a === b || walk.isOver) return true;
  if (isArray(a) && isArray(b))
    return a.length === b.length && a.every((item, index) => isSame(item, b[index] ?? null, walk));
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && isSame(a[name] ?? null, b[name] ?? null, walk))
  );
}
