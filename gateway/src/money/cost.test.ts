import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Usage } from '../chat/usage.ts';
import { costOf, worstCase } from './cost.ts';
import type { Price } from './price.ts';
import { parseUsd } from './usd.ts';

function usd(text: string): bigint {
  const nano = parseUsd(text);
  assert.ok(nano !== undefined);
  return nano;
}

/** Claude-like: $3 in, $15 out, cache reads a tenth, writes 1.25 and 2 times; dearer above 200,000 tokens. */
const PRICE: Price = {
  input: usd('3'),
  output: usd('15'),
  cacheRead: usd('0.3'),
  cacheWrite: usd('3.75'),
  cacheWrite1h: usd('6'),
  tiers: [{ aboveContextTokens: 200_000, input: usd('6'), output: usd('22.5') }],
};

const rate = fc.bigInt({ min: 0n, max: 10n ** 14n });
const ratesArbitrary = {
  input: rate,
  output: rate,
  cacheRead: rate,
  cacheWrite: rate,
  cacheWrite1h: rate,
  reasoning: rate,
  inputAudio: rate,
  outputAudio: rate,
};
const tierArbitrary = fc.record(
  { aboveContextTokens: fc.nat(3_000_000), ...ratesArbitrary },
  { requiredKeys: ['aboveContextTokens'] },
);
const priceArbitrary: fc.Arbitrary<Price> = fc
  .record(
    { ...ratesArbitrary, request: rate, tiers: fc.array(tierArbitrary, { maxLength: 3 }) },
    { requiredKeys: ['input', 'output'] },
  )
  .map((price) =>
    price.tiers === undefined
      ? price
      : { ...price, tiers: price.tiers.toSorted((a, b) => a.aboveContextTokens - b.aboveContextTokens) },
  );
const count = fc.oneof(fc.nat(50), fc.nat(4_000_000), fc.nat(Number.MAX_SAFE_INTEGER));
const usageArbitrary: fc.Arbitrary<Usage> = fc.record(
  {
    inputTokens: count,
    cachedInputTokens: count,
    cacheWriteTokens: count,
    cacheWrite1hTokens: count,
    inputAudioTokens: count,
    outputTokens: count,
    reasoningTokens: count,
    outputAudioTokens: count,
  },
  { requiredKeys: ['inputTokens', 'outputTokens'] },
);

