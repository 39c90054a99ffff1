/** Ids of our own: sortable by time, so that a primary key grows at its end, and unguessable. */
import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
/** 36^9 ms are some 3,200 years. */
const TIME_DIGITS = 9;
/** 36^15: about 77 bits of chance. */
const CHANCE_DIGITS = 15;
/** Bytes above this are thrown away, or the first letters would come more often (7 * 36 = 252). */
const BYTE_MAX = 252;
const POOL_BYTES = 4096;

/** A maker of ids like `att_0mf3k2v9x…`. The bytes of chance are drawn in blocks: a system call an id would cost more than the id. */
export function idMaker(now: () => number): (prefix: string) => string {
  const pool = Buffer.alloc(POOL_BYTES);
  let at = POOL_BYTES;
  const digit = (): string => {
    for (;;) {
      if (at === POOL_BYTES) {
        randomFillSync(pool);
        at = 0;
      }
      const byte = pool.readUInt8(at++);
      if (byte < BYTE_MAX) return ALPHABET.charAt(byte % ALPHABET.length);
    }
  };
  return (prefix) => {
    let id = `${prefix}_${Math.max(0, Math.floor(now())).toString(36).padStart(TIME_DIGITS, '0')}`;
    for (let i = 0; i < CHANCE_DIGITS; i++) id += digit();
    return id;
  };
}
