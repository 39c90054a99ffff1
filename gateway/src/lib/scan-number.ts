/** Numbers of JSON, for `scan.ts`: their grammar, and whether they are what was written. */
import type { ScanFault } from './scan-types.ts';
import { characterAt } from './utf8.ts';

/** No number needs more: the smallest double written out in full has 1,077 characters. */
const NUMBER_LENGTH_MAX = 2048;
/** A fraction shorter than this does not become an integer by rounding: a double holds 15 digits whatever they are. */
const EXACT_FRACTION_LENGTH = 17;
/** An integer shorter than this is not infinite. That it may be rounded is why bodies go on as bytes. */
const EXACT_INTEGER_LENGTH = 309;

const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/** The offset after the number that begins at `start`, or what is wrong with it. */
export function readNumber(bytes: Buffer, start: number): number | ScanFault {
  const isNegative = bytes[start] === MINUS;
  if (!isNegative && !isDigit(bytes[start])) return syntaxFault(bytes, start, 'a value');
  const first = isNegative ? start + 1 : start;
  let at = bytes[first] === ZERO ? first + 1 : digitsEnd(bytes, first);
  let digits = first;
  let exactLength = EXACT_INTEGER_LENGTH;
  if (at > digits && bytes[at] === DOT) {
    digits = at + 1;
    at = digitsEnd(bytes, digits);
    exactLength = EXACT_FRACTION_LENGTH;
  }
  if (at > digits && isExponentMark(bytes[at])) {
    digits = exponentStart(bytes, at);
    at = digitsEnd(bytes, digits);
    exactLength = 0;
  }
  if (at === digits) return syntaxFault(bytes, at, 'a digit');
  return at - start < exactLength ? at : (whyInexact(bytes, start, at) ?? at);
}

function isExponentMark(byte: number | undefined): boolean {
  return byte === LOWER_E || byte === UPPER_E;
}

/** Where the digits of an exponent begin whose letter is at `at`. */
function exponentStart(bytes: Buffer, at: number): number {
  const sign = bytes[at + 1];
  return sign === PLUS || sign === MINUS ? at + 2 : at + 1;
}

/** Goes no further than a number may be long: what is longer is refused, wherever it ends. */
function digitsEnd(bytes: Buffer, from: number): number {
  const most = from + NUMBER_LENGTH_MAX;
  let at = from;
  while (at < most && isDigit(bytes[at])) at += 1;
  return at;
}

function whyInexact(bytes: Buffer, start: number, end: number): ScanFault | undefined {
  if (end - start >= NUMBER_LENGTH_MAX) return { kind: 'number-too-precise', offset: start };
  const text = bytes.toString('latin1', start, end);
  const value = Number(text);
  if (!Number.isFinite(value)) return { kind: 'number-too-large', offset: start };
  const isRounded = value !== 0 && Number.isSafeInteger(value) && /^-?\d+\.\d*[1-9]\d*$/.test(text);
  return isRounded ? { kind: 'number-too-precise', offset: start } : undefined;
}

function syntaxFault(bytes: Buffer, offset: number, expected: string): ScanFault {
  return { kind: 'syntax', offset, found: characterAt(bytes, offset), expected };
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
