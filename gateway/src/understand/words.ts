/** Words of any script, folded (case, accents, width), and lists of phrases that are found as whole words in one pass over a text. */
import { unitsOf } from '../lib/units.ts';

/** What a code unit is to a reader of words; every other value is the folded unit itself. */
const BREAK = 0;
const SKIP = 1;
const EXPAND = 2;
/** Letters that fold into two. */
const EXPANSIONS: ReadonlyMap<number, string> = new Map(
  Object.entries({ ß: 'ss', ẞ: 'ss', æ: 'ae', Æ: 'ae', œ: 'oe', Œ: 'oe', þ: 'th', Þ: 'th', ĳ: 'ij', Ĳ: 'ij' }).map(
    ([letter, folded]) => [letter.charCodeAt(0), folded],
  ),
);
/** Letters with a stroke, which Unicode does not take apart. */
const STROKES: Readonly<Record<string, string>> = { ø: 'o', ł: 'l', đ: 'd', ð: 'd', ħ: 'h', ı: 'i', ŧ: 't' };
/** Blocks without letters: punctuation, symbols, arrows, CJK punctuation, private use, the surrogates of pictographs. */
const BREAKS: readonly (readonly [from: number, to: number])[] = [
  [0x00, 0x2f],
  [0x3a, 0x40],
  [0x5b, 0x60],
  [0x7b, 0xa9],
  [0xab, 0xb4],
  [0xb6, 0xb9],
  [0xbb, 0xbf],
  [0xd7, 0xd7],
  [0xf7, 0xf7],
  [0x37e, 0x37e],
  [0x387, 0x387],
  [0x589, 0x58a],
  [0x5be, 0x5be],
  [0x60c, 0x60d],
  [0x61b, 0x61f],
  [0x66a, 0x66d],
  [0x6d4, 0x6d4],
  [0x964, 0x965],
  [0xe4f, 0xe4f],
  [0x2000, 0x2bff],
  [0x2e00, 0x2e7f],
  [0x3000, 0x3004],
  [0x3008, 0x3020],
  [0x3030, 0x3030],
  [0x30fb, 0x30fb],
  [0xd83c, 0xd83e],
  [0xe000, 0xf8ff],
  [0xfe30, 0xfe4f],
  [0xff01, 0xff0f],
  [0xff1a, 0xff20],
  [0xff3b, 0xff40],
  [0xff5b, 0xff65],
];
/** Marks that stand on or between letters and change no word: combining accents, Hebrew points, Arabic vowels, joiners, soft hyphen, variation selectors. */
const SKIPS: readonly (readonly [from: number, to: number])[] = [
  [0xad, 0xad],
  [0x300, 0x36f],
  [0x591, 0x5bd],
  [0x610, 0x61a],
  [0x640, 0x640],
  [0x64b, 0x65f],
  [0x200b, 0x200f],
  [0x2060, 0x2060],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
];
/** Scripts with case or with accented letters of their own: the only ones that must be taken apart. */
const CASED: readonly (readonly [from: number, to: number])[] = [
  [0x41, 0x24f],
  [0x370, 0x58f],
  [0x620, 0x6d3],
  [0x1e00, 0x1fff],
  [0xff10, 0xff5a],
];
/** Scripts that put no space between words: their phrases are found anywhere. */
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/;

const FOLD = foldTable();
const PLAIN = /^[a-z\d]*$/i;
const BITS = 1 << 16;
/** What a word may hold, and so what a step over a unit tells beside the folded unit, which is in its lower half. */
export const HOLDS = { letter: 1 << 16, digit: 1 << 17, beyondAscii: 1 << 18 } as const;
const ODD = HOLDS.digit | HOLDS.beyondAscii;
const HELD = ODD | HOLDS.letter;
const SKIPPED = 1 << 19;
const EXPANDED = 1 << 20;
const STEPS = stepTable();

export interface Hit<Value> {
  readonly value: Value;
  /** UTF-16 offsets of the phrase in the text. */
  readonly start: number;
  readonly end: number;
}

export interface Lexicon<Value> {
  /** All phrases that stand in the text as whole words, in the order in which they begin. */
  readonly find: (text: string) => readonly Hit<Value>[];
  /** The same, and the odd words, told in the same pass. */
  readonly findBeside: (text: string, odd: Odd) => readonly Hit<Value>[];
}

/** Words that are no plain ones: with a digit, with a sign outside of ASCII, or with two first characters of which a table has a one at the place that `headOf` gives. */
export interface Odd {
  readonly heads: Uint8Array;
  /** Told in the order of the text. `holds`: of `HOLDS`, added. */
  readonly tell: (start: number, end: number, holds: number) => void;
}

