/** JSON as TypeScript sees it, and the small guards that read it on the hot path. */

export type Json = string | number | boolean | null | readonly Json[] | JsonRecord;
export interface JsonRecord {
  readonly [key: string]: Json | undefined;
}

/** True for a plain JSON object: not null, not an array. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isArray(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function asBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** A token count as it may come over the wire: a safe, non-negative integer, or nothing. Strings, NaN and 10^17 are nothing. */
export function asCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

export function asRecord(value: unknown): JsonRecord | undefined {
  return isRecord(value) ? value : undefined;
}

export function asArray(value: unknown): readonly Json[] | undefined {
  return isArray(value) ? value : undefined;
}

/** Fields of `record` that are not in `known` and not null; undefined where there are none. */
export function others(record: JsonRecord, known: ReadonlySet<string>): JsonRecord | undefined {
  let rest: Record<string, Json> | undefined;
  for (const [name, value] of Object.entries(record)) {
    if (value !== undefined && value !== null && !known.has(name)) (rest ??= {})[name] = value;
  }
  return rest;
}

/** `JSON.parse` that gives `undefined` for text that is not JSON. */
export function parseJson(text: string): Json | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- typed `any`, and Json by definition (ECMA-404).
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** A copy without the keys whose value is `undefined`, so that an optional field is absent rather than present and empty. */
export function compact<T extends object>(value: T): Compact<T> {
  const kept: Record<string, unknown> = {};
  // Not `Object.entries`: its pairs cost several times what the copy does.
  for (const key of Object.keys(value)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `keys` gives the object's own names.
    const item = value[key as keyof T];
    if (item !== undefined) kept[key] = item;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the loop above made it so; no guard can say it.
  return kept as Compact<T>;
}

/** `T` in which every field that may be `undefined` is optional instead (for `exactOptionalPropertyTypes`). */
export type Compact<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};
