/** Postal addresses in the forms that are hardly anything else: a house number with a word for a street, a street with its number, a flat, a post box. */
import { countBefore, lastBefore, matchAt, type Detector, type Scan, type Span, type Token } from './scan.ts';

/** `12 Long Lane`, `1600 Pennsylvania Avenue NW`. */
const NUMBER_STREET =
  /\d{1,5}[A-Za-z]?,? (?:[NSEW]\.? )?(?:[\p{Lu}\d][\p{L}\d'.-]{0,24} ){1,4}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Way|Highway|Hwy|Parkway|Pkwy|Circle|Crescent|Close)(?![\p{L}])/uy;
/** `12 rue de la Paix`, `52 Rua Joaquim`, `11 via Roma`. */
const NUMBER_RUE =
  /\d{1,5}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|place|chemin|allée|impasse|quai|rua|avenida|travessa|via|viale|piazza|corso|calle|carrer|paseo|plaza) \p{L}[\p{L}'.-]{1,30}/iuy;
/** What stands before the number, at its end: `Hauptstraße 5`, `Kerkstraat 12`. */
const STREET_SUFFIX =
  /\p{L}(?:stra(?:ß|ss)e|str\.|gasse|weg|platz|allee|ring|ufer|damm|straat|laan|plein|gracht|kade|gatan|vägen|veien|gata|vej|gade|katu|tie)$/iu;
/** The same in two words or more: `ul. Długa 7`, `Calle Mayor 3`, `via Roma 12`. */
const STREET_WORDS =
  /\b(?:ul\. \p{L}{2,30}(?: \p{L}{2,30})?|(?:calle|avenida|av\.|via|viale|piazza|corso|rua) \p{Lu}\p{L}{1,30}(?: (?:de |del |della |da |do )?\p{Lu}\p{L}{1,30}){0,2}),? (?:n\.? ?|nº ?)?$/iu;
/** A flat within a house, or a box. */
const FLAT = /\b(?:apt|apartment|suite|ste|unit|flat|p\.? ?o\.? box|postfach|postbus|piso)\.? ?#? ?$/i;
/** A house has few digits. */
const HOUSE_DIGITS_MAX = 5;
const NEAR = 64;

export const address: Detector = function* find(scanned) {
  for (const token of scanned.tokens) {
    const span = streetAt(scanned, token);
    if (span !== undefined) yield span;
  }
};

function streetAt(scanned: Scan, token: Token): Span | undefined {
  const { text, words } = scanned;
  const { start, end } = token;
  if (end - start > HOUSE_DIGITS_MAX + 1 || !/\d/.test(text.charAt(start)) || /[^\s#]/.test(text.charAt(start - 1)))
    return undefined;
  const next = words('street')[countBefore(words('street'), end)];
  const isBefore = next !== undefined && next.start - end < NEAR;
  return (isBefore ? numberFirst(text, token) : undefined) ?? streetFirst(scanned, token);
}

function streetFirst({ text, words }: Scan, { start, end }: Token): Span | undefined {
  const before = text.slice(Math.max(0, start - NEAR), start);
  const last = lastBefore(words('street'), start);
  const isNear = last !== undefined && start - last.end < NEAR;
  const place = isNear ? (STREET_WORDS.exec(before) ?? FLAT.exec(before)) : null;
  if (place !== null) return { start: start - place[0].length, end };
  const word = before.trimEnd().slice(-SUFFIX_MAX).replace(/,$/, '');
  return STREET_SUFFIX.test(word) ? { start: start - 1 - word.length, end } : undefined;
}

/** The longest suffix, with a letter before it. */
const SUFFIX_MAX = 8;

function numberFirst(text: string, { start, end }: Token): Span | undefined {
  if (!/[ ,]/.test(text.charAt(end))) return undefined;
  const found = matchAt(NUMBER_STREET, text, start) ?? matchAt(NUMBER_RUE, text, start);
  return found === undefined ? undefined : { start, end: start + found.length };
}
