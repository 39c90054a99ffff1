/** Hashed n-grams of words and of characters: what a linear classifier learns by. */
import { Tally } from './tally.ts';

/** Of words: one and two, with the text's beginning and end as words of their own. */
const BEGINNING = 1;
const END = 2;
/** Of characters within a word, its edges included: they find inflections, typing errors and parts of compounds. */
const CHARACTERS_MIN = 3;
const CHARACTERS_MAX = 4;
const EDGE = 0x20;
/** About so many n-grams of characters has a word that no other has. */
const CHARACTERS_OF_A_WORD = 5;

/** By the hash of an n-gram how often it occurs. 32 bits: a collision among some 100,000 grams is rare, and harmless. */
export interface Grams {
  readonly words: Tally;
  readonly characters: Tally;
}

/** Linear in the length of the words. */
export function gramsOf(words: readonly string[]): Grams {
  const ofWords = new Tally(2 * words.length);
  let last = BEGINNING;
  for (const word of words) {
    const hash = hashOf(word);
    ofWords.add(hash, 1);
    ofWords.add(mixed(last, hash), 1);
    last = hash;
  }
  if (words.length > 0) ofWords.add(mixed(last, END), 1);
  const counted = countsOf(words);
  const ofCharacters = new Tally(CHARACTERS_OF_A_WORD * counted.size);
  for (const [word, count] of counted) addCharacters(ofCharacters, word, count);
  return { words: ofWords, characters: ofCharacters };
}

/** Each different word, and how often it occurs: a long text has few, and each need be taken apart only once. */
export function countsOf(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function addCharacters(counts: Tally, word: string, count: number): void {
  const end = word.length + 1;
  // From -1, the edge before the word, to `length`, the edge after it.
  for (let from = -1; from + CHARACTERS_MIN <= end; from += 1) {
    let hash = FNV_OFFSET;
    for (let at = from; at < Math.min(end, from + CHARACTERS_MAX); at += 1) {
      hash = Math.imul(hash ^ (at < 0 || at >= word.length ? EDGE : word.charCodeAt(at)), FNV_PRIME);
      if (at - from + 1 >= CHARACTERS_MIN) counts.add(finished(hash), count);
    }
  }
}

/** FNV-1a (draft-eastlake-fnv), over UTF-16 units; its weak low bits are mixed once more (as in MurmurHash3). */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function hashOf(word: string): number {
  let hash = FNV_OFFSET;
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), FNV_PRIME);
  return finished(hash);
}

function mixed(first: number, second: number): number {
  return finished(Math.imul(first, FNV_PRIME) ^ Math.imul(second, 0x2c1b3c6d));
}

function finished(hash: number): number {
  let mixing = hash ^ (hash >>> 16);
  mixing = Math.imul(mixing, 0x85ebca6b);
  mixing ^= mixing >>> 13;
  mixing = Math.imul(mixing, 0xc2b2ae35);
  return (mixing ^ (mixing >>> 16)) >>> 0;
}
