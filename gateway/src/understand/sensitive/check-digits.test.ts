import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { hasLuhn, hasMod1110, hasMod97, hasVerhoeff } from './check-digits.ts';

/** Of each a number that its standard or its authority gives as an example. */
const CHECKS: readonly (readonly [name: string, check: (id: string) => boolean, example: string])[] = [
  ['Luhn', hasLuhn, '4111111111111111'],
  ['MOD 97-10', hasMod97, 'GB29NWBK60161331926819'],
  ['MOD 11,10', hasMod1110, '86095742719'],
  ['Verhoeff', hasVerhoeff, '2363'],
];

describe('check digits', () => {
  for (const [name, check, example] of CHECKS) {
    it(`by ${name} fit ${example}`, () => {
      assert.equal(check(example), true);
    });

    it(`by ${name} tell every single wrong digit`, () => {
      const places = Array.from(example, (_, at) => at).filter((at) => /\d/.test(example.charAt(at)));
      fc.assert(
        fc.property(fc.constantFrom(...places), fc.integer({ min: 0, max: 9 }), (at, digit) => {
          const changed = `${example.slice(0, at)}${digit}${example.slice(at + 1)}`;
          assert.equal(check(changed), changed === example);
        }),
      );
    });
  }
});
