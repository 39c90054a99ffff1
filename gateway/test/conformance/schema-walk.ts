/**
 * Walks a JSON Schema (JSON Schema drafts and OpenAPI alike) and makes, for every leaf that it can reach, one value of the
 * whole that carries this leaf: every optional field, every member of a union, every value of an enum.
 */
import {
  asArray,
  asNumber,
  asRecord,
  asString,
  isArray,
  isRecord,
  type Json,
  type JsonRecord,
} from '../../src/lib/json.ts';

/** One value that carries one leaf, beside what the schema demands. */
export interface Variant {
  /** Where the leaf stands: `messages[0].content[0].text`. */
  readonly path: string;
  /** What the leaf holds. */
  readonly leaf: Json;
  readonly value: Json;
  /** The same with the leaf left out, or with another one where it is required. */
  readonly without: Json;
}

/** Stands in every text leaf, so that it can be found again. */
export const MARK = 'qz7mark';
const OTHER = 'qz7other';
/** Deepest nesting that is walked: `messages[].content[].source.content[].citations[].x` has nine. */
const DEPTH_MAX = 14;
/** Most branches of one union that are walked. */
const SEEN_MAX = 1;

export interface Walk {
  /** The file that holds the schema, for its `$ref`s. */
  readonly root: Json;
  /** What the field of this name must hold to pass, made of a word; undefined for anything of its type. */
  readonly valueFor: (field: string, word: string) => Json | undefined;
  /** Fields that objects under a name must have, though the schema does not say so. */
  readonly demanded: Readonly<Record<string, JsonRecord>>;
}

interface At {
  readonly walk: Walk;
  readonly path: string;
  readonly field: string;
  readonly refs: readonly string[];
}

/** All variants of a schema. */
export function variantsOf(schema: Json, walk: Walk): readonly Variant[] {
  const all = variants(schema, { walk, path: '', field: '', refs: [] });
  // A required field of one value cannot be otherwise, and says nothing.
  return all.filter((one) => JSON.stringify(one.value) !== JSON.stringify(one.without));
}

