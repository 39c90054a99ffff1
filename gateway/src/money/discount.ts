/** The price of work that may wait: a part of the plain price of tokens. */
import type { Price, Rates } from './price.ts';

const RATES = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'cacheWrite1h',
  'reasoning',
  'inputAudio',
  'outputAudio',
] as const satisfies readonly (keyof Rates)[];

/** `percent` hundredths of every rate of tokens, rounded up; unknown stays unknown, and what is sold by the piece keeps its price. */
export function discounted(price: Price, percent: bigint): Price {
  const { tiers } = price;
  const whole = { ...price, ...cut(price, percent) };
  return tiers === undefined ? whole : { ...whole, tiers: tiers.map((tier) => ({ ...tier, ...cut(tier, percent) })) };
}

function cut(rates: Rates, percent: bigint): Rates {
  return Object.fromEntries(
    RATES.flatMap((name) => {
      const rate = rates[name];
      return rate === undefined ? [] : [[name, (rate * percent + 99n) / 100n]];
    }),
  );
}
