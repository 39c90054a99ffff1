/** Arguments of a function call that come in pieces, each with the JSON path of the value it belongs to (Vertex AI). */
import { asNumber, asString, isRecord, type Json } from '../../lib/json.ts';

/** Steps of one path, and places of one list: more is not a schema but an attack. */
const STEPS_MAX = 64;
const LIST_MAX = 10_000;

type Mutable = { [key: string]: Json } | Json[];

/** Puts pieces such as `{"jsonPath": "$.city", "stringValue": "Os"}` into `args`; text goes on where text already stands. */
export function applyPartialArgs(args: Record<string, Json>, pieces: readonly Json[]): void {
  for (const piece of pieces) {
    if (!isRecord(piece)) continue;
    const steps = stepsOf(asString(piece['jsonPath']) ?? '');
    const value = valueOf(piece);
    if (steps !== undefined && value !== undefined) put(args, steps, value);
  }
}

function valueOf(piece: Readonly<Record<string, Json | undefined>>): Json | undefined {
  if ('nullValue' in piece) return null;
  const bool = piece['boolValue'];
  return (
    asString(piece['stringValue']) ?? asNumber(piece['numberValue']) ?? (typeof bool === 'boolean' ? bool : undefined)
  );
}

/** `$.a['b c'][0]` as `a`, `b c`, 0; undefined for what is no such path. */
function stepsOf(path: string): readonly (string | number)[] | undefined {
  const steps: (string | number)[] = [];
  let rest = path.startsWith('$') ? path.slice(1) : `.${path}`;
  while (rest !== '') {
    const found = /^(?:\.([^.[\]]+)|\[(\d{1,6})\]|\['([^']*)'\]|\["([^"]*)"\])/.exec(rest);
    if (found === null || steps.length >= STEPS_MAX) return undefined;
    const name = found[1] ?? found[3] ?? found[4];
    if (name === '__proto__') return undefined;
    steps.push(name ?? Number(found[2]));
    rest = rest.slice(found[0].length);
  }
  return steps.length === 0 ? undefined : steps;
}

function put(args: Record<string, Json>, steps: readonly (string | number)[], value: Json): void {
  let place: Mutable = args;
  for (const [at, step] of steps.entries()) {
    const next = steps[at + 1];
    if (next === undefined) {
      const before = read(place, step);
      write(place, step, typeof before === 'string' && typeof value === 'string' ? before + value : value);
      return;
    }
    const inner: Mutable = copyOf(read(place, step)) ?? (typeof next === 'number' ? [] : {});
    write(place, step, inner);
    place = inner;
  }
}

function copyOf(value: Json | undefined): Mutable | undefined {
  if (Array.isArray(value)) return [...value];
  if (!isRecord(value)) return undefined;
  const copy: { [key: string]: Json } = {};
  for (const [key, item] of Object.entries(value)) if (item !== undefined) copy[key] = item;
  return copy;
}

function read(place: Mutable, step: string | number): Json | undefined {
  if (Array.isArray(place)) return typeof step === 'number' ? place[step] : undefined;
  return Object.hasOwn(place, step) ? place[String(step)] : undefined;
}

function write(place: Mutable, step: string | number, value: Json): void {
  if (!Array.isArray(place)) place[String(step)] = value;
  else if (typeof step === 'number' && step < LIST_MAX && step <= place.length) place[step] = value;
}
