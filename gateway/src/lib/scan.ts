/**
 * Reads JSON bytes once, before `JSON.parse` does, and tells what a parser hides: how deep, how many keys, which key
 * stands twice, which number is not what was written, and where each top-level member lies, so that a caller can change
 * one value in the bytes and send on the rest exactly as it was checked.
 */
import { isUtf8 } from 'node:buffer';
import { PIECE_BYTES, PieceBook } from './pieces.ts';
import { err, ok, type Result } from './result.ts';
import { keyBytes, hashOf, Keys } from './scan-keys.ts';
import { readNumber } from './scan-number.ts';
import type { Member, RootKind, Scan, ScanFault, ScanLimits } from './scan-types.ts';
import { characterAt, validUtf8Length } from './utf8.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BRACKET_OPEN = 0x5b;
const BACKSLASH = 0x5c;
const BRACKET_CLOSE = 0x5d;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/** Bytes of a string looked at one by one before the native search is worth its call. */
const NEAR_BYTES = 256;
/** Longer keys are no names. A path or a URL has a few thousand bytes. */
const KEY_BYTES_MAX = 64 * 1024;
/** Bytes of one step of `scanInSteps`. The worst of this size (keys, each unlike the others) takes some 10 ms. */
const STEP_BYTES = 64 * 1024;

const OBJECT = 1;
const ARRAY = 2;

/** What the text may go on with. A negative state ends the walk. */
const VALUE = 0;
const VALUE_OR_END = 1;
const KEY = 2;
const KEY_OR_END = 3;
const COLON_NEXT = 4;
const AFTER = 5;
/** Inside a string that is a value. */
const TEXT = 6;
const DONE = -1;
const FAILED = -2;

/** How a string came out. */
const ENDED = 0;
const PAUSED = 1;
const BROKEN = 2;
type StringEnd = typeof ENDED | typeof PAUSED | typeof BROKEN;

const HIGH_BITS = 0x80808080 | 0;

/** Per byte: 1 where it may follow a backslash, save for `u`. */
const ESCAPABLE = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/**
 * Checks JSON text (no byte-order mark before it) in one pass without recursion. Where it says ok, `JSON.parse` takes
 * the text too, save for raw control characters inside long strings, which only `JSON.parse` looks for: after its
 * refusal `scanStrictly` tells where.
 */
export function scanJson(bytes: Buffer, limits: ScanLimits): Result<Scan, ScanFault> {
  return scanAtOnce(bytes, { limits, nearBytes: NEAR_BYTES });
}

/** As `scanJson`, but looks at each byte of each string: slower, and finds control characters too. */
export function scanStrictly(bytes: Buffer, limits: ScanLimits): Result<Scan, ScanFault> {
  return scanAtOnce(bytes, { limits, nearBytes: Infinity });
}

/** Bytes between two yields, and of what is parsed at once. Smaller ones are for tests. */
export interface Steps {
  readonly stepBytes: number;
  readonly pieceBytes: number;
}

/** As `scanStrictly`, with a yield every few milliseconds, and with the places where a long text can be cut. */
export function* scanInSteps(
  bytes: Buffer,
  limits: ScanLimits,
  { stepBytes, pieceBytes }: Steps = { stepBytes: STEP_BYTES, pieceBytes: PIECE_BYTES },
): Generator<undefined, Result<Scan, ScanFault>> {
  const unreadable = whyNotText(bytes);
  if (unreadable !== undefined) return err(unreadable);
  const walk = new Walk(bytes, { limits, nearBytes: Infinity, book: new PieceBook(pieceBytes) });
  for (let to = stepBytes; !walk.advance(to); to += stepBytes) yield;
  return walk.result();
}

interface WalkOptions {
  readonly limits: ScanLimits;
  readonly nearBytes: number;
  readonly book?: PieceBook;
}

function scanAtOnce(bytes: Buffer, options: WalkOptions): Result<Scan, ScanFault> {
  const unreadable = whyNotText(bytes);
  if (unreadable !== undefined) return err(unreadable);
  const walk = new Walk(bytes, options);
  walk.advance(Infinity);
  return walk.result();
}

