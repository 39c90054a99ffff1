/** Postal addresses in the forms that are hardly anything else: a house number with a word for a street, a street with its number, a flat, a post box. */
import { matchAt, type Detector, type Span } from './scan.ts';

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
const NEAR = 64;

export const address: Detector = function* find({ text, houses, words }) {
  for (const street of words.street) yield* around(text, street);
  for (const { start, end } of houses) {
    const word = wordBefore(text, start);
    if (STREET_SUFFIX.test(word)) yield { start: start - 1 - word.length, end };
  }
};

/** `5`, `221B`: few digits and a letter, by itself or behind `#`. */
const HOUSE = /(?<![^\s#])\d[\dA-Za-z]{0,5}(?![\dA-Za-z])/g;

/** Addresses of which this word for a street is a part, with a number on either side of it. */
function* around(text: string, street: Span): Iterable<Span> {
  const from = Math.max(0, street.start - NEAR);
  for (const { index, 0: number } of text.slice(from, street.end + NEAR).matchAll(HOUSE)) {
    const house = { start: from + index, end: from + index + number.length };
    const span = house.end <= street.start ? numberFirst(text, house) : streetFirst(text, street, house);
    if (span !== undefined) yield span;
  }
}

function streetFirst(text: string, street: Span, { start, end }: Span): Span | undefined {
  if (street.end > start) return undefined;
  const before = text.slice(Math.max(0, start - NEAR), start);
  const place = STREET_WORDS.exec(before) ?? FLAT.exec(before);
  return place === null ? undefined : { start: start - place[0].length, end };
}

/** The longest suffix, with a letter before it. */
const SUFFIX_MAX = 8;
function wordBefore(text: string, start: number): string {
  const before = text.slice(Math.max(0, start - NEAR), start).trimEnd();
  return before.slice(-SUFFIX_MAX).replace(/,$/, '');
}

function numberFirst(text: string, { start, end }: Span): Span | undefined {
  if (!/[ ,]/.test(text.charAt(end))) return undefined;
  const found = matchAt(NUMBER_STREET, text, start) ?? matchAt(NUMBER_RUE, text, start);
  return found === undefined ? undefined : { start, end: start + found.length };
}
