/**
 * Numbers that a state gives to its people: form, check digits, and where a number alone is weak, the words that must stand beside it.
 * Forms and checks by the issuing authority or the OECD's tax identification number pages, named at each.
 */

import {
  hasBelgianKey,
  hasChineseDigit,
  hasCodiceFiscaleLetter,
  hasCpfDigits,
  hasDniLetter,
  hasFinnishSign,
  hasLuhn,
  hasMod1110,
  hasNirKey,
  hasOneRepeat,
  hasVerhoeff,
  hasWeighted,
  isOneDigit,
  weightedSum,
} from './check-digits.ts';
import type { ContextWord } from './context-words.ts';

export interface NationalId {
  readonly country: string;
  readonly name: string;
  /** How many digits can stand before its first sign or its end; 0 where the first run of letters and digits holds a letter. */
  readonly first: readonly number[];
  /** The number as written, from its first character. Bounded, without a choice between two ways to read the same text. */
  readonly form: RegExp;
  /** Letters and digits alone, upper case. True where the check digits fit, or where the number has none. */
  readonly check: (compact: string) => boolean;
  /** What it is called. Absent: form and check digits are enough. */
  readonly words?: ContextWord;
}

/** Luhn's, Verhoeff's and the weighted sums below are wrong for one number in ten or eleven at random: one that anyone may write needs its words too. */
export const NATIONAL_IDS: readonly NationalId[] = [
  {
    country: 'US',
    name: 'Social Security number',
    first: [3],
    // SSA: no area 000, 666, 900-999; no group 00; no serial 0000.
    form: /(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])/y,
    check: (id) => !/^(?:078051120|219099999|123456789)$/.test(id) && !isOneDigit(id),
  },
  {
    country: 'US',
    name: 'Social Security number',
    first: [3, 9],
    form: /(?!000|666|9)\d{3} ?(?!00)\d\d ?(?!0000)\d{4}(?![\w-])/y,
    check: (id) => !isOneDigit(id),
    words: 'ssn',
  },
  {
    country: 'US',
    name: "driver's licence",
    first: [0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14],
    // AAMVA: no check digit that states share.
    form: /(?=\w{0,13}\d{4})[A-Z]{0,2}\d{5,14}[A-Z]?(?![\w-])/iy,
    check: () => true,
    words: 'licence',
  },
  {
    country: 'GB',
    name: 'National Insurance number',
    first: [0, 2],
    // HMRC manual NIM39110: letters D F I Q U V never, no O second, some pairs not given out; suffix A to D.
    form: /(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D](?!\w)/y,
    check: () => true,
  },
  {
    country: 'GB',
    name: 'NHS number',
    first: [3, 10],
    // NHS Data Dictionary: modulus 11 with weights 10 to 2.
    form: /\d{3}[ -]?\d{3}[ -]?\d{4}(?![\w-])/y,
    check: (id) => hasWeighted(id, [10, 9, 8, 7, 6, 5, 4, 3, 2], (sum) => (11 - (sum % 11)) % 11),
    words: 'nhs',
  },
  {
    country: 'DE',
    name: 'Steuer-Identifikationsnummer',
    first: [2, 11],
    // BZSt: ISO 7064 MOD 11,10; of the first ten digits exactly one stands twice or three times.
    form: /[1-9]\d ?\d{3} ?\d{3} ?\d{3}(?![\w-])/y,
    check: (id) => hasOneRepeat(id) && hasMod1110(id),
    words: 'steuer',
  },
  {
    country: 'DE',
    name: 'Personalausweisnummer',
    first: [0],
    // ICAO 9303: weights 7 3 1 over nine characters, then the check digit.
    form: /[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ\d]{8}\d(?!\w)/y,
    check: (id) => hasWeighted(id, [7, 3, 1, 7, 3, 1, 7, 3, 1], (sum) => sum % 10),
    words: 'ausweis',
  },
  {
    country: 'FR',
    name: 'numéro de sécurité sociale',
    first: [1, 3, 5, 13, 15, 0],
    // INSEE: key 97 minus the number modulo 97; Corsica's 2A and 2B stand for 19 and 18.
    form: /[1-478] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d(?!\w)/iy,
    check: hasNirKey,
  },
  {
    country: 'ES',
    name: 'DNI',
    first: [0, 8],
    form: /\d{8}[ -]?[A-HJ-NP-TV-Z](?!\w)/iy,
    check: (id) => hasDniLetter(id.slice(0, 8), id.charAt(8)),
  },
  {
    country: 'ES',
    name: 'NIE',
    first: [0],
    form: /[XYZ][ -]?\d{7}[ -]?[A-HJ-NP-TV-Z](?!\w)/iy,
    check: (id) => hasDniLetter(`${'XYZ'.indexOf(id.charAt(0))}${id.slice(1, 8)}`, id.charAt(8)),
  },
  {
    country: 'IT',
    name: 'codice fiscale',
    first: [0],
    // DM 23 December 1976: odd places by a table, even ones by value, modulo 26.
    form: /[A-Z]{6}[\dL-NP-V]{2}[A-EHLMPR-T][\dL-NP-V]{2}[A-Z][\dL-NP-V]{3}[A-Z](?!\w)/iy,
    check: hasCodiceFiscaleLetter,
  },
  {
    country: 'NL',
    name: 'burgerservicenummer',
    first: [9],
    // RvIG: the eleven test, last weight minus one.
    form: /\d{9}(?![\w-])/y,
    check: (id) => weightedSum(id, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0 && !isOneDigit(id),
    words: 'bsn',
  },
  {
    country: 'BE',
    name: 'rijksregisternummer',
    first: [2, 6, 11],
    form: /\d\d\.?\d\d\.?\d\d-?\d{3}[.-]?\d\d(?![\w-])/y,
    check: hasBelgianKey,
    words: 'belgian',
  },
  {
    country: 'PL',
    name: 'PESEL',
    first: [11],
    // Ustawa o ewidencji ludności: weights 1 3 7 9; the month tells the century.
    form: /\d\d(?:[02468][1-9]|[13579][0-2])(?:0[1-9]|[12]\d|3[01])\d{5}(?![\w-])/y,
    check: (id) => hasWeighted(id, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3], (sum) => (10 - (sum % 10)) % 10),
    words: 'pesel',
  },
  {
    country: 'PT',
    name: 'NIF',
    first: [9],
    form: /[1-35]\d{8}(?![\w-])/y,
    check: (id) => hasWeighted(id, [9, 8, 7, 6, 5, 4, 3, 2], (sum) => (sum % 11 < 2 ? 0 : 11 - (sum % 11))),
    words: 'nif',
  },
  {
    country: 'SE',
    name: 'personnummer',
    first: [6, 8],
    form: /(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-+]\d{4}(?![\w-])/y,
    check: (id) => hasLuhn(id.slice(-10)),
  },
  {
    country: 'FI',
    name: 'henkilötunnus',
    first: [0, 6],
    form: /(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d[-+A-FU-Y]\d{3}[\dA-FHJ-NPR-Y](?!\w)/y,
    check: hasFinnishSign,
  },
  {
    country: 'CH',
    name: 'AHV-Nummer',
    first: [3, 13],
    form: /756\.?\d{4}\.?\d{4}\.?\d\d(?![\w-])/y,
    check: (id) => hasWeighted(id, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3], (sum) => (10 - (sum % 10)) % 10),
  },
  {
    country: 'CA',
    name: 'social insurance number',
    first: [3, 9],
    form: /[1-79]\d\d[ -]?\d{3}[ -]?\d{3}(?![\w-])/y,
    check: hasLuhn,
    words: 'sin',
  },
  {
    country: 'BR',
    name: 'CPF',
    first: [3],
    form: /\d{3}\.\d{3}\.\d{3}-\d\d(?![\w-])/y,
    check: hasCpfDigits,
  },
  {
    country: 'BR',
    name: 'CPF',
    first: [11],
    form: /\d{11}(?![\w-])/y,
    check: hasCpfDigits,
    words: 'cpf',
  },
  {
    country: 'IN',
    name: 'Aadhaar',
    first: [4, 12],
    // UIDAI: never begins with 0 or 1; Verhoeff's check digit.
    form: /[2-9]\d{3}([ -]?)\d{4}\1\d{4}(?![\w-])/y,
    check: hasVerhoeff,
    words: 'aadhaar',
  },
  {
    country: 'IN',
    name: 'PAN',
    first: [0],
    form: /[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z](?!\w)/y,
    check: () => true,
    words: 'pan',
  },
  {
    country: 'CN',
    name: '居民身份证号码',
    first: [18, 0],
    // GB 11643-1999: ISO 7064 MOD 11-2 over 17 digits, a date of birth inside.
    form: /[1-8]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX](?!\w)/iy,
    check: hasChineseDigit,
  },
  {
    country: 'AU',
    name: 'tax file number',
    first: [3, 9],
    form: /\d{3}[ -]?\d{3}[ -]?\d{3}(?![\w-])/y,
    check: (id) => weightedSum(id, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
    words: 'tfn',
  },
  {
    country: '*',
    name: 'passport',
    first: [0, 6, 7, 8, 9],
    // ICAO 9303 gives nine characters; the number itself has no check digit.
    form: /(?=[A-Z\d]{0,8}\d{5})[A-Z]{0,2}\d{6,9}[A-Z]?(?!\w)/iy,
    check: () => true,
    words: 'passport',
  },
];
