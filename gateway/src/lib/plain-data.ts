/** Plain data as JSON and back, with whole numbers of any size, which JSON does not have. */
import { asString, isArray, isRecord, type Json } from './json.ts';

/** A `bigint` stands in an object of this one field: a name that no table of ours takes. */
const WHOLE = '#';

/** Texts, numbers, flags, lists and tables of them; what is none of these is left out. */
export function toPlainJson(value: unknown): Json | undefined {
  if (typeof value === 'bigint') return { [WHOLE]: value.toString() };
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item: unknown) => toPlainJson(item) ?? null);
  if (value === null) return null;
  if (typeof value !== 'object') return undefined;
  return Object.fromEntries(Object.entries(value).map(([name, item]: [string, unknown]) => [name, toPlainJson(item)]));
}

/** What `toPlainJson` was given; `undefined` fields are absent. */
export function fromPlainJson(json: Json | undefined): unknown {
  if (isArray(json)) return json.map(fromPlainJson);
  if (!isRecord(json)) return json;
  const whole = asString(json[WHOLE]);
  if (whole !== undefined && /^-?\d+$/.test(whole)) return BigInt(whole);
  return Object.fromEntries(Object.entries(json).map(([name, item]) => [name, fromPlainJson(item)]));
}
