/** Reading requests as strictly as providers do, each refusal naming its field. */
import type { Json, JsonRecord } from '../../lib/json.ts';
import { asArray, asRecord, asString, isArray, isRecord } from '../../lib/json.ts';
import type { Problem } from './dialect.ts';

/** Thrown inside a `read` and caught by `reading`, so that checks read as a list and not as a ladder. */
class Refusal extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Runs `read`; a field it refused becomes the problem. */
export function reading<T>(
  read: () => T,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Problem } {
  try {
    return { ok: true, value: read() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: error.problem };
    throw error;
  }
}

export function refuse(param: string, message: string): never {
  throw new Refusal({ status: 400, message, param });
}

/** A list of records with at least one entry. */
export function recordsAt(body: JsonRecord, key: string): readonly JsonRecord[] {
  const list = asArray(body[key]);
  if (list === undefined || list.length === 0) return refuse(key, `'${key}' must be a list with at least one entry.`);
  return list.map((item, index) =>
    isRecord(item) ? item : refuse(`${key}[${index}]`, `'${key}[${index}]' must be an object.`),
  );
}

/** Undefined where the field is absent or null. */
export function integerAt(
  body: JsonRecord,
  key: string,
  bounds: { readonly low: number; readonly high: number },
): number | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < bounds.low || value > bounds.high) {
    return refuse(key, `'${key}' must be an integer from ${bounds.low} to ${bounds.high}.`);
  }
  return value;
}

export function numberAt(
  body: JsonRecord,
  key: string,
  bounds: { readonly low: number; readonly high: number },
): number | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !(value >= bounds.low && value <= bounds.high)) {
    return refuse(key, `'${key}' must be a number from ${bounds.low} to ${bounds.high}.`);
  }
  return value;
}

/** False where the field is absent or null. */
export function booleanAt(body: JsonRecord, key: string): boolean {
  const value = body[key];
  if (value === undefined || value === null) return false;
  return typeof value === 'boolean' ? value : refuse(key, `'${key}' must be true or false.`);
}

/** A list of strings, or one string; empty where absent or null. */
export function stringsAt(body: JsonRecord, key: string, max: number): readonly string[] {
  const value = body[key];
  if (value === undefined || value === null) return [];
  const list: readonly Json[] = isArray(value) ? value : [value];
  if (list.length > max) return refuse(key, `'${key}' may hold at most ${max} entries.`);
  return list.map((item) => asString(item) ?? refuse(key, `'${key}' must hold strings.`));
}

/** The text of a message's content: a string, or the `text` of its parts. */
export function textOf(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  const parts = asArray(content) ?? [];
  return parts.flatMap((part) => asString(asRecord(part)?.['text']) ?? []).join('\n');
}

/** The text of what the user said last. */
export function lastSaid(messages: readonly JsonRecord[]): string {
  return textOf(messages.findLast((message) => message['role'] === 'user')?.['content']);
}

/** A step of a path, without its escapes where they are in order. */
export function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
