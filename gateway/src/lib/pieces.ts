/**
 * Parses a long JSON text a piece at a time, so that the process can do other work in between: `JSON.parse` of 30 MB
 * holds everything up for half a second. The scan (`scan.ts`) books where the text can be cut; the value is built of the
 * parsed pieces afterwards.
 */
import { asArray, asString, isRecord, parseJson, type Json } from './json.ts';

/** Bytes of a piece. The worst of this size (`{},{},{},…`) takes some 10 ms to parse. */
export const PIECE_BYTES = 128 * 1024;
/** Longest escape of JSON: `\u00e9`. */
const ESCAPE_LENGTH = 6;
const BACKSLASH = 0x5c;

/** A value that must not be parsed at once, as offsets into the text. */
export type Long =
  | { readonly kind: 'object' | 'array'; readonly pieces: readonly Piece[] }
  /** A string, its quotes included. */
  | { readonly kind: 'text'; readonly start: number; readonly end: number }
  /** A short value, with much space around it or under a key that JSON.parse might misread. */
  | { readonly kind: 'short'; readonly start: number; readonly end: number };

/** Members or elements side by side, or one that stands alone. In arrays the key is empty: `keyEnd` is `start`. */
type Piece =
  | { readonly kind: 'run'; readonly start: number; readonly end: number }
  | { readonly kind: 'item'; readonly start: number; readonly keyEnd: number; readonly value: Long };

/** An open object or array. Mutable by design: it lives inside one scan, one for each depth. */
interface Level {
  isObject: boolean;
  start: number;
  /** Where the member or element begins that is being read, and where its key ends. */
  itemStart: number;
  keyEnd: number;
  hasEscape: boolean;
  /** Items since the last cut; `runStart` is -1 where there are none. */
  runStart: number;
  runEnd: number;
  pieces: Piece[];
}

