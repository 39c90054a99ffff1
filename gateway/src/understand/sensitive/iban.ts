/** IBANs (ISO 13616): the length that the country's entry in SWIFT's IBAN registry gives, and the check digits (ISO 7064, MOD 97-10). */
import { hasMod97 } from './check-digits.ts';
import { matchAt, type Detector } from './scan.ts';

/** Country and length, by SWIFT's IBAN registry. */
const LENGTHS = lengths(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30',
);
/** In one piece, or in fours with a space, as it is printed. */
const PRINTED = /[a-z]{2}\d{2}(?:[a-z\d]{11,30}|(?:[ -][a-z\d]{4}){2,7}(?:[ -][a-z\d]{1,4})?)/iy;

export const iban: Detector = function* find({ text, numbers }) {
  for (const { start, end, isDigits } of numbers) {
    if (isDigits || end - start < 4) continue;
    const length = LENGTHS.get(text.slice(start, start + 2).toUpperCase());
    if (length === undefined) continue;
    const printed = matchAt(PRINTED, text, start);
    const span = printed === undefined ? -1 : endOf(printed, length);
    if (span !== -1) yield { start, end: start + span };
  }
};

/** How many characters of what is printed are the IBAN; -1 where it is none. */
function endOf(printed: string, length: number): number {
  let compact = '';
  let at = 0;
  while (at < printed.length && compact.length < length) {
    const character = printed.charAt(at++);
    if (character !== ' ' && character !== '-') compact += character;
  }
  return compact.length === length && hasMod97(compact.toUpperCase()) ? at : -1;
}

function lengths(list: string): ReadonlyMap<string, number> {
  return new Map(list.split(' ').map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]));
}
