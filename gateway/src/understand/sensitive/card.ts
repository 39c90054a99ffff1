/** Numbers of payment cards: length and leading digits of an issuer (ISO/IEC 7812-1; the ranges are those that issuers publish), and the check digit by Luhn. */
import { hasLuhn, isOneDigit } from './check-digits.ts';
import { digitsOf, isFree, matchAt, type Detector } from './scan.ts';

/** Issuer, leading digits, lengths. Numbers inside a range that no issuer uses are no cards. */
const ISSUERS: readonly (readonly [leading: RegExp, lengths: readonly number[]])[] = [
  // Visa
  [/^4/, [13, 16, 19]],
  // Mastercard: 51-55, 2221-2720
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  // American Express
  [/^3[47]/, [15]],
  // Discover: 6011, 622126-622925 (with UnionPay), 644-649, 65
  [/^(?:6011|64[4-9]|65)/, [16, 19]],
  // Diners Club
  [/^(?:30[0-59]|3[68])/, [14, 16, 19]],
  // JCB: 3528-3589, and the 15 digits of old
  [/^35(?:2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^(?:2131|1800)/, [15]],
  // UnionPay
  [/^62/, [16, 17, 18, 19]],
  // Maestro
  [/^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, [12, 13, 14, 15, 16, 17, 18, 19]],
  // Mir
  [/^220[0-4]/, [16, 17, 18, 19]],
];

/** As printed: in one piece, in fours, or 4-6-5 and 4-6-4, with the same single sign between all groups. */
const PRINTED = /\d{12,19}(?![\w-])|\d{4}([ -])(?:\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|\d{6}\1\d{4,5})(?!\d)/y;
export const card: Detector = function* find({ text, numbers }) {
  for (const { start, end, isDigits } of numbers) {
    const length = end - start;
    if (!isDigits || !(length === 4 || (length >= 12 && length <= 19)) || !isFree(text, start)) continue;
    const printed = matchAt(PRINTED, text, start);
    if (printed !== undefined && isCard(digitsOf(printed))) yield { start, end: start + printed.length };
  }
};

function isCard(digits: string): boolean {
  return (
    ISSUERS.some(([leading, lengths]) => lengths.includes(digits.length) && leading.test(digits)) &&
    !isOneDigit(digits) &&
    hasLuhn(digits)
  );
}
