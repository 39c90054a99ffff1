/** Vectors as lists of numbers and as base64 of their bytes: the same numbers in two writings. */
import { isArray, type Json } from '../../../lib/json.ts';
import type { NumberKind, Vector } from './request.ts';

const FLOAT_BYTES = 4;

/** A vector as JSON holds it; undefined for what is none. `kind` is that of the numbers, whatever their writing. */
export function readVector(value: Json | undefined, kind: NumberKind): Vector | undefined {
  if (typeof value === 'string') return value === '' ? undefined : { kind, numbers: value };
  return isNumbers(value) ? { kind, numbers: value } : undefined;
}

function isNumbers(value: Json | undefined): value is readonly number[] {
  return isArray(value) && value.every((item) => typeof item === 'number');
}

/** The vector's numbers, whatever their writing. Base64 of floats is float32, little endian; of the others, a byte each. */
export function numbersOf({ kind, numbers }: Vector): readonly number[] {
  if (typeof numbers !== 'string') return numbers;
  const bytes = Buffer.from(numbers, 'base64');
  if (kind !== 'float') return [...(kind === 'int8' || kind === 'binary' ? new Int8Array(bytes) : bytes)];
  const floats: number[] = [];
  for (let at = 0; at + FLOAT_BYTES <= bytes.length; at += FLOAT_BYTES) floats.push(bytes.readFloatLE(at));
  return floats;
}

/** Base64 of the vector's bytes. */
export function base64Of({ kind, numbers }: Vector): string {
  if (typeof numbers === 'string') return numbers;
  if (kind !== 'float') return Buffer.from(numbers.map((value) => value & 0xff)).toString('base64');
  const bytes = Buffer.allocUnsafe(numbers.length * FLOAT_BYTES);
  for (const [index, value] of numbers.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES);
  return bytes.toString('base64');
}
