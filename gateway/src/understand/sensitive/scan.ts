/**
 * One look at a text that finds the places where sensitive data can begin, and the words that say what stands beside them. Detectors look only there.
 *
 * Linear by construction: the text is read twice (characters, words); every pattern is sticky, without a choice between two ways to read the same
 * characters, and bounded in length; whether a word is near is a search in a sorted list.
 */
import { lexicon } from '../words.ts';
import { CONTEXT_WORDS, type ContextWord } from './context-words.ts';

export interface Span {
  /** UTF-16 offsets. */
  readonly start: number;
  readonly end: number;
}

/** A run of ASCII letters and digits that holds a digit. */
export interface Token extends Span {
  readonly isDigits: boolean;
}

export interface Scan {
  readonly text: string;
  /** In the order of the text. */
  readonly tokens: readonly Token[];
  /** Starts of all runs of ASCII letters and digits whose first two characters begin a known kind of key (`sk`, `gh`, `AK`). */
  readonly keyStarts: readonly number[];
  /** Where the words of a kind stand, in the order of the text. */
  readonly words: (of: ContextWord) => readonly Span[];
}

/** Of one kind. It gives every place, for measurement; a fact needs only the first, and a generator stops there. */
export type Detector = (scan: Scan) => Iterable<Span>;

/** Longer runs are data (base64, hashes) and no number that people have. */
const TOKEN_MAX = 64;
const OTHER = 0;
const LETTER = 1;
const DIGIT = 2;
const CLASS = classes();
const JOINED = joined();
const CONTEXTS = contextWords();
const WORDS = lexicon<ContextWord>(
  CONTEXTS.flatMap((of) => CONTEXT_WORDS[of].split('|').map((phrase) => [phrase, of] as const)),
);

/** `keyHeads`: one for the first two characters of every known kind of key, at the place that `headOf` gives. */
export function scan(text: string, keyHeads: Uint8Array): Scan {
  const tokens: Token[] = [];
  const keyStarts: number[] = [];
  // In a name of its own: the compiler reads a table of the module anew at every step.
  const table = CLASS;
  let start = -1;
  let digits = 0;
  for (let at = 0; at <= text.length; at++) {
    // Past the end there is a break, which must not be read: a look outside of a string makes every look slow.
    const of = at < text.length ? (table[text.charCodeAt(at)] ?? OTHER) : OTHER;
    if (of === OTHER) {
      if (digits > 0 && at - start <= TOKEN_MAX) tokens.push({ start, end: at, isDigits: digits === at - start });
      start = -1;
      digits = 0;
      continue;
    }
    if (of === DIGIT) digits++;
    if (start !== -1) continue;
    start = at;
    if (keyHeads[headOf(text, at)] === 1) keyStarts.push(at);
  }
  const words = wordsIn(text);
  return { text, tokens, keyStarts, words: (of) => words.get(of) ?? [] };
}

function wordsIn(text: string): ReadonlyMap<ContextWord, readonly Span[]> {
  const words = new Map<ContextWord, Span[]>(CONTEXTS.map((of) => [of, []]));
  for (const hit of WORDS.find(text)) words.get(hit.value)?.push(hit);
  return words;
}

/** Two characters of ASCII as one number below 2^16. */
export function headOf(text: string, at: number): number {
  return ((text.charCodeAt(at) & 0xff) << 8) | (text.charCodeAt(at + 1) & 0xff);
}

/** A word says what a number is when it stands at most so many characters before it, in the same line or the one above. */
const BEFORE = 48;
const AFTER = 24;

/** Whether one of these words stands shortly before the span, or behind it. */
export function isNamed(words: readonly Span[], { start, end }: Span): boolean {
  const before = lastBefore(words, start);
  if (before !== undefined && start - before.end <= BEFORE) return true;
  const after = words[countBefore(words, end)];
  return after !== undefined && after.start - end <= AFTER;
}

/** The last of the words that end at `at` or before. */
export function lastBefore(words: readonly Span[], at: number): Span | undefined {
  const index = countBefore(words, at) - 1;
  const word = words[index];
  // A phrase that begins before may end behind.
  return word === undefined || word.end <= at ? word : words[index - 1];
}

/** How many of the sorted words begin before `at`. */
export function countBefore(words: readonly Span[], at: number): number {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((words[middle]?.start ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The match of a sticky pattern at `at`. */
export function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** Whether the character before `at` cannot belong to the same number or word. */
export function isFree(text: string, at: number): boolean {
  return at <= 0 || JOINED[text.charCodeAt(at - 1)] !== 1;
}

export function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '');
}

function contextWords(): readonly ContextWord[] {
  return Object.keys(CONTEXT_WORDS).filter((of): of is ContextWord => Object.hasOwn(CONTEXT_WORDS, of));
}

/** One for letters, digits, and the signs that hold them together. */
function joined(): Uint8Array {
  const table = CLASS.map((of) => Math.min(of, 1));
  for (const sign of '_.@#/-') table[sign.charCodeAt(0)] = 1;
  return table;
}

function classes(): Uint8Array {
  // Every code unit has its place, so that no look is outside. Beyond ASCII there are neither letters nor digits of a token.
  const table = new Uint8Array(1 << 16);
  table.fill(DIGIT, 0x30, 0x3a);
  table.fill(LETTER, 0x41, 0x5b);
  table.fill(LETTER, 0x61, 0x7b);
  return table;
}
