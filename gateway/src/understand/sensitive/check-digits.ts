/** Check digits of numbers, by the standard or the authority that defines each. Every function takes letters and digits alone, upper case. */

/** Luhn's check digit (ISO/IEC 7812-1, annex B): every second digit from the right doubled, its digits added. */
export function hasLuhn(id: string): boolean {
  let sum = 0;
  for (let index = 0; index < id.length; index++) {
    const digit = id.charCodeAt(id.length - 1 - index) - 0x30;
    sum += index % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}

/** ISO 7064, MOD 97-10, as IBANs use it: the first four characters to the end, letters as 10 to 35; the whole number is 1 modulo 97. */
export function hasMod97(id: string): boolean {
  const rest = Array.from(id.slice(4) + id.slice(0, 4), rank).reduce(
    (sum, value) => (sum * (value > 9 ? 100 : 10) + value) % 97,
    0,
  );
  return rest === 1;
}

/** ISO 7064, MOD 11,10. */
export function hasMod1110(id: string): boolean {
  let product = 10;
  for (const digit of digitsOf(id.slice(0, -1))) {
    const sum = (digit + product) % 10;
    product = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return (11 - product) % 10 === Number(id.at(-1));
}

/** The digit after those that are weighted is what `rest` makes of their sum. */
export function hasWeighted(id: string, weights: readonly number[], rest: (sum: number) => number): boolean {
  return rest(weightedSum(id, weights)) === Number(id.charAt(weights.length));
}

export function weightedSum(id: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, index) => sum + weight * rank(id.charAt(index)), 0);
}

/** Verhoeff's dihedral check (J. Verhoeff, Error detecting decimal codes, 1969). */
export function hasVerhoeff(id: string): boolean {
  const check = digitsOf(id)
    .toReversed()
    .reduce((product, digit, index) => dihedral(product, permuted(digit, index % 8)), 0);
  return check === 0;
}

/** The product in the dihedral group of order ten. */
function dihedral(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : ((a + b - 5) % 5) + 5;
  return b < 5 ? ((a - b) % 5) + 5 : (a - b + 5) % 5;
}

function permuted(digit: number, times: number): number {
  let value = digit;
  for (let time = 0; time < times; time++) value = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4][value] ?? 0;
  return value;
}

/** Spain: the letter of the number modulo 23. */
export function hasDniLetter(digits: string, letter: string): boolean {
  return 'TRWAGMYFPDXBNJZSQVHLCKE'.charAt(Number(digits) % 23) === letter;
}

/** Odd places of a codice fiscale, for 0-9 and A-Z (a digit and the letter of the same rank have the same value). */
const ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/** Italy, DM 23 December 1976: odd places by a table, even ones by rank, modulo 26. */
export function hasCodiceFiscaleLetter(id: string): boolean {
  const sum = Array.from(id.slice(0, 15), (character) =>
    rank(character) % 10 === rank(character) ? rank(character) : rank(character) - 10,
  ).reduce((total, value, index) => total + (index % 2 === 0 ? (ODD[value] ?? 0) : value), 0);
  return String.fromCharCode(65 + (sum % 26)) === id.charAt(15);
}

/** France, INSEE: the key is 97 minus the number modulo 97; Corsica's 2A and 2B stand for 19 and 18. */
export function hasNirKey(id: string): boolean {
  const number = Number(id.slice(0, 13).replace('2A', '19').replace('2B', '18'));
  return 97 - (number % 97) === Number(id.slice(13));
}

/** Belgium: 97 minus the number modulo 97, with a 2 before it for those born since 2000. */
export function hasBelgianKey(id: string): boolean {
  const key = Number(id.slice(9));
  return [id.slice(0, 9), `2${id.slice(0, 9)}`].some((number) => 97 - (Number(number) % 97) === key);
}

/** Finland: date and individual number modulo 31. The century's sign, where it is a letter, is no part of it. */
export function hasFinnishSign(id: string): boolean {
  const number = Number(id.slice(0, 6) + id.slice(-4, -1));
  return '0123456789ABCDEFHJKLMNPRSTUVWXY'.charAt(number % 31) === id.at(-1);
}

/** Brazil, Receita Federal: two digits by weights from 10 and from 11 down to 2. */
export function hasCpfDigits(id: string): boolean {
  return !isOneDigit(id) && [9, 10].every((length) => cpfDigit(id, length) === Number(id.charAt(length)));
}

function cpfDigit(id: string, length: number): number {
  const weights = Array.from({ length }, (_, index) => length + 1 - index);
  return ((weightedSum(id, weights) * 10) % 11) % 10;
}

/** China, GB 11643-1999: ISO 7064 MOD 11-2 over 17 digits. */
export function hasChineseDigit(id: string): boolean {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  return '10X98765432'.charAt(weightedSum(id, weights) % 11) === id.charAt(17);
}

/** Germany, BZSt: of the first ten digits exactly one stands twice or three times. */
export function hasOneRepeat(id: string): boolean {
  const counts = Map.groupBy(digitsOf(id.slice(0, 10)), (digit) => digit);
  const repeats = [...counts.values()].filter(({ length }) => length > 1);
  return repeats.length === 1 && (repeats[0]?.length ?? 0) <= 3;
}

/** Numbers such as 111111111, which nobody has. */
export function isOneDigit(id: string): boolean {
  return /^(\d)\1*$/.test(id);
}

function digitsOf(id: string): number[] {
  return Array.from(id, Number);
}

/** 0-9 and A-Z as 0 to 35. */
function rank(character: string): number {
  return Number.parseInt(character, 36);
}
