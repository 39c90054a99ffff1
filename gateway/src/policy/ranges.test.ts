import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RangeEntry, Ranges } from './ranges.ts';
import { RANGES_MAX, compileRanges } from './ranges.ts';

function compiled(entries: readonly RangeEntry[]): Ranges {
  const result = compileRanges(entries);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

function entries(...pairs: readonly (readonly [string, string])[]): readonly RangeEntry[] {
  return pairs.map(([range, region]) => ({ range, region }));
}

describe('ranges of addresses', () => {
  const ranges = compiled(
    entries(
      ['10.0.0.0/8', 'us'],
      ['10.1.2.0/24', 'de'],
      ['10.1.0.0/16', 'eu'],
      ['192.0.2.7', 'fr'],
      ['2001:db8::/32', 'apac'],
      ['2001:db8:1::/48', 'jp'],
      ['::1/128', 'uk'],
    ),
  );
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['10.9.9.9', 'us'],
    ['10.1.9.9', 'eu'],
    ['10.1.2.3', 'de'],
    ['10.1.3.0', 'eu'],
    ['10.2.0.0', 'us'],
    ['10.255.255.255', 'us'],
    ['11.0.0.0', undefined],
    ['9.255.255.255', undefined],
    ['192.0.2.7', 'fr'],
    ['192.0.2.8', undefined],
    ['::ffff:10.1.2.3', 'de'],
    ['::FFFF:0a01:0203', 'de'],
    ['2001:db8::1', 'apac'],
    ['2001:db8:1::1', 'jp'],
    ['2001:0db8:0001:ffff:ffff:ffff:ffff:ffff', 'jp'],
    ['2001:db8:2::', 'apac'],
    ['2001:db9::', undefined],
    ['::1', 'uk'],
    ['::1%lo0', 'uk'],
    ['::', undefined],
    ['', undefined],
    ['10.1.2', undefined],
    ['10.01.2.3', undefined],
    ['10.1.2.256', undefined],
    ['10.1.2.3:80', undefined],
    ['1:2:3:4:5:6:7', undefined],
    ['1:2:3:4:5:6:7:8:9', undefined],
    ['1::2::3', undefined],
    [':::', undefined],
    ['10.1.2.3::', undefined],
    ['unknown', undefined],
    ['1'.repeat(1_000_000), undefined],
  ];
  for (const [address, region] of cases) {
    it(`finds ${region ?? 'nothing'} for ${address.slice(0, 40)}`, () =>
      assert.equal(ranges.regionOf(address), region));
  }

  it('refuses what is no range, and says which one and why', () => {
    for (const [range, message] of [
      ['10.1.2.3/8', /Write `10.0.0.0\/8`/],
      ['2001:db8::1/32', /Write `2001:db8::\/32`/],
      ['10.0.0.0/33', /between 0 and 32/],
      ['::/129', /between 0 and 128/],
      ['10.0.0.0/', /between 0 and 32/],
      ['10.0.0.0/8/8', /no range/],
      ['10.0.0', /no range/],
      ['fe80::1%eth0', /no range/],
      ['office', /no range/],
    ] as const) {
      const result = compileRanges(entries(['10.0.0.0/8', 'us'], [range, 'eu']));
      assert.ok(!result.ok, range);
      assert.equal(result.error.index, 1);
      assert.match(result.error.message, message);
    }
  });

  it('refuses one range for two regions, and more than it holds', () => {
    const twice = compileRanges(entries(['10.0.0.0/8', 'us'], ['10.0.0.0/8', 'eu']));
    assert.match(twice.ok ? '' : twice.error.message, /has `us` already/);
    const many = Array.from({ length: RANGES_MAX + 1 }, () => ({ range: '10.0.0.0/8', region: 'us' }));
    assert.ok(!compileRanges(many).ok);
  });
});

const anyFour = fc.tuple(fc.nat(3), fc.nat(3), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'));
const anyRange = fc.tuple(anyFour, fc.integer({ min: 0, max: 32 })).map(([address, length]) => {
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const first = length === 0 ? 0 : value - (value % 2 ** (32 - length));
  return {
    first,
    length,
    range: `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${length}`,
  };
});

describe('any ranges', () => {
  it('give the region of the longest prefix, as a walk over all of them does', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyRange, { maxLength: 20, selector: (each) => each.range }),
        fc.array(anyFour),
        (many, addresses) => {
          const built = compiled(many.map(({ range }) => ({ range, region: range })));
          for (const address of addresses) {
            const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
            const holding = many.filter(({ first, length }) => value >= first && value < first + 2 ** (32 - length));
            const narrowest = holding.toSorted((a, b) => b.length - a.length)[0]?.range;
            assert.equal(built.regionOf(address), narrowest);
            assert.equal(built.regionOf(`::ffff:${address}`), narrowest);
          }
        },
      ),
    );
  });

  it('know the same texts as addresses as Node does', () => {
    const all = compiled(entries(['::/0', 'all']));
    const part = fc.constantFrom(':', '::', '0', '1', 'ffff', '10000', 'g', '1.2.3.4', '255', '.', '01', '');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        assert.equal(all.regionOf(text) !== undefined, isIP(text) !== 0, text);
      }),
      { numRuns: 5000 },
    );
    fc.assert(fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (text) => all.regionOf(text) === 'all'));
  });
});