/** What `scan.ts` tells of its way through a text. Keeps a few numbers a piece, not a value. */
export class PieceBook {
  readonly #pieceBytes: number;
  readonly #levels: Level[] = [];
  /** Start of the value that is being read, or was read last. */
  #valueStart = 0;
  /** The value that was closed last, where it must not be parsed at once. */
  #long: Long | undefined;

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes;
  }

  /** The outermost value; undefined until it has ended, and where it is short. */
  get whole(): Long | undefined {
    return this.#long;
  }

  /** An object or array begins, as level `depth` (from 1). */
  open(depth: number, at: number, isObject: boolean): void {
    const item = { itemStart: at, keyEnd: at, hasEscape: false };
    this.#levels[depth] = { isObject, start: at, ...item, runStart: -1, runEnd: at, pieces: [] };
  }

  /** A key has been read in level `depth`. */
  key(depth: number, { start, end, hasEscape }: { start: number; end: number; hasEscape: boolean }): void {
    const level = this.#levels[depth];
    if (level === undefined) return;
    level.itemStart = start;
    level.keyEnd = end;
    level.hasEscape = hasEscape;
  }

  /** A value begins inside level `depth`. */
  value(depth: number, at: number): void {
    this.#valueStart = at;
    const level = this.#levels[depth];
    if (level === undefined || level.isObject) return;
    level.itemStart = at;
    level.keyEnd = at;
  }

  /** The object or array of level `depth` has ended. */
  close(depth: number, end: number): void {
    const level = this.#levels[depth];
    if (level === undefined) return;
    this.#valueStart = level.start;
    if (level.pieces.length === 0 && end - level.start < this.#pieceBytes) return;
    cut(level);
    this.#long = { kind: level.isObject ? 'object' : 'array', pieces: level.pieces };
  }

  /** A value inside level `depth` has ended. */
  ended(depth: number, end: number, isText: boolean): void {
    const start = this.#valueStart;
    if (isText && end - start >= this.#pieceBytes) this.#long = { kind: 'text', start, end };
    const level = this.#levels[depth];
    if (depth === 0 || level === undefined) return;
    const { itemStart, keyEnd, hasEscape } = level;
    if (this.#long === undefined && !hasEscape && end - itemStart < this.#pieceBytes) {
      if (level.runStart !== -1 && end - level.runStart >= this.#pieceBytes) cut(level);
      if (level.runStart === -1) level.runStart = itemStart;
      level.runEnd = end;
      return;
    }
    cut(level);
    level.pieces.push({ kind: 'item', start: itemStart, keyEnd, value: this.#long ?? { kind: 'short', start, end } });
    this.#long = undefined;
  }
}

function cut(level: Level): void {
  if (level.runStart !== -1) level.pieces.push({ kind: 'run', start: level.runStart, end: level.runEnd });
  level.runStart = -1;
}

/** Builds a value that a strict scan has found well-formed. Yields where it may be interrupted. Throws only on a text that was not scanned. */
export function* valueInPieces(
  bytes: Buffer,
  long: Long,
  pieceBytes: number = PIECE_BYTES,
): Generator<undefined, Json> {
  return yield* valueOf({ bytes, pieceBytes }, long);
}

interface Source {
  readonly bytes: Buffer;
  readonly pieceBytes: number;
}

function* valueOf(source: Source, long: Long): Generator<undefined, Json> {
  switch (long.kind) {
    case 'short':
      return parsed(source.bytes.toString('utf8', long.start, long.end));
    case 'text':
      return yield* textOf(source, long.start + 1, long.end - 1);
    case 'array':
      return yield* arrayOf(source, long.pieces);
    case 'object':
      return yield* objectOf(source, long.pieces);
  }
}

function* arrayOf(source: Source, pieces: readonly Piece[]): Generator<undefined, Json> {
  const items: Json[] = [];
  for (const piece of pieces) {
    if (piece.kind === 'item') items.push(yield* valueOf(source, piece.value));
    // Not spread into one call: a hundred thousand arguments do not fit onto the stack.
    else for (const item of runOf(source, piece)) items.push(item);
    yield;
  }
  return items;
}

function runOf({ bytes }: Source, { start, end }: { readonly start: number; readonly end: number }): readonly Json[] {
  return asArray(parsed(`[${bytes.toString('utf8', start, end)}]`)) ?? [];
}

function* objectOf(source: Source, pieces: readonly Piece[]): Generator<undefined, Json> {
  // The scan refuses `__proto__` as a key, so that assignment adds members and does nothing else.
  const members: Record<string, Json | undefined> = {};
  for (const piece of pieces) {
    if (piece.kind === 'item') {
      // As a value, not as a key: V8 can misread escapes in keys only (see `hasEscapedKeys`).
      const key = parsed(source.bytes.toString('utf8', piece.start, piece.keyEnd));
      members[asString(key) ?? ''] = yield* valueOf(source, piece.value);
    } else {
      const run = parsed(`{${source.bytes.toString('utf8', piece.start, piece.end)}}`);
      if (isRecord(run)) Object.assign(members, run);
    }
    yield;
  }
  return members;
}

function* textOf({ bytes, pieceBytes }: Source, start: number, end: number): Generator<undefined, string> {
  const texts: string[] = [];
  let at = start;
  while (at < end) {
    const escape = bytes.indexOf(BACKSLASH, at);
    const plainEnd = escape === -1 || escape > end ? end : escape;
    if (plainEnd - at >= pieceBytes || plainEnd === end) {
      texts.push(bytes.toString('utf8', at, plainEnd));
      at = plainEnd;
    } else {
      const to = at + pieceBytes >= end ? end : wholeCharacters(bytes, at, at + pieceBytes);
      texts.push(asString(parsed(`"${bytes.toString('utf8', at, to)}"`)) ?? '');
      at = to;
    }
    yield;
  }
  return texts.length === 1 ? (texts[0] ?? '') : texts.join('');
}

/** The last offset, `to` at most, that is inside neither an escape nor a character. `from` is such an offset. */
function wholeCharacters(bytes: Buffer, from: number, to: number): number {
  const last = bytes.lastIndexOf(BACKSLASH, to - 1);
  if (last >= from && last > to - ESCAPE_LENGTH) {
    let first = last;
    while (first > from && bytes[first - 1] === BACKSLASH) first -= 1;
    // Backslashes side by side are escapes of two; an odd one at their end begins an escape.
    return (last - first) % 2 === 0 ? last : last + 1;
  }
  let at = to;
  while (((bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1;
  return at;
}

function parsed(text: string): Json {
  const value = parseJson(text);
  if (value === undefined) throw new SyntaxError('the scan took a text for JSON that JSON.parse refuses');
  return value;
}
