/**
 * Cuts the objects of one array out of a JSON object while it arrives, so that a body of hundreds of megabytes is never
 * held whole. What is left, `{}` in the place of each, is the skeleton: a parser proves there that the whole was JSON.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACES = { open: 0x7b, close: 0x7d } as const;
const BRACKETS = { open: 0x5b, close: 0x5d } as const;
const OPENING: ReadonlySet<number> = new Set([BRACES.open, BRACKETS.open]);
const CLOSING: ReadonlySet<number> = new Set([BRACES.close, BRACKETS.close]);
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
/** Levels of the members of the array: inside the object, inside the array. */
const INSIDE = 2;
/** What stands before an array is looked at so far back; longer runs of white space are not expected. */
const TAIL_MAX = 256;

export interface CutLimits {
  readonly elementMaxBytes: number;
  readonly skeletonMaxBytes: number;
}

export interface ElementCutter {
  /** The objects that these bytes complete, each on one line: line ends between its tokens have become spaces. */
  push(chunk: Buffer): readonly Buffer[];
  /** Everything but the objects. */
  skeleton(): Buffer;
  /** What has grown beyond its limit; then nothing more comes out. */
  excess(): 'element' | 'skeleton' | undefined;
}

/** A cutter for the array under `key`, a name without escapes, of the outermost object. */
export function elementCutter(key: string, limits: CutLimits): ElementCutter {
  return new Cutter(key, limits);
}

class Cutter implements ElementCutter {
  readonly #limits: CutLimits;
  readonly #before: RegExp;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #element: Buffer[] = [];
  #elementBytes = 0;
  #depth = 0;
  #isString = false;
  #isEscaped = false;
  #isInArray = false;
  #isInElement = false;
  #excess: 'element' | 'skeleton' | undefined;

  constructor(key: string, limits: CutLimits) {
    this.#limits = limits;
    this.#before = new RegExp(`"${key}"\\s*:\\s*$`);
  }

  push(chunk: Buffer): readonly Buffer[] {
    const elements: Buffer[] = [];
    // Its own copy: line ends are replaced in it, and what is kept outlives the caller's buffer.
    const bytes = Buffer.from(chunk);
    let from = 0;
    for (let at = 0; at < bytes.length && this.#excess === undefined; at += 1) {
      const byte = bytes[at] ?? 0;
      if (this.#isString) this.#inString(byte);
      else if (byte === QUOTE) this.#isString = true;
      else if (byte === LF || byte === CR) bytes[at] = SPACE;
      else if (OPENING.has(byte)) from = this.#opened(bytes, from, at);
      else if (CLOSING.has(byte)) from = this.#closed({ bytes, from, at }, elements);
    }
    this.#put(bytes.subarray(from));
    return this.#excess === undefined ? elements : [];
  }

  skeleton(): Buffer {
    return Buffer.concat(this.#kept);
  }

  excess(): 'element' | 'skeleton' | undefined {
    return this.#excess;
  }

  #inString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isString = false;
  }

  /** Gives where the bytes begin that are not put away yet. */
  #opened(bytes: Buffer, from: number, at: number): number {
    let begin = from;
    if (bytes[at] === BRACKETS.open && this.#depth === 1) {
      this.#put(bytes.subarray(from, at));
      begin = at;
      this.#isInArray = this.#before.test(this.#tail());
    } else if (bytes[at] === BRACES.open && this.#depth === INSIDE && this.#isInArray) {
      this.#put(bytes.subarray(from, at));
      begin = at;
      this.#isInElement = true;
    }
    this.#depth += 1;
    return begin;
  }

  #closed({ bytes, from, at }: Place, elements: Buffer[]): number {
    this.#depth -= 1;
    if (this.#depth === 1) this.#isInArray = false;
    if (!this.#isInElement || this.#depth !== INSIDE) return from;
    this.#put(bytes.subarray(from, at + 1));
    this.#isInElement = false;
    if (this.#excess === undefined) elements.push(Buffer.concat(this.#element));
    this.#element = [];
    this.#elementBytes = 0;
    this.#put(Buffer.from('{}'));
    return at + 1;
  }

  #put(piece: Buffer): void {
    if (piece.length === 0 || this.#excess !== undefined) return;
    if (this.#isInElement) {
      this.#elementBytes += piece.length;
      if (this.#elementBytes > this.#limits.elementMaxBytes) this.#excess = 'element';
      else this.#element.push(piece);
      return;
    }
    this.#keptBytes += piece.length;
    if (this.#keptBytes > this.#limits.skeletonMaxBytes) this.#excess = 'skeleton';
    // A copy: a view of two bytes would keep the whole block it lies in.
    else this.#kept.push(Buffer.from(piece));
  }

  #tail(): string {
    let tail = '';
    for (let index = this.#kept.length - 1; index >= 0 && tail.length < TAIL_MAX; index -= 1)
      tail = `${this.#kept[index]?.toString('latin1') ?? ''}${tail}`;
    return tail.slice(-TAIL_MAX);
  }
}

interface Place {
  readonly bytes: Buffer;
  readonly from: number;
  readonly at: number;
}
