import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { hashToken, isWellFormed, newToken } from './token.ts';

describe('the token of a key', () => {
  it('has a prefix, 32 letters of chance and 6 of checksum', () => {
    for (let i = 0; i < 200; i++) {
      const token = newToken();
      assert.match(token, /^tk_[0-9A-Za-z]{38}$/);
      assert.ok(isWellFormed(token));
    }
  });

  it('comes only once', () => {
    const tokens = new Set(Array.from({ length: 2000 }, newToken));
    assert.equal(tokens.size, 2000);
  });

  it('is told from one with any letter changed', () => {
    const token = newToken();
    for (let i = 0; i < token.length; i++) {
      const other = token.charAt(i) === 'x' ? 'y' : 'x';
      assert.ok(!isWellFormed(token.slice(0, i) + other + token.slice(i + 1)), `letter ${i}`);
    }
  });

  it('is told from anything else that a client may send', () => {
    for (const text of [
      '',
      'tk_',
      "' OR 1=1--",
      '%',
      'tk_\0',
      `tk_${'a'.repeat(38)}`,
      `tk_${'é'.repeat(38)}`,
      'x'.repeat(1_000_000),
    ]) {
      assert.ok(!isWellFormed(text));
    }
    fc.assert(fc.property(fc.string(), (text) => !isWellFormed(text)));
  });

  it('hashes differently under another secret', () => {
    const token = newToken();
    assert.notEqual(hashToken(Buffer.alloc(32, 1), token), hashToken(Buffer.alloc(32, 2), token));
    assert.equal(hashToken(Buffer.alloc(32, 1), token), hashToken(Buffer.alloc(32, 1), token));
  });
});
