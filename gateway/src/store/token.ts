/** The text of a virtual key: `tk_`, 32 letters of chance, 6 of checksum. A typing error is told from an unknown key without a hash. */
import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const PREFIX = 'tk_';
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^32: about 190 bits. */
const CHANCE_DIGITS = 32;
/** 62^6 is more than 2^32, the range of a CRC. */
const CHECKSUM_DIGITS = 6;
/** Bytes above this are thrown away, or the first letters would come more often (4 * 62 = 248). */
const BYTE_MAX = 248;
const LENGTH = PREFIX.length + CHANCE_DIGITS + CHECKSUM_DIGITS;

/** A new token. It is the only thing that opens the key's door: show it once, keep its hash. */
export function newToken(): string {
  let chance = '';
  while (chance.length < CHANCE_DIGITS) {
    for (const byte of randomBytes(CHANCE_DIGITS)) {
      if (byte < BYTE_MAX && chance.length < CHANCE_DIGITS) chance += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return PREFIX + chance + checksum(chance);
}

/** Whether a text can be a token of ours: length, prefix and checksum. Costs less than a microsecond, whatever comes in. */
export function isWellFormed(token: string): boolean {
  if (token.length !== LENGTH || !token.startsWith(PREFIX)) return false;
  return token.endsWith(checksum(token.slice(PREFIX.length, PREFIX.length + CHANCE_DIGITS)));
}

/** What is stored of a token. The secret is on this machine only, so a stolen database opens nothing. */
export function hashToken(secret: Buffer, token: string): string {
  return createHmac('sha256', secret).update(token).digest('hex');
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_DIGITS; i++) {
    digits = ALPHABET.charAt(rest % ALPHABET.length) + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
}