interface Phrase<Value> {
  readonly words: readonly string[];
  readonly value: Value;
}

/** A list of phrases, each with what it stands for. Linear: a text is read once, and a hash decides whether a word is looked up. */
export function lexicon<Value>(phrases: Iterable<readonly [phrase: string, value: Value]>): Lexicon<Value> {
  const byHash = new Map<number, Phrase<Value>[]>();
  const unspaced: (readonly [string, Value])[] = [];
  const bits = new Uint8Array(BITS);
  for (const [phrase, value] of phrases) {
    const words = wordsOf(phrase);
    const [first] = words;
    if (first === undefined) continue;
    if (UNSPACED.test(phrase)) unspaced.push([phrase, value]);
    else {
      const hash = hashOf(first);
      bits[hash & (BITS - 1)] = 1;
      byHash.set(hash, [...(byHash.get(hash) ?? []), { words, value }]);
    }
  }
  const findBeside = (text: string, odd?: Odd): readonly Hit<Value>[] => {
    const hits = phrasesAt(text, markedWords(text, bits, odd), byHash);
    if (unspaced.length === 0 || !UNSPACED.test(text)) return hits;
    return [...hits, ...findUnspaced(text, unspaced)].toSorted((a, b) => a.start - b.start);
  };
  return { find: (text) => findBeside(text), findBeside };
}

/** The words of a text, folded. For short texts: lists of phrases, names. */
export function wordsOf(text: string): readonly string[] {
  const words: string[] = [];
  for (let at = skipBreaks(text, 0); at < text.length; at = skipBreaks(text, at)) {
    const end = endOfWord(text, at);
    const word = fold(text, at, end);
    if (word !== '') words.push(word);
    at = end;
  }
  return words;
}

/** The phrases that stand where a marked word begins: `marked` holds its start and its hash. */
function phrasesAt<Value>(
  text: string,
  marked: readonly number[],
  byHash: ReadonlyMap<number, readonly Phrase<Value>[]>,
): readonly Hit<Value>[] {
  const hits: Hit<Value>[] = [];
  for (let at = 0; at < marked.length; at += 2) {
    const start = marked[at] ?? 0;
    const end = endOfWord(text, start);
    for (const { words, value } of byHash.get(marked[at + 1] ?? 0) ?? []) {
      if (!isWord(text, { start, end }, words[0] ?? '')) continue;
      const last = endOfPhrase(text, end, words);
      if (last !== -1) hits.push({ value, start, end: last });
    }
  }
  return hits;
}

/** Two characters of ASCII as one number below 2^16. */
export function headOf(first: number, second: number): number {
  return ((first & 0xff) << 8) | (second & 0xff);
}

/** Start and hash of each word whose hash has its bit set. One loop over numbers, and nothing called for a plain word: this is where the time of every list of words goes. */
function markedWords(text: string, bits: Uint8Array, odd: Odd | undefined): readonly number[] {
  const marked: number[] = [];
  const units = unitsOf(text);
  // In a name of its own: the compiler reads a table of the module anew at every step (three times as slow, measured).
  const table = STEPS;
  for (let at = 0; at < text.length; at++) {
    let step = stepAt(table, units, at);
    if (step === 0 || (step & SKIPPED) !== 0) continue;
    const start = at;
    let hash = HASH_START;
    let seen = 0;
    // What follows the last unit is a break.
    do {
      seen |= step;
      if (step < SKIPPED) hash = Math.imul(hash ^ (step & 0xffff), HASH_PRIME);
      at++;
      step = stepAt(table, units, at);
    } while (step !== 0);
    if (odd !== undefined && ((seen & ODD) !== 0 || isHead(odd.heads, units, start))) odd.tell(start, at, seen & HELD);
    if ((seen & EXPANDED) !== 0) hash = hashOf(fold(text, start, at));
    if (bits[hash & (BITS - 1)] === 1) marked.push(start, hash);
  }
  return marked;
}

function stepAt(table: Uint32Array, units: Uint16Array, at: number): number {
  return table[units[at] ?? 0] ?? 0;
}

function isHead(heads: Uint8Array, units: Uint16Array, at: number): boolean {
  return heads[headOf(units[at] ?? 0, units[at + 1] ?? 0)] === 1;
}

