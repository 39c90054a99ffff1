import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nearest } from './nearest.ts';

const FIELDS = ['base_url', 'api_key', 'headers', 'models', 'weight', 'host', 'port'];

describe('nearest', () => {
  const cases: readonly [string, string | undefined][] = [
    ['bse_url', 'base_url'],
    ['baseUrl', 'base_url'],
    ['base-url', 'base_url'],
    ['APIKEY', 'api_key'],
    ['api_kye', 'api_key'],
    ['prot', 'port'],
    ['model', 'models'],
    ['temperature', undefined],
    ['x', undefined],
    ['', undefined],
    ['port', undefined],
  ];
  for (const [name, expected] of cases) {
    it(`${JSON.stringify(name)} ${expected === undefined ? 'is near nothing' : `finds ${expected}`}`, () => {
      assert.equal(nearest(name, FIELDS), expected);
    });
  }

  it('finds every name again after one letter of it was lost', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{4,20}$/), fc.nat(), (word, at) => {
        const index = at % word.length;
        const slipped = word.slice(0, index) + word.slice(index + 1);
        assert.equal(nearest(slipped, [word]), word);
      }),
    );
  });

  it('takes no time over names of a megabyte', () => {
    const long = 'a'.repeat(1024 * 1024);
    assert.equal(nearest(long, [long + 'b']), undefined);
    assert.equal(nearest('port', [long, 'prot']), 'prot');
  });
});
