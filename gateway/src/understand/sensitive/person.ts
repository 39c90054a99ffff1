/** Names of people, only where the words before them say that one follows: `my name is`, a title, a field of a form. Lists of names are not kept. */
import type { Detector } from './scan.ts';

/** After such a word a first and a last name are asked for, so that `my name is Earl` stays a film and `Mr. Lucci` an exercise. */
const NAME =
  /(?:[.,]|\s?:|\s?=)?[ \t\n]{0,6}(\p{Lu}[\p{Ll}'-]{1,24}(?: \p{Lu}\.)?(?: (?:(?:van|von|de|der|den|da|di|del|la|le|bin|al) ){0,2}\p{Lu}[\p{L}'-]{1,24}){1,3})/uy;

export const person: Detector = function* find({ text, words }) {
  for (const { end } of words.name) {
    NAME.lastIndex = end;
    const found = NAME.exec(text);
    const name = found?.[1];
    if (found === null || name === undefined) continue;
    yield { start: end + found[0].length - name.length, end: end + found[0].length };
  }
};