describe('the cost of an attempt', () => {
  it('bills each token in one class only', () => {
    const usage = {
      inputTokens: 1000,
      cachedInputTokens: 600,
      cacheWriteTokens: 300,
      cacheWrite1hTokens: 100,
      outputTokens: 10,
    };
    const cost = costOf(PRICE, usage);
    assert.deepEqual(
      cost?.lines.map((line) => [line.class, line.count, line.nanoUsd]),
      [
        ['input', 100, 300_000n],
        ['cache_read', 600, 180_000n],
        ['cache_write', 200, 750_000n],
        ['cache_write_1h', 100, 600_000n],
        ['output', 10, 150_000n],
      ],
    );
    assert.equal(cost?.totalNanoUsd, 1_980_000n);
  });

  it('takes reasoning as plain output unless it is priced apart', () => {
    const usage = { inputTokens: 0, outputTokens: 100, reasoningTokens: 80 };
    assert.equal(costOf({ input: 0n, output: usd('10') }, usage)?.totalNanoUsd, 1_000_000n);
    assert.equal(costOf({ input: 0n, output: usd('10'), reasoning: usd('5') }, usage)?.totalNanoUsd, 600_000n);
  });

  it('takes sound as plain tokens unless it is priced apart', () => {
    const usage = { inputTokens: 100, inputAudioTokens: 50, outputTokens: 100, outputAudioTokens: 50 };
    assert.equal(costOf({ input: usd('1'), output: usd('2') }, usage)?.totalNanoUsd, 300_000n);
    const price = { input: usd('1'), output: usd('2'), inputAudio: usd('10'), outputAudio: usd('20') };
    assert.equal(costOf(price, usage)?.totalNanoUsd, 1_650_000n);
  });

  it('changes to a tier when the input is longer than its mark, not at it', () => {
    assert.equal(costOf(PRICE, { inputTokens: 200_000, outputTokens: 1000 })?.totalNanoUsd, usd('0.615'));
    assert.equal(costOf(PRICE, { inputTokens: 200_001, outputTokens: 1000 })?.totalNanoUsd, usd('1.222506'));
  });

  it('counts cached and written tokens towards the tier', () => {
    const usage = { inputTokens: 250_000, cachedInputTokens: 249_000, outputTokens: 0 };
    assert.equal(costOf(PRICE, usage)?.totalNanoUsd, usd('0.0807'));
  });

  it('adds the price of the request', () => {
    const cost = costOf({ ...PRICE, request: usd('0.01') }, { inputTokens: 0, outputTokens: 0 });
    assert.equal(cost?.totalNanoUsd, usd('0.01'));
    assert.equal(costOf({ request: usd('0.04') }, {})?.totalNanoUsd, usd('0.04'));
  });

  it('of several calls has the price of each request, and the tier that the input of one reaches', () => {
    const price = { ...PRICE, request: usd('0.01') };
    const one = { inputTokens: 150_000, outputTokens: 1000 };
    const four = { calls: 4, inputTokens: 600_000, outputTokens: 4000 };
    assert.equal(costOf(price, four)?.totalNanoUsd, 4n * (costOf(price, one)?.totalNanoUsd ?? 0n));
    assert.equal(costOf(price, { ...four, inputTokens: 800_001 })?.lines[0]?.rate, usd('6'));
    assert.ok((costOf(price, four)?.totalNanoUsd ?? 0n) <= (worstCase(price, four) ?? 0n));
  });

  it('rounds once, half up, to a nano-dollar', () => {
    assert.equal(costOf({ input: 1n, output: 1n }, { inputTokens: 499_999 })?.totalNanoUsd, 0n);
    assert.equal(costOf({ input: 1n, output: 1n }, { inputTokens: 500_000 })?.totalNanoUsd, 1n);
    const both = costOf({ input: 1n, output: 1n }, { inputTokens: 400_000, outputTokens: 400_000 });
    assert.equal(both?.totalNanoUsd, 1n);
    assert.deepEqual(
      both?.lines.map((line) => line.nanoUsd),
      [0n, 1n],
    );
  });

  it('is unknown, not zero, where a price that matters is missing', () => {
    assert.equal(costOf({}, { inputTokens: 1, outputTokens: 1 }), undefined);
    assert.equal(costOf({}, { inputTokens: 0, outputTokens: 0 }), undefined);
    assert.equal(costOf({ input: 1n }, { inputTokens: 1, outputTokens: 1 }), undefined);
    assert.equal(costOf({ output: 1n }, { inputTokens: 1, outputTokens: 1 }), undefined);
    assert.equal(costOf({ cacheRead: 1n }, { inputTokens: 1, cachedInputTokens: 1 }), undefined);
    assert.equal(costOf(PRICE, {}), undefined);
  });

  it('is known where the missing price was not needed', () => {
    assert.equal(costOf({ input: usd('1') }, { inputTokens: 5, outputTokens: 0 })?.totalNanoUsd, 5_000n);
    assert.equal(costOf({ input: usd('1') }, { inputTokens: 5 })?.totalNanoUsd, 5_000n);
    assert.equal(costOf({ input: 0n, output: 0n }, { inputTokens: 5, outputTokens: 5 })?.totalNanoUsd, 0n);
  });

  it('is unknown where a count or a price is nonsense', () => {
    for (const inputTokens of [-1, Number.NaN, 1.5, Infinity, 1e17])
      assert.equal(costOf(PRICE, { inputTokens }), undefined);
    assert.equal(costOf({ input: -1n, output: 1n }, { inputTokens: 1 }), undefined);
    assert.equal(costOf({ input: 1n, output: 1n, request: -1n }, { inputTokens: 1 }), undefined);
    assert.equal(worstCase({ input: -1n, output: 1n }, { inputTokens: 1, outputTokens: 1 }), undefined);
  });

  it('stays exact where tokens times price is far over 2^53', () => {
    const cost = costOf({ input: 10n ** 14n + 1n, output: 0n }, { inputTokens: Number.MAX_SAFE_INTEGER });
    assert.equal(cost?.totalNanoUsd, ((10n ** 14n + 1n) * 9007199254740991n + 500_000n) / 1_000_000n);
  });

  it('is never negative, its lines sum to it, and their tokens to the usage', () => {
    fc.assert(
      fc.property(priceArbitrary, usageArbitrary, (price, usage) => {
        const cost = costOf(price, usage);
        assert.ok(cost !== undefined);
        assert.ok(cost.lines.every((line) => line.nanoUsd >= 0n && line.count >= 0));
        assert.equal(
          cost.lines.reduce((sum, line) => sum + line.nanoUsd, 0n),
          cost.totalNanoUsd,
        );
        const tokens = cost.lines
          .filter((line) => line.class !== 'request')
          .reduce((sum, line) => sum + BigInt(line.count), 0n);
        assert.equal(tokens, BigInt(usage.inputTokens ?? 0) + BigInt(usage.outputTokens ?? 0));
      }),
    );
  });

  it('is the exact rational sum of its lines, rounded half up', () => {
    fc.assert(
      fc.property(priceArbitrary, usageArbitrary, (price, usage) => {
        const cost = costOf(price, usage);
        let millionths = 0n;
        for (const line of cost?.lines ?? [])
          millionths += BigInt(line.count) * line.rate * (line.class === 'request' ? 1_000_000n : 1n);
        const remainder = millionths % 1_000_000n;
        assert.equal(cost?.totalNanoUsd, millionths / 1_000_000n + (remainder >= 500_000n ? 1n : 0n));
      }),
    );
  });

  it('grows with plain tokens, inside a tier', () => {
    const flat = fc.record({ ...ratesArbitrary, request: rate }, { requiredKeys: ['input', 'output'] });
    const classes = fc.record({ inputTokens: fc.nat(10 ** 9), outputTokens: fc.nat(10 ** 9) });
    fc.assert(
      fc.property(flat, classes, fc.nat(10 ** 6), fc.nat(10 ** 6), (price, usage, moreIn, moreOut) => {
        const more = { inputTokens: usage.inputTokens + moreIn, outputTokens: usage.outputTokens + moreOut };
        assert.ok((costOf(price, more)?.totalNanoUsd ?? -1n) >= (costOf(price, usage)?.totalNanoUsd ?? 0n));
      }),
    );
  });

  it('grows with every rate that it uses', () => {
    const names = [
      'input',
      'output',
      'cacheRead',
      'cacheWrite',
      'cacheWrite1h',
      'reasoning',
      'inputAudio',
      'outputAudio',
    ] as const;
    const all = fc.record({ ...ratesArbitrary, request: rate });
    fc.assert(
      fc.property(all, usageArbitrary, fc.constantFrom(...names), rate, (price, usage, name, more) => {
        const dearer = costOf({ ...price, [name]: price[name] + more }, usage);
        assert.ok((dearer?.totalNanoUsd ?? -1n) >= (costOf(price, usage)?.totalNanoUsd ?? 0n));
      }),
    );
  });

  it('is never above the worst case of as many tokens', () => {
    fc.assert(
      fc.property(priceArbitrary, usageArbitrary, fc.nat(1000), fc.nat(1000), (price, usage, spareIn, spareOut) => {
        const inputMax = Math.min((usage.inputTokens ?? 0) + spareIn, Number.MAX_SAFE_INTEGER);
        const outputMax = Math.min((usage.outputTokens ?? 0) + spareOut, Number.MAX_SAFE_INTEGER);
        const worst = worstCase(price, { inputTokens: inputMax, outputTokens: outputMax });
        assert.ok(worst !== undefined && worst >= (costOf(price, usage)?.totalNanoUsd ?? 0n));
      }),
    );
  });

  it('bills pieces exactly, and what has no price of its own with them', () => {
    const speech: Price = { units: { character: 15_000n } };
    assert.equal(costOf(speech, { units: { characters: 1234 } })?.totalNanoUsd, 18_510_000n);
    const whisper: Price = { units: { second: 100_000n } };
    // The tokens of a transcript that is sold by the second are paid with the seconds.
    assert.equal(
      costOf(whisper, { inputTokens: 50, outputTokens: 9, units: { seconds: 61 } })?.totalNanoUsd,
      6_100_000n,
    );
    assert.deepEqual(costOf({ ...whisper, input: usd('1'), request: 7n }, { inputTokens: 3, units: { seconds: 2 } }), {
      totalNanoUsd: 203_007n,
      lines: [
        { class: 'input', count: 3, rate: usd('1'), nanoUsd: 3000n },
        { class: 'second', count: 2, rate: 100_000n, nanoUsd: 200_000n },
        { class: 'request', count: 1, rate: 7n, nanoUsd: 7n },
      ],
    });
  });

  it('does not know what pieces cost that have no price, where tokens have none either', () => {
    assert.equal(costOf({ units: { search: 1n } }, { units: { images: 2 } }), undefined);
    assert.equal(costOf({ units: { image: 1n } }, { inputTokens: 2, outputTokens: 0 }), undefined);
    assert.equal(costOf({ units: { image: -1n } }, { units: { images: 2 } }), undefined);
    // Pictures of a model that is sold by tokens are paid with the tokens.
    const tokens = { inputTokens: 1_000_000, outputTokens: 0, units: { images: 2 } };
    assert.equal(costOf({ input: 5n }, tokens)?.totalNanoUsd, 5n);
  });

  it('holds the worst case of pieces', () => {
    const most = { inputTokens: 9, outputTokens: 9, units: { images: 4 } };
    assert.equal(worstCase({ units: { image: usd('0.04') } }, most), usd('0.16'));
    assert.equal(worstCase({ units: { second: 1n } }, most), undefined);
    assert.equal(worstCase({ input: 1n, units: { image: -1n } }, most), undefined);
  });

  it('has no worst case where a price is missing', () => {
    assert.equal(worstCase({}, { inputTokens: 1, outputTokens: 1 }), undefined);
    assert.equal(worstCase({ input: 1n }, { inputTokens: 1, outputTokens: 1 }), undefined);
    assert.equal(worstCase({ input: usd('1') }, { inputTokens: 10, outputTokens: 0 }), 10_000n);
    assert.equal(worstCase(PRICE, { inputTokens: 300_000, outputTokens: 100 }), usd('1.80225'));
  });
});
