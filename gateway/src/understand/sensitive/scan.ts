/**
 * One look at a text that finds the places where sensitive data can begin, and the words that say what stands beside them. Detectors look only there.
 *
 * Linear by construction: the text is read once (characters and words); every pattern is sticky, without a choice between two ways to read the same
 * characters, and bounded in length; whether a word is near is a search in a sorted list.
 */
import { headOf, HOLDS, lexicon, type Odd } from '../words.ts';
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
  /**
   * Tokens that can belong to a number of people or of machines, in the order of the text. A figure that stands by itself is none: all groups beside it have
   * too few digits.
   */
  readonly numbers: readonly Token[];
  /** Short tokens that stand behind a word and a space, where the number of a house does. */
  readonly houses: readonly Token[];
  /** Starts of all runs of ASCII letters and digits whose first two characters begin a known kind of key (`sk`, `gh`, `AK`). */
  readonly keyStarts: readonly number[];
  /** Where the words of a kind stand, in the order of the text. */
  readonly words: Readonly<Record<ContextWord, readonly Span[]>>;
}

/** Of one kind. It gives every place, for measurement; a fact needs only the first, and a generator stops there. */
export type Detector = (scan: Scan) => Iterable<Span>;

/** Longer runs are data (base64, hashes) and no number that people have. */
const TOKEN_MAX = 64;
const LETTER = 1;
const DIGIT = 2;
const CLASS = classes();
const JOINERS = signs('_.@#/-');
const JOINED = joined();
const CONTEXTS = contextWords();
const WORDS = lexicon<ContextWord>(
  CONTEXTS.flatMap((of) => CONTEXT_WORDS[of].split('|').map((phrase) => [phrase, of] as const)),
);
/** Copied for each text: one shape, and a list of its own only for a kind that was found. */
const NO_WORDS = noWords();

/** `keyHeads`: one for the first two characters of every known kind of key, at the place that `headOf` gives. */
export function scan(text: string, keyHeads: Uint8Array): Scan {
  const tokens = new Tokens(text, keyHeads);
  const words = { ...NO_WORDS };
  for (const hit of WORDS.findBeside(text, tokens))
    if (words[hit.value].length === 0) words[hit.value] = [hit];
    else words[hit.value].push(hit);
  tokens.end();
  const { numbers, houses, keyStarts } = tokens;
  return { text, numbers, houses, keyStarts, words };
}

/** `221B`, and one more. */
const HOUSE_MAX = 6;

/** Short, with a digit first, behind a word, a dot or a comma, and white space: behind most numbers' spaces stands another number or a sign. */
function isHouse(text: string, start: number, end: number): boolean {
  if (end - start > HOUSE_MAX || CLASS[text.charCodeAt(start)] !== DIGIT) return false;
  if (start < 2 || !isSpace(text.charCodeAt(start - 1))) return false;
  let at = start - 2;
  while (at > 0 && isSpace(text.charCodeAt(at))) at--;
  const unit = text.charCodeAt(at);
  return unit === 0x2c || unit === 0x2e || unit > 0x7f || CLASS[unit] === LETTER;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}

/** The shortest number of people (a national insurance number) has six digits, an address of a machine four groups. Of a table of figures this leaves little. */
const NUMBER_MIN = 6;
const GROUPS_MIN = 4;
/** Groups of one number stand at most so far apart, and nothing but these stands between them. */
const BETWEEN_GROUPS_MAX = 2;
const BETWEEN_GROUPS = signs(' .-()+/:');
const COLON = 0x3a;

const ASCII_RUN = /[A-Za-z\d]+/g;

/** Tokens among the odd words of a text. Most are figures of tables, and become none: nothing is kept of them. */
class Tokens implements Odd {
  readonly numbers: Token[] = [];
  readonly houses: Token[] = [];
  readonly keyStarts: number[] = [];
  readonly heads: Uint8Array;
  readonly #text: string;
  /** Groups that may be one number, each by start, end and what it holds; only the first `#size` mean anything. */
  readonly #groups: number[] = [];
  #size = 0;
  #characters = 0;
  #end = -Infinity;

  constructor(text: string, heads: Uint8Array) {
    this.#text = text;
    this.heads = heads;
  }

  /** A word of ASCII is one run of letters and digits, and most words are; others are taken apart. */
  readonly tell = (start: number, end: number, holds: number): void => {
    if ((holds & HOLDS.beyondAscii) === 0) return this.#run(start, end, holds);
    for (const { index, 0: run } of this.#text.slice(start, end).matchAll(ASCII_RUN))
      this.#run(start + index, start + index + run.length, heldBy(run));
  };

  /** After the last word. */
  end(): void {
    this.#close();
  }

  #run(start: number, end: number, holds: number): void {
    const text = this.#text;
    if (this.heads[headOf(text.charCodeAt(start), text.charCodeAt(start + 1))] === 1) this.keyStarts.push(start);
    if ((holds & HOLDS.digit) === 0 || end - start > TOKEN_MAX) return;
    if (!isOneNumber(text, this.#end, start)) this.#close();
    const groups = this.#groups;
    groups[this.#size] = start;
    groups[this.#size + 1] = end;
    groups[this.#size + 2] = holds;
    this.#size += GROUP;
    // A letter may be one of a number's own, and so may what follows a colon.
    this.#characters += holds === HOLDS.digit && text.charCodeAt(end) !== COLON ? end - start : NUMBER_MIN;
    this.#end = end;
    if (isHouse(text, start, end)) this.houses.push({ start, end, isDigits: holds === HOLDS.digit });
  }

  #close(): void {
    const [groups, size] = [this.#groups, this.#size];
    if (this.#characters >= NUMBER_MIN || size >= GROUPS_MIN * GROUP)
      for (let at = 0; at < size; at += GROUP)
        this.numbers.push({
          start: groups[at] ?? 0,
          end: groups[at + 1] ?? 0,
          isDigits: groups[at + 2] === HOLDS.digit,
        });
    this.#size = 0;
    this.#characters = 0;
  }
}

const GROUP = 3;

function heldBy(run: string): number {
  return (/\d/.test(run) ? HOLDS.digit : 0) | (/[A-Za-z]/.test(run) ? HOLDS.letter : 0);
}

function isOneNumber(text: string, end: number, next: number): boolean {
  if (next - end > BETWEEN_GROUPS_MAX) return false;
  for (let at = end; at < next; at++) if (BETWEEN_GROUPS[text.charCodeAt(at)] !== 1) return false;
  return true;
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
  if (words.length === 0) return undefined;
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

function noWords(): Record<ContextWord, Span[]> {
  const words: Partial<Record<ContextWord, Span[]>> = {};
  for (const of of CONTEXTS) words[of] = [];
  if (!isComplete(words)) throw new TypeError('a kind of words has no list');
  return words;
}

function isComplete(words: Partial<Record<ContextWord, Span[]>>): words is Record<ContextWord, Span[]> {
  return CONTEXTS.every((of) => words[of] !== undefined);
}

function contextWords(): readonly ContextWord[] {
  return Object.keys(CONTEXT_WORDS).filter((of): of is ContextWord => Object.hasOwn(CONTEXT_WORDS, of));
}

/** One for letters, digits, and the signs that hold them together. */
function joined(): Uint8Array {
  return CLASS.map((of, unit) => Math.min(of, 1) | (JOINERS[unit] ?? 0));
}

/** One for each of them. Every code unit has its place, so that no look is outside. */
function signs(all: string): Uint8Array {
  const table = new Uint8Array(1 << 16);
  for (const sign of all) table[sign.charCodeAt(0)] = 1;
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
