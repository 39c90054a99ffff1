/** The words of a text as the classifier sees them: bounded, normalised, in any script. */

/**
 * Longer texts are looked at by their beginning and end, half each: what is wanted stands there, and what lies between
 * is mostly pasted matter. 4096 UTF-16 units, so that the work for any prompt has a bound.
 */
export const TEXT_LENGTH_MAX = 4096;
/** A longer run of letters is data (base64, a hash), not a word: its beginning says so as well. */
const WORD_LENGTH_MAX = 64;
/** Scripts that write without spaces are taken sign by sign; everywhere else a word is a run of letters, marks, digits. */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{M}\p{N}'])+|\?/gu;

/** Lower case, in NFKC (Unicode Annex 15), so that `Ｃａｒｄ` and `card` are one word. A question mark is a word too. */
export function wordsOf(text: string): readonly string[] {
  const words = bounded(text).normalize('NFKC').toLowerCase().match(WORD) ?? [];
  return words.map((word) => (word.length > WORD_LENGTH_MAX ? word.slice(0, WORD_LENGTH_MAX) : word));
}

function bounded(text: string): string {
  if (text.length <= TEXT_LENGTH_MAX) return text;
  const half = TEXT_LENGTH_MAX / 2;
  return `${text.slice(0, half)} ${text.slice(-half)}`;
}
