import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32 as native } from 'node:zlib';
import fc from 'fast-check';
import { crc32 } from './crc32.ts';

describe('crc32', () => {
  it('gives the check value of the standard', () => {
    assert.equal(crc32(Buffer.from('123456789')), 0xcb_f4_39_26);
  });

  it('says what zlib says of any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => assert.equal(crc32(bytes), native(bytes))));
  });
});
