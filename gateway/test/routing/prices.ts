/** Prices of models, written as price lists write them: dollars a million tokens. */
import type { Price, PriceTier } from '../../src/money/price.ts';

export interface Listed {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

const nano = (usd: number): bigint => BigInt(Math.round(usd * 1e9));

export function priced(listed: Listed, tier?: Listed & { readonly above: number }): Price {
  const tiers: readonly PriceTier[] = tier === undefined ? [] : [{ ...ratesOf(tier), aboveContextTokens: tier.above }];
  return { ...ratesOf(listed), ...(tiers.length === 0 ? {} : { tiers }) };
}

function ratesOf({ input, output, cacheRead, cacheWrite }: Listed): Price {
  return {
    input: nano(input),
    output: nano(output),
    ...(cacheRead === undefined ? {} : { cacheRead: nano(cacheRead) }),
    ...(cacheWrite === undefined ? {} : { cacheWrite: nano(cacheWrite) }),
  };
}
