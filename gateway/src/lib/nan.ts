/** JSON as Python's `json` writes it by default: with `NaN` and `Infinity`, which JSON does not know and no other parser reads. */
import { parseJson } from './json.ts';

/** Longer texts are left as they are: what is to be saved here is a reply, not a mass of data. */
const LENGTH_MAX = 1024 * 1024;
const STRINGS_AND_NANS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/gs;

/** The same with `null` for each of them, for a text that is no JSON; undefined where that would not make it JSON. */
export function withoutNan(text: string): string | undefined {
  if (text.length > LENGTH_MAX || !/NaN|Infinity/.test(text)) return undefined;
  const plain = text.replace(STRINGS_AND_NANS, (piece) => (piece.startsWith('"') ? piece : 'null'));
  return plain === text || parseJson(plain) === undefined ? undefined : plain;
}
