import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatUsd, parseUsd } from './usd.ts';

describe('dollars as text', () => {
  it('writes nano-dollars as the shortest exact decimal', () => {
    const cases: readonly (readonly [bigint, string])[] = [
      [0n, '0'],
      [1n, '0.000000001'],
      [150_000_000n, '0.15'],
      [1_000_000_000n, '1'],
      [12_345_678_901n, '12.345678901'],
      [-1_500_000_000n, '-1.5'],
      [2n ** 80n, '1208925819614629.174706176'],
    ];
    for (const [nano, text] of cases) assert.equal(formatUsd(nano), text);
  });

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), (nano) => {
        assert.equal(parseUsd(formatUsd(nano)), nano);
      }),
    );
  });

  it('does not care for zeros that mean nothing', () => {
    assert.equal(parseUsd('0001.5000000000'), 1_500_000_000n);
    assert.equal(parseUsd('0'), 0n);
    assert.equal(parseUsd('999999999.999999999'), 10n ** 18n - 1n);
  });

  it('refuses what is not a plain decimal, or would lose a digit', () => {
    const bad = [
      '',
      '-1',
      '+1',
      '1e3',
      '1E400',
      '.5',
      '5.',
      '1,5',
      '0x10',
      ' 1',
      '1 ',
      'NaN',
      'Infinity',
      '１',
      '1.2.3',
    ];
    const long = ['0.0000000001', '1000000000', `1${'0'.repeat(400)}`, '9'.repeat(1_000_000), '1.1234567891'];
    for (const text of [...bad, ...long]) assert.equal(parseUsd(text), undefined, text.slice(0, 30));
  });
});
