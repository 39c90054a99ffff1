/** Writes JSON as bytes a piece at a time: `JSON.stringify` of 30 MB holds everything up for a tenth of a second. */
import { isArray, isRecord, type Json } from './json.ts';
import { PIECE_BYTES } from './pieces.ts';

/** What a value counts beside the length of its texts: quotes, commas, digits. */
const VALUE_LENGTH = 8;

/** Mutable by design: it lives inside one `jsonInPieces`. */
interface Sheet {
  bytes: Buffer;
  length: number;
  readonly pieceLength: number;
}

/**
 * The bytes of `JSON.stringify(value)`; only a pair of surrogates that is cut may be written as two escapes instead.
 * Yields where it may be interrupted. `expectedBytes` saves moving what is written when it turns out longer.
 */
export function* jsonInPieces(
  value: Json,
  expectedBytes: number,
  pieceLength: number = PIECE_BYTES,
): Generator<undefined, Buffer> {
  const sheet = { bytes: Buffer.allocUnsafeSlow(expectedBytes + VALUE_LENGTH), length: 0, pieceLength };
  yield* write(sheet, value);
  return sheet.bytes.subarray(0, sheet.length);
}

function* write(sheet: Sheet, value: Json): Generator<undefined, void> {
  const isLong = lengthLeft(value, sheet.pieceLength) < 0;
  if (isLong && isArray(value)) yield* writeItems(sheet, value);
  else if (isLong && isRecord(value)) yield* writeMembers(sheet, value);
  else if (isLong && typeof value === 'string') yield* writeText(sheet, value);
  else {
    put(sheet, JSON.stringify(value));
    yield;
  }
}

function* writeItems(sheet: Sheet, items: readonly Json[]): Generator<undefined, void> {
  put(sheet, '[');
  let run: Json[] = [];
  let left = sheet.pieceLength;
  let separator = '';
  for (const item of items) {
    const after = lengthLeft(item, left);
    if (after >= 0) {
      run.push(item);
      left = after;
      continue;
    }
    separator = putRun(sheet, run, separator);
    put(sheet, separator);
    yield* write(sheet, item);
    separator = ',';
    run = [];
    left = sheet.pieceLength;
  }
  putRun(sheet, run, separator);
  put(sheet, ']');
}

/** Elements side by side, in one go. Gives what must stand before the next one. */
function putRun(sheet: Sheet, run: readonly Json[], separator: string): string {
  if (run.length === 0) return separator;
  put(sheet, separator + JSON.stringify(run).slice(1, -1));
  return ',';
}

function* writeMembers(sheet: Sheet, record: { readonly [key: string]: Json | undefined }): Generator<undefined, void> {
  let separator = '{';
  for (const [key, item] of Object.entries(record)) {
    if (item === undefined) continue;
    put(sheet, `${separator}${JSON.stringify(key)}:`);
    yield* write(sheet, item);
    separator = ',';
  }
  put(sheet, separator === '{' ? '{}' : '}');
}

function* writeText(sheet: Sheet, text: string): Generator<undefined, void> {
  put(sheet, '"');
  for (let at = 0; at < text.length; at += sheet.pieceLength) {
    put(sheet, JSON.stringify(text.slice(at, at + sheet.pieceLength)).slice(1, -1));
    yield;
  }
  put(sheet, '"');
}

/** What is left of `length` once the value is written; below 0 as soon as that is certain. */
function lengthLeft(value: Json, length: number): number {
  if (typeof value === 'string') return length - value.length - VALUE_LENGTH;
  let left = length - VALUE_LENGTH;
  if (isArray(value)) {
    for (const item of value) {
      if (left < 0) return left;
      left = lengthLeft(item, left);
    }
  } else if (isRecord(value)) {
    for (const key of Object.keys(value)) {
      if (left < 0) return left;
      left = lengthLeft(value[key] ?? null, left - key.length);
    }
  }
  return left;
}

function put(sheet: Sheet, text: string): void {
  const end = sheet.length + Buffer.byteLength(text);
  if (end > sheet.bytes.length) {
    const longer = Buffer.allocUnsafeSlow(Math.max(end, Math.ceil(sheet.bytes.length * 1.5)));
    sheet.bytes.copy(longer, 0, 0, sheet.length);
    sheet.bytes = longer;
  }
  sheet.bytes.write(text, sheet.length);
  sheet.length = end;
}
