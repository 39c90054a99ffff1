/** Numbers that a state gives to its people, by the table of countries. */
import { isFree, isNamed, matchAt, type Detector, type Scan, type Span } from './scan.ts';
import { NATIONAL_IDS, type NationalId } from './national-ids.ts';

/** Two letters may stand before the first digits, with a space (`AB 12 34 56 C`). */
const LETTERS_BEFORE = /(?:^|[^\w])([A-Z]{2}) $/;

/** By how many digits come first: of most numbers in a text, few forms or none can be meant. */
const BY_FIRST = Map.groupBy(
  NATIONAL_IDS.flatMap((id) => id.first.map((first) => ({ id, first }))),
  ({ first }) => first,
);

export const nationalId: Detector = function* find(scanned) {
  const { text, numbers } = scanned;
  let last = 0;
  for (const token of numbers) {
    const start = token.isDigits ? withLetters(text, token.start) : token.start;
    if (start < last || !isFree(text, start)) continue;
    const isDigitsFirst = token.isDigits && start === token.start;
    const span = idAt(scanned, start, isDigitsFirst ? token.end - token.start : 0);
    if (span === undefined) continue;
    last = span.end;
    yield span;
  }
};

function idAt(scanned: Scan, start: number, first: number): Span | undefined {
  for (const { id } of BY_FIRST.get(first) ?? []) {
    const found = matchAt(id.form, scanned.text, start);
    if (found === undefined) continue;
    const span = { start, end: start + found.length };
    if (isIt(scanned, span, id)) return span;
  }
  return undefined;
}

function isIt({ text, words: near }: Scan, span: Span, { check, words }: NationalId): boolean {
  if (words !== undefined && !isNamed(near[words], span)) return false;
  return check(
    text
      .slice(span.start, span.end)
      .replaceAll(/[^A-Za-z\d]/g, '')
      .toUpperCase(),
  );
}

function withLetters(text: string, start: number): number {
  return text.charAt(start - 1) === ' ' && LETTERS_BEFORE.test(text.slice(Math.max(0, start - 4), start))
    ? start - 3
    : start;
}
