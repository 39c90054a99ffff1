/** Telephone numbers: international form (ITU-T E.164: a plus, at most 15 digits), North American form, and any other where words beside it say so. */
import {
  countBefore,
  digitsOf,
  isFree,
  lastBefore,
  matchAt,
  type Detector,
  type Scan,
  type Span,
  type Token,
} from './scan.ts';

const DIGITS_MIN = 8;
/** ITU-T E.164, section 6: at most 15 digits. */
const DIGITS_MAX = 15;
/** Digits with single signs between them, and an extension. */
const GROUPS = /\d{1,15}(?:(?:[ .-]|\) ?|[ -]\()\d{1,12}){0,7}(?: ?(?:x|ext\.? ?)\d{1,6})?(?![\w@])/iy;
/** Area code and exchange of the North American plan never begin with 0 or 1; a sign between the groups is asked for. */
const NORTH_AMERICAN =
  /(?:1[ .-])?(?:[2-9]\d\d([.-])|[2-9]\d\d\) ?)[2-9]\d\d(?:\1|[ .-])\d{4}(?: ?(?:x|ext\.? ?)\d{1,6})?(?![\w-])/iy;
/** What follows its area code, and the 1 before it. */
const AFTER_AREA = new Set('.-)');
const AFTER_ONE = new Set('.- ');
/** Numbers in this form that are something else: dates, spans of years. */
const DATE =
  /^(?:(?:1[5-9]|20)\d\d ?- ?(?:1[5-9]|20)\d\d|\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4})$/;
/** Between a word and its number stand no digits and no end of the line, and not much else. */
const GAP = /^[^\d\n]{0,28}$/;
/** `call 555…`, `call us at 555…`, and not `call the function 555…`. */
const VERB_GAP =
  /^(?:\W{0,4}|[^\d\n]{0,20}\b(?:at|on|under|unter|al|au|op|no|em|pod|sur|me|us|him|her|them|mich|uns)\W{0,4})$/i;
const OTHER_GAP = /^[^\d\n]{0,12}$/;
const GAP_MAX = 28;
const AFTER_MAX = 4;
/** The longest number as written, with its signs. */
const LENGTH_MAX = 40;

export const phone: Detector = function* find(scanned) {
  let last = 0;
  for (const token of scanned.numbers) {
    if (token.start < last) continue;
    const span = numberAt(scanned, token);
    if (span === undefined) continue;
    last = span.end;
    yield span;
  }
};

function numberAt(scanned: Scan, { start, end, isDigits }: Token): Span | undefined {
  const { text } = scanned;
  // An extension sticks to the last group (`2851x818`), and is its token.
  if (!isDigits && !/^\d{3,4}x\d/i.test(text.slice(start, end))) return undefined;
  const open = text.charAt(start - 1) === '(' ? start - 1 : start;
  const hasPlus = text.charAt(open - 1) === '+';
  const from = hasPlus ? open - 1 : open;
  if (!isFree(text, from)) return undefined;
  const length = hasPlus ? internationalAt(text, start) : localAt(scanned, { start, end });
  return length === 0 ? undefined : { start: from, end: start + length };
}

/** Length of the number that begins here behind a plus; 0 where there is none. */
function internationalAt(text: string, start: number): number {
  const found = matchAt(GROUPS, text, start);
  return found !== undefined && isLong(found, DIGITS_MIN) && !found.startsWith('0') ? found.length : 0;
}

function localAt(scanned: Scan, { start, end: first }: Span): number {
  const { text, words } = scanned;
  const american = isAmericanFirst(text, { start, end: first }) ? matchAt(NORTH_AMERICAN, text, start) : undefined;
  if (american === undefined && !isNearWord(scanned, start)) return 0;
  const found = american ?? matchAt(GROUPS, text, start);
  if (found === undefined || !isLong(found, DIGITS_MIN - 1) || DATE.test(found)) return 0;
  if (isJustBehind(text, start, { words: words.otherNumber, gap: OTHER_GAP })) return 0;
  const isPhone = american !== undefined || isCalledSo(scanned, { start, end: start + found.length });
  return isPhone ? found.length : 0;
}

/** Whether it may begin with this group: most numbers are asked no further. */
function isAmericanFirst(text: string, { start, end }: Span): boolean {
  if (end - start === 3) return AFTER_AREA.has(text.charAt(end));
  return end - start === 1 && text.charAt(start) === '1' && AFTER_ONE.has(text.charAt(end));
}

function isCalledSo({ text, words }: Scan, { start, end }: Span): boolean {
  if (isJustBehind(text, start, { words: words.phone, gap: GAP })) return true;
  if (isJustBehind(text, start, { words: words.phoneVerb, gap: VERB_GAP })) return true;
  const after = words.phoneAfter[countBefore(words.phoneAfter, end)];
  return after !== undefined && after.start - end < AFTER_MAX;
}

/** Whether a word that could make this a telephone number is near at all: most numbers are looked at no further. */
function isNearWord({ words }: Scan, start: number): boolean {
  if (isWithin(lastBefore(words.phone, start), start) || isWithin(lastBefore(words.phoneVerb, start), start))
    return true;
  const after = words.phoneAfter[countBefore(words.phoneAfter, start)];
  return after !== undefined && after.start - start < LENGTH_MAX;
}

function isWithin(word: Span | undefined, start: number): boolean {
  return word !== undefined && start - word.end <= GAP_MAX;
}

/** Whether one of the words stands directly before, but for what may stand between. */
function isJustBehind(
  text: string,
  start: number,
  { words, gap }: { readonly words: readonly Span[]; readonly gap: RegExp },
): boolean {
  const word = lastBefore(words, start);
  return word !== undefined && isWithin(word, start) && gap.test(text.slice(word.end, start));
}

function isLong(found: string, least: number): boolean {
  const count = digitsOf(found.replace(/ ?(?:x|ext).{0,8}$/i, '')).length;
  return count >= least && count <= DIGITS_MAX;
}