function whyNotText(bytes: Buffer): ScanFault | undefined {
  // Every UTF-16 text of JSON has a zero among its first two bytes, or a mark that is not UTF-8.
  const looksLikeUtf16 =
    bytes[0] === 0 ||
    bytes[1] === 0 ||
    (bytes[0] === 0xff && bytes[1] === 0xfe) ||
    (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (bytes.length > 0 && looksLikeUtf16) return { kind: 'not-utf8', offset: 0, looksLikeUtf16 };
  return isUtf8(bytes) ? undefined : { kind: 'not-utf8', offset: validUtf8Length(bytes), looksLikeUtf16 };
}

/** One walk over one text. A class because its position and books are one life-cycle; lives only inside `scan`. */
class Walk {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #limits: ScanLimits;
  readonly #nearBytes: number;
  readonly #book: PieceBook | undefined;
  readonly #keys = new Keys();
  readonly #members = new Map<string, Member>();
  /** Per open level (from 1): object or array, and the index of its first key. */
  readonly #kinds: number[] = [0];
  readonly #bases: number[] = [0];
  #state = VALUE;
  #at = 0;
  /** Where to stop for a while; the walk goes on from there. */
  #pauseAt = Infinity;
  #rootStart = -1;
  #depth = 0;
  #deepest = 0;
  #keyCount = 0;
  #valueCount = 0;
  /** End of the value that was finished last. */
  #valueEnd = 0;
  /** The top-level member that is being read. */
  #memberKey = '';
  #memberStart = 0;
  #memberValueStart = 0;
  /** Where the native search last found a quote and a backslash: each byte is searched once, not once per string. */
  #quoteAt = -1;
  #backslashAt = -1;
  #hasEscape = false;
  #hasEscapedKeys = false;
  #fault: ScanFault | undefined;

  constructor(bytes: Buffer, { limits, nearBytes, book }: WalkOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#limits = limits;
    this.#nearBytes = nearBytes;
    this.#book = book;
  }

  /** Walks on, to about `pauseAt`. True once the walk is over. */
  advance(pauseAt: number): boolean {
    this.#pauseAt = pauseAt;
    let state = this.#state;
    while (state >= 0) {
      if (state === TEXT) state = this.#text(this.#at);
      else if (this.#skipSpace() < pauseAt) state = this.#step(state);
      if (this.#at >= pauseAt) break;
    }
    this.#state = state;
    return state < 0;
  }

  /** What was found, once the walk is over. */
  result(): Result<Scan, ScanFault> {
    if (this.#rootStart === this.#bytes.length) return err({ kind: 'empty' });
    if (this.#fault !== undefined) return err(this.#fault);
    const long = this.#book?.whole;
    return ok({
      rootKind: rootKind(this.#bytes[this.#rootStart] ?? 0),
      rootStart: this.#rootStart,
      members: this.#members,
      keyCount: this.#keyCount,
      depth: this.#deepest,
      hasEscapedKeys: this.#hasEscapedKeys,
      ...(long === undefined ? {} : { long }),
    });
  }

  #step(state: number): number {
    if (state === AFTER) return this.#afterValue();
    if (state === COLON_NEXT) return this.#colon();
    return state === KEY || state === KEY_OR_END ? this.#key(state) : this.#value(state);
  }

  #skipSpace(): number {
    const bytes = this.#bytes;
    const end = Math.min(bytes.length, this.#pauseAt);
    let at = this.#at;
    for (; at < end; at += 1) {
      const byte = bytes[at];
      if (byte !== SPACE && byte !== NEWLINE && byte !== RETURN && byte !== TAB) break;
    }
    this.#at = at;
    return at;
  }

  #value(state: number): number {
    const byte = this.#bytes[this.#at] ?? -1;
    if (this.#rootStart === -1) this.#rootStart = this.#at;
    if (byte === BRACKET_CLOSE && state === VALUE_OR_END) return this.#close();
    this.#valueCount += 1;
    if (this.#valueCount > this.#limits.valuesMax) return this.#tooMuch('too-many-values', this.#limits.valuesMax);
    if (this.#depth === 1) this.#memberValueStart = this.#at;
    this.#book?.value(this.#depth, this.#at);
    return this.#valueOf(byte);
  }

  #valueOf(byte: number): number {
    switch (byte) {
      case QUOTE:
        return this.#text(this.#at + 1);
      case BRACE_OPEN:
        return this.#open(OBJECT);
      case BRACKET_OPEN:
        return this.#open(ARRAY);
      case LOWER_T:
        return this.#literal('true');
      case LOWER_F:
        return this.#literal('false');
      case LOWER_N:
        return this.#literal('null');
      default:
        return this.#number();
    }
  }

  #open(kind: number): number {
    if (this.#depth === this.#limits.depthMax) return this.#tooMuch('too-deep', this.#limits.depthMax);
    this.#depth += 1;
    if (this.#depth > this.#deepest) this.#deepest = this.#depth;
    this.#kinds[this.#depth] = kind;
    this.#bases[this.#depth] = this.#keys.count;
    this.#book?.open(this.#depth, this.#at, kind === OBJECT);
    this.#at += 1;
    return kind === OBJECT ? KEY_OR_END : VALUE_OR_END;
  }

  #close(): number {
    this.#at += 1;
    this.#keys.cut(this.#bases[this.#depth] ?? 0);
    this.#book?.close(this.#depth, this.#at);
    this.#depth -= 1;
    return this.#finish(false);
  }

  #finish(isText: boolean): number {
    this.#valueEnd = this.#at;
    this.#book?.ended(this.#depth, this.#at, isText);
    return AFTER;
  }

  /** Reads a string that is a value from `from` on, as far as this step goes. */
  #text(from: number): number {
    const end = this.#string(from, this.#pauseAt);
    if (end === ENDED) return this.#finish(true);
    return end === PAUSED ? TEXT : FAILED;
  }

  #afterValue(): number {
    const byte = this.#bytes[this.#at];
    if (this.#depth === 0) return byte === undefined ? DONE : this.#unexpected('the end of the text');
    const isObject = this.#kinds[this.#depth] === OBJECT;
    if (this.#depth === 1 && isObject) this.#endMember();
    if (byte === COMMA) {
      this.#at += 1;
      return isObject ? KEY : VALUE;
    }
    if (byte === (isObject ? BRACE_CLOSE : BRACKET_CLOSE)) return this.#close();
    return this.#unexpected(isObject ? '`,` or `}`' : '`,` or `]`');
  }

  #endMember(): void {
    const key = this.#memberKey;
    const member = { key, keyStart: this.#memberStart, valueStart: this.#memberValueStart, valueEnd: this.#valueEnd };
    this.#members.set(key, member);
  }

  #key(state: number): number {
    const quote = this.#at;
    const byte = this.#bytes[quote];
    if (byte === BRACE_CLOSE && state === KEY_OR_END) return this.#close();
    if (byte !== QUOTE)
      return this.#unexpected(state === KEY ? 'a key in double quotes' : 'a key in double quotes, or `}`');
    const keyEnd = this.#string(quote + 1, quote + 1 + KEY_BYTES_MAX);
    if (keyEnd === BROKEN) return FAILED;
    if (keyEnd === PAUSED || this.#at - quote - 2 > KEY_BYTES_MAX) return this.#longKey(quote);
    this.#keyCount += 1;
    if (this.#keyCount > this.#limits.keysMax) return this.#tooMuch('too-many-keys', this.#limits.keysMax);
    const end = this.#at;
    if (!this.#takeKey(quote, end)) return FAILED;
    this.#hasEscapedKeys ||= this.#hasEscape;
    this.#book?.key(this.#depth, { start: quote, end, hasEscape: this.#hasEscape });
    return COLON_NEXT;
  }

  #colon(): number {
    if (this.#bytes[this.#at] !== COLON) return this.#unexpected('`:`');
    this.#at += 1;
    return VALUE;
  }

  #longKey(quote: number): number {
    this.#fault = { kind: 'key-too-long', offset: quote, max: KEY_BYTES_MAX };
    return FAILED;
  }

  /** Books a key that lies between its quotes, and looks whether it may stand here. */
  #takeKey(quote: number, end: number): boolean {
    const source = this.#hasEscape ? keyBytes(keyText(this.#bytes, quote, end)) : this.#bytes;
    const range = this.#hasEscape
      ? { start: 0, end: source.length, hash: 0 }
      : { start: quote + 1, end: end - 1, hash: 0 };
    range.hash = hashOf(source, range.start, range.end);
    const isNew = this.#keys.add(this.#bases[this.#depth] ?? 0, source, range);
    if (!isNew) return this.#refuseKey('duplicate-key', quote, end);
    if (this.#depth === 1) {
      this.#memberKey = keyText(this.#bytes, quote, end);
      this.#memberStart = quote;
    }
    const isForbidden =
      mayBeForbidden(source, range.start, range.end) &&
      this.#isForbidden(source.toString('latin1', range.start, range.end));
    return isForbidden ? this.#refuseKey('forbidden-key', quote, end) : true;
  }

  /**
   * `__proto__` nowhere: one assignment of a copied key would change a prototype. `constructor` and `prototype` only
   * where names are the user's own, since a tool may well have a parameter so called (a racing team is a constructor).
   */
  #isForbidden(key: string): boolean {
    if (key === '__proto__') return true;
    if (key !== 'constructor' && key !== 'prototype') return false;
    const isFreeForm = this.#limits.isFreeForm ?? (() => false);
    for (let level = 1; level < this.#depth; level += 1) {
      // The last key that was read at this level is the one whose value holds all deeper levels. Arrays have none.
      const last = (this.#bases[level + 1] ?? 0) - 1;
      const hasKey = last >= (this.#bases[level] ?? 0);
      if (hasKey && isFreeForm(this.#keyAt(last), level)) return false;
    }
    return true;
  }

  #keyAt(index: number): string {
    return (this.#keys.sources[index] ?? this.#bytes).toString(
      'utf8',
      this.#keys.starts[index],
      this.#keys.ends[index],
    );
  }

  #refuseKey(kind: 'duplicate-key' | 'forbidden-key', quote: number, end: number): false {
    this.#fault = { kind, offset: quote, key: keyText(this.#bytes, quote, end) };
    return false;
  }

  /**
   * Goes to the end of a string that began before `start`, or to about `pauseAt`. Looks at the first bytes itself, then
   * leaps natively.
   */
  #string(start: number, pauseAt: number): StringEnd {
    const bytes = this.#bytes;
    const length = bytes.length;
    const stop = Math.min(length, pauseAt);
    this.#hasEscape = false;
    let at = start;
    let near = Math.min(start + this.#nearBytes, stop);
    for (;;) {
      at = this.#skipPlain(at, near);
      const byte = bytes[at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH && at < pauseAt) {
        this.#hasEscape = true;
        at = ESCAPABLE[bytes[at + 1] ?? 0] === 1 ? at + 2 : this.#unusualEscapeEnd(at);
        if (at === -1) return BROKEN;
        near = Math.min(at + this.#nearBytes, stop);
      } else if (at < near) {
        return this.#brokenAt(at, 'no raw control character (write `\\n` for a new line)');
      } else if (at >= length) {
        return this.#brokenAt(length, 'the closing `"` of a string');
      } else if (at >= pauseAt) {
        this.#at = at;
        return PAUSED;
      } else {
        at = this.#leap(at);
        near = at;
      }
    }
    this.#at = at + 1;
    return ENDED;
  }

  #brokenAt(offset: number, expected: string): StringEnd {
    this.#failAt(offset, expected);
    return BROKEN;
  }

  /** The first quote, backslash or control character in a range, or its end. Takes four bytes at a time. */
  #skipPlain(from: number, to: number): number {
    let at = from;
    for (; at + 4 <= to; at += 4) {
      const word = this.#view.getInt32(at, true);
      const quotes = word ^ 0x22222222;
      const backslashes = word ^ 0x5c5c5c5c;
      // A byte that borrows from its highest bit was zero (after the exclusive or) or below the space.
      const isPlain =
        ((((quotes - 0x01010101) & ~quotes) |
          ((backslashes - 0x01010101) & ~backslashes) |
          ((word - 0x20202020) & ~word)) &
          HIGH_BITS) ===
        0;
      if (!isPlain) break;
    }
    for (; at < to; at += 1) {
      const byte = this.#bytes[at] ?? 0;
      if (byte === QUOTE || byte === BACKSLASH || byte < SPACE) break;
    }
    return at;
  }

  /** The next quote or backslash from `from` on, or the end. */
  #leap(from: number): number {
    if (this.#quoteAt < from) this.#quoteAt = indexOrEnd(this.#bytes, QUOTE, from);
    if (this.#backslashAt < from) this.#backslashAt = indexOrEnd(this.#bytes, BACKSLASH, from);
    return Math.min(this.#quoteAt, this.#backslashAt);
  }

  /** Offset after the escape at `at` (`\\u` and four digits), or -1 where it is none. */
  #unusualEscapeEnd(at: number): number {
    if (this.#bytes[at + 1] !== LOWER_U) {
      this.#failAt(at + 1, 'an escape that JSON knows (`\\n`, `\\"`, `\\u00e9`)');
      return -1;
    }
    for (let digit = at + 2; digit < at + 6; digit += 1) {
      if (isHexDigit(this.#bytes[digit] ?? 0)) continue;
      this.#failAt(digit, 'four hexadecimal digits after `\\u`');
      return -1;
    }
    return at + 6;
  }

  #literal(word: string): number {
    const start = this.#at;
    for (let index = 1; index < word.length; index += 1) {
      this.#at = start + index;
      if (this.#bytes[this.#at] !== word.charCodeAt(index)) return this.#unexpected(`\`${word}\``);
    }
    this.#at = start + word.length;
    return this.#finish(false);
  }

  #number(): number {
    const end = readNumber(this.#bytes, this.#at);
    if (typeof end !== 'number') {
      this.#fault = end;
      return FAILED;
    }
    this.#at = end;
    return this.#finish(false);
  }

  #tooMuch(kind: 'too-deep' | 'too-many-keys' | 'too-many-values', max: number): number {
    this.#fault = { kind, offset: this.#at, max };
    return FAILED;
  }

  #unexpected(expected: string): number {
    this.#failAt(this.#at, expected);
    return FAILED;
  }

  #failAt(offset: number, expected: string): false {
    this.#fault = { kind: 'syntax', offset, found: characterAt(this.#bytes, offset), expected };
    return false;
  }
}

function indexOrEnd(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from);
  return at === -1 ? bytes.length : at;
}

function isHexDigit(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= ZERO && byte <= NINE) || (letter >= 0x61 && letter <= 0x66);
}

function rootKind(byte: number): RootKind {
  switch (byte) {
    case BRACE_OPEN:
      return 'object';
    case BRACKET_OPEN:
      return 'array';
    case QUOTE:
      return 'string';
    case LOWER_T:
    case LOWER_F:
      return 'boolean';
    case LOWER_N:
      return 'null';
    default:
      return 'number';
  }
}

/** The decoded key between two quotes, which the walk has found well-formed. */
function keyText(bytes: Buffer, quote: number, end: number): string {
  const raw = bytes.toString('utf8', quote + 1, end - 1);
  if (!raw.includes('\\')) return raw;
  // Control characters (Cc below U+0020) were not looked for in a long key; JSON.parse would throw, and will, over the body.
  const decoded: unknown = JSON.parse(`"${raw.replace(/[^\P{Cc}\u007f-\u009f]/gu, ' ')}"`);
  return String(decoded);
}

/** A cheap look before a key becomes a string: `__proto__`, `prototype` and `constructor` have these lengths and letters. */
function mayBeForbidden(bytes: Buffer, start: number, end: number): boolean {
  const first = bytes[start];
  if (end - start === 9) return first === 0x5f || first === 0x70;
  return end - start === 11 && first === 0x63;
}