function resolve(schema: Json, at: At): { readonly node: JsonRecord; readonly at: At } {
  let node = asRecord(schema) ?? {};
  let { refs } = at;
  for (;;) {
    const ref = asString(node['$ref']);
    if (ref === undefined) return { node, at: { ...at, refs } };
    refs = [...refs, ref];
    const steps = ref
      .replace(/^#\//, '')
      .split('/')
      .map((step) => decodeURIComponent(step).replaceAll('~1', '/'));
    let found: Json | undefined = at.walk.root;
    for (const step of steps) found = asRecord(found)?.[step];
    node = asRecord(found) ?? {};
  }
}

/** The branches of a union, or the node itself. `allOf` is laid together. */
function branchesOf(schema: Json, at: At): readonly { readonly node: JsonRecord; readonly at: At }[] {
  const resolved = resolve(schema, at);
  const union = asArray(resolved.node['anyOf']) ?? asArray(resolved.node['oneOf']);
  if (union !== undefined) return union.flatMap((member) => branchesOf(member, resolved.at));
  const all = asArray(resolved.node['allOf']);
  if (all !== undefined) return [{ node: mergeAll(resolved.node, all, resolved.at), at: resolved.at }];
  const types = asArray(resolved.node['type']);
  if (types !== undefined) {
    return types
      .filter((type) => type !== 'null')
      .map((type) => ({ node: { ...resolved.node, type }, at: resolved.at }));
  }
  return resolved.node['type'] === 'null' ? [] : [resolved];
}

function mergeAll(own: JsonRecord, members: readonly Json[], at: At): JsonRecord {
  const { allOf: _, ...rest } = own;
  let properties: JsonRecord = asRecord(rest['properties']) ?? {};
  let required: readonly Json[] = asArray(rest['required']) ?? [];
  let merged: JsonRecord = rest;
  for (const member of members) {
    for (const { node } of branchesOf(member, at).slice(0, 1)) {
      properties = { ...asRecord(node['properties']), ...properties };
      required = [...(asArray(node['required']) ?? []), ...required];
      merged = { ...node, ...merged };
    }
  }
  return Object.keys(properties).length === 0 ? merged : { ...merged, type: 'object', properties, required };
}

function variants(schema: Json, at: At): readonly Variant[] {
  if (at.refs.length > DEPTH_MAX * 2 || at.path.split(/[.[]/).length > DEPTH_MAX) return [];
  return branchesOf(schema, at).flatMap(({ node, at: inner }) =>
    isRepeated(inner) ? [] : branchVariants(node, inner),
  );
}

/** A schema that holds itself is walked once. */
function isRepeated({ refs }: At): boolean {
  const last = refs.at(-1);
  return last !== undefined && refs.filter((ref) => ref === last).length > SEEN_MAX;
}

function branchVariants(node: JsonRecord, at: At): readonly Variant[] {
  const values = asArray(node['enum']);
  // What cannot be otherwise says nothing: a field of one value is told by its branch.
  if (node['const'] !== undefined) return [];
  if (values !== undefined)
    return enumVariants(
      values.filter((value) => value !== null),
      at,
    );
  if (isRecord(node['properties'])) return objectVariants(node, node['properties'], at);
  if (node['items'] !== undefined) {
    const item = { ...at, path: `${at.path}[0]` };
    return variants(node['items'], item).map((inner) => ({ ...inner, value: [inner.value], without: [inner.without] }));
  }
  return leafVariants(node, at);
}

function enumVariants(values: readonly Json[], at: At): readonly Variant[] {
  return values.map((value, index) => leafVariant(value, values[(index + 1) % values.length], at));
}

function leafVariants(node: JsonRecord, at: At): readonly Variant[] {
  const [given, other] = [at.walk.valueFor(at.field, MARK), at.walk.valueFor(at.field, OTHER)];
  if (given !== undefined) return [leafVariant(given, other, at)];
  switch (node['type'] ?? 'object') {
    case 'boolean':
      return [leafVariant(true, false, at), leafVariant(false, true, at)];
    case 'integer':
    case 'number':
      return [leafVariant(numberFor(node, at.field), numberFor(node, at.field, 1), at)];
    case 'array':
      return [leafVariant([MARK], [], at)];
    case 'object': {
      return [leafVariant(freeObject(node, at, MARK), freeObject(node, at, OTHER), at)];
    }
    default:
      return [leafVariant(valueOf(at, MARK), valueOf(at, OTHER), at)];
  }
}

/** An object of names that the caller chooses. */
function freeObject(node: JsonRecord, at: At, word: string): Json {
  const values = node['additionalProperties'];
  const value = isRecord(values) ? least(values, { ...at, path: `${at.path}.${word}`, field: '' }, word) : word;
  return { [word]: value };
}

function leafVariant(leaf: Json, other: Json | undefined, { path }: At): Variant {
  return { path, leaf, value: leaf, without: other ?? leaf };
}

function valueOf(at: At, word: string): Json {
  return at.walk.valueFor(at.field, word) ?? word;
}

/** A number that few others will be, within the bounds of its field. */
function numberFor(node: JsonRecord, field: string, step = 0): number {
  // What a TypeScript type calls a number is a whole one, but for shares.
  const isWhole =
    node['type'] === 'integer' ||
    !/temperature|topp|penalty|threshold|lat|lng|min|max|logprob/i.test(field.replace('_', ''));
  const low = asNumber(node['minimum']) ?? asNumber(node['exclusiveMinimum']) ?? 0;
  const high = asNumber(node['maximum']) ?? (isWhole ? 1_000_000 : 1);
  const wished = isWhole || field.includes('okens') ? 3517 + step : 0.8125 - step * 0.25;
  if (wished >= low && wished <= high) return wished;
  return isWhole ? Math.min(high, Math.max(low, 3) + step) : low + (high - low) * (0.8125 - step * 0.25);
}

function objectVariants(node: JsonRecord, properties: JsonRecord, at: At): readonly Variant[] {
  const required = new Set(asArray(node['required']) ?? []);
  const base = { ...at.walk.demanded[at.field], ...leastObject(properties, required, { at, word: OTHER }) };
  return Object.entries(properties).flatMap(([name, schema]): readonly Variant[] => {
    if (schema === undefined) return [];
    const inner = { ...at, path: at.path === '' ? name : `${at.path}.${name}`, field: name };
    const { [name]: _, ...rest } = base;
    return variants(schema, inner).map((one) => ({
      ...one,
      value: { ...base, [name]: one.value },
      without:
        isLeaf(one, inner) && !required.has(name) && base[name] === undefined ? rest : { ...base, [name]: one.without },
    }));
  });
}

function isLeaf(one: Variant, at: At): boolean {
  return one.path === at.path;
}

function leastObject(
  properties: JsonRecord,
  required: ReadonlySet<unknown>,
  { at, word }: { readonly at: At; readonly word: string },
): JsonRecord {
  const fields = Object.entries(properties).flatMap(([name, schema]) =>
    schema !== undefined && (required.has(name) || asRecord(schema)?.['const'] !== undefined)
      ? [[name, least(schema, { ...at, path: `${at.path}.${name}`, field: name }, word)] as const]
      : [],
  );
  return Object.fromEntries(fields);
}

function least(schema: Json, at: At, word: string): Json {
  const [branch] = branchesOf(schema, at);
  if (branch === undefined) return null;
  const { node, at: inner } = branch;
  if (node['const'] !== undefined) return node['const'];
  const [first] = asArray(node['enum']) ?? [];
  if (first !== undefined) return first;
  if (isRecord(node['properties'])) {
    if (isRepeated(inner)) return {};
    const fields = leastObject(node['properties'], new Set(asArray(node['required']) ?? []), { at: inner, word });
    return { ...inner.walk.demanded[inner.field], ...fields };
  }
  switch (node['type']) {
    case 'array':
      return node['items'] === undefined || isRepeated(inner) ? [] : [least(node['items'], inner, word)];
    case undefined:
    case 'object':
      return inner.walk.valueFor(inner.field, word) ?? {};
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return inner.walk.valueFor(inner.field, word) ?? numberFor(node, inner.field, 2);
    default:
      return valueOf(inner, word);
  }
}

/** Whether the two stand at the same place, or one inside the other; places in lists and ways of writing do not count. */
export function isUnder(path: string, above: string): boolean {
  const [long, short] = [plain(path), plain(above)];
  return long === short || long.startsWith(`${short}.`);
}

function plain(path: string): string {
  return path.replaceAll(/\[\d*\]/g, '').replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function textHolds(text: string, word: string): boolean {
  // The last letters of base64 depend on what follows.
  const encoded = Buffer.from(word).toString('base64').slice(0, 8);
  const decoded = Buffer.from(text, 'base64').toString('utf8');
  return [text, decoded].some((one) => one.includes(word) || one.includes(encoded));
}

/** Whether text stands anywhere in a value: as it is, or in base64, as signatures and documents travel. */
export function holdsText(value: Json | undefined, word: string): boolean {
  if (typeof value === 'string') return textHolds(value, word);
  if (isArray(value)) return value.some((item) => holdsText(item, word));
  return isRecord(value) && Object.entries(value).some(([key, item]) => key.includes(word) || holdsText(item, word));
}
