/** Names that people give: to themselves, to teams and organisations, to keys, budgets and plans. */

const LENGTH_MAX = 200;

/** Line ends, what terminals obey, and what turns the direction of the text beside it (Unicode Technical Report 36, section 2.5.2). */
const UNSHOWN = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/** What is wrong with one that is not `isInWords`. */
export const NOT_IN_WORDS = `it must have 1 to ${LENGTH_MAX} visible characters`;

/** Whether it can be shown wherever names are: something visible, no control characters, not endless. */
export function isInWords(name: string): boolean {
  return name.trim() !== '' && name.length <= LENGTH_MAX && !UNSHOWN.test(name);
}
