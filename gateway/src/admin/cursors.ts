/** Cursors: where a page ended, signed, so that what comes back is what was given. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseJson } from '../lib/json.ts';
import { asMark, type Mark } from './lists.ts';

export interface Cursors {
  /** `scope`: of which list, and how it was asked for. */
  seal(mark: Mark, scope: string): string;
  /** `undefined` where it was not given here for this scope. */
  open(cursor: string, scope: string): Mark | undefined;
}

/** 128 bits. */
const SIGNATURE_BYTES = 16;

/** `secret`: shared by all processes that answer for one store. */
export function cursorsWith(secret: Buffer): Cursors {
  const sign = (payload: string, scope: string): Buffer =>
    createHmac('sha256', secret)
      .update(JSON.stringify(['admin cursor', scope, payload]))
      .digest()
      .subarray(0, SIGNATURE_BYTES);
  return {
    seal(mark, scope) {
      const payload = Buffer.from(JSON.stringify(mark)).toString('base64url');
      return `${payload}.${sign(payload, scope).toString('base64url')}`;
    },
    open(cursor, scope) {
      const [payload = '', signature = '', ...rest] = cursor.split('.');
      const given = Buffer.from(signature, 'base64url');
      const isOurs =
        rest.length === 0 &&
        given.length === SIGNATURE_BYTES &&
        // Base64 has several texts for some bytes; only ours is good.
        given.toString('base64url') === signature &&
        timingSafeEqual(given, sign(payload, scope));
      return isOurs ? asMark(parseJson(Buffer.from(payload, 'base64url').toString())) : undefined;
    },
  };
}
