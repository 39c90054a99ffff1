/** Reads the fields of a request one by one and remembers the first that is wrong, by its name in the caller's body. */
import { fault, type Fault } from '../../chat/fault.ts';
import type { Loss } from '../../chat/request.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../../lib/json.ts';
import { found, hasControls } from '../checks.ts';

/** Longest model name; the plan shortens it in what it says (faults.md B15). */
const MODEL_LENGTH_MAX = 256;

export interface Bounds {
  readonly min?: number;
  readonly max: number;
}

export interface FieldReader {
  /** The first fault so far. */
  fault(): Fault | undefined;
  /** Notes a fault of the caller's; what comes after it is not told. */
  refuse(param: string, reason: string): void;
  model(given?: string, fallback?: string): string;
  /** A text that must be there, and not be empty. */
  needed(field: string, lengthMax: number): string;
  text(field: string, lengthMax?: number): string | undefined;
  oneOf<T extends string>(field: string, words: readonly T[]): T | undefined;
  whole(field: string, bounds: Bounds): number | undefined;
  number(field: string, bounds: Bounds): number | undefined;
  flag(field: string): boolean | undefined;
  list(field: string, max: number): readonly Json[] | undefined;
  /** Fields that nobody has read, without those named here. */
  rest(...others: readonly string[]): JsonRecord;
}

/** `isForm`: numbers and booleans come as text. */
// oxlint-disable-next-line max-lines-per-function -- a reader of eight small verbs over one record; apart they would pass it around.
export function fieldReader(record: JsonRecord, isForm = false): FieldReader {
  const seen = new Set<string>();
  let first: Fault | undefined;

  function refuse(param: string, reason: string): undefined {
    first ??= fault('field-invalid', { reason }, { param });
  }

  function missing(param: string, reason: string): void {
    first ??= fault('field-missing', { reason }, { param });
  }

  function take(field: string): Json | undefined {
    seen.add(field);
    const value = record[field];
    return value === null ? undefined : value;
  }

  function textOf(field: string, lengthMax: number): string | undefined {
    const value = take(field);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') return refuse(field, `it must be a string, not ${found(value)}`);
    return value.length > lengthMax ? refuse(field, `it is longer than ${lengthMax} characters`) : value;
  }

  function number(field: string, { min = 0, max }: Bounds): number | undefined {
    const value = take(field);
    if (value === undefined) return undefined;
    const read = isForm && typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
    if (typeof read !== 'number') return refuse(field, `it must be a number, not ${found(value)}`);
    return read >= min && read <= max ? read : refuse(field, `it must be from ${min} to ${max}`);
  }

  return {
    fault: () => first,
    refuse,
    model(given, fallback) {
      const value = given ?? take('model') ?? fallback;
      seen.add('model');
      if (value === undefined) missing('model', 'name a model');
      else if (typeof value !== 'string') refuse('model', `it must be a string, not ${found(value)}`);
      else if (value.trim() === '') missing('model', 'name a model');
      else if (value.length > MODEL_LENGTH_MAX) refuse('model', `it is longer than ${MODEL_LENGTH_MAX} characters`);
      else if (hasControls(value)) refuse('model', 'it holds control characters');
      else return value;
      return '';
    },
    needed(field, lengthMax) {
      const value = textOf(field, lengthMax);
      if (value === undefined || value === '') missing(field, 'it is empty');
      return value ?? '';
    },
    text: (field, lengthMax = 1024) => textOf(field, lengthMax),
    oneOf(field, words) {
      const value = textOf(field, 256);
      const word = words.find((one) => one === value);
      if (value !== undefined && word === undefined) refuse(field, `it must be one of ${words.join(', ')}`);
      return word;
    },
    whole(field, bounds) {
      const value = number(field, bounds);
      return value === undefined || Number.isInteger(value) ? value : refuse(field, 'it must be a whole number');
    },
    number,
    flag(field) {
      const value = take(field);
      if (value === undefined || typeof value === 'boolean') return value;
      if (isForm && typeof value === 'string' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
      return refuse(field, `it must be true or false, not ${found(value)}`);
    },
    list(field, max) {
      const value = take(field);
      if (value === undefined) return undefined;
      if (!isArray(value)) return refuse(field, `it must be a list, not ${found(value)}`);
      return value.length > max ? refuse(field, `it has ${value.length} entries, at most ${max} are taken`) : value;
    },
    rest(...others) {
      const rest: Record<string, Json> = {};
      for (const [field, value] of Object.entries(record))
        if (value !== undefined && !seen.has(field) && !others.includes(field)) rest[field] = value;
      return rest;
    },
  };
}

/** What stands at the end of a path of names and places; undefined where something on the way is missing. */
export function inside(value: Json | undefined, ...steps: readonly (string | number)[]): Json | undefined {
  let at: Json | undefined = value;
  for (const step of steps) {
    if (typeof step === 'number') at = isArray(at) ? at[step] : undefined;
    else at = isRecord(at) ? at[step] : undefined;
  }
  return at;
}

/** The first that is there: providers have several names for one thing. */
export function firstOf(value: Json | undefined, ...names: readonly string[]): Json | undefined {
  if (!isRecord(value)) return undefined;
  for (const name of names) if (value[name] !== undefined && value[name] !== null) return value[name];
  return undefined;
}

/** Every field that another wire cannot say; dropped unasked, and named. */
export function lostFields(fields: JsonRecord, wire: string): readonly Loss[] {
  return Object.keys(fields).map((field) => hint(field, `${wire} has no such field.`));
}

export function hint(field: string, why: string): Loss {
  return { code: 'unknown-field', field, weight: 'hint', why };
}

/** A loss that changes what is asked: refused, unless the caller lets it be adapted. */
export function grave(field: string, why: string): Loss {
  return { code: 'unknown-field', field, weight: 'meaning', why };
}
