/** The book of keys that `scan.ts` keeps: tells whether an object already has a key, in bytes, without making strings. */

/** Keys of one object compared one with another before they go into a set. */
const LINEAR_KEYS_MAX = 16;

/** Keys of the objects that are open, innermost last, compared by their decoded bytes. */
export class Keys {
  /** Per key: where its bytes are. A key written with escapes has a buffer of its own. */
  readonly sources: Buffer[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly hashes: number[] = [];
  /** Objects with many keys, by the index of their first key. */
  readonly sets = new Map<number, Set<string>>();

  /** Keys that count; what lies above in the arrays is left over, since shrinking and growing an array costs more than the walk. */
  count = 0;

  /** Adds a key to the object whose keys begin at `base`. False where it already has that key. */
  add(
    base: number,
    source: Buffer,
    range: { readonly start: number; readonly end: number; readonly hash: number },
  ): boolean {
    const count = this.count;
    const isNew =
      count - base < LINEAR_KEYS_MAX ? !this.#has(base, source, range) : this.#addToSet(base, source, range);
    this.sources[count] = source;
    this.starts[count] = range.start;
    this.ends[count] = range.end;
    this.hashes[count] = range.hash;
    this.count = count + 1;
    return isNew;
  }

  /** Forgets all keys of an object that has ended. */
  cut(base: number): void {
    if (this.count - base > LINEAR_KEYS_MAX) this.sets.delete(base);
    this.count = base;
  }

  #has(
    base: number,
    source: Buffer,
    range: { readonly start: number; readonly end: number; readonly hash: number },
  ): boolean {
    for (let index = base; index < this.count; index += 1) {
      if (this.hashes[index] === range.hash && this.#isEqual(index, source, range)) return true;
    }
    return false;
  }

  #isEqual(index: number, source: Buffer, range: { readonly start: number; readonly end: number }): boolean {
    const other = this.sources[index];
    const start = this.starts[index] ?? 0;
    const end = this.ends[index] ?? 0;
    return end - start === range.end - range.start && other?.compare(source, range.start, range.end, start, end) === 0;
  }

  #addToSet(base: number, source: Buffer, range: { readonly start: number; readonly end: number }): boolean {
    let set = this.sets.get(base);
    if (set === undefined) {
      set = new Set();
      for (let index = base; index < this.count; index += 1) {
        set.add((this.sources[index] ?? source).toString('latin1', this.starts[index], this.ends[index]));
      }
      this.sets.set(base, set);
    }
    const before = set.size;
    // Latin-1 maps each byte to one character: a faithful name for the bytes, and the cheapest to make.
    set.add(source.toString('latin1', range.start, range.end));
    return set.size > before;
  }
}

/** FNV-1a, 32 bits. Equal hashes are compared byte by byte, so nothing depends on its quality. */
export function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash;
}

/**
 * Bytes that are equal exactly where the texts are: UTF-8, or, for a text with a lone surrogate (which UTF-8 cannot
 * hold), UTF-16 behind a byte that no UTF-8 text contains.
 */
export function keyBytes(text: string): Buffer {
  return text.isWellFormed() ? Buffer.from(text) : Buffer.concat([Buffer.from([0xff]), Buffer.from(text, 'utf16le')]);
}