/** Whether a word of the text, folded, is this one; without a copy of it where no letter must be left out or expanded. */
function isWord(text: string, { start, end }: { readonly start: number; readonly end: number }, word: string): boolean {
  if (end - start !== word.length) return fold(text, start, end) === word;
  for (let at = 0; at < word.length; at++) {
    const folded = unitAt(text, start + at);
    if (folded <= EXPAND) return fold(text, start, end) === word;
    if (folded !== word.charCodeAt(at)) return false;
  }
  return true;
}

/** Where the phrase ends whose first word ends at `at`; -1 where other words follow. Only one short break may stand between two words. */
function endOfPhrase(text: string, at: number, words: readonly string[]): number {
  let end = at;
  for (let index = 1; index < words.length; index++) {
    const start = skipBreaks(text, end);
    if (!isGap(text, end, start)) return -1;
    end = endOfWord(text, start);
    if (!isWord(text, { start, end }, words[index] ?? '')) return -1;
  }
  return end;
}

/** What may stand between two words of a phrase. The end of a sentence may not. */
function isGap(text: string, from: number, to: number): boolean {
  if (to - from > GAP_MAX) return false;
  for (let at = from; at < to; at++) if (!GAP.has(text.charAt(at))) return false;
  return true;
}

function findUnspaced<Value>(text: string, phrases: readonly (readonly [string, Value])[]): readonly Hit<Value>[] {
  const hits: Hit<Value>[] = [];
  for (const [phrase, value] of phrases)
    for (let start = text.indexOf(phrase); start !== -1; start = text.indexOf(phrase, start + phrase.length))
      hits.push({ value, start, end: start + phrase.length });
  return hits;
}

/** Between two words of a phrase: a space, a line break with its indentation, a hyphen. */
const GAP_MAX = 4;
const GAP: ReadonlySet<string> = new Set(" \t\r\n\u00a0\u202f-\u2010\u2011_'’`,;");
/** FNV-1a, 32 bits (RFC 9923), over folded code units. */
const HASH_START = 0x811c9dc5 | 0;
const HASH_PRIME = 0x01000193;

function hashOf(word: string): number {
  let hash = HASH_START;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), HASH_PRIME);
  return hash;
}

/** The folded unit; a break past the end, which must not be read: a look outside of a string makes every look slow. */
function unitAt(text: string, at: number): number {
  return at < text.length ? (FOLD[text.charCodeAt(at)] ?? BREAK) : BREAK;
}

function skipBreaks(text: string, from: number): number {
  let at = from;
  while (at < text.length && unitAt(text, at) === BREAK) at++;
  return at;
}

function endOfWord(text: string, from: number): number {
  let at = from;
  while (unitAt(text, at) !== BREAK) at++;
  return at;
}

function fold(text: string, start: number, end: number): string {
  const word = text.slice(start, end);
  return PLAIN.test(word) ? word.toLowerCase() : Array.from(word, foldCharacter).join('');
}

function foldCharacter(character: string): string {
  // Outside of the basic plane nothing is folded.
  if (character.length > 1) return character;
  const code = character.charCodeAt(0);
  const to = FOLD[code] ?? BREAK;
  if (to === EXPAND) return EXPANSIONS.get(code) ?? '';
  return to > EXPAND ? String.fromCharCode(to) : '';
}

function foldTable(): Uint16Array {
  const table = new Uint16Array(0x10000).map((_, code) => code);
  for (const [from, to] of CASED) for (let code = from; code <= to; code++) table[code] = foldedUnit(code);
  for (const [from, to] of BREAKS) table.fill(BREAK, from, to + 1);
  for (const [from, to] of SKIPS) table.fill(SKIP, from, to + 1);
  for (const code of EXPANSIONS.keys()) table[code] = EXPAND;
  return table;
}

/** For each unit what a reader of words does: 0 at a break; a folded unit to hash; from `SKIPPED` on, nothing to hash. */
function stepTable(): Uint32Array {
  return Uint32Array.from(FOLD, (folded, unit) => {
    if (folded === BREAK) return 0;
    const holds = unit > 0x7f ? HOLDS.beyondAscii : unit <= 0x39 ? HOLDS.digit : HOLDS.letter;
    if (folded === SKIP) return holds | SKIPPED;
    return folded === EXPAND ? holds | EXPANDED : holds | folded;
  });
}

/** The base letter in lower case: Unicode's compatibility decomposition without its marks (UAX 15), where that is one unit. */
function foldedUnit(code: number): number {
  const bare = String.fromCharCode(code).normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
  const letter = STROKES[bare] ?? bare.normalize('NFKD').replaceAll(/\p{M}/gu, '');
  return letter.length === 1 ? letter.charCodeAt(0) : code;
}
